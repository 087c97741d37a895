//! Raw processes that do what they are told, and both kinds of runtime.

#![allow(unreachable_pub, reason = "shared by several test files")]
#![allow(dead_code, reason = "not every test file uses everything")]

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use fauxtp::process::{self, PidExt, Received};
use fauxtp::{Address, ExitReason, Pid};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

/// Something a process does.
#[allow(clippy::type_complexity, reason = "an alias would refer to itself")]
pub struct Job(Box<dyn FnOnce(&mut process::Context<Self>) + Send>);

impl Job {
    pub fn new(work: impl FnOnce(&mut process::Context<Self>) + Send + 'static) -> Self {
        Self(Box::new(work))
    }
}

pub type Actor = Address<Job>;

/// A process that does one job after the other until it is ended.
pub fn actor() -> Actor {
    process::spawn(async |mut ctx: process::Context<Job>| {
        while let Received::Message(Job(work)) = ctx.recv().await {
            work(&mut ctx);
        }
    })
    .expect("there is a runtime")
}

/// Has the process do something, and tells what came of it.
pub async fn act<T: Send + 'static>(
    actor: &Actor,
    work: impl FnOnce(&mut process::Context<Job>) -> T + Send + 'static,
) -> T {
    begin(actor, work).await.expect("it lives long enough")
}

/// Has the process do something, without waiting.
pub fn begin<T: Send + 'static>(
    actor: &Actor,
    work: impl FnOnce(&mut process::Context<Job>) -> T + Send + 'static,
) -> oneshot::Receiver<T> {
    let (tell, told) = oneshot::channel();
    actor.send(Job::new(move |ctx| {
        let _nobody_listens = tell.send(work(ctx));
    }));
    told
}

/// Kills a process and waits until it is gone.
pub async fn end(pid: impl Into<Pid>) -> ExitReason {
    let pid = pid.into();
    let join = watch(pid);
    pid.kill();
    join.await
}

/// Watches a process from now on; the future tells its reason.
pub fn watch(pid: impl Into<Pid>) -> Pin<Box<dyn Future<Output = ExitReason> + Send>> {
    let pid = pid.into();
    let mut join = Box::pin(process::join(pid));
    match join.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(reason) => Box::pin(async { reason }),
        Poll::Pending => join,
    }
}

/// Runs a test so many times, on one thread and on two.
pub fn everywhere<F: Future<Output = ()>>(rounds: usize, test: impl Fn(usize) -> F) {
    for runtime in [current_thread(), multi_thread()] {
        runtime.block_on(async {
            for round in 0..rounds {
                soon(test(round)).await;
            }
        });
    }
}

/// Fails instead of hanging.
pub async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("no hang")
}

pub fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

pub fn multi_thread() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

/// Checks what somebody reads who prints an error and its causes.
pub fn check_words(rows: &[(&dyn std::error::Error, &str)]) {
    for (error, words) in rows {
        let causes = std::iter::successors(Some(*error), |error| error.source());
        let read: Vec<String> = causes.map(ToString::to_string).collect();
        assert_eq!(read.join(": "), *words, "{error:?}");
    }
}

/// Blocks the thread that drops it until it is released.
pub struct Stubborn(Option<std::sync::mpsc::Receiver<()>>);

/// A value whose destructor waits for the sender to be dropped.
pub fn stubborn() -> (Stubborn, std::sync::mpsc::Sender<()>) {
    let (release, released) = std::sync::mpsc::channel();
    (Stubborn(Some(released)), release)
}

impl Drop for Stubborn {
    fn drop(&mut self) {
        if let Some(released) = self.0.take() {
            let _the_sender_is_dropped = released.recv();
        }
    }
}
