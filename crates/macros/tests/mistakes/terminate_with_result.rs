use fauxtp::prelude::*;

struct Counter(i64);

#[gen_server]
impl Counter {
    fn init(n: i64) -> Self {
        Self(n)
    }
    fn terminate(&mut self, reason: &ExitReason) -> Result {
        Ok(())
    }
}

fn main() {}
