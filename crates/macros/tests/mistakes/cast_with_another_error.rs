use fauxtp::prelude::*;

struct Counter(i64);

#[gen_server]
impl Counter {
    fn init(n: i64) -> Self {
        Self(n)
    }
    #[cast]
    fn load(&mut self) -> Result<(), String> {
        Ok(())
    }
}

fn main() {}
