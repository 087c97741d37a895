//! Registries: keys that mean processes (REG-001 … REG-016).

use crate::robot;
use crate::support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fauxtp::StartError;
use fauxtp::prelude::*;
use fauxtp::process::{self, Received};
use fauxtp::registry::{RegisterError, UpdateError};
use robot::{Log, Message, Robot, job};
use support::{Actor, act, actor, begin, end, everywhere, multi_thread, stubborn, watch};

type Table<V = u32> = Registry<String, V>;

async fn unique() -> Table {
    Registry::start().await.expect("starts")
}

async fn duplicate() -> Table {
    Registry::start_duplicate().await.expect("starts")
}

async fn register(
    table: &Table,
    actor: &Actor,
    key: &'static str,
    value: u32,
) -> std::result::Result<(), RegisterError> {
    let table = table.clone();
    act(actor, move |ctx| table.register(ctx, key, value)).await
}

fn sorted<T: Ord>(mut entries: Vec<T>) -> Vec<T> {
    entries.sort();
    entries
}

#[tokio::test]
async fn reg_001_a_unique_key_has_at_most_one_holder() {
    let (table, a, b) = (unique().await, actor(), actor());
    assert_eq!(register(&table, &a, "key", 1).await, Ok(()));
    let taken = Err(RegisterError::AlreadyRegistered(a.pid()));
    assert_eq!(register(&table, &b, "key", 2).await, taken);
    assert_eq!(register(&table, &a, "key", 3).await, taken, "not even by its own holder");
    assert_eq!((table.get("key"), table.lookup("key")), (Some(a.pid()), vec![(a.pid(), 1)]));
    assert_eq!(register(&table, &a, "other", 4).await, Ok(()));
    assert_eq!(table.count(), 2);
}

#[tokio::test]
async fn reg_002_a_duplicate_key_may_have_several_entries_of_one_process() {
    let (table, a, b) = (duplicate().await, actor(), actor());
    for (holder, value) in [(&a, 1), (&b, 2), (&a, 3), (&a, 3)] {
        assert_eq!(register(&table, holder, "key", value).await, Ok(()));
    }
    let expected = [(a.pid(), 1), (a.pid(), 3), (a.pid(), 3), (b.pid(), 2)];
    assert_eq!(sorted(table.lookup("key")), sorted(expected.to_vec()));
    end(&a).await;
    assert_eq!(table.lookup("key"), [(b.pid(), 2)]);
    assert_eq!(table.count(), 1);
}

#[test]
fn reg_003_entries_belong_to_who_registers_and_end_with_him() {
    everywhere(500, async |round| {
        let table = unique().await;
        let entered = table.clone();
        let holder = process::spawn(async move |mut ctx: process::Context<u8>| {
            for key in 0..10_u32 {
                entered.register(&mut ctx, key.to_string(), key).expect("free");
            }
            let Received::Message(way) = ctx.recv().await else { return };
            assert_ne!(way, 1, "ends by a panic");
        })
        .expect("spawns");
        while table.count() < 10 {
            holder.pid().info().await.expect("lives");
            tokio::task::yield_now().await;
        }
        assert_eq!(table.get("7"), Some(holder.pid()));
        let join = watch(&holder);
        match round % 3 {
            2 => holder.pid().kill(),
            way => holder.send(u8::try_from(way).expect("small")),
        }
        join.await;
        assert_eq!((table.count(), table.get("7")), (0, None));
        assert_eq!(table.keys(holder.pid()), Vec::<String>::new());
    });
}

/// Starts a process that holds `key` and, when it ends, does not get to its clean-up before the sender that
/// comes with it is dropped.
async fn slow_to_die(
    table: &Table,
    key: &'static str,
) -> (Address<()>, std::sync::mpsc::Sender<()>) {
    let (guard, release) = stubborn();
    let (tell, told) = tokio::sync::oneshot::channel();
    let entered = table.clone();
    let holder = process::spawn(async move |mut ctx: process::Context<()>| {
        let _guard = guard;
        entered.register(&mut ctx, key, 1).expect("free");
        tell.send(()).expect("the test waits");
        ctx.recv().await;
    })
    .expect("spawns");
    told.await.expect("registered");
    (holder, release)
}

#[test]
fn reg_004_the_key_of_a_dead_holder_can_be_taken_at_once() {
    multi_thread().block_on(async {
        let (table, successor) = (unique().await, actor());
        let (holder, release) = slow_to_die(&table, "key").await;
        let join = watch(&holder);
        holder.pid().kill();
        assert_eq!(register(&table, &successor, "key", 2).await, Ok(()));
        assert_eq!(table.lookup("key"), [(successor.pid(), 2)]);
        drop(release);
        assert!(join.await.is_killed());
    });
    everywhere(500, async |_| {
        let (table, holder, successor) = (unique().await, actor(), actor());
        register(&table, &holder, "key", 1).await.expect("free");
        let join = watch(&holder);
        holder.pid().kill();
        assert_eq!(register(&table, &successor, "key", 2).await, Ok(()));
        assert!(join.await.is_killed());
        assert_eq!(table.lookup("key"), [(successor.pid(), 2)]);
    });
}

#[test]
fn reg_005_a_lookup_never_finds_a_dead_process() {
    everywhere(300, async |round| {
        let (table, holder) = (unique().await, actor());
        register(&table, &holder, "key", 1).await.expect("free");
        if round % 2 == 0 {
            holder.pid().kill();
        } else {
            let join = watch(&holder);
            drop(begin(&holder, |ctx| ctx.exit(ctx.pid(), ExitReason::Normal)));
            join.await;
        }
        assert_eq!((table.get("key"), table.lookup("key")), (None, Vec::new()));
        table.dispatch("key", |holders| panic!("nobody is there, but {holders:?}"));
        assert_eq!(table.address::<fauxtp::names::Raw<support::Job>>("key"), None);
    });
}

#[test]
fn reg_006_of_rivals_at_the_same_moment_exactly_one_wins() {
    everywhere(150, async |_| {
        let table = unique().await;
        let rivals: Vec<Actor> = (0..8).map(|_| actor()).collect();
        let outcomes: Vec<_> = rivals
            .iter()
            .map(|rival| {
                let table = table.clone();
                begin(rival, move |ctx| table.register(ctx, "key", 0))
            })
            .collect();
        let mut winner = None;
        let mut losers = Vec::new();
        for (rival, outcome) in rivals.iter().zip(outcomes) {
            match outcome.await.expect("lives") {
                Ok(()) => assert_eq!(winner.replace(rival.pid()), None, "two have won"),
                Err(RegisterError::AlreadyRegistered(pid)) => losers.push(pid),
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!((winner, table.count()), (table.get("key"), 1));
        assert_eq!(losers, vec![winner.expect("one has won"); 7]);
    });
}

#[tokio::test]
async fn reg_007_servers_are_started_called_and_sent_to_by_key() {
    let (table, log) = (unique().await, Log::default());
    let key = table.via::<Robot>("robot");
    let start = |log: &Log| {
        let log = log.clone();
        let noted = log.clone();
        let init = job(move |_, _| {
            noted.push("init");
            Ok(())
        });
        Robot::start((log, init)).via(&table, "robot", 1)
    };
    let count = |from| {
        Message::Call(
            from,
            Box::new(|robot, _, from| {
                from.send(robot.count);
                Ok(())
            }),
        )
    };
    assert_eq!(key.call(count).await, Err(CallError::NoProc));
    key.cast(Message::Note("unheard"));
    assert!(key.send(Message::Note("unheard")).is_err());

    let first = start(&log).await.expect("starts");
    assert_eq!(start(&log).await, Err(StartError::AlreadyStarted(first.pid())));
    assert_eq!(key.call(count).await, Ok(0));
    key.cast(Message::Note("cast"));
    key.send(Message::Note("sent")).expect("somebody is there");
    assert_eq!(key.call(count).await, Ok(0));
    assert_eq!(log.take(), ["init", "cast", "sent"], "the second got nowhere");

    first.pid().stop(ExitReason::Normal, None).await.expect("stops");
    let second = start(&log).await.expect("the key is free");
    assert_eq!(key.resolve(), Some(second));

    let many = duplicate().await;
    let init = job(|_, _| Ok(()));
    let refused = Robot::start((log.clone(), init)).via(&many, "robot", 1).await;
    assert!(matches!(refused, Err(StartError::Failed(_))), "{refused:?}");
    assert!(many.via::<Robot>("robot").resolve().is_none());
}

#[test]
fn reg_008_a_late_clean_up_leaves_the_successor_alone() {
    multi_thread().block_on(async {
        let (table, successor) = (unique().await, actor());
        let (holder, release) = slow_to_die(&table, "key").await;
        let join = watch(&holder);
        holder.pid().kill();
        register(&table, &successor, "key", 2).await.expect("free");
        drop(release);
        join.await;
        assert_eq!(table.lookup("key"), [(successor.pid(), 2)]);
        assert_eq!(table.keys(successor.pid()), ["key"]);
        let other = actor();
        let (again, taken) = (table.clone(), register(&table, &other, "key", 3).await);
        assert_eq!(taken, Err(RegisterError::AlreadyRegistered(successor.pid())));
        act(&other, move |ctx| again.unregister(ctx, "key")).await;
        assert_eq!(table.get("key"), Some(successor.pid()));
    });
}

#[tokio::test]
async fn reg_009_unregistering_removes_ones_own_entries() {
    let (table, a, b) = (duplicate().await, actor(), actor());
    for (holder, key, value) in
        [(&a, "key", 1), (&a, "key", 2), (&a, "other", 3), (&b, "key", 4), (&b, "key", 5)]
    {
        register(&table, holder, key, value).await.expect("any number");
    }
    assert_eq!(sorted(table.keys(a.pid())), ["key", "key", "other"], "one for each entry");
    let t = table.clone();
    act(&b, move |ctx| t.unregister_match(ctx, "key", |value| *value == 5 || *value == 1)).await;
    assert_eq!(sorted(table.values("key", b.pid())), [4]);
    let t = table.clone();
    act(&a, move |ctx| {
        t.unregister(ctx, "key");
        t.unregister(ctx, "key");
        t.unregister(ctx, "never registered");
    })
    .await;
    assert_eq!(table.lookup("key"), [(b.pid(), 4)]);
    assert_eq!(table.keys(a.pid()), ["other"]);
    assert_eq!(table.select(|_, pid, _| pid == a.pid()), [("other".to_owned(), a.pid(), 3)]);
    register(&table, &a, "key", 6).await.expect("again");
    end(&a).await;
    assert_eq!(table.count(), 1, "what was registered again ends as well");
}

#[tokio::test]
async fn reg_010_entries_have_values_that_their_holder_changes_and_all_see() {
    let (table, a, b) = (unique().await, actor(), actor());
    register(&table, &a, "x", 1).await.expect("free");
    register(&table, &a, "y", 2).await.expect("free");
    register(&table, &b, "z", 30).await.expect("free");
    let update = async |table: &Table, actor: &Actor| {
        let table = table.clone();
        act(actor, move |ctx| {
            table.update_value(ctx, "x", |value| std::mem::replace(value, *value + 10))
        })
        .await
    };
    assert_eq!(update(&table, &a).await, Ok(1));
    assert_eq!(table.values("x", a.pid()), [11]);
    assert_eq!(update(&table, &b).await, Err(UpdateError::NotHeld));
    assert_eq!(table.values("x", a.pid()), [11], "not run");
    assert_eq!(table.values("x", b.pid()), Vec::<u32>::new());
    assert_eq!(sorted(table.keys(a.pid())), ["x", "y"]);
    let large = table.select(|_, _, value| *value > 10);
    assert_eq!(
        sorted(large),
        sorted(vec![("x".to_owned(), a.pid(), 11), ("z".to_owned(), b.pid(), 30)])
    );
    assert_eq!(table.count(), 3);

    let many = duplicate().await;
    register(&many, &a, "x", 1).await.expect("any number");
    assert_eq!(update(&many, &a).await, Err(UpdateError::Duplicate));
    assert_eq!(many.values("x", a.pid()), [1], "not run");
}

/// Without partitions, which there are none of: the callback runs once.
#[tokio::test]
async fn reg_012_a_dispatch_runs_once_with_all_holders_or_not_at_all() {
    let (table, a, b) = (duplicate().await, actor(), actor());
    table.dispatch("key", |_| panic!("nobody is there"));
    for (holder, value) in [(&a, 1), (&b, 2), (&a, 3)] {
        register(&table, holder, "key", value).await.expect("any number");
    }
    let mut runs = Vec::new();
    table.dispatch("key", |holders| runs.push(sorted(holders)));
    assert_eq!(runs, [sorted(vec![(a.pid(), 1), (b.pid(), 2), (a.pid(), 3)])]);
}

/// The table is shared memory: user code that panics in the middle of it changes nothing, and while the
/// registry is open nobody's entries are lost. Once it is closed it finds nobody, and says so.
#[tokio::test]
async fn reg_013_nobody_is_registered_and_not_found() {
    let (table, a, b) = (unique().await, actor(), actor());
    register(&table, &a, "a", 1).await.expect("free");
    register(&table, &b, "b", 2).await.expect("free");
    let t = table.clone();
    let join = watch(&b);
    drop(begin(&b, move |ctx| t.update_value(ctx, "b", |_| panic!("in the table"))));
    assert!(join.await.panic().is_some());
    assert_eq!((table.get("a"), table.get("b"), table.count()), (Some(a.pid()), None, 1));
    register(&table, &a, "b", 3).await.expect("free");

    let killed = unique().await;
    register(&killed, &a, "a", 1).await.expect("free");
    table.stop().await;
    end(killed.pid().expect("it has started")).await;
    for table in [table, killed] {
        assert_eq!(register(&table, &a, "c", 4).await, Err(RegisterError::Closed));
        assert_eq!((table.get("a"), table.lookup("b")), (None, Vec::new()));
        assert_eq!((table.count(), table.keys(a.pid())), (0, Vec::new()));
        assert!(a.is_alive());
    }
}

#[tokio::test]
async fn reg_016_keys_are_equal_only_if_exactly_equal() {
    let (table, a) = (unique().await, actor());
    let keys = ["key", "Key", " key", "key ", "ke\u{301}y", "k\u{e9}y", "key\0", "1", "1.0", "01"];
    for (value, key) in (0..).zip(keys) {
        assert_eq!(register(&table, &a, key, value).await, Ok(()), "{key:?}");
    }
    for (value, key) in (0..).zip(keys) {
        assert_eq!(table.lookup(key), [(a.pid(), value)], "{key:?}");
    }
    assert_eq!(table.get("KEY"), None);
}

/// also: REG-006
#[test]
fn reg_001_rivals_that_come_and_go_never_share_a_key() {
    everywhere(20, async |_| {
        let table = unique().await;
        let holders = Arc::new(AtomicUsize::new(0));
        let rivals: Vec<Actor> = (0..4).map(|_| actor()).collect();
        let done: Vec<_> = rivals
            .iter()
            .map(|rival| {
                let (table, holders) = (table.clone(), holders.clone());
                begin(rival, move |ctx| {
                    let mut wins = 0;
                    for _ in 0..200 {
                        if table.register(ctx, "key", 0).is_ok() {
                            assert_eq!(holders.fetch_add(1, Ordering::SeqCst), 0, "alone");
                            holders.fetch_sub(1, Ordering::SeqCst);
                            table.unregister(ctx, "key");
                            wins += 1;
                        }
                    }
                    wins
                })
            })
            .collect();
        let mut wins = 0;
        for outcome in done {
            wins += outcome.await.expect("nobody panics");
        }
        // How often it is free when somebody asks is chance; that it is free at all is not.
        assert!(wins > 0, "somebody gets it");
        assert_eq!(table.count(), 0);
    });
}
