use fauxtp::prelude::*;

struct Counter(i64);

#[gen_server]
impl Counter {
    fn init(n: i64) -> Self {
        Self(n)
    }
    #[call]
    fn all(&self) -> impl Iterator<Item = i64> {
        std::iter::once(self.0)
    }
}

fn main() {}
