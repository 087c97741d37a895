//! A counter that survives: it crashes, its supervisor starts another one, and its name means that one.

#![allow(clippy::print_stdout, reason = "this program shows what happens")]

use fauxtp::prelude::*;

struct Counter(i64);

#[gen_server]
impl Counter {
    fn init(start: i64) -> Self {
        Self(start)
    }

    #[call]
    fn add(&mut self, k: i64) -> i64 {
        self.0 += k;
        self.0
    }

    #[call]
    fn get(&self) -> i64 {
        self.0
    }

    /// Nobody has thought of zero.
    #[call]
    fn divide(&mut self, by: i64) -> i64 {
        self.0 /= by;
        self.0
    }

    #[cast]
    fn crash(&self) {
        panic!("boom");
    }
}

static COUNTER: Name<Counter> = Name::new("counter");

#[tokio::main]
async fn main() -> Result {
    let sup = Supervisor::new([Counter::spec(10).name(&COUNTER)])
        .strategy(RestartStrategy::OneForOne)
        .intensity(3, Duration::from_secs(5))
        .start()
        .await?;
    println!("it adds: {}", COUNTER.add(5).await?);

    // The call ends at once, with the reason: nobody waits for an answer that cannot come.
    let Err(CallError::Exited(reason)) = COUNTER.divide(0).await else { panic!("10 / 0?") };
    println!("divided by 0: {reason}");
    COUNTER.await_restart().await?;
    println!("it starts again: {}", COUNTER.get().await?);

    // A cast tells nothing; who wants to go on with the next counter says so.
    assert_eq!(COUNTER.add(1).await?, 11);
    COUNTER.crash();
    COUNTER.await_restart().await?;
    assert_eq!(COUNTER.get().await?, 10);
    println!("and again: {}", COUNTER.get().await?);

    sup.stop().await?;
    assert!(COUNTER.whereis().is_none());
    println!("stopped");
    Ok(())
}
