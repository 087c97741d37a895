use fauxtp::prelude::*;

struct Counter(i64);

#[gen_server]
impl Counter {
    fn init(n: i64) -> Self {
        Self(n)
    }
    #[call]
    fn greet(&self, name: &str, list: &[u8], option: Option<&String>) -> i64 {
        self.0
    }
}

fn main() {}
