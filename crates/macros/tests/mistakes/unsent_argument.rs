use fauxtp::prelude::*;

struct Counter(i64);

#[gen_server]
impl Counter {
    fn init(n: i64) -> Self {
        Self(n)
    }
    #[cast]
    fn keep(&mut self, n: std::rc::Rc<i64>) {}
}

fn main() {}
