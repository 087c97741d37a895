use fauxtp::prelude::*;

struct Counter(i64);

#[gen_server]
impl Counter {
    fn init(n: i64) -> Self {
        Self(n)
    }
    #[cast]
    pub(crate) fn add(&mut self) {}
    #[cast]
    pub(super) fn remove(&mut self) {}
}

fn main() {}
