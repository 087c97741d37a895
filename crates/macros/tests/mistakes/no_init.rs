use fauxtp::prelude::*;

struct Counter(i64);

#[gen_server]
impl Counter {
    #[call]
    fn get(&self) -> i64 {
        self.0
    }
}

fn main() {}
