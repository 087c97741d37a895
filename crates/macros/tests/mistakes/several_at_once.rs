use fauxtp::prelude::*;

struct Counter(i64);

#[gen_server]
impl Counter {
    #[call]
    fn get(&self) -> &i64 {
        &self.0
    }
    #[cast]
    fn reset(self) {}
    #[call]
    fn works(&self) -> i64 {
        self.0
    }
}

fn still_expanded(counter: Address<CounterMessage>) {
    let _call = counter.works();
}

fn main() {}
