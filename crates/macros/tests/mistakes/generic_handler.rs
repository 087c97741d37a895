use fauxtp::prelude::*;

struct Counter(i64);

#[gen_server]
impl Counter {
    fn init(n: i64) -> Self {
        Self(n)
    }
    #[cast]
    fn set<N: Into<i64>>(&mut self, n: N) {
        self.0 = n.into();
    }
}

fn main() {}
