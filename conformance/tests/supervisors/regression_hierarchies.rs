//! What a review of supervision trees found: waits that went round in a circle, and subtrees that were there twice.

use crate::pools;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use fauxtp::prelude::*;
use fauxtp::process::{self, StopError, Trap};
use fauxtp::supervisor::{ManageError, Shutdown, SupervisorHandle};
use tokio::sync::mpsc;

use pools::{Finish, Log, Setup, plain, secs, settle, soon};

type Above = Arc<OnceLock<SupervisorHandle>>;

async fn start(supervisor: Supervisor) -> SupervisorHandle {
    soon("the start", supervisor.start()).await.expect("starts")
}

fn above(sup: &Above) -> &SupervisorHandle {
    sup.get().expect("the test has set it")
}

/// A server that waits for its supervisor in one of its callbacks.
struct Waits {
    sup: Above,
    tell: mpsc::UnboundedSender<String>,
    at: At,
}

#[derive(Clone, Copy, PartialEq)]
enum At {
    /// Stops it from `init`.
    Init,
    /// Terminates itself from a handler, although it traps exits.
    Handler,
    /// Asks it something from `terminate`.
    Terminate,
}

impl GenServer for Waits {
    type Args = (Above, mpsc::UnboundedSender<String>, At);
    type Message = ();

    async fn init((sup, tell, at): Self::Args, ctx: &mut Context<Self>) -> Result<Self> {
        ctx.trap_exits(Trap::On);
        if at == At::Init {
            let refused = above(&sup).stop().await;
            assert_eq!(refused, Err(StopError::Deadlock));
            tell.send("init".to_owned()).map_err(Stop::error)?;
        }
        Ok(Self { sup, tell, at })
    }

    async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result {
        let refused = above(&self.sup).terminate_child("waits").await;
        assert!(matches!(refused, Err(ManageError::Deadlock(_))), "{refused:?}");
        self.tell.send("handler".to_owned()).map_err(Stop::error)
    }

    async fn terminate(&mut self, _: &ExitReason, _: &mut Context<Self>) {
        if self.at == At::Terminate {
            let sup = above(&self.sup);
            let counted = sup.count_children().await;
            assert!(matches!(counted, Err(CallError::Deadlock(_))), "{counted:?}");
            assert_eq!(sup.stop().await, Err(StopError::Deadlock));
            let _the_test_is_over = self.tell.send("terminate".to_owned());
        }
    }
}

/// A child that waited for its supervisor, while that waited for the child, did so for ever.
/// also: BAD-066, BAD-067, BAD-071
#[tokio::test(start_paused = true)]
async fn sup_101_nobody_waits_for_a_supervisor_that_waits_for_him() {
    for (at, expected) in
        [(At::Init, "init"), (At::Handler, "handler"), (At::Terminate, "terminate")]
    {
        let (tell, mut told) = mpsc::unbounded_channel();
        let above = Above::default();
        let sup = start(Supervisor::new([])).await;
        above.set(sup.clone()).expect("once");
        let child = ChildSpec::new::<Waits>("waits", (above, tell, at));
        let child = child.shutdown(Shutdown::Infinity);
        soon("the child", sup.start_child(child)).await.expect("starts").expect("runs");
        if at == At::Handler {
            sup.child::<Waits>("waits").cast(());
            assert_eq!(told.recv().await.as_deref(), Some(expected));
        }
        if at != At::Init {
            soon("the end", sup.stop()).await.expect("stops");
        }
        // To be asked by the child's init was enough.
        assert!(soon("the end", sup.wait()).await.is_shutdown());
        if at != At::Handler {
            assert_eq!(told.recv().await.as_deref(), Some(expected));
        }
        assert_eq!(told.recv().await, None);
    }
}

/// The `init` of a grandchild, at its restart, asked for the end of its own supervisor, which waited for that `init`:
/// the whole tree was stuck.
#[tokio::test(start_paused = true)]
async fn sup_101_nobody_has_the_supervisor_ended_that_starts_him() {
    struct Leaf;
    impl GenServer for Leaf {
        type Args = (Above, Arc<AtomicUsize>);
        type Message = ();
        async fn init((top, starts): Self::Args, _: &mut Context<Self>) -> Result<Self> {
            if starts.fetch_add(1, Ordering::SeqCst) > 0 {
                let refused = above(&top).terminate_child("nested").await;
                assert!(matches!(refused, Err(ManageError::Deadlock(_))), "{refused:?}");
            }
            Ok(Self)
        }
        async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result {
            Err(Stop::error("over"))
        }
    }
    let (top, starts) = (Above::default(), Arc::<AtomicUsize>::default());
    let registry = Registry::start().await.expect("starts");
    let args = (top.clone(), starts.clone());
    let nested = ChildSpec::supervisor("nested", {
        let registry = registry.clone();
        move || Supervisor::new([ChildSpec::new::<Leaf>("leaf", args.clone())]).registry(&registry)
    });
    let sup = start(Supervisor::new([nested])).await;
    top.set(sup.clone()).expect("once");
    for round in 2..4 {
        registry.address::<Leaf>("leaf").expect("runs").cast(());
        pools::until("it is restarted", || starts.load(Ordering::SeqCst) == round).await;
        assert_eq!(soon("the answer", sup.count_children()).await.expect("lives").active, 1);
        settle().await;
    }
    soon("the end", sup.stop()).await.expect("stops");
}

/// A server that traps exits and, when it is told to, waits for the supervisor above its own.
struct Below(Above, mpsc::UnboundedSender<bool>);

impl GenServer for Below {
    type Args = (Above, mpsc::UnboundedSender<bool>);
    type Message = ();

    async fn init((top, tell): Self::Args, ctx: &mut Context<Self>) -> Result<Self> {
        ctx.trap_exits(Trap::On);
        Ok(Self(top, tell))
    }

    async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result {
        let counted = above(&self.0).count_children().await;
        self.1.send(matches!(counted, Err(CallError::Deadlock(_)))).map_err(Stop::error)
    }
}

/// Who asked while the one above him waited in line to be ended was not told, and waited for ever. So did who asked
/// for a handle.
#[tokio::test(start_paused = true)]
async fn sup_101_a_circle_that_closes_later_is_seen_as_well() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let (top, log, registry) = (Above::default(), Log::default(), Registry::start().await);
    let registry = registry.expect("starts");
    let args = (top.clone(), tell);
    let nested = ChildSpec::supervisor("nested", {
        let registry = registry.clone();
        let below = ChildSpec::new::<Below>("below", args).shutdown(Shutdown::Infinity);
        move || Supervisor::new([below.clone()]).registry(&registry)
    });
    let slow = Setup::new("slow", &log).finish(Finish::Take(secs(3))).spec();
    let sup = start(Supervisor::new([nested, slow])).await;
    top.set(sup.clone()).expect("once");
    let below = registry.address::<Below>("below").expect("runs");
    let asks = async {
        settle().await;
        below.cast(());
    };
    let ends = async {
        let (slow, nested) =
            tokio::join!(sup.terminate_child("slow"), sup.terminate_child("nested"));
        slow.and(nested).expect("both are known");
    };
    soon("both ends", async { tokio::join!(ends, asks) }).await;
    assert_eq!(told.recv().await, Some(true), "it was refused");
    let handle = SupervisorHandle::of(sup.pid()).await.expect("it is one");
    assert_eq!(handle.count_children().await.expect("lives").specs, 2);
}

/// Who is killed without being asked may well have himself ended, whether he traps exits or not.
#[tokio::test(start_paused = true)]
async fn sup_091_a_child_may_have_itself_killed() {
    let above = Above::default();
    let body = {
        let sup = above.clone();
        move |mut ctx: process::Context<()>| {
            let sup = sup.clone();
            async move {
                ctx.trap_exits(Trap::On);
                ctx.recv().await;
                let _never_comes_back = self::above(&sup).terminate_child("child").await;
                panic!("it lives on");
            }
        }
    };
    let child = ChildSpec::process("child", body).shutdown(Shutdown::BrutalKill);
    let sup = start(Supervisor::new([child])).await;
    above.set(sup.clone()).expect("once");
    let pid = sup.whereis("child").expect("runs");
    Address::<()>::of(pid).expect("takes these").send(());
    assert!(soon("the end", process::join(pid)).await.is_killed());
    assert_eq!(sup.count_children().await.expect("lives").active, 0);
}

/// Sends a request, and does not wait for the answer; false if that is there already.
fn is_sent(request: std::pin::Pin<&mut impl Future>) -> bool {
    request.poll(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_pending()
}

/// Asks its supervisor something, tells when that is sent, and whether it was refused.
struct Asks(Above, mpsc::UnboundedSender<Told>);

#[derive(Debug, PartialEq)]
enum Told {
    Sent,
    Refused(bool),
}

impl GenServer for Asks {
    type Args = (Above, mpsc::UnboundedSender<Told>);
    type Message = ();

    async fn init((sup, tell): Self::Args, ctx: &mut Context<Self>) -> Result<Self> {
        ctx.trap_exits(Trap::On);
        Ok(Self(sup, tell))
    }

    async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result {
        let mut question = std::pin::pin!(above(&self.0).count_children());
        assert!(is_sent(question.as_mut()), "the supervisor is held up");
        self.1.send(Told::Sent).map_err(Stop::error)?;
        let refused = matches!(question.await, Err(CallError::Deadlock(_)));
        self.1.send(Told::Refused(refused)).map_err(Stop::error)
    }
}

/// A question that had been sent, but not looked at, when the supervisor began to wait for whoever had asked.
/// Method: the supervisor's observer holds it up until the request to end the child is there, and the question of that
/// child behind it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sup_101_a_question_that_was_on_its_way_when_the_wait_began_is_refused() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let (enter, mut entered) = mpsc::unbounded_channel();
    let (open, gate) = std::sync::mpsc::channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    let above = Above::default();
    let asks = ChildSpec::new::<Asks>("asks", (above.clone(), tell)).shutdown(Shutdown::Infinity);
    let sup = Supervisor::new([plain("first"), asks]).on_exit(move |_, _| {
        let _the_test_waits = enter.send(());
        let _opened = gate.lock().map(|gate| gate.recv());
    });
    let sup = start(sup).await;
    above.set(sup.clone()).expect("once");
    sup.whereis("first").expect("runs").stop(ExitReason::Normal, None).await.expect("stops");
    soon("the observer", entered.recv()).await.expect("it is held up");
    let mut end = std::pin::pin!(sup.terminate_child("asks"));
    assert!(is_sent(end.as_mut()));
    sup.child::<Asks>("asks").cast(());
    assert_eq!(soon("the question", told.recv()).await, Some(Told::Sent));
    drop(open);
    assert_eq!(soon("the answer", told.recv()).await, Some(Told::Refused(true)));
    soon("the end", end).await.expect("it was terminated");
    assert_eq!(sup.whereis("asks"), None);
}
