use fauxtp::prelude::*;

struct Counter(i64);

#[gen_server]
impl Counter {
    fn init(n: i64) -> Self {
        Self(n)
    }
    #[call(fast)]
    fn get(&self) -> i64 {
        self.0
    }
}

fn main() {}
