use fauxtp::prelude::*;

struct Counter(i64);

#[gen_server]
impl GenServer for Counter {
    fn init() -> Self {
        Self(0)
    }
}

fn main() {}
