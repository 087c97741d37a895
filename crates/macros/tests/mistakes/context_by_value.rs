use fauxtp::prelude::*;

struct Counter(i64);

#[gen_server]
impl Counter {
    fn init(n: i64) -> Self {
        Self(n)
    }
    #[cast]
    fn quit(&mut self, mut ctx: Context<Self>) {
        ctx.stop(ExitReason::Normal);
    }
}

fn main() {}
