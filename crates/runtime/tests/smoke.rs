//! The shortest proof that the parts fit together.

use fauxtp::prelude::*;
use fauxtp::process::{self, Received};

struct Counter(i64);

enum Message {
    Add(i64, Reply<i64>),
    Crash,
    Drop(#[allow(dead_code)] Reply<i64>),
    CrashCall(#[allow(dead_code)] Reply<i64>),
}

impl GenServer for Counter {
    type Args = i64;
    type Message = Message;
    async fn init(n: i64, _: &mut Context<Self>) -> Result<Self> {
        Ok(Self(n))
    }
    async fn handle(&mut self, message: Message, _: &mut Context<Self>) -> Result {
        match message {
            Message::Add(k, from) => {
                self.0 += k;
                from.send(self.0);
            }
            Message::Crash => panic!("boom"),
            Message::Drop(_) => {}
            Message::CrashCall(_from) => panic!("boom"),
        }
        Ok(())
    }
}

static COUNTER: Name<Counter> = Name::new("counter");

#[tokio::test]
async fn a_server_answers_crashes_and_is_gone() {
    let counter = Counter::start(1).name(&COUNTER).await.expect("starts");
    assert_eq!(counter.call(|from| Message::Add(2, from)).await, Ok(3));
    assert_eq!(COUNTER.call(|from| Message::Add(2, from)).await, Ok(5));
    assert_eq!(counter.call(Message::Drop).await, Err(CallError::NoReply));
    let error = counter.call(Message::CrashCall).await.expect_err("crashes");
    assert!(
        matches!(&error, CallError::Exited(reason) if reason.to_string() == "error: panic: boom"),
        "{error:?}"
    );
    assert!(COUNTER.whereis().is_none());
    assert_eq!(counter.call(|from| Message::Add(2, from)).await, Err(CallError::NoProc));
    let _again = Counter::start(1).name(&COUNTER).await.expect("the name is free");
    COUNTER.cast(Message::Crash);
}

#[tokio::test]
async fn links_and_monitors_tell() {
    let parent = process::spawn(async |mut ctx: process::Context<()>| {
        ctx.trap_exits(process::Trap::On);
        let child =
            ctx.spawn_link(async |_: process::Context<()>| panic!("child")).expect("spawns");
        match ctx.recv().await {
            Received::Exit(exit) => assert_eq!(exit.from, child.pid()),
            other => panic!("{other:?}"),
        }
        let (child, monitor) =
            ctx.spawn_monitor(async |_: process::Context<()>| {}).expect("spawns");
        match ctx.recv().await {
            Received::Down(down) => {
                assert_eq!((down.monitor, down.pid), (monitor, Some(child.pid())));
                assert!(down.reason.is_normal());
            }
            other => panic!("{other:?}"),
        }
        ctx.send_after(Duration::from_millis(5), ());
        assert!(matches!(
            ctx.recv_timeout(Duration::from_secs(5)).await,
            Some(Received::Message(()))
        ));
        assert!(ctx.recv_timeout(Duration::from_millis(5)).await.is_none());
    })
    .expect("spawns");
    let reason = process::join(&parent).await;
    assert!(reason.is_normal(), "{reason:?}");
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_at_its_deadline() {
    struct Silent(Vec<Reply<()>>);
    impl GenServer for Silent {
        type Args = ();
        type Message = Reply<()>;
        async fn init((): (), _: &mut Context<Self>) -> Result<Self> {
            Ok(Self(Vec::new()))
        }
        async fn handle(&mut self, message: Reply<()>, _: &mut Context<Self>) -> Result {
            self.0.push(message);
            Ok(())
        }
    }
    let silent = Silent::start(()).await.expect("starts");
    for timeout in [1, 999, 1000, 5000] {
        let timeout = Duration::from_millis(timeout);
        let before = tokio::time::Instant::now();
        assert_eq!(silent.call(|from| from).timeout(timeout).await, Err(CallError::Timeout));
        let waited = before.elapsed();
        assert!(
            waited >= timeout && waited <= timeout + Duration::from_millis(110),
            "{timeout:?} {waited:?}"
        );
    }
    silent.pid().stop(ExitReason::Normal, None).await.expect("stops");
}
