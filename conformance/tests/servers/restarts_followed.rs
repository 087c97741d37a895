//! Names and handles that follow restarts (CALL-006, CALL-007).

use crate::support;

use std::future::Future;

use fauxtp::prelude::*;
use fauxtp::process;
use fauxtp::supervisor::Restart;
use support::{everywhere, soon, watch};
use tokio::time::Instant;

struct Counter(u64);

#[gen_server]
impl Counter {
    fn init() -> Self {
        Self(0)
    }

    #[call]
    fn add(&mut self, more: u64) -> u64 {
        self.0 += more;
        self.0
    }

    #[cast]
    fn crash(&self) -> std::result::Result<(), std::fmt::Error> {
        Err(std::fmt::Error)
    }

    #[cast]
    async fn dawdle(&mut self, how_long: Duration) {
        // sleep: it is busy for that long, and that is the subject.
        tokio::time::sleep_until(Instant::now() + how_long).await;
    }

    #[call]
    async fn wait_for_myself(&mut self, name: Name<Self>) -> String {
        name.await_restart().await.expect_err("it would wait for ever").to_string()
    }
}

async fn supervised(name: &Name<Counter>) -> fauxtp::supervisor::SupervisorHandle {
    let spec = Counter::spec(()).name(name).id("counter").restart(Restart::Permanent);
    Supervisor::new([spec]).unlimited().start().await.expect("starts")
}

#[test]
fn call_006_after_a_crash_a_name_means_the_next_one_however_they_race() {
    static NAME: Name<Counter> = Name::new("follows");
    everywhere(300, async |round| {
        let sup = supervised(&NAME).await;
        assert_eq!(NAME.add(5).await, Ok(5));
        let before = NAME.whereis().expect("runs").pid();
        match round % 3 {
            0 => NAME.crash(),
            1 => before.kill(),
            _ => before.exit(ExitReason::error("hit")),
        }
        if round % 2 == 0 {
            // It may be over by now.
            tokio::task::yield_now().await;
        }
        let after = NAME.await_restart().await.expect("is restarted").pid();
        assert_ne!(before, after);
        assert_eq!(NAME.add(1).await, Ok(1), "the state is fresh");
        assert_eq!(NAME.await_restart().await.expect("nothing has happened").pid(), after);
        sup.stop().await.expect("stops");
    });
}

#[test]
fn call_006_what_is_under_way_is_waited_for() {
    static NAME: Name<Counter> = Name::new("follows later");
    everywhere(20, async |_| {
        let sup = supervised(&NAME).await;
        NAME.dawdle(Duration::from_millis(3));
        NAME.crash();
        NAME.await_restart().await.expect("is restarted");
        assert_eq!(NAME.add(1).await, Ok(1));
        sup.stop().await.expect("stops");
    });
}

#[tokio::test(start_paused = true)]
async fn call_006_the_wait_has_an_end() {
    static NAME: Name<Counter> = Name::new("follows nobody");
    let began = Instant::now();
    let limit = Duration::from_millis(700);
    assert_eq!(NAME.await_restart_within(limit).await, Err(CallError::Timeout));
    assert!((limit..limit * 2).contains(&began.elapsed()));
    let sup = supervised(&NAME).await;
    NAME.dawdle(Duration::from_secs(3_600));
    assert_eq!(NAME.await_restart().await, Err(CallError::Timeout), "it is busy");
    sup.stop().await.expect("stops");
    // Who waits is served by whoever comes.
    let waits = NAME.await_restart();
    let comes = async {
        tokio::task::yield_now().await;
        Counter::start(()).name(&NAME).await.expect("the name is free")
    };
    let (found, came) = tokio::join!(waits, comes);
    assert_eq!(found.map(|address| address.pid()), Ok(came.pid()));
    let said = NAME.wait_for_myself(NAME.clone()).await.expect("answers");
    assert!(said.contains("would wait for itself"), "{said}");
}

#[test]
fn call_007_the_handle_of_a_child_follows_restarts() {
    everywhere(50, async |_| {
        let sup = Supervisor::new([Counter::spec(()).id("c1")]).unlimited().start().await;
        let sup = sup.expect("starts");
        let child = sup.child::<Counter>("c1");
        for _ in 0..3 {
            assert_eq!(child.add(2).await, Ok(2));
            let gone = watch(sup.whereis("c1").expect("runs"));
            child.crash();
            assert!(soon(gone).await.is_error());
            child.await_restart().await.expect("is restarted");
        }
        assert_eq!(sup.child::<Counter>("c2").add(1).await, Err(CallError::NoProc));
        sup.terminate_child("c1").await.expect("stops");
        assert_eq!(child.add(1).await, Err(CallError::NoProc));
        assert_eq!(child.await_restart_within(Duration::ZERO).await, Err(CallError::Timeout));
        sup.restart_child("c1").await.expect("starts");
        assert_eq!(child.add(1).await, Ok(1));
        sup.stop().await.expect("stops");
    });
}

/// A raw process is followed as well, whatever it leaves in its mailbox.
#[test]
fn call_006_selective_receives_are_no_hindrance() {
    everywhere(20, async |_| {
        let name: Name<fauxtp::names::Raw<u8>> = Name::from_string("picks".to_owned());
        let holder = name.clone();
        let raw = process::spawn(async move |mut ctx: process::Context<u8>| {
            ctx.register(&holder).expect("the name is free");
            loop {
                ctx.recv().await;
            }
        });
        let raw = raw.expect("a runtime");
        let found = name.await_restart().await.expect("it is there").pid();
        assert_eq!(found, raw.pid());
        for message in 0..100 {
            raw.send(message);
        }
        let after: std::pin::Pin<Box<dyn Future<Output = _>>> = Box::pin(name.await_restart());
        after.await.expect("it lives");
        assert_eq!(raw.queue_len(), 0);
        support::end(&raw).await;
    });
}
