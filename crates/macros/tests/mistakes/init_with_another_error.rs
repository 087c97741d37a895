use fauxtp::prelude::*;

struct Counter(i64);

#[gen_server]
impl Counter {
    fn init(n: i64) -> Result<Self, String> {
        Ok(Self(n))
    }
}

fn main() {}
