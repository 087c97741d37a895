//! The counter.

use fauxtp_bench_workloads::{Pool, Total};
use tokio::sync::{mpsc, oneshot};

/// What a counter is reached by.
#[derive(Clone, Debug)]
pub(crate) struct Counter(mpsc::UnboundedSender<Message>);

#[derive(Debug)]
enum Message {
    Add(u64),
    Total(oneshot::Sender<Total>),
    Hold(oneshot::Receiver<()>),
    Stop(oneshot::Sender<()>),
}

async fn run(mut messages: mpsc::UnboundedReceiver<Message>) {
    let mut total = Total::default();
    while let Some(message) = messages.recv().await {
        match message {
            Message::Add(n) => total.add(n),
            Message::Total(from) => {
                let _nobody_waits = from.send(total);
            }
            Message::Hold(gate) => {
                let _opened_or_gone = gate.await;
            }
            Message::Stop(from) => {
                drop(messages);
                let _nobody_waits = from.send(());
                return;
            }
        }
    }
}

impl Counter {
    pub(crate) fn start() -> Self {
        let (sender, messages) = mpsc::unbounded_channel();
        tokio::spawn(run(messages));
        Self(sender)
    }

    pub(crate) fn add(&self, n: u64) {
        let _it_has_ended = self.0.send(Message::Add(n));
    }

    pub(crate) async fn total(&self) -> Total {
        let (from, answer) = oneshot::channel();
        let _it_has_ended = self.0.send(Message::Total(from));
        answer.await.expect("nobody stops it meanwhile")
    }

    pub(crate) fn hold(&self, gate: oneshot::Receiver<()>) {
        let _it_has_ended = self.0.send(Message::Hold(gate));
    }

    pub(crate) async fn stop(self) {
        let (from, answer) = oneshot::channel();
        let _it_has_ended = self.0.send(Message::Stop(from));
        answer.await.expect("it answers when it has closed its channel");
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        self.0.same_channel(&other.0)
    }
}

/// Nobody: whoever writes actors by hand just starts them.
#[derive(Debug)]
pub(crate) struct Nobody;

impl Pool for Nobody {
    type Counter = Counter;

    async fn start() -> Self {
        Self
    }

    async fn start_child(&self) -> Counter {
        Counter::start()
    }

    async fn stop_child(&self, child: Counter) {
        child.stop().await;
    }
}
