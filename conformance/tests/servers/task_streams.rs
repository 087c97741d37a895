//! TASK-020 … TASK-026: streams of tasks.

use crate::support;

use std::future::pending;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use fauxtp::prelude::*;
use fauxtp::process::{self, Received, Trap};
use fauxtp::task::{AsyncStream, OnTimeout, TaskError, ZeroConcurrency, async_stream};
use tokio::sync::oneshot;
use tokio::time::Instant;

use support::{everywhere, soon, watch};

const MS: Duration = Duration::from_millis(1);

/// Takes so long; on paused time, the subject of these tests.
async fn take(time: Duration) {
    let _in_time = tokio::time::timeout(time, pending::<()>()).await;
}

/// Lets a process begin that waits for that, and waits for its end.
fn begin(process: &Address<()>) -> impl Future<Output = ExitReason> + use<> {
    let end = watch(process);
    process.send(());
    end
}

/// Which tasks have begun, each by its pid.
#[derive(Clone, Default)]
struct Begun(Arc<Mutex<Vec<Pid>>>);

impl Begun {
    fn note(&self) {
        let me = process::current_pid().expect("a process");
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(me);
    }

    fn all(&self) -> Vec<Pid> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until so many have begun.
    async fn wait(&self, count: usize) {
        while self.all().len() < count {
            tokio::task::yield_now().await;
        }
    }
}

/// All that a stream gives.
macro_rules! all {
    ($stream:expr) => {{
        let mut stream = $stream;
        let mut all = Vec::new();
        while let Some(item) = stream.next().await {
            all.push(item);
        }
        assert!(stream.next().await.is_none(), "and it stays at its end");
        all
    }};
}

/// Polls a stream once, and finds nothing.
macro_rules! nothing_yet {
    ($stream:expr) => {{
        let mut next = Box::pin($stream.next());
        let poll = std::future::poll_fn(|cx| std::task::Poll::Ready(next.as_mut().poll(cx)));
        assert!(poll.await.is_pending());
    }};
}

fn exited<T: std::fmt::Debug>(outcome: Result<T, TaskError>) -> ExitReason {
    match outcome {
        Err(TaskError::Exited(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn task_020_results_come_in_the_order_of_the_source_or_of_their_completion() {
    let times = [30, 10, 20, 0];
    let work = async |time: u32| {
        take(time * MS).await;
        time
    };
    let ordered = all!(async_stream(times, work).max_concurrency(4).expect("more than zero"));
    assert_eq!(ordered, [Ok(30), Ok(10), Ok(20), Ok(0)]);
    let unordered = async_stream(times, work).max_concurrency(4).expect("more than zero");
    assert_eq!(all!(unordered.unordered()), [Ok(0), Ok(10), Ok(20), Ok(30)]);
    let many = 0..1_000_u32;
    let mut doubled = all!(async_stream(many.clone(), async |n| n * 2));
    assert_eq!(doubled, many.clone().map(|n| Ok(n * 2)).collect::<Vec<_>>());
    doubled = all!(async_stream(many.clone(), async |n| n * 2).unordered());
    doubled.sort_by_key(|item| item.clone().ok());
    assert_eq!(doubled, many.map(|n| Ok(n * 2)).collect::<Vec<_>>());
}

#[test]
fn task_020_order_holds_with_two_threads_as_well() {
    everywhere(3, |_| async {
        let numbers = 0..2_000_u32;
        let all = all!(async_stream(numbers.clone(), async |n| {
            for _ in 0..n % 5 {
                tokio::task::yield_now().await;
            }
            n
        }));
        assert_eq!(all, numbers.map(Ok).collect::<Vec<_>>());
    });
}

#[tokio::test(start_paused = true)]
async fn task_021_only_so_many_run_and_the_source_is_pulled_as_needed() {
    let (running, most, pulled) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let counts = Arc::new((running, most, pulled));
    let source = {
        let counts = counts.clone();
        (0..).inspect(move |_: &u32| {
            counts.2.fetch_add(1, Ordering::Relaxed);
        })
    };
    let work = |n: u32| {
        let counts = counts.clone();
        async move {
            let now = counts.0.fetch_add(1, Ordering::Relaxed) + 1;
            counts.1.fetch_max(now, Ordering::Relaxed);
            take(10 * MS).await;
            counts.0.fetch_sub(1, Ordering::Relaxed);
            n
        }
    };
    let mut stream = async_stream(source, work).max_concurrency(3).expect("more than zero");
    assert_eq!(counts.2.load(Ordering::Relaxed), 0, "nothing is pulled before it is polled");
    nothing_yet!(stream);
    assert_eq!(counts.2.load(Ordering::Relaxed), 3, "as many as may run");
    for n in 0..30 {
        assert_eq!(stream.next().await, Some(Ok(n)));
        // Those that have been given, those that had ended with them, and those that run.
        let pulled = counts.2.load(Ordering::Relaxed);
        assert!(pulled <= n as usize + 1 + 2 + 3, "{pulled} at {n}");
    }
    assert_eq!(counts.1.load(Ordering::Relaxed), 3, "all slots are used, and no more");

    // A slow one holds up nobody.
    let begun = Instant::now();
    let times = async_stream([200, 10, 10, 10], async |time: u32| take(time * MS).await);
    assert_eq!(all!(times.max_concurrency(2).expect("more than zero")).len(), 4);
    assert!(begun.elapsed() < 210 * MS, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn task_022_each_task_has_its_own_time() {
    let begun = Begun::default();
    let work = |time: u32| {
        let begun = begun.clone();
        async move {
            begun.note();
            take(time * MS).await;
            time
        }
    };
    let stream = async_stream([10, 500, 20, 90], work).timeout(100 * MS);
    let one_at_a_time = stream.max_concurrency(1).expect("more than zero");
    let all = all!(one_at_a_time.on_timeout(OnTimeout::KillTask));
    assert_eq!(all, [Ok(10), Err(TaskError::Timeout), Ok(20), Ok(90)], "each from its own start");
    assert!(begun.all().iter().all(|pid| !pid.is_alive()), "killed, and gone");

    let begun = Begun::default();
    let work = |time: u32| {
        let begun = begun.clone();
        async move {
            begun.note();
            take(time * MS).await;
            time
        }
    };
    let stream = async_stream([10, 50, 500, 50, 500], work).timeout(100 * MS);
    let mut stream = stream.max_concurrency(3).expect("more than zero");
    assert_eq!(stream.next().await, Some(Ok(10)));
    assert_eq!(stream.next().await, Some(Ok(50)));
    assert_eq!(stream.next().await, Some(Err(TaskError::Timeout)));
    assert_eq!(begun.all().len(), 5);
    assert!(begun.all().iter().all(|pid| !pid.is_alive()), "everything is cleaned up before");
    assert_eq!(stream.next().await, None, "that was the end");

    // Five seconds, unless told otherwise; and no time limit at all.
    let at = Instant::now();
    let late = all!(async_stream([()], |()| pending::<()>()));
    assert_eq!(late, [Err(TaskError::Timeout)]);
    let took = at.elapsed();
    assert!(took >= 5_000 * MS && took <= 5_100 * MS, "{took:?}");
    let hours = async_stream([2], async |hours: u32| take(hours * 3_600_000 * MS).await);
    assert_eq!(all!(hours.no_timeout()), [Ok(())]);
}

/// Polls a stream of three in a process of its own, the second one of which panics; tells what it has got, what else has
/// reached the process, and how this has ended.
async fn consume(
    trap: Trap,
    begun: Begun,
    change: impl FnOnce(AsyncStream<Three, Work, u32>) -> AsyncStream<Three, Work, u32> + Send + 'static,
) -> (Option<Vec<Result<u32, TaskError>>>, ExitReason) {
    let (tell, told) = oneshot::channel();
    let consumer = process::spawn(move |mut ctx: process::Context<()>| async move {
        ctx.trap_exits(trap);
        ctx.recv().await;
        let work: Work = Box::new(move |n| {
            let begun = begun.clone();
            Box::pin(async move {
                begun.note();
                assert!(n != 2, "boom");
                n
            })
        });
        let stream = async_stream(1..4, work).max_concurrency(1).expect("more than zero");
        let all = all!(change(stream));
        ctx.address().send(());
        assert!(matches!(ctx.recv().await, Received::Message(())), "nothing else has come");
        let links = ctx.pid().info().await.expect("it lives").links;
        assert_eq!(links, [], "no link is left");
        let _nobody_waits = tell.send(all);
    });
    let end = begin(&consumer.expect("a runtime"));
    (soon(told).await.ok(), soon(end).await)
}

type Three = std::ops::Range<u32>;
type Work = Box<dyn FnMut(u32) -> Pin<Box<dyn Future<Output = u32> + Send>> + Send>;

#[test]
fn task_023_a_failing_task_ends_the_consumer_or_is_an_item() {
    everywhere(50, |_| async {
        let (all, end) = consume(Trap::Off, Begun::default(), |stream| stream).await;
        assert_eq!(all, None, "it goes no further");
        assert_eq!(end.panic().expect("the reason of the task").message, "boom");

        for (trap, nolink) in [(Trap::On, false), (Trap::On, true), (Trap::Off, true)] {
            let change =
                move |stream: AsyncStream<_, _, _>| if nolink { stream.nolink() } else { stream };
            let (all, end) = consume(trap, Begun::default(), change).await;
            let [first, second, third] =
                <[_; 3]>::try_from(all.expect("it goes on")).expect("three");
            assert_eq!((first, third), (Ok(1), Ok(3)));
            assert_eq!(exited(second).panic().expect("a panic").message, "boom");
            assert_eq!(end, ExitReason::Normal);
        }

        // Those that run along end with the consumer.
        let begun = Begun::default();
        let noted = begun.clone();
        let consumer = process::spawn(|mut ctx: process::Context<()>| async move {
            ctx.recv().await;
            let stream = async_stream(0..4, |n| {
                let begun = noted.clone();
                async move {
                    begun.note();
                    begun.wait(4).await;
                    assert!(n != 2, "boom");
                    pending::<()>().await;
                }
            });
            all!(stream.max_concurrency(4).expect("more than zero"));
        });
        let end = begin(&consumer.expect("a runtime"));
        assert!(end.await.panic().is_some());
        for pid in begun.all() {
            process::join(pid).await;
        }

        // With its input.
        let stream = async_stream(["a", "b"], async |text| assert!(text != "b", "boom"));
        let [first, second] = <[_; 2]>::try_from(all!(stream.zip_input_on_exit())).expect("two");
        assert_eq!(first, Ok(()));
        let (error, input) = second.expect_err("a failure");
        assert!(input == "b" && exited::<()>(Err(error)).panic().is_some());
    });
}

#[test]
fn task_024_leaving_early_stops_the_tasks_and_leaves_nothing_behind() {
    everywhere(50, |round| async move {
        let begun = Begun::default();
        let noted = begun.clone();
        let (tell, told) = oneshot::channel();
        let consumer = process::spawn(move |mut ctx: process::Context<()>| async move {
            ctx.trap_exits(Trap::On);
            ctx.recv().await;
            let begun = noted.clone();
            let work = move |n: u32| {
                let begun = noted.clone();
                async move {
                    // All but the first: they begin in any order.
                    if n > 0 {
                        begun.note();
                        pending::<()>().await;
                    }
                }
            };
            let mut stream = async_stream(0.., work).max_concurrency(4).expect("more than zero");
            assert_eq!(stream.next().await, Some(Ok(())));
            nothing_yet!(stream);
            begun.wait(4).await;
            let running = begun.all();
            assert!(running.iter().all(|pid| pid.is_alive()));
            if round % 2 == 0 {
                stream.close().await;
                let alive = process::list();
                assert!(running.iter().all(|pid| !alive.contains(pid)), "killed and awaited");
            } else {
                drop(stream);
                assert!(running.iter().all(|pid| !pid.is_alive()), "killed");
                for pid in running {
                    process::join(pid).await;
                }
            }
            let links = ctx.pid().info().await.expect("it lives").links;
            assert_eq!(links, [], "no link is left");
            ctx.address().send(());
            assert!(matches!(ctx.recv().await, Received::Message(())), "and no message");
            let _nobody_waits = tell.send(());
        });
        let end = begin(&consumer.expect("a runtime"));
        told.await.expect("all is well");
        assert_eq!(end.await, ExitReason::Normal);
        assert_eq!(begun.all().len(), 4, "nothing has been started since");
    });
}

#[test]
fn task_024_tasks_end_with_their_consumer_whatever_it_ends_with() {
    everywhere(50, |round| async move {
        let begun = Begun::default();
        let noted = begun.clone();
        let (open, gate) = oneshot::channel::<()>();
        let consumer = process::spawn(move |_: process::Context<()>| async move {
            let work = |_| {
                let begun = noted.clone();
                async move {
                    begun.note();
                    pending::<()>().await;
                }
            };
            let mut stream = async_stream(0..4, work).max_concurrency(4).expect("more than zero");
            nothing_yet!(stream);
            let _told = gate.await;
            // The stream itself does not help.
            std::mem::forget(stream);
        });
        let consumer = consumer.expect("a runtime").pid();
        begun.wait(4).await;
        let ends: Vec<_> = begun.all().into_iter().map(watch).collect();
        if round % 2 == 0 {
            drop(open);
        } else {
            consumer.kill();
        }
        let expected = if round % 2 == 0 { ExitReason::shutdown() } else { ExitReason::killed() };
        for end in ends {
            assert_eq!(end.await, expected);
        }
    });
}

#[test]
fn task_025_a_source_that_fails_cleans_up_what_runs() {
    everywhere(50, |_| async {
        let begun = Begun::default();
        let work = |_| {
            let begun = begun.clone();
            async move {
                begun.note();
                pending::<()>().await;
            }
        };
        let source = (0..).inspect(|n| assert!(*n < 3, "no more"));
        let mut stream = async_stream(source, work).max_concurrency(3).expect("more than zero");
        nothing_yet!(stream);
        begun.wait(3).await;
        let ends: Vec<_> = begun.all().into_iter().map(watch).collect();
        // One ends, and the source is asked for another one.
        begun.all()[1].kill();
        let message = thrown(async { while stream.next().await.is_some() {} }).await;
        assert_eq!(message.downcast_ref::<&str>(), Some(&"no more"));
        for end in ends {
            assert!(end.await.is_killed());
        }
        assert_eq!(stream.next().await.map(exited), None, "and that is its end");
    });
}

/// What a future throws.
async fn thrown(future: impl Future) -> Box<dyn std::any::Any + Send> {
    let mut future = Box::pin(future);
    let caught = std::future::poll_fn(|cx| {
        let poll = std::panic::catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx)));
        match poll {
            Ok(poll) => poll.map(|_| None),
            Err(thrown) => std::task::Poll::Ready(Some(thrown)),
        }
    });
    caught.await.expect("it panics")
}

#[tokio::test]
async fn task_026_senseless_options_are_refused_at_once() {
    let refused = async_stream([1], async |_: u32| ()).max_concurrency(0);
    assert_eq!(refused.err(), Some(ZeroConcurrency));
    assert!(!ZeroConcurrency.to_string().is_empty());
}

#[tokio::test]
async fn task_021_a_slow_reader_is_not_outrun() {
    for ordered in [true, false] {
        let pulled = Arc::new(AtomicUsize::new(0));
        let count = pulled.clone();
        let source = (0_usize..).inspect(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
        });
        let stream = async_stream(source, async |n| n).max_concurrency(4).expect("more than zero");
        let mut stream = if ordered { stream } else { stream.unordered() };
        for taken in 1..=1_000 {
            stream.next().await.expect("endless").expect("a value");
            // All that run end meanwhile.
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            let pulled = pulled.load(Ordering::Relaxed);
            assert!(pulled <= taken + 8, "ordered {ordered}: {pulled} pulled for {taken}");
        }
    }
}
