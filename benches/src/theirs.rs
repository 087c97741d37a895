//! The yardstick: the actor a good engineer writes by hand, without supervision, names or links.

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

pub enum Message {
    Add(u64),
    Get(oneshot::Sender<u64>),
}

pub fn start() -> (mpsc::UnboundedSender<Message>, JoinHandle<()>) {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let task = tokio::spawn(async move {
        let mut sum = 0;
        while let Some(message) = receiver.recv().await {
            match message {
                Message::Add(number) => sum += number,
                Message::Get(from) => {
                    let _ = from.send(sum);
                }
            }
        }
    });
    (sender, task)
}

pub async fn get(actor: &mpsc::UnboundedSender<Message>) -> u64 {
    let (from, answer) = oneshot::channel();
    assert!(actor.send(Message::Get(from)).is_ok(), "it lives");
    answer.await.expect("answers")
}

/// W1.
pub async fn casts(count: u64) {
    let (actor, _task) = start();
    for number in 0..count {
        let _ = actor.send(Message::Add(1));
        if number % 1024 == 0 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(get(&actor).await, count);
}

/// W3.
pub async fn calls(count: u64) {
    let (actor, _task) = start();
    let _ = actor.send(Message::Add(1));
    let mut sum = 0;
    for _ in 0..count {
        sum += get(&actor).await;
    }
    assert_eq!(sum, count);
}

/// W7.
pub async fn lives(count: u64) {
    for _ in 0..count {
        let (actor, task) = start();
        assert_eq!(get(&actor).await, 0);
        drop(actor);
        task.await.expect("ends");
    }
}
