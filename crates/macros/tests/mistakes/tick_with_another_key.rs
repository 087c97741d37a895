use fauxtp::prelude::*;

struct Counter(i64);

#[gen_server]
impl Counter {
    fn init(n: i64) -> Self {
        Self(n)
    }
    #[tick(after = Duration::from_secs(1))]
    fn refresh(&mut self) {}
}

fn main() {}
