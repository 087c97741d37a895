//! What once went wrong with registries and names, and must not again.

use crate::support;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use fauxtp::names;
use fauxtp::prelude::*;
use fauxtp::process;
use fauxtp::registry::UpdateError;
use fauxtp::supervisor::{Restart, Shutdown, SupervisorHandle};
use support::{multi_thread, soon};
use tokio::sync::oneshot;

type Inside = process::Context<()>;

async fn registry<V: Clone + Send + Sync + 'static>() -> Registry<String, V> {
    Registry::start().await.expect("starts")
}

/// The context of a process that lives on, in the hands of the test.
async fn context() -> Inside {
    let (hand_out, handed_out) = oneshot::channel();
    let lives = process::spawn(async move |ctx: Inside| {
        let _the_test_waits = hand_out.send(ctx);
        std::future::pending::<()>().await;
    });
    lives.expect("there is a runtime");
    handed_out.await.expect("it begins")
}

/// Does something in a thread of its own, and fails if that hangs.
fn unless_it_hangs<T: Send + 'static>(what: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, outcome) = mpsc::channel();
    thread::spawn(move || done.send(work()));
    let in_time = outcome.recv_timeout(Duration::from_secs(30));
    in_time.unwrap_or_else(|error| panic!("{what}: {error}"))
}

/// Runs a test. Where a registry hangs, its runtime hangs in the end as well: a failure leaves it behind.
fn run(test: impl Future<Output = ()>) {
    let runtime = multi_thread();
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| runtime.block_on(test))) {
        std::mem::forget(runtime);
        resume_unwind(panic);
    }
}

/// The closure ran under the registry's lock: if it used the registry, both hung for ever, and so did everybody
/// else who used it.
#[test]
fn reg_010_what_changes_a_value_may_use_the_registry() {
    run(async {
        let (table, mut ctx) = (registry::<u32>().await, context().await);
        let me = ctx.pid();
        table.register(&mut ctx, "key", 1).expect("is free");
        let used = table.clone();
        let (updated, mut ctx) = unless_it_hangs("update_value", move || {
            let change = |value: &mut u32| {
                *value += 1;
                (used.count(), used.lookup("key"))
            };
            (used.update_value(&mut ctx, "key", change), ctx)
        });
        assert_eq!(updated, Ok((1, vec![(me, 1)])), "others see the old value meanwhile");
        assert_eq!(table.lookup("key"), [(me, 2)]);
        // Even the key itself may have gone meanwhile.
        let (used, mut other) = (table.clone(), context().await);
        let updated = unless_it_hangs("update_value", move || {
            used.update_value(&mut ctx, "key", |value| {
                *value += 1;
                used.select(|_, _, value| *value == 2).len()
                    + usize::from(used.get("other").is_none())
            })
        });
        assert_eq!(updated, Ok(2));
        assert_eq!(table.lookup("key"), [(me, 3)]);
        assert_eq!(table.update_value(&mut other, "key", |_| ()), Err(UpdateError::NotHeld));
    });
}

/// So did the closures of `unregister_match`, `select` and `dispatch`.
/// also: REG-010
#[test]
fn reg_009_what_chooses_entries_may_use_the_registry() {
    run(async {
        let (table, mut ctx) = (registry::<u32>().await, context().await);
        for key in ["a", "b", "c"] {
            table.register(&mut ctx, key, 1).expect("is free");
        }
        let used = table.clone();
        let mut ctx = unless_it_hangs("unregister_match", move || {
            used.unregister_match(&mut ctx, "a", |value| used.count() == 3 && *value == 1);
            ctx
        });
        assert_eq!((table.count(), table.get("a")), (2, None));
        let used = table.clone();
        let (selected, mut ctx) = unless_it_hangs("select", move || {
            let selected = used.select(|key, _, _| {
                used.unregister(&mut ctx, key.as_str());
                key == "b"
            });
            (selected, ctx)
        });
        assert_eq!(selected, [("b".to_owned(), ctx.pid(), 1)], "as it was when it was asked");
        assert_eq!(table.count(), 0);
        let used = table.clone();
        unless_it_hangs("dispatch", move || {
            used.register(&mut ctx, "d", 1).expect("is free");
            used.dispatch("d", |_| used.unregister(&mut ctx, "d"));
        });
        assert_eq!(table.count(), 0);
    });
}

/// A value that uses its registry when it is dropped or cloned, while somebody else writes.
struct Uses {
    registry: Option<Registry<String, Self>>,
    writer: Arc<std::sync::Mutex<Option<Inside>>>,
}

impl Uses {
    fn none() -> Self {
        Self { registry: None, writer: Arc::default() }
    }

    /// Has another thread register a key, and waits until it has.
    fn write(&self) {
        let (Some(registry), Ok(mut writer)) = (&self.registry, self.writer.lock()) else { return };
        let (Some(mut ctx), registry) = (writer.take(), registry.clone()) else { return };
        let register = move || registry.register(&mut ctx, "written", Self::none());
        let _registered = thread::spawn(register).join();
    }
}

impl Clone for Uses {
    fn clone(&self) -> Self {
        self.write();
        Self { registry: None, writer: self.writer.clone() }
    }
}

impl Drop for Uses {
    fn drop(&mut self) {
        self.write();
        if let Some(registry) = &self.registry {
            let _any = registry.count();
        }
    }
}

/// Values were cloned and dropped under the lock: one whose `Clone` or `Drop` waits for somebody who uses the
/// registry hung it for ever.
#[test]
fn reg_010_values_are_cloned_and_dropped_outside_of_the_lock() {
    type Look = fn(&Registry<String, Uses>, &mut Inside);
    let looks: [(&'static str, Look); 7] = [
        ("lookup", |table, _| drop(table.lookup("key"))),
        ("values", |table, ctx| drop(table.values("key", ctx.pid()))),
        ("select", |table, _| drop(table.select(|key, _, _| key == "key"))),
        ("dispatch", |table, _| table.dispatch("key", drop)),
        ("update_value", |table, ctx| {
            let _held = table.update_value(ctx, "key", |value| *value = Uses::none());
        }),
        ("unregister", |table, ctx| table.unregister(ctx, "key")),
        ("unregister_match", |table, ctx| table.unregister_match(ctx, "key", |_| true)),
    ];
    run(async {
        for (name, look) in looks {
            let (table, mut ctx) = (registry::<Uses>().await, context().await);
            let writer = Arc::new(std::sync::Mutex::new(Some(context().await)));
            let value = Uses { registry: Some(table.clone()), writer };
            table.register(&mut ctx, "key", value).expect("is free");
            let used = table.clone();
            let mut ctx = unless_it_hangs(name, move || {
                look(&used, &mut ctx);
                ctx
            });
            assert!(table.get("written").is_some(), "{name}: it was cloned or dropped");
            table.unregister(&mut ctx, "key");
        }
    });
}

/// A context that had outlived its process could still register: the entries were never released, for the process
/// had nobody left to do it.
/// also: REG-005, REG-100
#[tokio::test]
async fn reg_003_a_dead_process_can_register_nothing() {
    let name: Name<names::Raw<()>> = Name::new("regression: of the dead");
    let (table, duplicates) = (registry::<u32>().await, Registry::<String, u32>::start_duplicate());
    let duplicates = duplicates.await.expect("starts");
    for killed in [false, true] {
        let (hand_out, handed_out) = oneshot::channel();
        let dead = process::spawn(async move |ctx: Inside| {
            let _the_test_waits = hand_out.send(ctx);
            if killed {
                std::future::pending::<()>().await;
            }
        });
        let dead = dead.expect("there is a runtime").pid();
        let mut ctx = handed_out.await.expect("it begins");
        if killed {
            dead.kill();
        }
        process::join(dead).await;
        table.register(&mut ctx, "key", 1).expect_err("it is dead");
        duplicates.register(&mut ctx, "key", 1).expect_err("it is dead");
        ctx.register(&name).expect_err("it is dead");
        for _ in 0..2 {
            assert_eq!((table.count(), duplicates.count()), (0, 0), "killed: {killed}");
            assert!(name.whereis().is_none());
            assert!(names::registered().iter().all(|(_, pid)| *pid != dead));
            ctx = context().await;
        }
        // The living are not in the way of the dead, nor the other way round.
        table.register(&mut ctx, "key", 2).expect("is free");
        assert_eq!(table.lookup("key"), [(ctx.pid(), 2)]);
        table.unregister(&mut ctx, "key");
    }
}

/// When the process of a supervisor's own registry was killed, nobody was found until the supervisor was idle again.
///
/// also: CON-09
#[tokio::test(start_paused = true)]
async fn faux_14_a_supervisors_own_registry_is_open_whatever_it_is_busy_with() {
    let (enter, mut entered) = tokio::sync::mpsc::unbounded_channel();
    let slow = ChildSpec::process("slow", move |mut ctx: Inside| {
        let enter = enter.clone();
        async move {
            ctx.trap_exits(Trap::On);
            enter.send(()).expect("the test listens");
            ctx.recv().await;
            // sleep: on virtual time, to be busy.
            tokio::time::sleep_until(tokio::time::Instant::now() + Duration::from_secs(50)).await;
        }
    });
    let slow = slow.shutdown(Shutdown::Timeout(Duration::from_secs(60)));
    let idle = ChildSpec::task("idle", std::future::pending::<()>);
    let sup = Supervisor::new([idle, slow]).start().await.expect("starts");
    entered.recv().await.expect("it begins");
    let idle = sup.whereis("idle").expect("runs");
    let kill = async {
        let registry = sup.registry().pid().expect("has a process");
        for _ in 0..3 {
            registry.kill();
            process::join(registry).await;
            assert_eq!(sup.whereis("idle"), Some(idle));
        }
    };
    let (terminated, ()) = tokio::join!(sup.terminate_child("slow"), kill);
    terminated.expect("it is known");
    assert_eq!(sup.whereis("idle"), Some(idle));
    assert!(sup.registry().pid().is_some_and(PidExt::is_alive), "and it has a process again");
    sup.stop().await.expect("stops");
    assert_eq!(sup.registry().count(), 0);
}

/// What lay in a registry that had ended was kept by everybody who had ever registered in it.
#[tokio::test(start_paused = true)]
async fn reg_013_a_registry_that_has_ended_keeps_nothing() {
    let mut ctx = context().await;
    let value = Arc::new(());
    for kill in [false, true] {
        let table: Registry<&str, Arc<()>> = Registry::start().await.expect("starts");
        table.register(&mut ctx, "key", value.clone()).expect("is free");
        assert_eq!(Arc::strong_count(&value), 2);
        if kill {
            let process = table.pid().expect("has a process");
            process.kill();
            process::join(process).await;
        } else {
            table.stop().await;
        }
        assert_eq!((Arc::strong_count(&value), table.count()), (1, 0));
        table.register(&mut ctx, "key", value.clone()).expect_err("it is closed");
    }
}

/// A value that panics when it is dropped, as long as it is armed.
#[derive(Clone)]
struct Armed(Arc<AtomicBool>);

impl Drop for Armed {
    fn drop(&mut self) {
        let armed = self.0.load(Ordering::SeqCst) && !thread::panicking();
        assert!(!armed, "a value is dropped");
    }
}

/// The values of a process that ended were dropped unguarded: a panic of one cut its end short. Nobody was told, it
/// was never restarted, and counted as running for ever.
/// also: REG-003
#[tokio::test(start_paused = true)]
async fn rust_002_the_destructor_of_a_registry_value_cuts_no_end_short() {
    let (table, armed) = (registry::<Armed>().await, Arc::new(AtomicBool::new(true)));
    let (used, value) = (table.clone(), armed.clone());
    let child = ChildSpec::process("child", move |mut ctx: Inside| {
        let (used, value) = (used.clone(), value.clone());
        async move {
            for key in ["a", "b", "c"] {
                used.register(&mut ctx, key, Armed(value.clone())).expect("is free");
            }
            std::future::pending::<()>().await;
        }
    });
    let sup = Supervisor::new([child.restart(Restart::Permanent)]).start().await.expect("starts");
    for _ in 0..3 {
        let pid = registered(&sup, &table).await;
        pid.kill();
        assert!(soon(process::join(pid)).await.is_killed());
        let counts = soon(sup.count_children()).await.expect("lives");
        assert_eq!(counts.active, 1, "it is restarted");
        assert!(!pid.is_alive() && !process::list().contains(&pid));
        assert_ne!(sup.whereis("child"), Some(pid));
    }
    registered(&sup, &table).await;
    soon(sup.stop()).await.expect("stops");
    assert_eq!(table.count(), 0);
    armed.store(false, Ordering::SeqCst);
}

/// The child, as soon as it has registered its keys.
async fn registered(sup: &SupervisorHandle, table: &Registry<String, Armed>) -> Pid {
    let pid = sup.whereis("child").expect("runs");
    while table.get("c") != Some(pid) {
        tokio::task::yield_now().await;
    }
    pid
}
