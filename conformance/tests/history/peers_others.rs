//! What broke elsewhere, supervision: starts that fail, children that end in odd ways, budgets, and roots that end.

use crate::common;
use crate::pools;
use crate::robot;

use fauxtp::prelude::*;
use fauxtp::process;
use fauxtp::reason::MaxRestartsReached;
use fauxtp::supervisor::Backoff;

use common::{puppet, trapper};
use pools::reports::Reports;
use pools::{
    Actor, Ask, Begin, Finish, Setup, actor, end, observer, plain, secs, seen, settle, state, take,
    until,
};
use robot::{Log, ask, robot};

/// A restarted child could not be reached by the reference its users had (bastion#287). Here a name, a key and the
/// handle of a child mean whoever runs now.
#[tokio::test]
async fn bastion_287_a_restarted_child_is_reached_as_before() {
    static NAME: Name<Actor> = Name::new("bastion-287");
    let child = Setup::new("child", &pools::Log::default()).spec().name(&NAME).id("child");
    let sup = Supervisor::new([child]).unlimited().start().await.expect("starts");
    let (key, handle) = (sup.registry().via::<Actor>("child"), sup.child::<Actor>("child"));
    let mut seen = Vec::new();
    for _ in 0..10 {
        let who = NAME.call(Ask::Who).await.expect("it runs");
        assert_eq!((key.call(Ask::Who).await, handle.call(Ask::Who).await), (Ok(who), Ok(who)));
        assert!(!seen.contains(&who));
        seen.push(who);
        NAME.send(Ask::Panic).expect("it runs");
        NAME.await_restart().await.expect("it comes back");
    }
    sup.stop().await.expect("stops");
}

/// A crash was reported without the message that had caused it (bastion#87), or not at all (actor-ts#916). Here every
/// abnormal end is reported once, with the message; and no clean one is.
/// also: ACTORTS-916
#[tokio::test]
async fn bastion_87_a_crash_is_reported_once_and_with_its_message() {
    let reports = Reports::here();
    let log = Log::default();
    let server = robot(&log).await;
    let called = ask(&server, |_, _, _| panic!("at this message")).await;
    called.expect_err("it crashes");
    let told = reports.of(&["ERROR fauxtp::crash", &server.pid().to_string()]);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("at this message") && told[0].contains("last_message="), "{told:?}");
    reports.clear();
    let clean = robot(&log).await;
    clean.pid().stop(ExitReason::shutdown(), None).await.expect("stops");
    assert_eq!(reports.of(&["fauxtp::crash"]), [""; 0]);
}

/// One of the documented reasons was never produced (acton-reactive#11). Here each of them is, by what it stands for.
#[tokio::test]
async fn acton_11_every_reason_is_produced() {
    let body = async |how: fn() -> ExitReason| {
        let process = process::spawn(async move |_: process::Context<()>| how());
        process.expect("in a runtime").join().await
    };
    assert!(body(|| ExitReason::Normal).await.is_normal());
    assert!(body(ExitReason::shutdown).await.is_shutdown());
    assert_eq!(body(|| ExitReason::shutdown_with(7)).await.downcast_ref(), Some(&7));
    assert_eq!(body(|| ExitReason::custom(8)).await.downcast_ref(), Some(&8));
    assert!(body(|| panic!("words")).await.panic().is_some());
    assert!(body(|| ExitReason::error("text")).await.is_error());
    let idle = puppet();
    idle.pid().kill();
    assert!(idle.address.join().await.is_killed());
    assert!(process::join(idle.pid()).await.is_no_proc(), "of a pid nothing is remembered");
    let spent = Supervisor::new([plain("fails")]).intensity(0, secs(1)).start().await;
    let spent = spent.expect("starts");
    spent.registry().address::<Actor>("fails").expect("it runs").send(Ask::Fail);
    assert_eq!(spent.wait().await.downcast_ref(), Some(&MaxRestartsReached));
}

/// Where a mine goes off.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Site {
    Handle,
    Continue,
    Info,
    Timer,
    Terminate,
    Drop,
}

#[derive(Debug)]
struct Mine(Option<Site>);

static MINE: Name<Mine> = Name::new("heph-543");

impl GenServer for Mine {
    type Args = ();
    type Message = Site;

    async fn init((): (), _: &mut Context<Self>) -> Result<Self> {
        Ok(Self(None))
    }

    async fn handle(&mut self, site: Site, ctx: &mut Context<Self>) -> Result {
        match site {
            Site::Handle => panic!("Handle"),
            Site::Continue => ctx.continue_with(site),
            Site::Info => ctx.set_timeout(Duration::ZERO),
            Site::Timer if self.0 == Some(site) => panic!("Timer"),
            Site::Timer => drop(ctx.send_after(Duration::ZERO, site)),
            Site::Terminate | Site::Drop => {
                self.0 = Some(site);
                return Err(Stop::error("Drop"));
            }
        }
        self.0 = Some(site);
        Ok(())
    }

    async fn handle_continue(&mut self, site: Site, _: &mut Context<Self>) -> Result {
        panic!("{site:?}")
    }

    async fn handle_info(&mut self, _: Info, _: &mut Context<Self>) -> Result {
        panic!("Info")
    }

    async fn terminate(&mut self, _: &ExitReason, _: &mut Context<Self>) {
        assert!(self.0 != Some(Site::Terminate), "Terminate");
    }
}

impl Drop for Mine {
    fn drop(&mut self) {
        assert!(self.0 != Some(Site::Drop), "while it is dropped");
    }
}

/// Panics passed the supervisor by, from some callbacks (heph#543), and left the actor dead (Coerce#33). Here every
/// callback may panic, the supervisor hears of it once, and the next incarnation runs.
/// also: COERCE-33
#[tokio::test]
async fn heph_543_no_panic_gets_past_the_supervisor() {
    let (observe, mut exits) = observer();
    let sup = Supervisor::new([ChildSpec::new::<Mine>("mine", ()).name(&MINE)]).unlimited();
    let sup = sup.on_exit(observe).start().await.expect("starts");
    let sites =
        [Site::Handle, Site::Continue, Site::Info, Site::Timer, Site::Terminate, Site::Drop];
    for site in sites {
        let mine = MINE.whereis().expect("it runs");
        mine.send(site);
        mine.join().await;
        MINE.await_restart().await.expect("it is back");
        let exits = seen(&mut exits);
        assert_eq!((exits.len(), exits[0].0), (1, mine.pid()), "{site:?}");
        let reason = format!("{:#}", exits[0].1);
        assert!(exits[0].1.is_error() && reason.contains(&format!("{site:?}")), "{reason}");
    }
    sup.stop().await.expect("stops");
}

/// A stop could not get at an actor that waited for something that never came (spawned#171). Here it has the time that
/// its supervisor gives it, and is killed then.
#[tokio::test(start_paused = true)]
async fn spawned_171_a_stop_gets_at_whoever_waits_for_ever() {
    let log = pools::Log::default();
    let stuck = Setup::new("stuck", &log).finish(Finish::AtOnce).spec();
    let sup = Supervisor::new([stuck]).start().await.expect("starts");
    let (child, began) = (actor(sup.registry(), "stuck"), tokio::time::Instant::now());
    let call = child.call(Ask::Keep).no_timeout();
    let (called, stopped) = tokio::join!(call, sup.stop());
    assert_eq!((stopped, began.elapsed()), (Ok(()), secs(5)));
    assert!(matches!(&called, Err(CallError::Exited(reason)) if reason.is_killed()), "{called:?}");
    assert_eq!(log.lines(), ["start stuck", "gone stuck"], "no hook, for it never came back");
}

/// Restarts were counted per child in one place and per parent in another (actor-ts#917). Here all children of one
/// supervisor draw on one budget, and those of another on another.
#[tokio::test]
async fn actorts_917_a_budget_is_that_of_a_supervisor() {
    let start = async || {
        let children = ["a", "b", "c"].map(plain);
        Supervisor::new(children).intensity(3, secs(60)).start().await.expect("starts")
    };
    let (one, other) = (start().await, start().await);
    for (number, name) in ["a", "b", "c", "a"].into_iter().enumerate() {
        assert!(one.pid().is_alive(), "after {number} crashes");
        end(&actor(one.registry(), name), Ask::Panic).await;
        settle().await;
    }
    assert!(!one.pid().is_alive(), "of three children together four crashes are too many");
    for name in ["a", "b", "c"] {
        end(&actor(other.registry(), name), Ask::Panic).await;
    }
    settle().await;
    assert_eq!(other.count_children().await.expect("lives").active, 3);
    other.stop().await.expect("stops");
}

/// A supervisor crashed when a restart failed (AtomVM#1957), and a dynamic child was not restarted at all (AtomVM#1958).
/// Here both are tried again, within the budget, and the supervisor lives.
/// also: ATOMVM-1958
#[tokio::test]
async fn atomvm_1957_a_restart_that_fails_is_tried_again() {
    let failing = |name| {
        Setup::new(name, &pools::Log::default()).begin(|start| match start {
            2 => Begin::Fail,
            3 => Begin::Panic,
            _ => Begin::Run,
        })
    };
    let (fixed, dynamic) = (failing("fixed"), failing("dynamic"));
    let sup = Supervisor::new([fixed.spec()]).intensity(5, secs(60)).start().await;
    let pool = DynamicSupervisor::new().intensity(5, secs(60)).start().await.expect("starts");
    let (sup, child) = (sup.expect("starts"), pool.start_child(dynamic.spec()).await);
    let child = child.expect("starts").expect("not ignored");
    end(&actor(sup.registry(), "fixed"), Ask::Panic).await;
    end(&Address::of(child).expect("it runs"), Ask::Panic).await;
    until("the fourth of both run", || fixed.starts() == 4 && dynamic.starts() == 4).await;
    settle().await;
    assert!(state(&sup.which_children().await.expect("lives"), "fixed").pid().is_some());
    assert_eq!(pool.count_children().await.expect("lives").active, 1);
    sup.stop().await.expect("stops");
    pool.stop().await.expect("stops");
}

/// Divergences from OTP were found by reading only (AtomVM#2352). One of them: a child that declines its restart is not
/// tried for ever, and with a back-off nobody waits but the child.
#[tokio::test(start_paused = true)]
async fn atomvm_2352_a_child_that_waits_for_its_restart_holds_nobody_up() {
    let log = pools::Log::default();
    let waits = Setup::new("waits", &log).begin(|start| match start {
        2 => Begin::Fail,
        3 => Begin::Ignore,
        _ => Begin::Run,
    });
    let backoff = Backoff::new(secs(10), secs(10));
    let children = [waits.spec().backoff(backoff), Setup::new("other", &log).spec()];
    let sup = Supervisor::new(children).intensity(5, secs(600)).start().await.expect("starts");
    end(&actor(sup.registry(), "waits"), Ask::Panic).await;
    end(&actor(sup.registry(), "other"), Ask::Panic).await;
    until("the other one is back", || log.count("start other") == 2).await;
    assert_eq!(waits.starts(), 1, "the first one waits");
    take(secs(60)).await;
    assert_eq!(waits.starts(), 3, "it fails, and then declines");
    assert_eq!(state(&sup.which_children().await.expect("lives"), "waits").pid(), None);
    sup.stop().await.expect("stops");
}

/// A child of a dynamic supervisor that declined to start was kept in it as a child without a process (otp#636). Here it
/// is forgotten, at its start and at its restart.
#[tokio::test]
async fn otp_636_a_pool_forgets_who_declines() {
    let pool = DynamicSupervisor::new().intensity(5, secs(60)).start().await.expect("starts");
    let log = pools::Log::default();
    let declines = Setup::new("declines", &log).begin(|_| Begin::Ignore);
    assert_eq!(pool.start_child(declines.spec()).await.expect("no error"), None);
    let later = Setup::new("later", &log)
        .begin(|start| if start == 1 { Begin::Run } else { Begin::Ignore });
    let child = pool.start_child(later.spec()).await.expect("starts").expect("runs");
    end(&Address::of(child).expect("it runs"), Ask::Panic).await;
    until("it has declined", || later.starts() == 2).await;
    settle().await;
    let counts = pool.count_children().await.expect("lives");
    assert_eq!((counts.specs, counts.active), (0, 0));
    pool.stop().await.expect("stops");
}

/// A child that ended by itself just while it was terminated was reported as an error, with noproc (otp#5193). Here the
/// two are one clean end, whichever comes first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn otp_5193_a_child_may_end_while_it_is_terminated() {
    let (observe, mut exits) = observer();
    let children = [Setup::new("ends", &pools::Log::default()).finish(Finish::AtOnce).spec()];
    let sup = Supervisor::new(children).on_exit(observe).start().await.expect("starts");
    for round in 0..200 {
        let child = actor(sup.registry(), "ends");
        let (terminated, ()) = tokio::join!(sup.terminate_child("ends"), async {
            child.send(Ask::End(ExitReason::Normal));
        });
        terminated.expect("it is gone, one way or the other");
        let exits = seen(&mut exits);
        assert_eq!((exits.len(), exits[0].0), (1, child.pid()), "round {round}");
        assert!(exits[0].1.is_clean(), "round {round}: {:?}", exits[0].1);
        sup.restart_child("ends").await.expect("it is not there");
    }
    sup.stop().await.expect("stops");
}

/// A monitor or a link that had nothing to watch any more was kept (actor-ts#762, #763). Here an end takes all of them
/// along, on both sides.
/// also: ACTORTS-763
#[tokio::test]
async fn actorts_762_relations_end_with_either_side() {
    let target = puppet();
    let pid = target.pid();
    for round in 0..100 {
        let watcher = trapper().await;
        let tie = move |ctx: &mut common::Inside| {
            ctx.link(pid).expect("it lives");
            (ctx.monitor(pid), ctx.monitor(pid))
        };
        watcher.run(tie).await;
        let facts = pid.info().await.expect("it lives");
        assert_eq!((facts.links.len(), facts.monitored_by), (1, 2), "round {round}");
        target.run(|ctx| ctx.trap_exits(Trap::On)).await;
        watcher.ended(ExitReason::Normal).await;
        let facts = pid.info().await.expect("it lives");
        assert_eq!((facts.links.len(), facts.monitored_by), (0, 0), "round {round}");
    }
    let watcher = trapper().await;
    let tie = move |ctx: &mut common::Inside| {
        ctx.link(pid).expect("it lives");
        ctx.monitor(pid)
    };
    watcher.run(tie).await;
    target.ended(ExitReason::Normal).await;
    assert_eq!(watcher.wait(2).await.len(), 2);
    let facts = watcher.pid().info().await.expect("it lives");
    assert_eq!((facts.links.len(), facts.monitors), (0, 0));
}
