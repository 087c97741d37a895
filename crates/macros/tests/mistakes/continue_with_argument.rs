use fauxtp::prelude::*;

struct Counter(i64);

#[gen_server]
impl Counter {
    fn init(n: i64) -> Self {
        Self(n)
    }
    #[continue_with]
    fn load(&mut self, path: String) {}
}

fn main() {}
