use fauxtp::prelude::*;

struct Counter(i64);

#[gen_server]
impl Counter {
    fn init(n: i64) -> Self {
        Self(n)
    }
    #[tick(every = self.period)]
    fn refresh(&mut self) {}
}

fn main() {}
