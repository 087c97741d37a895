//! Keys whose holders are started when somebody asks for them (CALL-008).

#![allow(clippy::disallowed_methods, reason = "who asks is a plain task here and there")]

use crate::support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fauxtp::StartError;
use fauxtp::prelude::*;
use fauxtp::process;
use fauxtp::registry::Via;
use fauxtp::supervisor::{EnsureError, Restart};
use support::{actor, end, everywhere, soon, watch};
use tokio::sync::Notify;

type Rooms = Registry<String, ()>;

/// What rooms are made of, and what has become of them.
#[derive(Clone, Default)]
struct Plan {
    started: Arc<AtomicUsize>,
    /// So many starts fail.
    fails: Arc<AtomicUsize>,
    /// Starts wait for this, if they are to wait.
    gate: Option<Arc<Notify>>,
    /// What `init` finds under this key.
    looks_at: Option<(Rooms, String)>,
}

impl Plan {
    fn started(&self) -> usize {
        self.started.load(Ordering::SeqCst)
    }

    fn failing(times: usize) -> Self {
        Self { fails: Arc::new(AtomicUsize::new(times)), ..Self::default() }
    }

    fn gated() -> (Self, Arc<Notify>) {
        let gate = Arc::new(Notify::new());
        (Self { gate: Some(gate.clone()), ..Self::default() }, gate)
    }
}

struct Room {
    entered: u64,
    held_in_init: bool,
}

enum Message {
    Enter(Reply<u64>),
    WasHeldInInit(Reply<bool>),
    Leave(ExitReason),
}

impl GenServer for Room {
    type Args = Plan;
    type Message = Message;

    async fn init(plan: Plan, ctx: &mut Context<Self>) -> Result<Self> {
        plan.started.fetch_add(1, Ordering::SeqCst);
        if let Some(gate) = &plan.gate {
            gate.notified().await;
        }
        let fails =
            plan.fails.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if fails.is_ok() {
            return Err(Stop::error("no room"));
        }
        let holder = plan.looks_at.as_ref().and_then(|(rooms, key)| rooms.get(key.as_str()));
        Ok(Self { entered: 0, held_in_init: holder == Some(ctx.pid()) })
    }

    async fn handle(&mut self, message: Message, _: &mut Context<Self>) -> Result {
        match message {
            Message::Enter(from) => {
                self.entered += 1;
                from.send(self.entered);
            }
            Message::WasHeldInInit(from) => from.send(self.held_in_init),
            Message::Leave(reason) => return Err(Stop::because(reason)),
        }
        Ok(())
    }
}

fn room(plan: &Plan) -> ChildSpec {
    Room::spec(plan.clone())
}

async fn rooms() -> Rooms {
    Rooms::start().await.expect("a runtime")
}

fn holder(via: &Via<Room>) -> Pid {
    via.resolve().expect("it is held").pid()
}

/// So many who ask at the same time, every other one from inside a process.
async fn ask(
    rooms: &Rooms,
    plan: &Plan,
    count: usize,
) -> Vec<std::result::Result<Pid, EnsureError>> {
    let mut told = Vec::new();
    for number in 0..count {
        let (rooms, spec) = (rooms.clone(), room(plan));
        let (tell, hear) = tokio::sync::oneshot::channel();
        let asks = async move {
            let via = rooms.ensure::<Room>("lobby", spec).await;
            let _the_test_listens = tell.send(via.map(|via| holder(&via)));
        };
        if number % 2 == 0 {
            process::spawn(async move |_: process::Context<()>| asks.await).expect("a runtime");
        } else {
            tokio::spawn(asks);
        }
        told.push(hear);
    }
    let mut outcomes = Vec::new();
    for told in told {
        outcomes.push(told.await.expect("it is told"));
    }
    outcomes
}

#[test]
fn call_008_of_many_who_ask_one_starts_it_and_all_get_the_same() {
    everywhere(100, async |_| {
        let (rooms, plan) = (rooms().await, Plan::default());
        let pids = ask(&rooms, &plan, 16).await;
        let first = pids[0].clone().expect("it starts");
        assert!(pids.iter().all(|pid| *pid == Ok(first)), "{pids:?}");
        assert_eq!(plan.started(), 1);
        let via = rooms.ensure::<Room>("lobby", room(&plan)).await.expect("it is there");
        assert_eq!(via.call(Message::Enter).await, Ok(1));
        let other = rooms.ensure::<Room>("attic", room(&plan)).await.expect("it starts");
        assert_ne!(holder(&other), first);
        assert_eq!(plan.started(), 2);
        rooms.stop().await;
    });
}

#[test]
fn call_008_a_start_that_fails_is_an_error_for_all_who_waited() {
    everywhere(50, async |_| {
        let (mut plan, gate) = Plan::gated();
        plan.fails = Plan::failing(1).fails;
        let rooms = rooms().await;
        let opens = async {
            while plan.started() == 0 {
                tokio::task::yield_now().await;
            }
            // Everybody has asked by then.
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            gate.notify_one();
            // Whoever was late has it started anew.
            gate.notify_one();
        };
        let (outcomes, ()) = tokio::join!(ask(&rooms, &plan, 8), opens);
        let mut failed = 0;
        for outcome in outcomes {
            match outcome {
                Err(EnsureError::Start(StartError::Failed(reason))) => {
                    assert_eq!(reason.to_string(), ExitReason::error("no room").to_string());
                    failed += 1;
                }
                other => assert!(other.is_ok(), "{other:?}"),
            }
        }
        assert!(failed > 0);
        gate.notify_one();
        rooms.ensure::<Room>("lobby", room(&plan)).await.expect("the next start succeeds");
        assert_eq!(plan.started(), 2);
        rooms.stop().await;
    });
}

#[test]
fn call_008_what_ends_is_restarted_as_its_spec_says_under_the_same_key() {
    everywhere(50, async |_| {
        let rooms = rooms().await;
        let plan = Plan { looks_at: Some((rooms.clone(), "lobby".to_owned())), ..Plan::default() };
        let spec = room(&plan).restart(Restart::OnError);
        let via = rooms.ensure::<Room>("lobby", spec.clone()).await.expect("starts");
        let before = holder(&via);
        via.cast(Message::Leave(ExitReason::error("crash")));
        via.await_restart().await.expect("it is restarted");
        // Whoever asks meanwhile waits for it.
        let again = rooms.ensure::<Room>("lobby", spec.clone()).await.expect("it is there");
        assert_ne!(holder(&again), before);
        assert_eq!(plan.started(), 2);
        assert_eq!(via.call(Message::WasHeldInInit).await, Ok(true));
        // An end that does not restart it makes room for another one.
        let gone = watch(holder(&via));
        via.cast(Message::Leave(ExitReason::Normal));
        assert_eq!(soon(gone).await, ExitReason::Normal);
        let fresh = rooms.ensure::<Room>("lobby", spec).await.expect("it is started anew");
        assert_eq!(fresh.call(Message::Enter).await, Ok(1));
        assert_eq!(plan.started(), 3);
        rooms.stop().await;
    });
}

/// Method: the holder is killed again and again while others ask; there are never two at the same time, and everybody
/// gets one that lives, or lived a moment ago.
#[test]
fn call_008_kills_meanwhile_make_no_second_one() {
    everywhere(100, async |round| {
        let (rooms, plan) = (rooms().await, Plan::default());
        let restart = [Restart::Permanent, Restart::OnError, Restart::Temporary][round % 3];
        let spec = room(&plan).restart(restart);
        let mut seen = Vec::new();
        // One restart more would be too many.
        for _ in 0..3 {
            let via = rooms.ensure::<Room>("lobby", spec.clone()).await.expect("starts");
            assert_eq!(via.call(Message::Enter).await, Ok(1), "it has begun");
            seen.extend(via.resolve().map(|room| room.pid()));
            seen.iter().for_each(|pid| pid.kill());
            let asks = (0..8).map(|_| {
                let (rooms, spec) = (rooms.clone(), spec.clone());
                tokio::spawn(async move { rooms.ensure::<Room>("lobby", spec).await })
            });
            for asked in asks.collect::<Vec<_>>() {
                let via = asked.await.expect("no panic").expect("it is there");
                assert_eq!(rooms.lookup("lobby").len(), 1);
                assert!(!seen.contains(&holder(&via)));
            }
        }
        // One that is restarted holds the key already in its `init`.
        let via = rooms.ensure::<Room>("lobby", spec).await.expect("it is there");
        assert_eq!(via.call(Message::Enter).await, Ok(1));
        assert_eq!(plan.started(), 4, "as often as it was killed, and once more");
        rooms.stop().await;
    });
}

#[test]
fn call_008_one_that_is_killed_in_its_init_is_an_error() {
    everywhere(50, async |_| {
        let (plan, _gate) = Plan::gated();
        let rooms = rooms().await;
        let kills = async {
            while rooms.get("lobby").is_none() {
                tokio::task::yield_now().await;
            }
            rooms.get("lobby").expect("it is in its init").kill();
        };
        let (outcomes, ()) = tokio::join!(ask(&rooms, &plan, 1), kills);
        let killed = StartError::Failed(ExitReason::killed());
        assert_eq!(outcomes, [Err(EnsureError::Start(killed))]);
        assert_eq!(rooms.count(), 0);
        rooms.stop().await;
    });
}

#[test]
fn call_008_they_end_with_the_registry_and_whoever_waits_is_told() {
    everywhere(50, async |round| {
        let (plan, gate) = Plan::gated();
        gate.notify_one();
        let rooms = rooms().await;
        let runs = rooms.ensure::<Room>("attic", room(&plan)).await.expect("starts");
        let gone = watch(holder(&runs));
        let ends = async {
            if round % 2 == 0 {
                while rooms.get("lobby").is_none() {
                    tokio::task::yield_now().await;
                }
            }
            match round % 3 {
                0 => drop(end(rooms.pid().expect("it has a process")).await),
                _ => rooms.stop().await,
            }
        };
        let (outcomes, ()) = tokio::join!(ask(&rooms, &plan, 6), ends);
        assert!(outcomes.iter().all(|one| *one == Err(EnsureError::Closed)), "{outcomes:?}");
        assert_eq!(soon(gone).await, ExitReason::shutdown());
        let late = rooms.ensure::<Room>("lobby", room(&plan)).await;
        assert_eq!(late.map(|_| ()), Err(EnsureError::Closed));
    });
}

#[test]
fn call_008_whoever_stops_waiting_takes_nothing_away_from_others() {
    everywhere(50, async |_| {
        let (plan, gate) = Plan::gated();
        let rooms = rooms().await;
        let mut given_up = Box::pin(rooms.ensure::<Room>("lobby", room(&plan)));
        let polled = std::future::poll_fn(|cx| std::task::Poll::Ready(given_up.as_mut().poll(cx)));
        assert!(polled.await.is_pending());
        drop(given_up);
        gate.notify_one();
        let pids = ask(&rooms, &plan, 3).await;
        assert!(pids.iter().all(Result::is_ok), "{pids:?}");
        assert_eq!(plan.started(), 1);
        rooms.stop().await;
    });
}

#[test]
fn call_008_a_holder_that_came_by_itself_is_as_good() {
    everywhere(50, async |_| {
        let (rooms, plan) = (rooms().await, Plan::default());
        let own = Room::start(plan.clone()).name(&Name::from_string("own".to_owned())).await;
        own.expect("starts").pid().kill();
        let holds = actor();
        let key = rooms.clone();
        support::act(&holds, move |ctx| key.register(ctx, "lobby", ()))
            .await
            .expect("the key is free");
        let other = rooms.ensure::<Room>("lobby", room(&plan)).await.map(|_| ());
        assert_eq!(other, Err(EnsureError::OtherType(holds.pid())));
        let raw = rooms.ensure::<fauxtp::names::Raw<support::Job>>(
            "lobby",
            ChildSpec::process("lobby", |_: process::Context<support::Job>| async {}),
        );
        assert_eq!(raw.await.expect("it is there").resolve().map(|it| it.pid()), Some(holds.pid()));
        end(&holds).await;
        rooms.ensure::<Room>("lobby", room(&plan)).await.expect("now it starts");
        assert_eq!(plan.started(), 2);
        rooms.stop().await;
    });
}

#[tokio::test]
async fn call_008_what_cannot_be_is_refused_before_anything_starts() {
    let (plan, all) = (Plan::default(), Rooms::start_duplicate().await.expect("a runtime"));
    let refused = all.ensure::<Room>("lobby", room(&plan)).await.map(|_| ());
    assert_eq!(refused, Err(EnsureError::Duplicate));
    let rooms = rooms().await;
    let other = ChildSpec::task("other", || async {});
    let refused = rooms.ensure::<Room>("lobby", other).await.map(|_| ());
    assert_eq!(refused, Err(EnsureError::Start(StartError::NameOfOtherType)));
    let significant = rooms.ensure::<Room>("lobby", room(&plan).significant()).await;
    let refused = significant.map(|_| ());
    assert!(matches!(refused, Err(EnsureError::Start(StartError::Spec(_)))), "{refused:?}");
    assert_eq!(plan.started(), 0);
}

/// The registry of a supervisor's own does it as well, and its tenants end with the supervisor.
#[test]
fn call_008_a_supervisors_own_registry_can_do_it() {
    everywhere(50, async |_| {
        let plan = Plan::default();
        let sup = Supervisor::new([room(&plan).id("first")]).start().await.expect("starts");
        let first = sup.registry().ensure::<Room>("first", room(&plan)).await.expect("is there");
        assert_eq!(Some(holder(&first)), sup.whereis("first"));
        let second = sup.registry().ensure::<Room>("second", room(&plan)).await.expect("starts");
        assert_eq!(sup.count_children().await.expect("lives").active, 1);
        let gone = watch(holder(&second));
        sup.stop().await.expect("stops");
        assert_eq!(soon(gone).await, ExitReason::shutdown());
    });
}

/// Tenants that wait for each other in their `init`, or for themselves.
#[test]
fn call_008_whoever_would_wait_for_itself_is_refused() {
    struct Needs;
    impl GenServer for Needs {
        type Args = (Rooms, &'static [&'static str], Arc<std::sync::Mutex<Vec<bool>>>);
        type Message = Reply<()>;
        async fn init((rooms, needs, log): Self::Args, _: &mut Context<Self>) -> Result<Self> {
            if let Some((first, rest)) = needs.split_first() {
                let spec = Self::spec((rooms.clone(), rest, log.clone()));
                let refused = match rooms.ensure::<Self>(*first, spec).await {
                    Ok(_) => false,
                    Err(EnsureError::Deadlock(_)) => true,
                    Err(other) => return Err(Stop::error(other)),
                };
                log.lock().expect("no panic").push(refused);
            }
            Ok(Self)
        }
        async fn handle(&mut self, from: Reply<()>, _: &mut Context<Self>) -> Result {
            from.send(());
            Ok(())
        }
    }
    everywhere(50, async |_| {
        let rooms = rooms().await;
        let log = Arc::new(std::sync::Mutex::new(Vec::new()));
        for (key, needs) in [("self", &["self"] as &[_]), ("a", &["b", "c", "a"])] {
            for key in [key].iter().chain(needs) {
                let spec = Needs::spec((rooms.clone(), needs, log.clone()));
                let via = rooms.ensure::<Needs>(*key, spec).await;
                let via = via.expect("it starts all the same");
                assert_eq!(via.call(|from| from).await, Ok(()));
            }
            let refused = std::mem::take(&mut *log.lock().expect("no panic"));
            assert_eq!(refused.len(), needs.len());
            // Whoever closes the circle; if they race, more than one does.
            assert_eq!(refused.contains(&true), key == "a", "{refused:?}");
        }
        rooms.stop().await;
    });
}
