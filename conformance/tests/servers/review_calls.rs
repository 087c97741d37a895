//! Calls that wait beside other things, deadlines of requests that were not taken in turn, and what is left of waits.

use crate::support;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use fauxtp::prelude::*;
use fauxtp::process::{self, Received};
use fauxtp::task::Task;
use support::{everywhere, soon};
use tokio::sync::{Notify, mpsc, oneshot};

type Outcome = std::result::Result<u64, CallError>;
type Work = Pin<Box<dyn Future<Output = ()> + Send>>;
type Node = Address<Message>;

enum Message {
    Work(Work),
    Do(Box<dyn FnOnce(Reply<u64>) -> Work + Send>, Reply<u64>),
    Keep(Reply<u64>),
    Ping(Reply<u64>),
    /// Nothing, and after a while without messages something.
    Quiet(Duration, Work),
    /// Ends the server, whose `terminate` does something.
    End(Work, Work, Reply<u64>),
}

#[derive(Default)]
struct Server {
    kept: Vec<Reply<u64>>,
    later: Option<Work>,
    last: Option<Work>,
}

impl GenServer for Server {
    type Args = ();
    type Message = Message;

    async fn init((): (), _: &mut Context<Self>) -> Result<Self> {
        Ok(Self::default())
    }

    async fn handle(&mut self, message: Message, ctx: &mut Context<Self>) -> Result {
        match message {
            Message::Work(work) => work.await,
            Message::Do(work, from) => work(from).await,
            Message::Keep(from) => self.kept.push(from),
            Message::Ping(from) => from.send(1),
            Message::Quiet(after, work) => {
                self.later = Some(work);
                ctx.set_timeout(after);
            }
            Message::End(work, last, from) => {
                self.kept.push(from);
                self.last = Some(last);
                work.await;
                return Err(Stop::error("it has been asked to"));
            }
        }
        if self.later.is_some() {
            ctx.set_timeout(Duration::from_millis(5));
        }
        Ok(())
    }

    async fn handle_info(&mut self, _: Info, _: &mut Context<Self>) -> Result {
        if let Some(work) = self.later.take() {
            work.await;
        }
        Ok(())
    }

    async fn terminate(&mut self, _: &ExitReason, _: &mut Context<Self>) {
        if let Some(last) = self.last.take() {
            last.await;
        }
    }
}

async fn node() -> Node {
    Server::start(()).await.expect("starts")
}

fn ping(node: &Node) -> impl Future<Output = Outcome> + use<> {
    let node = node.clone();
    async move { node.call(Message::Ping).no_timeout().await }
}

fn works<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> (Work, oneshot::Receiver<T>) {
    let (tell, told) = oneshot::channel();
    let work = Box::pin(async move {
        let _nobody_listens = tell.send(work.await);
    });
    (work, told)
}

fn busy<T: Send + 'static>(
    node: &Node,
    work: impl Future<Output = T> + Send + 'static,
) -> oneshot::Receiver<T> {
    let (work, told) = works(work);
    node.cast(Message::Work(work));
    told
}

async fn polled<F: Future + Unpin>(future: &mut F) {
    let pending =
        std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut *future).poll(cx).is_pending()));
    assert!(pending.await);
}

/// Method: a message lies there that it has not seen when it is asked whether it still waits.
#[test]
fn call_003_the_callee_may_call_whoever_receives_meanwhile() {
    everywhere(200, async |_| {
        let server = node().await;
        let (tell, told) = oneshot::channel();
        process::spawn(async move |mut ctx: process::Context<Option<Reply<u64>>>| {
            let me = ctx.address();
            let work = move |from: Reply<u64>| -> Work {
                Box::pin(async move {
                    tokio::task::yield_now().await;
                    me.send(None);
                    assert_eq!(me.call(Some).no_timeout().await, Ok(4));
                    from.send(3);
                })
            };
            let call = server.call(|from| Message::Do(Box::new(work), from)).no_timeout();
            let mut call = Box::pin(call);
            loop {
                tokio::select! {
                    answer = &mut call => {
                        let _nobody_listens = tell.send(answer);
                        return;
                    }
                    received = ctx.recv() => {
                        if let Received::Message(Some(from)) = received {
                            from.send(4);
                        }
                    }
                }
            }
        })
        .expect("a runtime");
        assert_eq!(soon(told).await, Ok(Ok(3)));
    });
}

/// It has waited at its inbox before, and does not any more.
#[test]
fn call_002_a_circle_that_begins_with_an_inactivity_timeout_is_refused() {
    everywhere(5, async |_| {
        let (quiet, other) = (node().await, node().await);
        let (to_other, back) = (other.clone(), ping(&quiet));
        let (work, told) = works(async move {
            let (tell, told) = oneshot::channel();
            let work = move |from: Reply<u64>| -> Work {
                Box::pin(async move {
                    let _nobody_listens = tell.send(back.await);
                    from.send(2);
                })
            };
            let answer = to_other.call(|from| Message::Do(Box::new(work), from)).no_timeout().await;
            (answer, told.await)
        });
        quiet.cast(Message::Quiet(Duration::from_millis(5), work));
        let (answer, back) = soon(told).await.expect("it comes through");
        assert_eq!(answer, Ok(2));
        assert!(matches!(back, Ok(Err(CallError::Deadlock(_)))), "{back:?}");
    });
}

/// A call that was begun here and is waited for elsewhere, or by nobody.
#[test]
fn call_003_a_call_that_was_handed_to_a_task_is_not_waited_for() {
    everywhere(50, async |round| {
        let (asks, slow) = (node().await, node().await);
        let (go, answer) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (back, to_slow, answers) = (ping(&asks), slow.clone(), answer.clone());
        let (tell, told) = oneshot::channel();
        let work = move |from: Reply<u64>| -> Work {
            Box::pin(async move {
                answers.notified().await;
                let _nobody_listens = tell.send(back.await);
                from.send(2);
            })
        };
        let going = go.clone();
        let (begin, begun) = oneshot::channel();
        let asked = busy(&asks, async move {
            let call = async move {
                to_slow.call(|from| Message::Do(Box::new(work), from)).no_timeout().await
            };
            let mut call = Box::pin(call);
            polled(&mut call).await;
            begin.send(()).expect("the test listens");
            if round % 2 == 0 {
                let background = Task::spawn_nolink(call).expect("a runtime");
                going.notified().await;
                return background;
            }
            going.notified().await;
            Task::spawn_nolink(call).expect("a runtime")
        });
        begun.await.expect("it asks");
        answer.notify_one();
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        go.notify_one();
        assert_eq!(soon(told).await, Ok(Ok(1)));
        assert_eq!(
            soon(asked).await.expect("it comes through").join().no_timeout().await,
            Ok(Ok(2))
        );
    });
}

/// A timeout of inactivity is nobody's request.
#[test]
fn call_004_an_inactivity_timeout_has_no_deadline() {
    everywhere(5, async |_| {
        let (quiet, other) = (node().await, node().await);
        let (work, told) = works(ping(&other));
        quiet.cast(Message::Quiet(Duration::from_millis(20), work));
        let kept = quiet.call(Message::Keep).timeout(Duration::from_millis(1));
        assert_eq!(kept.await, Err(CallError::Timeout));
        assert_eq!(soon(told).await, Ok(Ok(1)));
    });
}

#[test]
fn call_004_a_last_call_does_not_end_with_the_last_request() {
    everywhere(5, async |_| {
        let (ends, other) = (node().await, node().await);
        let go = Arc::new(Notify::new());
        let going = go.clone();
        let work: Work = Box::pin(async move { going.notified().await });
        let (last, told) = works(ping(&other));
        let call =
            ends.call(|from| Message::End(work, last, from)).timeout(Duration::from_millis(2));
        assert_eq!(call.await, Err(CallError::Timeout));
        go.notify_one();
        assert_eq!(soon(told).await, Ok(Ok(1)));
    });
}

/// Whoever receives by a timeout, or what he wants, drops late requests as others do.
#[test]
fn call_005_a_receive_with_a_timeout_drops_what_is_late() {
    everywhere(10, async |_| {
        let go = Arc::new(Notify::new());
        let going = go.clone();
        let (tell, mut told) = mpsc::unbounded_channel();
        let raw =
            process::spawn(async move |mut ctx: process::Context<(u64, Option<Reply<u64>>)>| {
                going.notified().await;
                while let Some(Received::Message((number, from))) =
                    ctx.recv_timeout(Duration::from_secs(60)).await
                {
                    tell.send(number).expect("the test listens");
                    if let Some(from) = from {
                        from.send(number);
                    }
                }
            })
            .expect("a runtime");
        for number in 0..3 {
            let late = raw.call(|from| (number, Some(from))).timeout(Duration::from_millis(1));
            assert_eq!(late.await, Err(CallError::Timeout));
            raw.send((number + 10, None));
        }
        go.notify_one();
        assert_eq!(soon(raw.call(|from| (7, Some(from)))).await, Ok(7));
        let mut seen = Vec::new();
        while let Ok(number) = told.try_recv() {
            seen.push(number);
        }
        assert_eq!(seen, [10, 11, 12, 7]);
        assert_eq!(raw.pid().info().await.expect("lives").requests_expired, 3);
        support::end(&raw).await;
    });
}
