//! A pool of workers below a dynamic supervisor: there are so many and no more, and one is killed at work.

#![allow(clippy::print_stdout, reason = "this program shows what happens")]

use fauxtp::prelude::*;
use fauxtp::supervisor::{ManageError, PoolStartError, Restart};
use tokio::sync::Notify;

struct Worker;

#[gen_server]
impl Worker {
    fn init() -> Self {
        Self
    }

    #[call]
    async fn square(&self, n: u32) -> u32 {
        if n == UNLUCKY {
            AT_WORK.notify_one();
            std::future::pending::<()>().await;
        }
        n * n
    }
}

/// The job at which a worker gets stuck.
const UNLUCKY: u32 = 13;
static AT_WORK: Notify = Notify::const_new();

#[tokio::main]
async fn main() -> Result {
    let workers = Registry::start().await?;
    let pool = DynamicSupervisor::new().max_children(3).registry(&workers).start().await?;
    // Killed counts as a failure for a transient child; by default it does not.
    let spec = |n: u32| Worker::spec(()).id(format!("worker-{n}")).restart(Restart::Transient);
    for n in 0..3 {
        pool.start_child(spec(n)).await?;
    }
    match pool.start_child(spec(3)).await {
        Err(ManageError::Refused(refused @ PoolStartError::MaxChildren)) => println!("{refused}"),
        outcome => panic!("a fourth worker: {outcome:?}"),
    }

    // A key of a registry means whoever holds it now, so this is good for as long as the pool.
    let worker = |n: u32| workers.via::<Worker>(format!("worker-{}", n % 3));
    println!("2 * 2 = {}, 4 * 4 = {}", worker(2).square(2).await?, worker(4).square(4).await?);

    // One gets stuck at work. Whoever watches over it kills it, and the caller hears of that at once.
    let stuck = worker(UNLUCKY);
    let before = stuck.await_restart().await?.pid();
    let (outcome, ()) = tokio::join!(stuck.square(UNLUCKY), async {
        AT_WORK.notified().await;
        before.kill();
    });
    assert_eq!(outcome, Err(CallError::Exited(ExitReason::killed())));
    println!("{UNLUCKY} * {UNLUCKY}: the worker was killed");

    // The others did not notice, and there is a new one in its place.
    assert_ne!(stuck.await_restart().await?.pid(), before);
    println!("3 * 3 = {}, 5 * 5 = {}", worker(3).square(3).await?, worker(5).square(5).await?);
    println!("1 * 1 = {}, by the new one", stuck.square(1).await?);
    assert_eq!(pool.count_children().await?.active, 3);
    pool.stop().await?;
    Ok(())
}
