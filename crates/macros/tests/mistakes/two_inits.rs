use fauxtp::prelude::*;

struct Counter(i64);

#[gen_server]
impl Counter {
    fn init(n: i64) -> Self {
        Self(n)
    }
    #[cfg(unix)]
    fn init() -> Self {
        Self(0)
    }
}

fn main() {}
