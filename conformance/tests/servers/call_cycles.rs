//! Calls that would never be answered are refused at once, and no others (CALL-001 … CALL-003).

use crate::support;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use fauxtp::prelude::*;
use fauxtp::process::{self, Received, Trap};
use fauxtp::supervisor::SupervisorHandle;
use fauxtp::task::Task;
use support::everywhere;
use tokio::sync::{Barrier, Notify, mpsc, oneshot};

type Outcome = std::result::Result<u64, CallError>;
type Work = Pin<Box<dyn Future<Output = ()> + Send>>;
type Node = Address<Message>;

enum Message {
    /// Calls the first of these with the others; the last one answers.
    Relay(Vec<Node>, Reply<Outcome>),
    /// Does something with the reply, and takes its time.
    Do(Box<dyn FnOnce(Reply<u64>) -> Work + Send>, Reply<u64>),
    Work(Work),
    /// Keeps the reply until somebody wants it.
    Keep(Reply<u64>),
    HandOver(oneshot::Sender<Reply<u64>>),
}

struct Server(Vec<Reply<u64>>);

impl GenServer for Server {
    type Args = ();
    type Message = Message;

    async fn init((): (), _: &mut Context<Self>) -> Result<Self> {
        Ok(Self(Vec::new()))
    }

    async fn handle(&mut self, message: Message, _: &mut Context<Self>) -> Result {
        match message {
            Message::Relay(path, from) => {
                let outcome = relay(path).await;
                from.send(outcome);
            }
            Message::Do(work, from) => work(from).await,
            Message::Work(work) => work.await,
            Message::Keep(from) => self.0.push(from),
            Message::HandOver(to) => {
                let kept = self.0.pop().expect("one was kept");
                assert!(to.send(kept).is_ok(), "the test listens");
            }
        }
        Ok(())
    }
}

async fn relay(mut path: Vec<Node>) -> Outcome {
    if path.is_empty() {
        return Ok(1);
    }
    let next = path.remove(0);
    next.call(|from| Message::Relay(path, from)).no_timeout().await?
}

async fn node() -> Node {
    Server::start(()).await.expect("starts")
}

async fn nodes(count: usize) -> Vec<Node> {
    let mut nodes = Vec::new();
    for _ in 0..count {
        nodes.push(node().await);
    }
    nodes
}

fn pids(error: &CallError) -> Vec<Pid> {
    let CallError::Deadlock(cycle) = error else { panic!("{error:?}") };
    cycle.pids().collect()
}

/// Has the node do this in the middle of a message, and tells what it gave.
fn busy<T: Send + 'static>(
    node: &Node,
    work: impl Future<Output = T> + Send + 'static,
) -> oneshot::Receiver<T> {
    let (tell, told) = oneshot::channel();
    node.cast(Message::Work(Box::pin(async move {
        let _nobody_listens = tell.send(work.await);
    })));
    told
}

/// A call that is answered at once.
fn ping(node: &Node) -> impl Future<Output = Outcome> + use<> {
    let node = node.clone();
    async move { relay(vec![node]).await }
}

#[test]
fn call_001_a_circle_of_any_size_is_refused_and_named() {
    everywhere(20, async |_| {
        for size in 1..7 {
            let circle = nodes(size).await;
            let mut path: Vec<Node> = circle.clone();
            path.push(circle[0].clone());
            let error = relay(path).await.expect_err("it goes round");
            // Whoever was refused comes first; he was the last one, and all others wait for him.
            let mut expected: Vec<Pid> = circle.iter().map(Address::pid).collect();
            expected.rotate_right(1);
            assert_eq!(pids(&error), expected);
            for node in &circle {
                assert!(error.to_string().contains(&node.pid().to_string()), "{error}");
            }
            // They are none the worse.
            assert_eq!(relay(circle).await, Ok(1));
        }
    });
}

/// Method: all of them begin at the same time, so that records are written while they are read.
#[test]
fn call_001_whoever_closes_the_circle_is_refused_however_they_race() {
    everywhere(300, async |round| {
        let size = 2 + round % 3;
        let circle = nodes(size).await;
        let together = Arc::new(Barrier::new(size));
        let mut told = Vec::new();
        for (at, node) in circle.iter().enumerate() {
            let (next, together) = (ping(&circle[(at + 1) % size]), together.clone());
            told.push(busy(node, async move {
                together.wait().await;
                next.await
            }));
        }
        let mut refused = 0;
        for told in told {
            match told.await.expect("it comes through") {
                Ok(1) => {}
                Err(CallError::Deadlock(_)) => refused += 1,
                other => panic!("{other:?}"),
            }
        }
        assert!(refused >= 1);
    });
}

/// A server whose `init` or `terminate` asks somebody.
struct Asks {
    whom: Node,
    tell: mpsc::UnboundedSender<Outcome>,
    at_end: bool,
}

impl GenServer for Asks {
    type Args = (Node, mpsc::UnboundedSender<Outcome>, bool);
    type Message = ();

    async fn init((whom, tell, at_end): Self::Args, ctx: &mut Context<Self>) -> Result<Self> {
        ctx.trap_exits(Trap::On);
        if !at_end {
            tell.send(ping(&whom).await).expect("the test listens");
        }
        Ok(Self { whom, tell, at_end })
    }

    async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result {
        Ok(())
    }

    async fn terminate(&mut self, _: &ExitReason, _: &mut Context<Self>) {
        if self.at_end {
            self.tell.send(ping(&self.whom).await).expect("the test listens");
        }
    }
}

#[test]
fn call_002_whoever_starts_or_stops_another_waits_for_it() {
    everywhere(50, async |_| {
        for at_end in [false, true] {
            let starter = node().await;
            let (tell, mut heard) = mpsc::unbounded_channel();
            let whom = starter.clone();
            let done = busy(&starter, async move {
                let asks = Asks::start((whom, tell, at_end)).await.expect("starts");
                asks.pid().stop(ExitReason::Normal, None).await.expect("stops");
                asks.pid()
            });
            let error = heard.recv().await.expect("it tells").expect_err("its starter waits");
            let asks = done.await.expect("it comes through");
            assert_eq!(pids(&error), [asks, starter.pid()]);
        }
    });
}

/// The child asks one that asks the supervisor, which waits for the child to start, or to end.
#[test]
fn call_002_a_circle_through_a_supervisor_is_refused() {
    everywhere(50, async |round| {
        let at_end = round % 2 == 1;
        let sup: SupervisorHandle = Supervisor::new([]).start().await.expect("starts");
        let between = node().await;
        let (tell, mut heard) = mpsc::unbounded_channel();
        let infinity = Shutdown::Infinity;
        let spec =
            ChildSpec::new::<Asks>("asks", (between.clone(), tell, at_end)).shutdown(infinity);
        if at_end {
            sup.start_child(spec.clone()).await.expect("starts");
        }
        let (above, below) = (sup.clone(), sup.registry().clone());
        let asked = busy(&between, async move {
            // From now on the supervisor starts the child, or ends it.
            while below.get("asks").is_none_or(|pid| !at_end && !pid.is_alive()) {
                tokio::task::yield_now().await;
            }
            loop {
                match above.which_children().await {
                    Ok(_) if at_end && below.get("asks").is_some() => {}
                    outcome => return outcome.map(|children| children.len() as u64),
                }
            }
        });
        if at_end {
            sup.terminate_child("asks").await.expect("stops all the same");
        } else {
            sup.start_child(spec).await.expect("starts all the same");
        }
        let outcomes =
            [asked.await.expect("it comes through"), heard.recv().await.expect("it tells")];
        let refused: Vec<Vec<Pid>> =
            outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).map(pids).collect();
        assert!(!refused.is_empty(), "{outcomes:?}");
        for cycle in refused {
            assert!(cycle.contains(&between.pid()) && cycle.contains(&sup.pid()), "{cycle:?}");
            assert_eq!(cycle.len(), 3);
        }
        sup.stop().await.expect("stops");
    });
}

/// A reply that was handed on is answered by somebody else: nobody waits for the one who has called back.
#[test]
fn call_003_a_reply_in_other_hands_is_no_circle() {
    everywhere(100, async |_| {
        let (asks, keeps) = (node().await, node().await);
        let keeper = keeps.clone();
        let (begin, begun) = oneshot::channel();
        let asked = busy(&asks, async move {
            let mut call = Box::pin(keeper.call(Message::Keep).no_timeout());
            let sent = std::future::poll_fn(|cx| std::task::Poll::Ready(call.as_mut().poll(cx)));
            assert!(sent.await.is_pending());
            begin.send(()).expect("the test listens");
            call.await
        });
        let (tell, told) = oneshot::channel();
        begun.await.expect("it asks");
        keeps.cast(Message::HandOver(tell));
        let reply = told.await.expect("it hands over");
        let back = busy(&keeps, ping(&asks));
        ping(&node().await).await.expect("answers");
        reply.send(7);
        assert_eq!(asked.await, Ok(Ok(7)));
        assert_eq!(back.await, Ok(Ok(1)));
    });
}

/// Method: the caller may not have seen the answer yet, or be in the very poll in which it comes.
#[test]
fn call_003_whoever_has_answered_may_call_back() {
    everywhere(500, async |_| {
        let (asks, answers) = (node().await, node().await);
        let (tell, told) = oneshot::channel();
        let back = ping(&asks);
        let work = move |from: Reply<u64>| -> Work {
            from.send(5);
            Box::pin(async move {
                let _nobody_listens = tell.send(back.await);
            })
        };
        let asked = busy(&asks, async move {
            answers.call(|from| Message::Do(Box::new(work), from)).no_timeout().await
        });
        assert_eq!(asked.await, Ok(Ok(5)));
        assert_eq!(told.await, Ok(Ok(1)));
    });
}

#[test]
fn call_003_whoever_says_that_he_has_handed_on_may_call_back() {
    everywhere(100, async |_| {
        let (asks, hands_on) = (node().await, node().await);
        let (give, given) = oneshot::channel();
        let (tell, told) = oneshot::channel();
        let back = ping(&asks);
        let work = move |from: Reply<u64>| -> Work {
            assert!(give.send(from.hand_on()).is_ok());
            Box::pin(async move {
                let _nobody_listens = tell.send(back.await);
            })
        };
        let asked = busy(&asks, async move {
            hands_on.call(|from| Message::Do(Box::new(work), from)).no_timeout().await
        });
        given.await.expect("it hands on").send(9);
        assert_eq!(asked.await, Ok(Ok(9)));
        assert_eq!(told.await, Ok(Ok(1)));
    });
}

/// A raw process may wait for an answer and for its inbox at the same time.
#[test]
fn call_003_whoever_still_receives_is_not_stuck() {
    everywhere(100, async |_| {
        let server = node().await;
        let (ready, is_ready) = oneshot::channel();
        let (to_server, go) = (server.clone(), Arc::new(Notify::new()));
        let going = go.clone();
        let raw = process::spawn(async move |mut ctx: process::Context<Reply<u64>>| {
            let work = move |from: Reply<u64>| -> Work {
                Box::pin(async move {
                    going.notified().await;
                    from.send(3);
                })
            };
            let call = to_server.call(|from| Message::Do(Box::new(work), from)).no_timeout();
            let mut call = std::pin::pin!(call);
            let mut ready = Some(ready);
            loop {
                tokio::select! {
                    answer = &mut call => return assert_eq!(answer, Ok(3)),
                    received = ctx.recv() => {
                        let Received::Message(from) = received else { return };
                        from.send(4);
                    }
                    () = std::future::ready(()), if ready.is_some() => {
                        let _ = ready.take().map(|ready| ready.send(()));
                    }
                }
            }
        })
        .expect("a runtime");
        is_ready.await.expect("it runs");
        let join = support::watch(&raw);
        // Queued behind the request of the raw process, by somebody who waits for it as well.
        let to_raw = raw.clone();
        let other = node().await;
        let back = busy(&other, async move { to_raw.call(|from| from).no_timeout().await });
        assert_eq!(back.await, Ok(Ok(4)));
        go.notify_one();
        assert!(join.await.is_normal());
    });
}

/// Who has given a call up does not wait for it any more.
#[test]
fn call_003_a_call_that_was_dropped_is_no_wait() {
    everywhere(100, async |_| {
        let (asks, slow) = (node().await, node().await);
        let (go, dropped) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (to_slow, going, tells) = (slow.clone(), go.clone(), dropped.clone());
        let asked = busy(&asks, async move {
            let mut call = Box::pin(to_slow.call(Message::Keep).no_timeout());
            let now = std::future::poll_fn(|cx| std::task::Poll::Ready(call.as_mut().poll(cx)));
            assert!(now.await.is_pending());
            drop(call);
            tells.notify_one();
            going.notified().await;
        });
        dropped.notified().await;
        let back = busy(&slow, ping(&asks));
        ping(&node().await).await.expect("answers");
        go.notify_one();
        asked.await.expect("it comes through");
        assert_eq!(back.await, Ok(Ok(1)));
    });
}

/// Goal: whatever happens at the same time, what has no circle is never refused. Method: many callers, and servers
/// that call only those above them, on the way to an answer.
#[test]
fn call_003_calls_without_a_circle_are_never_refused() {
    everywhere(10, async |round| {
        let tower = nodes(6).await;
        let mut callers = Vec::new();
        for caller in 0..24_usize {
            let tower = tower.clone();
            callers.push(Task::spawn_nolink(async move {
                for turn in 0..40_usize {
                    let seed = caller * 31 + turn * 17 + round;
                    let path: Vec<Node> = (0..6)
                        .filter(|floor| seed >> floor & 1 == 0)
                        .map(|at| tower[at].clone())
                        .collect();
                    assert_eq!(relay(path).await, Ok(1));
                }
            }));
        }
        for caller in callers {
            caller.expect("a runtime").join().no_timeout().await.expect("no panic");
        }
    });
}

/// A dynamic supervisor waits for nobody; but whoever has asked it to start or to end a child waits for that child.
#[test]
fn call_002_a_circle_through_a_dynamic_supervisor_is_refused() {
    everywhere(50, async |_| {
        let pool = DynamicSupervisor::new().start().await.expect("starts");
        let asker = node().await;
        for at_end in [false, true] {
            let (tell, mut heard) = mpsc::unbounded_channel();
            let infinity = Shutdown::Infinity;
            let spec =
                ChildSpec::new::<Asks>("asks", (asker.clone(), tell, at_end)).shutdown(infinity);
            let above = pool.clone();
            let done = busy(&asker, async move {
                let child = above.start_child(spec).await.expect("starts").expect("runs");
                above.terminate_child(child).await.expect("stops");
                child
            });
            let error = heard.recv().await.expect("it tells").expect_err("the asker waits");
            let child = done.await.expect("it comes through");
            assert_eq!(pids(&error), [child, asker.pid(), pool.pid()]);
        }
        // Whoever else has asked is not concerned.
        let (tell, mut heard) = mpsc::unbounded_channel();
        let spec = ChildSpec::new::<Asks>("asks", (asker.clone(), tell, false));
        pool.start_child(spec).await.expect("starts");
        assert_eq!(heard.recv().await, Some(Ok(1)));
        pool.stop().await.expect("stops");
    });
}

#[test]
fn call_002_a_task_that_is_joined_does_not_wait_for_who_joins_it() {
    everywhere(50, async |_| {
        let owner = node().await;
        let back = ping(&owner);
        let joined = busy(&owner, async move {
            let task = Task::spawn(back).expect("a runtime");
            (task.pid(), task.join().no_timeout().await)
        });
        let (task, outcome) = joined.await.expect("it comes through");
        let error = outcome.expect("it is done").expect_err("who joins it cannot answer");
        assert_eq!(pids(&error), [task.expect("it has run"), owner.pid()]);
    });
}
