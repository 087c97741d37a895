//! The counter as written by hand: a task, an unbounded channel, a oneshot for each answer.
//!
//! No supervision, no names, no links, no deadlines; a panic takes its callers' answers with it.

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::{Subject, Total};

/// Plain tokio.
#[derive(Debug)]
pub(crate) struct Tokio;

pub(crate) struct Counter {
    messages: mpsc::UnboundedSender<Message>,
    task: JoinHandle<()>,
}

enum Message {
    Add(u64),
    Total(oneshot::Sender<Total>),
}

async fn run(mut messages: mpsc::UnboundedReceiver<Message>) {
    let mut total = Total::default();
    while let Some(message) = messages.recv().await {
        match message {
            Message::Add(n) => total.add(n),
            Message::Total(from) => {
                let _nobody_waits = from.send(total);
            }
        }
    }
}

impl Subject for Tokio {
    type Counter = Counter;
    type Pool = ();

    async fn start() -> Counter {
        let (messages, inbox) = mpsc::unbounded_channel();
        Counter { messages, task: tokio::spawn(run(inbox)) }
    }

    fn add(counter: &Counter, n: u64) {
        let _it_has_ended = counter.messages.send(Message::Add(n));
    }

    async fn total(counter: &Counter) -> Total {
        let (from, answer) = oneshot::channel();
        let _it_has_ended = counter.messages.send(Message::Total(from));
        answer.await.expect("nobody stops it meanwhile")
    }

    async fn stop(counter: Counter) {
        drop(counter.messages);
        counter.task.await.expect("it does not panic");
    }

    async fn start_pool() {}

    async fn start_in((): &()) -> Counter {
        Self::start().await
    }

    async fn stop_in((): &(), counter: Counter) {
        Self::stop(counter).await;
    }
}
