use fauxtp::prelude::*;

struct Counter(i64);

#[gen_server]
impl Counter {
    fn init(n: i64) -> Self {
        Self(n)
    }
    #[cast]
    fn get(&self, from: Reply<i64>) {
        from.send(self.0);
    }
}

fn main() {}
