use fauxtp::prelude::*;

struct Counter(i64);

#[gen_server]
impl Counter {
    fn init(n: i64) -> Self {
        Self(n)
    }
    #[cast]
    fn set(&mut self, n: impl Into<i64>) {
        self.0 = n.into();
    }
}

fn main() {}
