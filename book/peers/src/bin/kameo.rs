//! The counter that survives, with kameo.
use std::time::Duration;

use kameo::error::Infallible;
use kameo::prelude::*;
use kameo::supervision::{RestartPolicy, SupervisionStrategy};

struct Counter(i64);

impl Actor for Counter {
    type Args = i64;
    type Error = Infallible;

    async fn on_start(n: i64, _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(Counter(n))
    }
}

#[messages]
impl Counter {
    #[message]
    fn add(&mut self, k: i64) -> i64 {
        self.0 += k;
        self.0
    }

    #[message]
    fn get(&self) -> i64 {
        self.0
    }

    #[message]
    fn reset(&mut self) {
        self.0 = 0;
    }

    #[message]
    fn crash(&self) {
        panic!("boom");
    }
}

struct Supervisor {
    counter: ActorRef<Counter>,
}

impl Actor for Supervisor {
    type Args = ();
    type Error = Infallible;

    fn supervision_strategy() -> SupervisionStrategy {
        SupervisionStrategy::OneForOne
    }

    async fn on_start((): (), me: ActorRef<Self>) -> Result<Self, Infallible> {
        let counter = Counter::supervise(&me, 0)
            .restart_policy(RestartPolicy::Transient)
            .restart_limit(3, Duration::from_secs(5))
            .spawn()
            .await;
        Ok(Supervisor { counter })
    }
}

#[messages]
impl Supervisor {
    #[message]
    fn get_counter(&self) -> ActorRef<Counter> {
        self.counter.clone()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sup = Supervisor::spawn(());
    let counter = sup.ask(GetCounter).await?;
    counter.tell(Reset).await?;
    assert_eq!(counter.ask(Add { k: 5 }).await?, 5);
    counter.tell(Crash).await?;
    assert_eq!(counter.ask(Get).await?, 0);
    Ok(())
}
