use fauxtp::prelude::*;

struct Counter(i64);

#[gen_server]
impl Default for Counter {
    fn default() -> Self {
        Counter(0)
    }
}

fn main() {}
