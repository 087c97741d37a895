use fauxtp::prelude::*;

struct Counter(i64);

#[gen_server]
impl Counter {
    #[call]
    fn init(n: i64) -> Self {
        Self(n)
    }
}

fn main() {}
