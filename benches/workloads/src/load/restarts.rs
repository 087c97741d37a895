//! W11, W11e and W11k: children end, and are started again.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tokio::sync::mpsc;

use super::{Load, Timed, long_enough};
use crate::subject::{Ending, Shepherd, Subject};
use crate::workload::Workload;

pub(crate) async fn run<S: Subject>(workload: Workload, time: Duration) -> Result<Timed> {
    let (children, ending) = match workload {
        Workload::Panic => (1, Ending::Panic),
        Workload::ErrorAmongMany => (1_000, Ending::Error),
        _ => (1, Ending::Error),
    };
    long_enough(Flock::<S::Shepherd>::start(children, ending).await?, time).await
}

/// Children, and what each of them is reached by now.
pub(crate) struct Flock<H: Shepherd> {
    shepherd: H,
    children: Vec<H::Child>,
    arrivals: mpsc::UnboundedReceiver<(usize, H::Child)>,
    /// Whose turn it is.
    next: usize,
}

impl<H: Shepherd> Flock<H> {
    pub(crate) async fn start(size: usize, ending: Ending) -> Result<Self> {
        let (sender, mut arrivals) = mpsc::unbounded_channel();
        let shepherd = H::start(size, ending, sender).await;
        let mut children: Vec<Option<H::Child>> = (0..size).map(|_| None).collect();
        for _ in 0..size {
            let (number, child) = arrivals.recv().await.context("wait for the children")?;
            children[number] = Some(child);
        }
        let children: Option<Vec<_>> = children.into_iter().collect();
        let children = children.context("a child has started twice")?;
        Ok(Self { shepherd, children, arrivals, next: 0 })
    }

    pub(crate) async fn stop(self) {
        self.shepherd.stop().await;
    }
}

impl<H: Shepherd> Load for Flock<H> {
    /// Has one child after the other end, each when the one before it has started again.
    async fn go(&mut self, count: u64) -> Result<Timed> {
        let start = Instant::now();
        for _ in 0..count {
            H::crash(&self.children[self.next]).await;
            let (number, child) = self.arrivals.recv().await.context("wait for a restart")?;
            ensure!(number == self.next, "child {number} has started instead of {}", self.next);
            self.children[number] = child;
            self.next = (self.next + 1) % self.children.len();
        }
        let took = start.elapsed();
        ensure!(self.arrivals.is_empty(), "more has started than has ended");
        Ok(Timed { operations: count, took })
    }
}
