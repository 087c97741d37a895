//! What a library has to be able to do to be measured.

use std::fmt;
use std::future::Future;

use anyhow::{Context as _, Result};
use tokio::sync::{mpsc, oneshot};

use crate::flavor::Flavor;
use crate::workload::Workload;

/// Everything a counter has been told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// How many numbers have arrived.
    pub count: u64,
    /// What they add up to.
    pub sum: u64,
}

impl Total {
    /// Counts a number in.
    pub const fn add(&mut self, n: u64) {
        self.count += 1;
        self.sum += n;
    }
}

/// How a supervised child is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It panics.
    Panic,
    /// It ends with an error, in the way its library has for that.
    Error,
}

/// A way to write actors.
pub trait Subject: Sized + Send + Sync + 'static {
    /// What it is called in tables, in a word.
    const NAME: &'static str;

    /// A running counter: it can be told numbers, and asked for what it has been told.
    type Counter: Clone + Send + Sync + 'static;
    /// Whoever counters are started under as children that come and go.
    type Pool: Pool<Counter = Self::Counter>;
    /// Whoever starts children again that have ended.
    type Shepherd: Shepherd;
    /// Very many names, each of a counter.
    type Names: Names;
    /// Very many actors, each of which knows the next one.
    type Ring: Send + Sync + 'static;
    /// An actor that knows very many others.
    type Hub: Send + Sync + 'static;

    /// Why a workload is nothing for it.
    fn cannot(workload: Workload) -> Option<&'static str> {
        let _ = workload;
        None
    }

    /// Does `work` inside a new runtime, as a task there.
    ///
    /// # Errors
    /// There is no runtime to be had, or the work has panicked.
    fn enter<T: Send + 'static>(
        flavor: Flavor,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T> {
        let runtime = flavor.runtime()?;
        // In a task, as everybody's code is: what `block_on` runs itself is not run by a worker.
        let work = runtime.spawn(work);
        runtime.block_on(work).context("run the workload")
    }

    /// Does `work` beside the caller; `number` says that it is the how manieth of its kind.
    fn beside<T: Send + 'static>(
        number: usize,
        work: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = T> + Send {
        let _ = number;
        let work = tokio::spawn(work);
        async move { work.await.expect("what is measured does not panic") }
    }

    /// Starts a counter.
    fn start() -> impl Future<Output = Self::Counter> + Send;

    /// Tells it a number and forgets it.
    fn add(counter: &Self::Counter, n: u64) -> impl Future<Output = ()> + Send;

    /// Asks for its total.
    fn total(counter: &Self::Counter) -> impl Future<Output = Total> + Send;

    /// Has it wait, and handle nothing, until the gate opens.
    fn hold(
        counter: &Self::Counter,
        gate: oneshot::Receiver<()>,
    ) -> impl Future<Output = ()> + Send;

    /// Ends it; it is gone when this is done.
    fn stop(counter: Self::Counter) -> impl Future<Output = ()> + Send;

    /// Has two actors throw a ball to and fro, and tells how many round trips there were.
    fn ping_pong(round_trips: u64) -> impl Future<Output = u64> + Send;

    /// Starts so many actors, in a ring.
    fn ring(size: usize) -> impl Future<Output = Self::Ring> + Send;

    /// Has a ball go from one to the next so many times, and tells how many hops there were.
    fn go_round(ring: &Self::Ring, hops: u64) -> impl Future<Output = u64> + Send;

    /// Starts an actor, and so many others that it knows.
    fn hub(others: usize) -> impl Future<Output = Self::Hub> + Send;

    /// Has it tell all others something, and wait until each has acknowledged it by a message; so many times. Tells how
    /// many acknowledgements there were.
    fn broadcast(hub: &Self::Hub, rounds: u64) -> impl Future<Output = u64> + Send;

    /// Starts an actor that starts ten others and so on, until there are so many leaves. Each leaf tells its number
    /// to who has started it, everybody else the sum of what he was told; all end then. Gives the sum of all.
    fn tree(leaves: u64) -> impl Future<Output = u64> + Send;
}

/// Whoever counters are started under.
pub trait Pool: Sized + Send + Sync + 'static {
    /// What is started.
    type Counter;

    /// Starts it, without children.
    fn start() -> impl Future<Output = Self> + Send;

    /// Starts a counter as its child.
    fn start_child(&self) -> impl Future<Output = Self::Counter> + Send;

    /// Has it end a child; that is gone when this is done.
    fn stop_child(&self, child: Self::Counter) -> impl Future<Output = ()> + Send;
}

/// Tells that a child has started, or has started again: its number, and what it is reached by.
pub type Arrivals<C> = mpsc::UnboundedSender<(usize, C)>;

/// Whoever starts children again that have ended.
pub trait Shepherd: Sized + Send + Sync + 'static {
    /// A running child.
    type Child: Send + Sync + 'static;

    /// Starts so many children, numbered from 0. Whenever one has started, it tells that itself.
    fn start(
        children: usize,
        ending: Ending,
        arrivals: Arrivals<Self::Child>,
    ) -> impl Future<Output = Self> + Send;

    /// Has a child end in the way that was said at the start.
    fn crash(child: &Self::Child) -> impl Future<Output = ()> + Send;

    /// Ends it and all of its children; they are gone when this is done.
    fn stop(self) -> impl Future<Output = ()> + Send;
}

/// Very many names.
pub trait Names: Sized + Send + Sync + 'static {
    /// Starts so many counters, each under a name of its own.
    fn start(count: usize) -> impl Future<Output = Self> + Send;

    /// Looks a name up, and tells whether it means the counter that was started under it.
    fn find(&self, index: usize) -> impl Future<Output = bool> + Send;
}

/// Stands for what a library does not have.
pub struct Cannot<T>(std::convert::Infallible, std::marker::PhantomData<fn() -> T>);

impl<T> fmt::Debug for Cannot<T> {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {}
    }
}

const NEVER: &str = "nobody asks for what `Subject::cannot` has declined";

impl<C: Send + 'static> Pool for Cannot<C> {
    type Counter = C;

    async fn start() -> Self {
        unreachable!("{NEVER}")
    }

    async fn start_child(&self) -> C {
        match self.0 {}
    }

    async fn stop_child(&self, _: C) {
        match self.0 {}
    }
}

impl Shepherd for Cannot<()> {
    type Child = ();

    async fn start(_: usize, _: Ending, _: Arrivals<()>) -> Self {
        unreachable!("{NEVER}")
    }

    async fn crash((): &()) {}

    async fn stop(self) {
        match self.0 {}
    }
}

impl Names for Cannot<()> {
    async fn start(_: usize) -> Self {
        unreachable!("{NEVER}")
    }

    async fn find(&self, _: usize) -> bool {
        match self.0 {}
    }
}
