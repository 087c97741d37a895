//! TMR-001 … TMR-006: timers, and receiving for a limited time.

use crate::common;

use fauxtp::names::Raw;
use fauxtp::prelude::*;
use fauxtp::process::{self, Received, Timer};
use tokio::sync::oneshot;
use tokio::time::Instant;

use common::{Do, Event, puppet, trapper};

type Inside = process::Context<u64>;

/// Runs a body to its end, which must be normal: an assertion that fails inside is told here.
async fn through<M, F>(body: impl FnOnce(process::Context<M>) -> F)
where
    M: Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let address = process::spawn(body).expect("there is a runtime");
    assert_eq!(process::join(&address).await, ExitReason::Normal);
}

/// Everything that waits.
async fn some<M: Send + 'static>(ctx: &mut process::Context<M>) -> Vec<M> {
    let mut messages = Vec::new();
    while let Some(Received::Message(message)) = ctx.recv_timeout(Duration::ZERO).await {
        messages.push(message);
    }
    messages
}

/// Waits and timers of all lengths, each by itself, measured by the clock that is in force.
async fn waits(lengths: &'static [Duration], late_at_most: Duration) {
    static NAME: Name<Raw<u64>> = Name::new("waits");
    through(async move |mut ctx: Inside| {
        ctx.register(&NAME).expect("the name is free");
        for length in lengths {
            for way in 0..4 {
                let before = Instant::now();
                match way {
                    0 => drop(ctx.send_after(*length, way)),
                    1 => drop(ctx.start_timer(*length, |_| way)),
                    2 => NAME.send_after(*length, way),
                    _ => assert!(ctx.recv_timeout(*length).await.is_none()),
                }
                if way < 3 {
                    assert!(matches!(ctx.recv().await, Received::Message(seen) if seen == way));
                }
                let took = before.elapsed();
                assert!(took >= *length, "{way}: {took:?} instead of {length:?}");
                assert!(took <= *length + late_at_most, "{way}: {took:?} instead of {length:?}");
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn tmr_001_timers_are_never_early() {
    const LENGTHS: &[Duration] = &[
        Duration::ZERO,
        Duration::from_nanos(1),
        Duration::from_micros(999),
        Duration::from_millis(1),
        Duration::from_micros(7_500),
        Duration::from_secs(1),
        Duration::from_secs(86_400),
    ];
    // The clock has a resolution of a millisecond.
    waits(LENGTHS, Duration::from_millis(2)).await;
    // All at once, those of the same moment in the order of setting.
    through(async |mut ctx: Inside| {
        let before = Instant::now();
        for ms in (0..500).rev() {
            ctx.send_after(Duration::from_millis(ms), 2 * ms);
            ctx.send_after(Duration::from_millis(ms), 2 * ms + 1);
        }
        for expected in 0..1_000 {
            assert!(matches!(ctx.recv().await, Received::Message(seen) if seen == expected));
            assert!(before.elapsed() >= Duration::from_millis(expected / 2), "{expected}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tmr_001_timers_are_never_early_by_the_real_clock() {
    const LENGTHS: &[Duration] = &[
        Duration::ZERO,
        Duration::from_micros(10),
        Duration::from_micros(1_001),
        Duration::from_millis(3),
        Duration::from_micros(7_777),
    ];
    for _ in 0..10 {
        waits(LENGTHS, Duration::from_secs(60)).await;
    }
}

/// Goal: nobody waits for a timer that never comes. Method: for the runtime it would be the next thing to happen, long
/// before the test's own deadline.
#[test]
fn tmr_001_a_timer_that_never_expires_keeps_nobody_busy() {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 3_600);
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().start_paused(true).build().expect("a runtime");
        runtime.block_on(async {
            let process = process::spawn(async move |mut ctx: Inside| {
                ctx.send_after(Duration::MAX, 1);
                ctx.recv().await;
            });
            let ended = process::join(process.expect("there is a runtime").pid());
            assert!(tokio::time::timeout(100 * YEAR, ended).await.is_err(), "it waits");
        });
        tell.send(process::timers_pending()).expect("the test waits");
    });
    told.recv_timeout(Duration::from_secs(60)).expect("it is busy for ever");
}

#[tokio::test(start_paused = true)]
async fn tmr_002_cancel_tells_what_remained_or_that_it_came_too_late() {
    const TENTH: Duration = Duration::from_millis(100);
    through(async |mut ctx: Inside| {
        let timer = ctx.send_after(TENTH, 1);
        assert!(ctx.recv_timeout(Duration::from_millis(40)).await.is_none());
        let left = ctx.cancel_timer(timer).expect("it is in time");
        let expected = Duration::from_millis(58)..=Duration::from_millis(60);
        assert!(expected.contains(&left), "{left:?}");
        assert_eq!(ctx.cancel_timer(timer), None, "only once");
        assert!(ctx.recv_timeout(10 * TENTH).await.is_none(), "it never comes");
        assert_eq!(process::timers_pending(), 0);
        // Too late: its message is in the mailbox, and stays there or is flushed; the others stay.
        for flush in [false, true] {
            let others = [ctx.send_after(TENTH, 1), ctx.send_after(TENTH, 3)];
            let late = ctx.send_after(TENTH, 2);
            ctx.send_after(2 * TENTH, 4);
            let fourth = ctx.recv_where(|item| matches!(item, process::Peek::Message(4)));
            assert!(matches!(fourth.await, Received::Message(4)));
            let cancel = if flush { Inside::cancel_timer_flush } else { Inside::cancel_timer };
            assert_eq!(cancel(&mut ctx, late), None);
            assert_eq!(cancel(&mut ctx, late), None, "again");
            assert_eq!(some(&mut ctx).await, if flush { vec![1, 3] } else { vec![1, 3, 2] });
            for spent in others.into_iter().chain([late]) {
                assert_eq!(ctx.cancel_timer_flush(spent), None);
            }
        }
        // In time, flushing is just cancelling.
        let timer = ctx.send_after(TENTH, 5);
        assert!(ctx.cancel_timer_flush(timer).is_some());
        assert!(ctx.recv_timeout(10 * TENTH).await.is_none());
    })
    .await;
}

/// Sets a hundred timers for the same moment, and waits until they begin to expire.
async fn expiring(ctx: &mut Inside) -> Vec<(u64, Timer)> {
    const SOON: Duration = Duration::from_millis(1);
    let timers = (0..100).map(|number| (number, ctx.send_after(SOON, number))).collect();
    // Another thread has to find the moment, and then expires them one after the other.
    while process::timers_pending() == 100 {
        tokio::task::yield_now().await;
    }
    timers
}

/// What comes until there is nothing more.
async fn rest(ctx: &mut Inside, expected: usize) -> Vec<u64> {
    let mut seen = Vec::new();
    let mut looks = 0;
    while seen.len() < expected || looks < 10 {
        tokio::task::yield_now().await;
        seen.extend(some(ctx).await);
        looks += 1;
    }
    seen
}

/// Goal: a timer is cancelled or heard of, never both, never neither. Method: many expire while they are cancelled, last
/// ones first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tmr_002_a_timer_is_cancelled_or_heard_of() {
    through(async |mut ctx: Inside| {
        for round in 0..150 {
            let timers = expiring(&mut ctx).await;
            let expired =
                timers.into_iter().rev().filter(|(_, timer)| ctx.cancel_timer(*timer).is_none());
            let mut expired: Vec<_> = expired.map(|(number, _)| number).collect();
            expired.reverse();
            assert_eq!(rest(&mut ctx, expired.len()).await, expired, "round {round}");
        }
    })
    .await;
}

/// Goal: after a flush nothing of the timer comes. Method: as above.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tmr_002_after_a_flush_nothing_of_the_timer_comes() {
    through(async |mut ctx: Inside| {
        for round in 0..300 {
            let timers = expiring(&mut ctx).await;
            for (_, timer) in timers.into_iter().rev() {
                ctx.cancel_timer_flush(timer);
            }
            assert_eq!(rest(&mut ctx, 0).await, [], "round {round}: late");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn tmr_003_an_expired_timer_is_a_message_at_the_tail() {
    through(async |mut ctx: Inside| {
        // Of no length at all: after everything that is sent before it expires.
        ctx.address().send(1);
        ctx.send_after(Duration::ZERO, 3);
        ctx.address().send(2);
        for expected in 1..=3 {
            assert!(matches!(ctx.recv().await, Received::Message(seen) if seen == expected));
        }
        // Of some length: between what is sent before it expires and what is sent after.
        ctx.send_after(Duration::from_millis(10), 2);
        ctx.address().send(1);
        let (ten, me) = (Duration::from_millis(20), ctx.address());
        let nothing = ctx.recv_where_timeout(|_| false, ten).await;
        assert!(nothing.is_none(), "it looks at none");
        me.send(3);
        assert_eq!(some(&mut ctx).await, [1, 2, 3]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn tmr_004_timers_die_with_their_process_and_find_a_name_at_expiry() {
    static LATE: Name<Raw<Do>> = Name::new("late");
    const TEN: Duration = Duration::from_millis(10);
    for killed in [false, true] {
        let owner = trapper().await;
        let mark = owner.marker();
        let pid = owner.pid();
        owner.run(|ctx| ctx.register(&LATE)).await.expect("the name is free");
        owner
            .run(move |ctx| {
                ctx.send_after(TEN, mark);
                for _ in 1..100 {
                    ctx.send_after(
                        Duration::from_secs(9),
                        Do::job(|_| panic!("its owner is dead")),
                    );
                }
            })
            .await;
        assert_eq!(process::timers_pending(), 100);
        let heirs = [puppet(), puppet()];
        LATE.send_after(TEN, heirs[0].marker());
        if killed {
            pid.kill();
            process::join(pid).await;
        } else {
            owner.ended(ExitReason::Normal).await;
        }
        assert_eq!(process::timers_pending(), 1, "only the one to a name is left");
        heirs[0].run(|ctx| ctx.register(&LATE)).await.expect("the name is free again");
        tokio::time::advance(2 * TEN).await;
        assert_eq!(heirs[0].wait(1).await, [Event::Mark], "whoever holds it at expiry");
        // Nobody holds it at expiry; who does later gets nothing.
        heirs[0].ended(ExitReason::Normal).await;
        LATE.send_after(TEN, heirs[1].marker());
        tokio::time::advance(2 * TEN).await;
        while process::timers_pending() > 0 {
            tokio::task::yield_now().await;
        }
        heirs[1].run(|ctx| ctx.register(&LATE)).await.expect("nobody holds it");
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(heirs[1].events().await, []);
        heirs[1].ended(ExitReason::Normal).await;
    }
}

#[tokio::test(start_paused = true)]
async fn tmr_005_an_expiry_names_its_timer() {
    through(async |mut ctx: process::Context<Timer>| {
        let delay = Duration::from_millis(10);
        // Cancelled too late, and set again: the old expiry is known by its timer.
        let stale = ctx.start_timer(delay, |timer| timer);
        let unwanted = ctx.recv_where_timeout(|_| false, 2 * delay).await;
        assert!(unwanted.is_none() && ctx.cancel_timer(stale).is_none());
        let fresh = ctx.start_timer(delay, |timer| timer);
        assert_ne!(stale, fresh);
        for expected in [stale, fresh] {
            assert!(matches!(ctx.recv().await, Received::Message(seen) if seen == expected));
        }
        // Many of them: each its own, and no two the same.
        let mut timers: Vec<_> = (0..1_000).map(|_| ctx.start_timer(delay, |own| own)).collect();
        for timer in &timers {
            assert!(matches!(ctx.recv().await, Received::Message(seen) if seen == *timer));
        }
        timers.sort();
        timers.dedup();
        assert_eq!(timers.len(), 1_000);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn tmr_006_a_receive_looks_before_it_times_out() {
    through(async |mut ctx: Inside| {
        let before = Instant::now();
        ctx.address().send(1);
        ctx.address().send(2);
        ctx.address().send(3);
        let second = ctx
            .recv_where_timeout(|item| matches!(item, process::Peek::Message(2)), Duration::ZERO)
            .await;
        assert!(matches!(second, Some(Received::Message(2))), "it looks at all");
        assert_eq!(some(&mut ctx).await, [1, 3]);
        assert!(ctx.recv_timeout(Duration::ZERO).await.is_none());
        assert_eq!(before.elapsed(), Duration::ZERO);
    })
    .await;
    // One that has been sent by another process just before, too.
    let (tell, told) = oneshot::channel();
    let receiver = process::spawn(async move |mut ctx: Inside| {
        let item = ctx.recv_timeout(Duration::ZERO).await;
        tell.send(matches!(item, Some(Received::Message(7)))).expect("the test waits");
    });
    receiver.expect("there is a runtime").send(7);
    assert_eq!(told.await, Ok(true));
}
