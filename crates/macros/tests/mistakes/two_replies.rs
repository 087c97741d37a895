use fauxtp::prelude::*;

struct Counter(i64);

#[gen_server]
impl Counter {
    fn init(n: i64) -> Self {
        Self(n)
    }
    #[call]
    fn get(&self, from: Reply<i64>, other: Reply<i64>) {}
}

fn main() {}
