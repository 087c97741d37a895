use fauxtp::prelude::*;

struct Counter(i64);

#[gen_server]
impl Counter {
    fn init(n: i64) -> Option<Self> {
        Some(Self(n))
    }
}

fn main() {}
