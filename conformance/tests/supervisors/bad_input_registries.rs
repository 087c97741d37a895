//! BAD-051: destructors that look into the registry that their value, or their process, leaves.

use crate::support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use fauxtp::prelude::*;
use fauxtp::process;
use support::{end, everywhere, watch};

/// A value whose clones' destructors look into the registry they are in, and end it if told to.
#[derive(Clone)]
struct Nosy(Registry<String, Option<Self>>, Arc<AtomicBool>);

impl Drop for Nosy {
    fn drop(&mut self) {
        let _found = (self.0.get("key"), self.0.count());
        self.1.store(true, Ordering::SeqCst);
    }
}

/// Goal: nothing of the user's is dropped while the table is locked. Method: each way of leaving the table, with
/// a value that looks into it; a deadlock would block the thread, hence one of its own.
#[test]
fn bad_051_a_destructor_may_look_into_its_registry() {
    let (tell_it, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        everywhere(50, async |round| {
            let table: Registry<String, Option<Nosy>> = Registry::start().await.expect("starts");
            let dropped = Arc::new(AtomicBool::new(false));
            let nosy = || Some(Nosy(table.clone(), dropped.clone()));
            let (a, b) = (support::actor(), support::actor());
            let register = |actor: &support::Actor| {
                let (table, value) = (table.clone(), nosy());
                support::begin(actor, move |ctx| table.register(ctx, "key", value))
            };
            register(&a).await.expect("lives").expect("free");
            register(&b).await.expect("lives").expect_err("refused");
            let t = table.clone();
            match round % 5 {
                0 => drop(end(&a).await),
                1 => support::act(&a, move |ctx| t.unregister(ctx, "key")).await,
                2 => support::act(&a, move |ctx| t.unregister_match(ctx, "key", |_| true)).await,
                3 => {
                    a.pid().kill();
                    register(&b).await.expect("lives").expect("its holder is dead");
                }
                _ => table.stop().await,
            }
            register(&b).await.expect("lives").err();
            assert!(dropped.load(Ordering::SeqCst));
        });
        let _ = tell_it.send(());
    });
    told.recv_timeout(Duration::from_secs(60)).expect("no deadlock");
}

/// What a state's destructor finds of its own process: under its key, by any look, and under its name.
#[derive(Debug, Default)]
struct Findings {
    looks: usize,
    found: Vec<&'static str>,
}

/// A server whose state looks, when it is dropped, into the registry in which its process is registered.
struct Curious(Registry, Arc<Mutex<Findings>>);

static CURIOUS: Name<Curious> = Name::new("curious");

impl GenServer for Curious {
    type Args = (Registry, Arc<Mutex<Findings>>);
    type Message = ();

    async fn init((table, findings): Self::Args, _: &mut Context<Self>) -> Result<Self> {
        Ok(Self(table, findings))
    }

    async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result {
        Err(Stop::normal())
    }
}

impl Drop for Curious {
    fn drop(&mut self) {
        let mut findings = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        let me = process::current_pid().expect("it is dropped by its process");
        let looks = [
            ("get", self.0.get("key").is_some()),
            ("lookup", !self.0.lookup("key").is_empty()),
            ("via", self.0.via::<Self>("key").resolve().is_some()),
            ("name", CURIOUS.whereis().is_some()),
            ("keys", !self.0.keys(me).is_empty()),
            ("count", self.0.count() > 0),
            ("is_alive", me.is_alive()),
        ];
        findings.looks += 1;
        findings.found.extend(looks.iter().filter(|(_, found)| *found).map(|(how, _)| how));
    }
}

/// How a process ends whose state is curious.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Killed,
    Told,
    Own,
    Stopped,
    /// After its registry.
    Last,
}

/// Goal: nothing of the user's is dropped while the table is locked, and who counts as dead is not found. Method: as
/// above.
#[test]
fn bad_051_a_states_destructor_may_look_for_its_own_process() {
    let (tell_it, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        everywhere(100, async |round| {
            let end = [End::Killed, End::Told, End::Own, End::Stopped, End::Last][round % 5];
            let table: Registry = Registry::start().await.expect("starts");
            let findings = Arc::<Mutex<Findings>>::default();
            let start = Curious::start((table.clone(), findings.clone()));
            let server = start.name(&CURIOUS).via(&table, "key", ()).await.expect("starts");
            let join = watch(&server);
            match end {
                End::Killed => server.pid().kill(),
                End::Told => server.pid().exit(ExitReason::shutdown()),
                End::Own => server.cast(()),
                End::Stopped => server.pid().stop(ExitReason::Normal, None).await.expect("stops"),
                End::Last => {
                    table.stop().await;
                    server.pid().kill();
                }
            }
            join.await;
            let found = std::mem::take(&mut *findings.lock().expect("nobody has panicked"));
            assert_eq!(found.looks, 1, "{end:?}");
            match end {
                // Dead for everybody from the kill on; only its entries are not yet cleared away.
                End::Killed => assert_eq!(found.found, ["keys", "count"]),
                End::Last => assert_eq!(found.found, [""; 0]),
                // Destructors run before the names are free (§0 of the spec, steps 1 and 2): until then it is
                // alive, and is found however one looks.
                End::Told | End::Own | End::Stopped => assert_eq!(
                    found.found,
                    ["get", "lookup", "via", "name", "keys", "count", "is_alive"],
                    "{end:?}"
                ),
            }
            assert_eq!((table.get("key"), table.count()), (None, 0), "{end:?}");
            assert!(CURIOUS.whereis().is_none());
        });
        let _ = tell_it.send(());
    });
    told.recv_timeout(Duration::from_secs(60)).expect("no deadlock");
}
