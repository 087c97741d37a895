//! The counter that survives: the program that the book compares with those of others.
use fauxtp::prelude::*;

struct Counter(i64);

#[gen_server]
impl Counter {
    fn init(n: i64) -> Self {
        Counter(n)
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

    #[cast]
    fn reset(&mut self) {
        self.0 = 0;
    }

    #[cast]
    fn crash(&self) {
        panic!("boom");
    }
}

static COUNTER: Name<Counter> = Name::new("counter");

#[tokio::main]
async fn main() -> Result {
    let _sup = Supervisor::new([Counter::spec(0).name(&COUNTER)])
        .strategy(RestartStrategy::OneForOne)
        .intensity(3, Duration::from_secs(5))
        .start()
        .await?;
    COUNTER.reset();
    assert_eq!(COUNTER.add(5).await?, 5);
    COUNTER.crash();
    COUNTER.await_restart().await?;
    assert_eq!(COUNTER.get().await?, 0);
    Ok(())
}
