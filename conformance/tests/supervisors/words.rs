//! What people read of supervisors, registries and applications: the words of every error, and how things look in a
//! log.

use crate::support::check_words;

use fauxtp::application::{
    Application, StartApplicationError, StopApplicationError, System, SystemError,
};
use fauxtp::prelude::*;
use fauxtp::registry::{RegisterError, UpdateError};
use fauxtp::supervisor::{
    EnsureError, ManageError, PoolStartError, SpecError, StartChildError, TerminateChildError,
};
use fauxtp::{NoRuntime, StartError, SupervisorHandle};

fn pid() -> Pid {
    "<0.7.1>".parse().expect("a pid")
}

#[test]
fn the_words_of_supervisors() {
    type Manage = ManageError<StartChildError>;
    check_words(&[
        (
            &Manage::Refused(StartChildError::Spec(SpecError::EmptyId)),
            "start child: the spec is wrong: check specs: a child has an empty id",
        ),
        (&ManageError::Refused(TerminateChildError::NotFound), "terminate child: no such child"),
        (
            &ManageError::Refused(PoolStartError::MaxChildren),
            "start child: there are as many children as allowed",
        ),
        (&Manage::Call(CallError::NoProc), "call server: no such process"),
        (&Manage::Spec(StartError::BadName), "start process: a name must not be empty"),
        (&EnsureError::Start(StartError::Timeout), "start process: not acknowledged in time"),
        (&EnsureError::Closed, "ensure key: the registry has ended"),
        (
            &EnsureError::Duplicate,
            "ensure key: the registry allows duplicate keys, so none is a name",
        ),
        (
            &EnsureError::OtherType(pid()),
            "ensure key: it is held by <0.7.1>, which takes other messages",
        ),
        (
            &StartError::from(SpecError::ZeroPeriod),
            "start process: check flags: the period of a limited restart intensity is zero",
        ),
    ]);
}

#[test]
fn the_words_of_registries() {
    check_words(&[
        (&RegisterError::AlreadyRegistered(pid()), "register key: already held by <0.7.1>"),
        (&RegisterError::Closed, "register key: the registry has ended"),
        (&RegisterError::NoProc, "register key: the process that registers has ended"),
        (
            &RegisterError::Duplicate,
            "register key: the registry allows duplicate keys, so none is a name",
        ),
        (&UpdateError::NotHeld, "update value: this process does not hold the key"),
        (&UpdateError::Duplicate, "update value: the registry allows duplicate keys"),
    ]);
}

#[test]
fn the_words_of_applications() {
    check_words(&[
        (&StartApplicationError::Unknown, "start application: the system has none of this name"),
        (
            &StartApplicationError::NotStarted("b".into()),
            "start application: it depends on `b`, which does not run",
        ),
        (&StartApplicationError::AlreadyStarted, "start application: it runs already"),
        (&StartApplicationError::Stopping, "start application: it is being stopped"),
        (&StartApplicationError::ShuttingDown, "start application: the system shuts down"),
        (
            &StartApplicationError::Failed(StartError::BadName),
            "start application: its top supervisor did not start: start process: a name must not be empty",
        ),
        (&StartApplicationError::Deadlock, "start application: it waits for the caller to start"),
        (&StopApplicationError::Unknown, "stop application: the system has none of this name"),
        (&StopApplicationError::NotRunning, "stop application: it does not run"),
        (
            &StopApplicationError::CallingSelf,
            "stop application: a part of it cannot wait for its end",
        ),
        (&StopApplicationError::ShutDown, "stop application: the system has stopped"),
    ]);
}

#[tokio::test]
async fn the_words_of_systems() {
    let empty = || Supervisor::new([]);
    let lonely = Application::new("lonely", empty).depends_on(["nobody"]);
    let order = System::new([lonely]).start().await.expect_err("there is no order");
    let named = Application::new("named", || {
        Supervisor::new([ChildSpec::task("", std::future::pending::<()>)])
    });
    let failed = System::new([named]).start().await.expect_err("a child without a name");
    let system = System::new([Application::new("a", empty)]).start().await.expect("starts");
    let unknown = system.ensure_started("b").await.expect_err("there is none");
    check_words(&[
        (
            &order,
            "start system: order applications: `lonely` depends on `nobody`, which is not there",
        ),
        (
            &failed,
            "start system: `named` does not start: start application: its top supervisor did not start: \
             start process: check specs: a child has an empty id",
        ),
        (&unknown, "`b` does not start: start application: the system has none of this name"),
        (
            &SystemError::NoRuntime(NoRuntime::Absent),
            &format!("start system: {}", NoRuntime::Absent),
        ),
    ]);
    let shown = format!("{system:?}");
    assert!(shown.starts_with("RunningSystem { controller: <0."), "{shown}");
    assert!(shown.ends_with(", applications: [\"a\"] }"), "{shown}");
    assert!(system.shutdown().await.is_clean());
}

/// Asks its supervisor for a handle while that waits for its `init`.
struct Asks;

impl GenServer for Asks {
    type Args = tokio::sync::mpsc::UnboundedSender<CallError>;
    type Message = ();
    async fn init(tell: Self::Args, ctx: &mut Context<Self>) -> Result<Self> {
        let above = ctx.parent().expect("it is supervised");
        let refused = SupervisorHandle::of(above).await.expect_err("it waits for this");
        tell.send(refused).map_err(Stop::error)?;
        Ok(Self)
    }
    async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result {
        Ok(())
    }
}

#[tokio::test]
async fn sup_101_who_would_wait_for_himself_is_told_through_whom() {
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let sup = Supervisor::new([Asks::spec(tell).id("asks")]).start().await.expect("starts");
    let Some(CallError::Deadlock(cycle)) = told.recv().await else { panic!("refused") };
    let asks = sup.whereis("asks").expect("it runs");
    assert_eq!(cycle.pids().collect::<Vec<_>>(), [asks, sup.pid()]);
    let shown = cycle.to_string();
    assert!(shown.contains(&format!("Asks {asks}")), "{shown}");
    check_words(&[
        (
            &ManageError::<StartChildError>::Deadlock(cycle.clone()),
            &format!("call supervisor: would wait for itself: {shown}"),
        ),
        (&EnsureError::Deadlock(cycle), &format!("ensure key: would wait for itself: {shown}")),
    ]);
}

#[tokio::test]
async fn what_is_shown_of_supervisors() {
    let child =
        ChildSpec::task("a", std::future::pending::<()>).start_timeout(Duration::from_secs(1));
    let tree = Supervisor::new([child]);
    let shown = format!("{tree:?}");
    assert!(shown.starts_with("Supervisor { flags: Flags { strategy: OneForOne, "), "{shown}");
    assert!(shown.contains("id: \"a\", start: Factory { timeout: Some(1s), .. }"), "{shown}");
    let starting = tree.start();
    assert_eq!(format!("{starting:?}"), "StartSupervisor { .. }");
    let sup = starting.await.expect("starts");
    assert_eq!(format!("{:?}", sup.registry()), "Registry");
    let child = sup.child::<Asks>("a");
    assert_eq!(format!("{child:?}"), "Via(Registry, \"a\")");

    let pool = DynamicSupervisor::new();
    let shown = format!("{pool:?}");
    assert!(shown.starts_with("DynamicSupervisor { flags: PoolFlags { "), "{shown}");
    let starting = pool.into_future();
    assert_eq!(format!("{starting:?}"), "StartDynamicSupervisor { .. }");
    let pool = starting.await.expect("starts");
    pool.stop().await.expect("stops");
}

#[test]
fn what_is_shown_of_applications() {
    let app = Application::new("a", || Supervisor::new([]))
        .depends_on(["b"])
        .drain(Duration::from_secs(1));
    assert_eq!(app.name(), "a");
    assert_eq!(
        format!("{app:?}"),
        "Application { name: \"a\", depends_on: [\"b\"], start_type: Temporary, drain: Some(1s), .. }"
    );
}
