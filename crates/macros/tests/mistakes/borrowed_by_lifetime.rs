use fauxtp::prelude::*;

struct Counter(i64);

#[gen_server]
impl Counter {
    fn init(n: i64) -> Self {
        Self(n)
    }
    #[cast]
    fn keep(&mut self, text: std::borrow::Cow<'_, str>) {}
}

fn main() {}
