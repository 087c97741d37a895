use fauxtp::prelude::*;

struct Counter(i64);

#[gen_server]
impl Counter {
    fn init(n: i64) -> Self {
        Self(n)
    }
    #[cast]
    unsafe fn poke(&mut self) {}
    #[cast]
    extern "C" fn poke_c(&mut self) {}
    #[call]
    const fn get(&self) -> i64 {
        self.0
    }
}

fn main() {}
