use fauxtp::prelude::*;

struct Counter(i64);

#[gen_server]
impl Counter {
    fn init(n: i64) -> Self {
        Self(n)
    }
    #[down]
    fn gone(&mut self, down: fauxtp::Down) {}
    #[down]
    fn lost(&mut self, down: fauxtp::Down) {}
}

fn main() {}
