//! What broke in kameo, messages: those that vanished when an actor stopped or restarted, and asks that hung.

use crate::pools;

use std::sync::{Arc, Mutex};

use fauxtp::names::Raw;
use fauxtp::prelude::*;
use fauxtp::process::{self, Received};
use fauxtp::registry::Via;
use fauxtp::supervisor::SupervisorHandle;
use fauxtp::{Mailbox, Overflow};
use tokio::sync::oneshot;
use tracing_subscriber::layer::SubscriberExt;

use pools::{soon, until};

/// Where a message has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Handled(Pid),
    /// Not handled by whoever had taken it.
    Dropped,
    /// Never taken.
    Returned,
}

/// Where messages have ended, each by its number, in order of their ends.
#[derive(Debug, Default)]
struct Fates(Mutex<Vec<(u64, End)>>);

impl Fates {
    fn note(&self, number: u64, end: End) {
        self.0.lock().expect("unpoisoned").push((number, end));
    }

    /// The ends of so many messages, by number: each has come to one, and none to two.
    fn of_all(&self, count: u64) -> Vec<End> {
        let mut ends = self.0.lock().expect("unpoisoned").clone();
        ends.sort_by_key(|(number, _)| *number);
        assert!(ends.iter().map(|(number, _)| *number).eq(0..count), "{ends:?}");
        ends.into_iter().map(|(_, end)| end).collect()
    }

    fn count(&self) -> usize {
        self.0.lock().expect("unpoisoned").len()
    }

    /// The numbers of those that were handled, in the order in which they were.
    fn handled(&self) -> Vec<u64> {
        let ends = self.0.lock().expect("unpoisoned");
        let handled = ends.iter().filter(|(_, end)| matches!(end, End::Handled(_)));
        handled.map(|(number, _)| *number).collect()
    }
}

/// A message that knows when it is lost.
struct Parcel {
    number: u64,
    fates: Option<Arc<Fates>>,
}

impl Parcel {
    fn new(number: u64, fates: &Arc<Fates>) -> Self {
        Self { number, fates: Some(fates.clone()) }
    }

    fn ends(mut self, end: End) {
        let fates = self.fates.take().expect("it is under way");
        fates.note(self.number, end);
    }
}

impl Drop for Parcel {
    fn drop(&mut self) {
        if let Some(fates) = self.fates.take() {
            fates.note(self.number, End::Dropped);
        }
    }
}

struct Post;

enum Mail {
    Parcel(Parcel),
    Ask(u64, Reply<u64>),
    Crash,
    Wait(oneshot::Receiver<()>),
}

impl GenServer for Post {
    type Args = ();
    type Message = Mail;

    async fn init((): (), _: &mut Context<Self>) -> Result<Self> {
        Ok(Self)
    }

    async fn handle(&mut self, mail: Mail, ctx: &mut Context<Self>) -> Result {
        match mail {
            Mail::Parcel(parcel) => parcel.ends(End::Handled(ctx.pid())),
            Mail::Ask(number, from) => from.send(number),
            Mail::Crash => panic!("the post office crashes"),
            Mail::Wait(gate) => drop(gate.await),
        }
        Ok(())
    }
}

/// Sends it, and notes if it comes back.
fn post(to: &Address<Mail>, parcel: Parcel) {
    if let Err(error) = to.try_send(Mail::Parcel(parcel)) {
        let Mail::Parcel(parcel) = error.into_message() else { unreachable!("it was one") };
        parcel.ends(End::Returned);
    }
}

/// Messages vanished when an actor was stopped (kameo#335). Here those are handled that came first, without a gap; all of
/// them if the stop takes its turn, and none that was sent behind it; the rest comes back, or is dropped.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kameo_335_no_message_vanishes_at_a_stop() {
    for round in 0..50 {
        let fates = Arc::<Fates>::default();
        let server = Post::start(()).await.expect("starts");
        let before_the_stop = round * 4 + 1;
        for number in 0..200 {
            post(&server, Parcel::new(number, &fates));
            if number + 1 == before_the_stop {
                match round % 3 {
                    0 => server.pid().kill(),
                    1 => server.pid().exit(ExitReason::error("stop")),
                    _ => server.send(Mail::Crash),
                }
            }
        }
        server.join().await;
        // What has come while it left is dropped when everybody has heard of its end.
        until("every message has ended", || fates.count() == 200).await;
        let (ends, handled) = (fates.of_all(200), fates.handled());
        assert!(handled.iter().copied().eq(0..handled.len() as u64), "round {round}: {handled:?}");
        match round % 3 {
            2 => assert_eq!(handled.len() as u64, before_the_stop, "round {round}"),
            _ => assert!(handled.len() as u64 <= before_the_stop, "round {round}: {handled:?}"),
        }
        // Once nobody is there, nobody takes any.
        let gone = ends.iter().position(|end| *end == End::Returned).unwrap_or(ends.len());
        assert!(ends[gone..].iter().all(|end| *end == End::Returned), "round {round}: {ends:?}");
    }
}

async fn supervised() -> SupervisorHandle {
    let sup = Supervisor::new([ChildSpec::new::<Post>("post", ())]).unlimited();
    sup.start().await.expect("starts")
}

/// Waits until it is at work.
async fn at_work(post: &Via<Post>) {
    let works = async {
        while post.call(|from| Mail::Ask(0, from)).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    soon("its restart", works).await;
}

/// Messages vanished while an actor was restarted (kameo#345). Here they go to the one that is there, or come back; and
/// only those are dropped that had come behind a crash, to the one that crashed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kameo_345_no_message_vanishes_at_a_restart() {
    let (sup, fates) = (supervised().await, Arc::<Fates>::default());
    let post = sup.child::<Post>("post");
    for number in 0..5_000 {
        if number % 100 == 0 {
            at_work(&post).await;
        }
        if let Err(error) = post.send(Mail::Parcel(Parcel::new(number, &fates))) {
            let Mail::Parcel(parcel) = error.into_message() else { unreachable!("it was one") };
            parcel.ends(End::Returned);
        }
        if number % 100 == 50 {
            post.send(Mail::Crash).expect("it is at work");
        }
    }
    at_work(&post).await;
    sup.stop().await.expect("stops");
    assert!(fates.handled().is_sorted());
    let mut incarnations = Vec::new();
    for (hundred, ends) in fates.of_all(5_000).chunks(100).enumerate() {
        let (before, behind) = ends.split_at(51);
        let End::Handled(worker) = before[0] else { panic!("{hundred}: {ends:?}") };
        assert!(before.iter().all(|end| *end == before[0]), "{hundred}: {ends:?}");
        assert!(!incarnations.contains(&worker), "it has crashed");
        incarnations.push(worker);
        // The one that crashes, nobody, the next one.
        let dropped = behind.iter().take_while(|end| **end == End::Dropped).count();
        let rest = &behind[dropped..];
        let returned = rest.iter().take_while(|end| **end == End::Returned).count();
        let next = &rest[returned..];
        let handled = |end: &End| matches!(end, End::Handled(pid) if *pid != worker);
        assert!(next.iter().all(|end| handled(end) && *end == next[0]), "{hundred}: {ends:?}");
    }
}

/// What had been sent before a stop was not handled (kameo#351). Here a stop waits for its turn, as in OTP.
#[tokio::test]
async fn kameo_351_what_was_sent_before_a_stop_is_handled() {
    let (fates, (open, gate)) = (Arc::<Fates>::default(), oneshot::channel());
    let server = Post::start(()).await.expect("starts");
    server.send(Mail::Wait(gate));
    (0..100).for_each(|number| post(&server, Parcel::new(number, &fates)));
    let stop = async {
        let stop = server.pid().stop(ExitReason::Normal, None);
        stop.await
    };
    let after = async {
        until("the stop is under way", || server.queue_len() >= 100).await;
        open.send(()).expect("it waits");
    };
    let (stopped, ()) = tokio::join!(stop, after);
    assert_eq!(stopped, Ok(()));
    assert_eq!(fates.handled(), (0..100).collect::<Vec<_>>());
}

/// What was sent after a stop was handled nevertheless, or was gone (kameo#359). Here it is not handled, and its sender
/// can know.
#[tokio::test]
async fn kameo_359_what_is_sent_after_a_stop_is_not_handled() {
    let (fates, (open, gate)) = (Arc::<Fates>::default(), oneshot::channel());
    let server = Post::start(()).await.expect("starts");
    server.send(Mail::Wait(gate));
    let stop = server.pid().stop(ExitReason::Normal, None);
    let after = async {
        (0..100).for_each(|number| post(&server, Parcel::new(number, &fates)));
        open.send(()).expect("it waits");
    };
    let (stopped, ()) = tokio::join!(stop, after);
    assert_eq!(stopped, Ok(()));
    post(&server, Parcel::new(100, &fates));
    let ends = fates.of_all(101);
    assert!(!ends.iter().any(|end| matches!(end, End::Handled(_))), "{ends:?}");
    assert_eq!(ends[100], End::Returned, "it is gone");
}

/// Asks whose turn came after a stop were never answered (kameo#362). Here each is told the reason.
#[tokio::test]
async fn kameo_362_calls_behind_a_stop_are_told_why() {
    let server = Post::start(()).await.expect("starts");
    let (open, gate) = oneshot::channel();
    server.send(Mail::Wait(gate));
    let asks = async {
        let ask = |number| server.call(move |from| Mail::Ask(number, from)).no_timeout();
        tokio::join!(ask(1), ask(2), ask(3), async { open.send(()).expect("it waits") })
    };
    let stop = server.pid().stop(ExitReason::shutdown(), None);
    let (stopped, (one, two, three, ())) =
        soon("the calls", async { tokio::join!(stop, asks) }).await;
    assert_eq!(stopped, Ok(()));
    for answer in [one, two, three] {
        assert_eq!(answer, Err(CallError::Exited(ExitReason::shutdown())));
    }
}

/// Asks to an actor that was just restarted hung (kameo#364). Here each of thousands is answered, or told, however it
/// meets the crashes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kameo_364_no_call_hangs_while_its_server_is_restarted() {
    let sup = supervised().await;
    let mut callers = Vec::new();
    for caller in 0..4 {
        let post = sup.child::<Post>("post");
        let body = async move |_: process::Context<()>| {
            let mut answered = 0_u64;
            for number in 0..500 {
                let answer = post.call(|from| Mail::Ask(number, from)).no_timeout().await;
                match answer {
                    Ok(value) => assert_eq!(value, number),
                    Err(CallError::Exited(_) | CallError::NoProc) => {
                        post.await_restart().await.expect("it comes back");
                    }
                    Err(odd) => panic!("{odd}"),
                }
                answered += u64::from(answer.is_ok());
                if number % 50 == caller * 10 {
                    let _it_is_just_restarted = post.send(Mail::Crash);
                }
            }
            ExitReason::custom(answered)
        };
        callers.push(process::spawn(body).expect("in a runtime"));
    }
    for caller in callers {
        let reason = tokio::time::timeout(Duration::from_secs(60), caller.join()).await;
        let reason = reason.expect("no call hangs");
        assert!(reason.downcast_ref::<u64>().is_some_and(|answered| *answered > 0), "{reason:?}");
    }
    sup.stop().await.expect("stops");
}

/// The spans of an actor that sent to itself nested without end, and so did the memory they took (kameo#323, #346). Here
/// a message does not carry its sender's span along.
/// also: KAMEO-346
#[tokio::test]
async fn kameo_323_spans_do_not_nest_from_message_to_message() {
    let subscriber = tracing_subscriber::registry();
    let _guard = tracing::subscriber::set_default(subscriber.with(Everything));
    let body = async |mut ctx: process::Context<u32>| {
        loop {
            let Received::Message(number) = ctx.recv().await else { continue };
            assert!(tracing::Span::current().is_none(), "message {number}");
            let _entered = tracing::info_span!("handles", number).entered();
            assert!(!tracing::Span::current().is_none(), "spans are looked at");
            if number == 10_000 {
                return;
            }
            ctx.address().send(number + 1);
        }
    };
    let process = process::spawn(body).expect("in a runtime");
    process.send(0);
    assert_eq!(process.join().await, ExitReason::Normal);
}

/// A layer that wants to hear of every span.
struct Everything;

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Everything {}

/// A full mailbox during a start kept its starter waiting (kameo#84, from the side of the sender): a send never waits,
/// and says what became of the message.
#[tokio::test]
async fn kameo_84_a_send_to_a_full_mailbox_returns_at_once() {
    static NAME: Name<Raw<Parcel>> = Name::new("kameo-84");
    let fates = Arc::<Fates>::default();
    let mailbox = Mailbox::bounded(2, Overflow::Reject).expect("there is room");
    let (named, is_named) = oneshot::channel();
    let full = process::spawn_with(mailbox, async move |mut ctx: process::Context<Parcel>| {
        ctx.register(&NAME).expect("the name is free");
        named.send(()).expect("the test waits");
        std::future::pending::<()>().await;
    });
    let full = full.expect("in a runtime");
    is_named.await.expect("it registers");
    for number in 0..10 {
        if let Err(error) = NAME.send(Parcel::new(number, &fates)) {
            error.into_message().ends(End::Returned);
        }
    }
    assert_eq!((fates.0.lock().expect("unpoisoned").len(), full.queue_len()), (8, 2));
    full.pid().kill();
    full.join().await;
    assert_eq!(fates.of_all(10), [vec![End::Dropped; 2], vec![End::Returned; 8]].concat());
}
