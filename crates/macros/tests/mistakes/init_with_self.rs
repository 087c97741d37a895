use fauxtp::prelude::*;

struct Counter(i64);

#[gen_server]
impl Counter {
    fn init(&mut self) -> Self {
        Self(0)
    }
}

fn main() {}
