use fauxtp::prelude::*;

struct Counter(i64);

#[gen_server]
impl Counter {
    fn init(n: i64) -> Self {
        Self(n)
    }
    #[call]
    fn parse(&mut self, text: String) -> Result<i64> {
        Ok(text.parse::<i64>()?)
    }
}

fn main() {}
