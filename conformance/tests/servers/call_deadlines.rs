//! What is done for a request ends with the request's deadline (CALL-004, CALL-005).

use crate::support;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use fauxtp::call::RequestCollection;
use fauxtp::prelude::*;
use fauxtp::{Mailbox, Overflow};
use support::{everywhere, soon};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

type Outcome = std::result::Result<u64, CallError>;
type Work = Pin<Box<dyn Future<Output = ()> + Send>>;
type Node = Address<Message>;

enum Message {
    /// Calls the first of these with the others, as long as it takes; the last one never answers.
    Relay(Vec<Node>, mpsc::UnboundedSender<(usize, Outcome)>, Reply<u64>),
    Work(Work),
    Count(Reply<u64>),
    Note,
}

/// Counts what it handles, apart from its work.
struct Server(u64, Vec<Reply<u64>>);

impl GenServer for Server {
    type Args = ();
    type Message = Message;

    async fn init((): (), _: &mut Context<Self>) -> Result<Self> {
        Ok(Self(0, Vec::new()))
    }

    async fn handle(&mut self, message: Message, _: &mut Context<Self>) -> Result {
        match message {
            Message::Relay(mut path, tell, from) => {
                self.0 += 1;
                if path.is_empty() {
                    self.1.push(from);
                    return Ok(());
                }
                let (next, left) = (path.remove(0), path.len());
                let told = tell.clone();
                let call = next.call(|from| Message::Relay(path, told, from)).no_timeout();
                let outcome = call.await;
                tell.send((left, outcome.clone())).map_err(Stop::error)?;
                if outcome == Err(CallError::Timeout) {
                    // Its time is over: nothing more is even sent for it.
                    let late = next.call(Message::Count).no_timeout().await;
                    tell.send((left, late)).map_err(Stop::error)?;
                }
            }
            Message::Work(work) => work.await,
            Message::Count(from) => {
                self.0 += 1;
                from.send(self.0);
            }
            Message::Note => self.0 += 1,
        }
        Ok(())
    }
}

async fn nodes(count: usize) -> Vec<Node> {
    let mut nodes = Vec::new();
    for _ in 0..count {
        nodes.push(Server::start(()).await.expect("starts"));
    }
    nodes
}

async fn expired(node: &Node) -> usize {
    node.pid().info().await.expect("lives").requests_expired
}

/// The outermost caller is no process; each server on the way waits without a deadline of its own.
#[tokio::test(start_paused = true)]
async fn call_004_a_nested_call_ends_with_the_deadline_of_the_request() {
    for timeout in [Duration::from_millis(300), Duration::from_secs(2)] {
        let mut path = nodes(5).await;
        let all = path.clone();
        let first = path.remove(0);
        let (tell, mut told) = mpsc::unbounded_channel();
        let began = Instant::now();
        let call = first.call(|from| Message::Relay(path, tell, from));
        assert_eq!(call.timeout(timeout).await, Err(CallError::Timeout));
        let mut seen = Vec::new();
        while let Some(one) = soon(told.recv()).await {
            seen.push(one);
        }
        let waited = began.elapsed();
        let coarse = timeout + Duration::from_millis(150);
        assert!((timeout..coarse).contains(&waited), "{waited:?}");
        // Each of them: its own call first, and then the one that came too late.
        assert_eq!(seen.len(), 8, "{seen:?}");
        assert!(seen.iter().all(|(_, outcome)| *outcome == Err(CallError::Timeout)), "{seen:?}");
        // The next request is none the worse.
        for node in &all {
            assert_eq!(node.call(Message::Count).await, Ok(2));
            assert_eq!(expired(node).await, 0, "all were being handled");
        }
    }
}

#[test]
fn call_005_a_request_that_comes_too_late_is_dropped_unhandled_and_counted() {
    everywhere(30, async |_| {
        let server = nodes(1).await.remove(0);
        let go = Arc::new(Notify::new());
        let going = go.clone();
        server.cast(Message::Work(Box::pin(async move { going.notified().await })));
        let given_up = server.call(Message::Count).timeout(Duration::from_millis(2));
        assert_eq!(given_up.await, Err(CallError::Timeout));
        server.send(Message::Note);
        let at_once = server.call(Message::Count).timeout(Duration::ZERO);
        assert_eq!(at_once.await, Err(CallError::Timeout));
        // Whoever is cancelled says nothing about deadlines: the work is still to be done.
        let cancelled = tokio::time::timeout(Duration::from_millis(1), server.call(Message::Count));
        assert!(cancelled.await.is_err());
        let waits = server.send_request(Message::Count);
        go.notify_one();
        assert_eq!(waits.receive_response(Duration::from_secs(30)).await, Ok(3));
        assert_eq!(expired(&server).await, 2);
    });
}

/// Requests that are kept, or answered by somebody else, have been handled: their deadlines concern nobody.
#[tokio::test(start_paused = true)]
async fn call_005_a_deadline_of_a_request_that_was_handled_changes_nothing() {
    let both = nodes(2).await;
    let (tell, mut told) = mpsc::unbounded_channel();
    let keep = both[0].call(|from| Message::Relay(Vec::new(), tell.clone(), from));
    assert_eq!(keep.timeout(Duration::from_millis(10)).await, Err(CallError::Timeout));
    // Now it calls for a request without deadline, past the deadline of the one before.
    let relay = both[0].send_request(|from| Message::Relay(vec![both[1].clone()], tell, from));
    // sleep: a minute of virtual time, in which nothing may happen.
    tokio::time::sleep_until(Instant::now() + Duration::from_secs(60)).await;
    assert!(told.try_recv().is_err(), "it still waits");
    both[1].pid().kill();
    let (_, outcome) = soon(told.recv()).await.expect("it tells");
    assert_eq!(outcome, Err(CallError::Exited(ExitReason::killed())));
    drop(relay);
    assert_eq!(expired(&both[0]).await, 0);
}

/// Messages that were dropped to make room leave the places of the others alone.
#[test]
fn call_005_bounded_mailboxes_drop_what_is_late_and_nothing_else() {
    everywhere(20, async |_| {
        for overflow in [Overflow::Reject, Overflow::DropNewest, Overflow::DropOldest] {
            let mailbox = Mailbox::bounded(3, overflow).expect("more than none");
            let name: Name<Server> = Name::from_string(format!("{overflow:?}"));
            let server = Server::start(()).mailbox(mailbox).name(&name).await.expect("starts");
            let go = Arc::new(Notify::new());
            let (going, started) = (go.clone(), Arc::new(Notify::new()));
            let starts = started.clone();
            server.cast(Message::Work(Box::pin(async move {
                starts.notify_one();
                going.notified().await;
            })));
            started.notified().await;
            for _ in 0..2 {
                server.send(Message::Note);
            }
            let late = server.call(Message::Count).timeout(Duration::from_millis(2));
            assert_eq!(late.await, Err(CallError::Timeout));
            for _ in 0..2 {
                let _refused = server.try_send(Message::Note);
            }
            go.notify_one();
            // What is in its hands still takes room in the mailbox.
            name.await_restart().await.expect("it handles them");
            let count = server.call(Message::Count).await;
            let dropped = expired(&server).await as u64;
            // Where the oldest gave way, the late request is at the front, and cannot be told from others.
            let expected = if overflow == Overflow::DropOldest { 0 } else { 1 };
            assert_eq!((count, dropped), (Ok(4 - expected), expected), "{overflow:?}");
            support::end(&server).await;
        }
    });
}

/// Asks somebody who does not answer, and waits for the answers as long as its own caller waits.
struct Gathers;

impl GenServer for Gathers {
    type Args = ();
    type Message = (Node, mpsc::UnboundedSender<(usize, Outcome)>, Reply<u64>);

    async fn init((): (), _: &mut Context<Self>) -> Result<Self> {
        Ok(Self)
    }

    async fn handle(&mut self, message: Self::Message, _: &mut Context<Self>) -> Result {
        let (node, tell, _unanswered) = message;
        let ask = || node.send_request(|from| Message::Relay(Vec::new(), tell.clone(), from));
        let mut requests = RequestCollection::from_iter([(ask(), 1), (ask(), 2)]);
        while let Some((answer, label)) = requests.next().await {
            tell.send((label, answer)).map_err(Stop::error)?;
        }
        Ok(())
    }
}

/// also: GS-061
#[tokio::test(start_paused = true)]
async fn call_004_a_collection_of_requests_ends_with_the_request_it_is_for() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let node = Server::start(()).await.expect("starts");
    let gathers = Gathers::start(()).await.expect("starts");
    let since = Instant::now();
    let call = gathers.call(|from| (node.clone(), tell, from));
    let timeout = Duration::from_millis(50);
    assert_eq!(soon(call.timeout(timeout)).await, Err(CallError::Timeout));
    for label in [1, 2] {
        assert_eq!(soon(told.recv()).await, Some((label, Err(CallError::Timeout))));
    }
    assert!(since.elapsed() < timeout * 2, "{:?}", since.elapsed());
}
