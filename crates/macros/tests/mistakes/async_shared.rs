use fauxtp::prelude::*;

use std::cell::Cell;

struct Counter(Cell<i64>);

#[gen_server]
impl Counter {
    fn init() -> Self {
        Self(Cell::new(0))
    }
    #[call]
    async fn get(&self) -> i64 {
        self.0.get()
    }
}

fn main() {}
