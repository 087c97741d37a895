use fauxtp::prelude::*;

struct Counter(i64);

#[gen_server]
impl Counter {
    fn init(n: i64) -> Self {
        Self(n)
    }
    #[cast]
    fn add(&mut self, #[cfg(unix)] k: i64) {}
}

fn main() {}
