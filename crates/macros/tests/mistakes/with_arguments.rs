use fauxtp::prelude::*;

struct Counter(i64);

#[gen_server(name = "counter")]
impl Counter {
    fn init() -> Self {
        Self(0)
    }
}

fn main() {}
