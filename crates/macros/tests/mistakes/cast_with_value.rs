use fauxtp::prelude::*;

struct Counter(i64);

#[gen_server]
impl Counter {
    fn init(n: i64) -> Self {
        Self(n)
    }
    #[cast]
    fn add(&mut self, k: i64) -> i64 {
        self.0 += k;
        self.0
    }
}

fn main() {}
