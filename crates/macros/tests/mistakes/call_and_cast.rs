use fauxtp::prelude::*;

struct Counter(i64);

#[gen_server]
impl Counter {
    fn init(n: i64) -> Self {
        Self(n)
    }
    #[call]
    #[cast]
    fn reset(&mut self) {
        self.0 = 0;
    }
}

fn main() {}
