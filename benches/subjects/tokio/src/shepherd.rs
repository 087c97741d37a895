//! Supervision by hand: one task waits for all others, and starts those again that have failed.

use std::collections::HashMap;

use fauxtp_bench_workloads::program::AS_ASKED;
use fauxtp_bench_workloads::subject::Arrivals;
use fauxtp_bench_workloads::{Ending, Shepherd as IsShepherd};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{Id, JoinSet};

type Child = mpsc::UnboundedSender<Crash>;

#[derive(Debug)]
pub(crate) struct Crash;

/// The task that waits.
#[derive(Debug)]
pub(crate) struct Shepherd {
    stop: oneshot::Sender<oneshot::Sender<()>>,
}

async fn child(number: usize, ending: Ending, arrivals: Arrivals<Child>) -> Result<(), String> {
    let (me, mut messages) = mpsc::unbounded_channel();
    let _nobody_listens = arrivals.send((number, me));
    drop(arrivals);
    match messages.recv().await {
        None => Ok(()),
        Some(Crash) if ending == Ending::Panic => panic!("{AS_ASKED}"),
        Some(Crash) => Err(AS_ASKED.to_owned()),
    }
}

async fn supervise(
    children: usize,
    start: impl Fn(&mut JoinSet<Result<(), String>>, usize) -> Id,
    mut stop: oneshot::Receiver<oneshot::Sender<()>>,
) {
    let mut tasks = JoinSet::new();
    let mut numbers: HashMap<Id, usize> =
        (0..children).map(|number| (start(&mut tasks, number), number)).collect();
    loop {
        let (id, failed) = tokio::select! {
            asked = &mut stop => {
                tasks.shutdown().await;
                let _nobody_waits = asked.map(|done| done.send(()));
                return;
            }
            Some(ended) = tasks.join_next_with_id() => match ended {
                Ok((id, outcome)) => (id, outcome.is_err()),
                Err(error) => (error.id(), error.is_panic()),
            },
            else => return,
        };
        let number = numbers.remove(&id).expect("every task has its number");
        if failed {
            numbers.insert(start(&mut tasks, number), number);
        }
    }
}

impl IsShepherd for Shepherd {
    type Child = Child;

    async fn start(children: usize, ending: Ending, arrivals: Arrivals<Child>) -> Self {
        let (stop, asked) = oneshot::channel();
        let start = move |tasks: &mut JoinSet<_>, number| {
            tasks.spawn(child(number, ending, arrivals.clone())).id()
        };
        tokio::spawn(supervise(children, start, asked));
        Self { stop }
    }

    async fn crash(child: &Child) {
        let _it_has_ended = child.send(Crash);
    }

    async fn stop(self) {
        let (done, over) = oneshot::channel();
        let _it_has_ended = self.stop.send(done);
        over.await.expect("it says when it is done");
    }
}
