//! Local names: one holder per name, one name per process (REG-100).

use crate::robot;
use crate::support;

use fauxtp::names::{NameError, Raw, registered};
use fauxtp::prelude::*;
use fauxtp::process;
use fauxtp::{SendError, StartError};
use robot::{Log, Message, Robot, job};
use support::{Actor, Job, act, actor, begin, everywhere, multi_thread, stubborn, watch};

type Tag = Name<Raw<Job>>;

static FIRST: Tag = Name::new("first");
static SECOND: Tag = Name::new("second");

async fn register(actor: &Actor, name: &'static Tag) -> std::result::Result<(), NameError> {
    act(actor, |ctx| ctx.register(name)).await
}

async fn unregister(actor: &Actor, name: &'static Tag) -> std::result::Result<(), NameError> {
    act(actor, |ctx| ctx.unregister(name)).await
}

#[tokio::test]
async fn reg_100_a_name_has_one_holder_and_a_process_one_name() {
    let (a, b) = (actor(), actor());
    assert_eq!(FIRST.whereis(), None);
    assert_eq!(register(&a, &FIRST).await, Ok(()));
    assert_eq!(FIRST.whereis(), Some(a.clone()));
    assert_eq!(register(&b, &FIRST).await, Err(NameError::Taken(a.pid())));
    assert_eq!(register(&a, &SECOND).await, Err(NameError::HasName));
    assert!(register(&a, &FIRST).await.is_err(), "not twice");
    assert_eq!(SECOND.whereis(), None);
    assert_eq!(a.pid().info().await.expect("lives").name.as_deref(), Some("first"));
    let all: Vec<_> = registered().into_iter().map(|(name, pid)| (name.to_string(), pid)).collect();
    assert_eq!(all, [("first".to_owned(), a.pid())]);
}

#[tokio::test]
async fn reg_100_only_the_holder_can_take_a_name_back() {
    let (a, b) = (actor(), actor());
    assert_eq!(unregister(&a, &FIRST).await, Err(NameError::NotHeld));
    register(&a, &FIRST).await.expect("free");
    assert_eq!(unregister(&b, &FIRST).await, Err(NameError::NotHeld));
    assert_eq!(unregister(&a, &SECOND).await, Err(NameError::NotHeld));
    assert_eq!(unregister(&a, &FIRST).await, Ok(()));
    assert_eq!(unregister(&a, &FIRST).await, Err(NameError::NotHeld));
    assert_eq!(register(&b, &FIRST).await, Ok(()));
    assert_eq!(register(&a, &SECOND).await, Ok(()), "and has none any more");
}

#[tokio::test]
async fn reg_100_an_absent_name_is_an_error_to_send_to() {
    let send = |name: &Tag| {
        let (tell, told) = tokio::sync::oneshot::channel();
        let job = Job::new(move |ctx| tell.send(ctx.pid()).expect("the test waits"));
        (name.send(job), told)
    };
    let (refused, _) = send(&FIRST);
    assert!(matches!(refused, Err(SendError::NoProc(_))), "{refused:?}");
    let a = actor();
    register(&a, &FIRST).await.expect("free");
    let (sent, told) = send(&FIRST);
    assert!(sent.is_ok());
    assert_eq!(told.await, Ok(a.pid()));
    a.pid().kill();
    let (refused, _) = send(&FIRST);
    assert!(matches!(refused, Err(SendError::NoProc(_))), "{refused:?}");
}

#[test]
fn reg_100_a_name_is_free_before_anybody_can_know_of_the_end() {
    everywhere(300, async |round| {
        let (a, b) = (actor(), actor());
        register(&a, &FIRST).await.expect("the name is free");
        if round % 2 == 0 {
            a.pid().kill();
        } else {
            let join = watch(&a);
            drop(begin(&a, |ctx| ctx.exit(ctx.pid(), ExitReason::Normal)));
            join.await;
        }
        assert_eq!(FIRST.whereis(), None);
        assert_eq!(register(&b, &FIRST).await, Ok(()));
        let join = watch(&b);
        drop(begin(&b, |ctx| ctx.exit(ctx.pid(), ExitReason::Normal)));
        join.await;
    });
}

#[test]
fn reg_100_a_late_clean_up_leaves_the_next_holder_alone() {
    multi_thread().block_on(async {
        let (guard, release) = stubborn();
        let (tell, told) = tokio::sync::oneshot::channel();
        let first = process::spawn(async move |mut ctx: process::Context<Job>| {
            let _guard = guard;
            ctx.register(&FIRST).expect("free");
            tell.send(()).expect("the test waits");
            ctx.recv().await;
        })
        .expect("spawns");
        told.await.expect("registered");
        let (next, join) = (actor(), watch(&first));
        first.pid().kill();
        assert_eq!(register(&next, &FIRST).await, Ok(()));
        drop(release);
        join.await;
        assert_eq!(FIRST.whereis(), Some(next));
    });
}

#[test]
fn reg_100_of_many_starts_under_one_name_exactly_one_wins() {
    static NAME: Name<Robot> = Name::new("robot");
    everywhere(100, async |_| {
        let log = Log::default();
        let start = || {
            let noted = log.clone();
            let init = job(move |_, _| {
                noted.push("init");
                Ok(())
            });
            Robot::start((log.clone(), init)).name(&NAME)
        };
        let (a, b, c) = tokio::join!(start(), start(), start());
        let (won, lost): (Vec<_>, Vec<_>) = [a, b, c].into_iter().partition(|start| start.is_ok());
        let winner = won.first().cloned().expect("one wins").expect("it is one that won");
        let taken = Err(StartError::AlreadyStarted(winner.pid()));
        assert_eq!(lost, vec![taken; 2]);
        assert_eq!(log.line(), "init", "the others got nowhere");
        NAME.cast(Message::Note("heard"));
        winner.pid().stop(ExitReason::Normal, None).await.expect("stops");
        assert_eq!(log.line(), "init heard terminate(normal)");
    });
}

#[tokio::test]
async fn reg_100_a_second_name_at_the_start_fails_it_and_frees_the_first() {
    static A: Name<Robot> = Name::new("a");
    static B: Name<Robot> = Name::new("b");
    let start = || Robot::start((Log::default(), job(|_, _| Ok(()))));
    let error = start().name(&A).name(&B).await.expect_err("one name per process");
    assert!(error.to_string().contains("has a name already"), "{error}");
    assert_eq!((A.whereis(), B.whereis()), (None, None));
    start().name(&A).await.expect("free");
}
