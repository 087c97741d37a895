use fauxtp::prelude::*;

struct Counter(i64);

#[gen_server]
impl Counter {
    fn init(n: i64) -> Self {
        Self(n)
    }
    #[cast]
    fn send(&mut self) {}
    #[call]
    fn clone(&self) -> i64 {
        self.0
    }
    #[call]
    fn whereis(&self) -> i64 {
        self.0
    }
    #[call]
    fn call(&self) {}
    #[info]
    fn start(&mut self) {}
}

fn main() {}
