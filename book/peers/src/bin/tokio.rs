//! The counter that survives, with tokio alone.
use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};

enum Message {
    Add(i64, oneshot::Sender<i64>),
    Get(oneshot::Sender<i64>),
    Reset,
    Crash,
}

async fn counter(mut n: i64, mut inbox: mpsc::UnboundedReceiver<Message>) {
    while let Some(message) = inbox.recv().await {
        match message {
            Message::Add(k, reply) => {
                n += k;
                let _ = reply.send(n);
            }
            Message::Get(reply) => {
                let _ = reply.send(n);
            }
            Message::Reset => n = 0,
            Message::Crash => panic!("boom"),
        }
    }
}

/// Keeps a counter running; whoever wants it takes the sender of the day out of the watch channel.
async fn supervise(current: watch::Sender<mpsc::UnboundedSender<Message>>) {
    let mut restarts = VecDeque::new();
    let (sender, mut inbox) = mpsc::unbounded_channel();
    current.send_replace(sender);
    loop {
        match tokio::spawn(counter(0, inbox)).await {
            Err(error) if error.is_panic() => {}
            _ => return,
        }
        restarts.retain(|at: &Instant| at.elapsed() < Duration::from_secs(5));
        if restarts.len() == 3 {
            return;
        }
        restarts.push_back(Instant::now());
        let (sender, next) = mpsc::unbounded_channel();
        inbox = next;
        current.send_replace(sender);
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (current, mut seen) = watch::channel(mpsc::unbounded_channel().0);
    tokio::spawn(supervise(current));
    seen.changed().await?;
    let first = seen.borrow_and_update().clone();
    first.send(Message::Reset)?;
    let (reply, answer) = oneshot::channel();
    first.send(Message::Add(5, reply))?;
    assert_eq!(answer.await?, 5);
    first.send(Message::Crash)?;
    seen.changed().await?;
    let second = seen.borrow_and_update().clone();
    let (reply, answer) = oneshot::channel();
    second.send(Message::Get(reply))?;
    assert_eq!(answer.await?, 0);
    Ok(())
}
