use fauxtp::prelude::*;

struct Counter(i64);

#[gen_server]
impl Counter {
    fn init(n: i64) -> Self {
        Self(n)
    }
    #[cast]
    fn add_one(&mut self) {
        self.0 += 1;
    }
    #[cast]
    fn add__one(&mut self) {
        self.0 += 1;
    }
}

fn main() {}
