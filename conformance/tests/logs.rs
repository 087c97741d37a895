//! What is reported, in which order, and what is not.

mod pools;

use fauxtp::prelude::*;
use fauxtp::process;
use fauxtp::supervisor::{Restart, Shutdown, SupervisorHandle};

use pools::reports::Reports;
use pools::{Ask, Begin, Finish, Log, Setup, actor, end, ms, plain, secs, settle, soon};

async fn start(supervisor: Supervisor) -> SupervisorHandle {
    soon("the start of a supervisor", supervisor.start()).await.expect("all children start")
}

/// What each of these lines is about: the target, or the context of a supervisor's report with its child.
fn topics(lines: &[String]) -> Vec<String> {
    let field = |line: &str, name: &str| {
        let (_, rest) = line.split_once(&format!(" {name}=\""))?;
        Some(rest.split('"').next().unwrap_or_default().to_owned())
    };
    let topic = |line: &String| match field(line, "context") {
        Some(context) => format!("{context} {}", field(line, "child").unwrap_or_default()),
        None => line.split(' ').nth(1).unwrap_or_default().to_owned(),
    };
    lines.iter().map(topic).collect()
}

#[tokio::test(start_paused = true)]
async fn log_001_supervisors_report_starts_ends_and_giving_up() {
    let reports = Reports::here();
    let log = Log::default();
    let hanging = Setup::new("hanging", &log).finish(Finish::Never).spec();
    let specs = [plain("plain"), hanging.shutdown(Shutdown::Timeout(ms(10)))];
    let sup = start(Supervisor::new(specs).intensity(1, secs(5))).await;
    let child = sup.whereis("plain").expect("runs");
    let told = reports.of(&["INFO fauxtp::supervisor"]);
    assert_eq!(topics(&told), ["progress plain", "progress hanging"]);
    assert!(told[0].contains(&format!(" pid={child}")), "{told:?}");
    reports.clear();

    end(&actor(sup.registry(), "plain"), Ask::Fail).await;
    sup.which_children().await.expect("lives");
    let told = reports.of(&["ERROR fauxtp::supervisor"]);
    assert_eq!(topics(&told), ["child_terminated plain"]);
    for part in [
        format!(" supervisor={}", sup.pid()),
        format!(" pid={child}"),
        " reason=error: Broken { code: 2 }".to_owned(),
        " restart=OnError".to_owned(),
        " shutdown=Timeout(5s)".to_owned(),
        " kind=Worker".to_owned(),
        " significant=false".to_owned(),
    ] {
        assert!(told[0].contains(&part), "{part} is in {told:?}");
    }
    reports.clear();

    end(&actor(sup.registry(), "plain"), Ask::Fail).await;
    soon("the supervisor gives up", sup.wait()).await;
    let told = reports.of(&["ERROR fauxtp::supervisor"]);
    assert_eq!(
        topics(&told),
        ["child_terminated plain", "shutdown plain", "shutdown_error hanging"]
    );
    assert!(told[2].contains(" reason=killed"), "{told:?}");
    reports.clear();

    let failing = Setup::new("failing", &log).begin(|_| Begin::Fail).spec();
    Supervisor::new([plain("plain"), failing]).start().await.expect_err("one fails");
    let told = reports.of(&["ERROR fauxtp::supervisor"]);
    assert_eq!(topics(&told), ["start_error failing"]);
    assert!(told[0].contains(" reason=error: Broken { code: 1 }"), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn log_002_a_crash_is_told_from_the_inside_out() {
    for ask in [|| Ask::Fail, || Ask::Panic] {
        let reports = Reports::here();
        let sup = start(Supervisor::new([plain("child")]).intensity(1, secs(5))).await;
        reports.clear();
        end(&actor(sup.registry(), "child"), ask()).await;
        sup.which_children().await.expect("lives");
        let told = topics(&reports.of(&["fauxtp::"]));
        assert_eq!(told, ["fauxtp::crash", "child_terminated child", "progress child"]);
        reports.clear();
        end(&actor(sup.registry(), "child"), ask()).await;
        soon("the supervisor gives up", sup.wait()).await;
        let told = topics(&reports.of(&["fauxtp::"]));
        assert_eq!(told, ["fauxtp::crash", "child_terminated child", "shutdown child"]);
    }
}

/// also: PL-007
#[tokio::test(start_paused = true)]
async fn log_003_expected_ends_are_silent() {
    let reports = Reports::here();
    let clean =
        || [ExitReason::Normal, ExitReason::shutdown(), ExitReason::shutdown_with("moving house")];
    for restart in [Restart::Transient, Restart::OnError, Restart::Temporary] {
        for reason in clean() {
            let sup = start(Supervisor::new([plain("child").restart(restart)])).await;
            reports.clear();
            end(&actor(sup.registry(), "child"), Ask::End(reason)).await;
            sup.stop().await.expect("stops");
            let told = reports.of(&["fauxtp::"]);
            assert!(told.is_empty(), "{restart:?}: {told:?}");
        }
    }
    // Exits that the supervisor caused are expected, whatever sort of child it is.
    let log = Log::default();
    let traps = Setup::new("traps", &log).finish(Finish::AtOnce).spec();
    let specs = [plain("plain").restart(Restart::Permanent), traps.restart(Restart::Permanent)];
    let brutal = plain("brutal").shutdown(Shutdown::BrutalKill);
    let sup = start(Supervisor::new(specs.into_iter().chain([brutal]))).await;
    reports.clear();
    sup.terminate_child("plain").await.expect("stops");
    sup.stop().await.expect("stops");
    assert_eq!(reports.of(&["fauxtp::"]), Vec::<String>::new());

    let sup = start(Supervisor::new([plain("child").restart(Restart::Permanent)])).await;
    reports.clear();
    end(&actor(sup.registry(), "child"), Ask::End(ExitReason::Normal)).await;
    sup.which_children().await.expect("lives");
    let told = reports.of(&["fauxtp::"]);
    assert_eq!(
        topics(&told),
        ["child_terminated child", "progress child"],
        "a permanent child's is told"
    );
    assert!(told[0].contains(" reason=normal"), "{told:?}");
    // Who is killed from outside makes no crash report, but is missed by a supervisor that has to replace him.
    reports.clear();
    sup.whereis("child").expect("runs").kill();
    settle().await;
    let told = topics(&reports.of(&["fauxtp::"]));
    assert_eq!(told, ["child_terminated child", "progress child"]);
}

#[tokio::test(start_paused = true)]
async fn pl_007_an_end_imposed_from_outside_makes_no_crash_report() {
    type Plain = process::Context<()>;
    let reports = Reports::here();
    let errors =
        || [ExitReason::error("imposed"), ExitReason::custom("imposed"), ExitReason::no_proc()];
    for error in errors() {
        // A server and a raw process, by a signal.
        let server = pools::Actor::start(Setup::new("", &Log::default())).await.expect("starts");
        let raw = process::spawn(async |_: Plain| std::future::pending::<()>().await);
        for pid in [server.pid(), raw.expect("there is a runtime").pid()] {
            pid.info().await.expect("lives");
            let (ended, ()) = tokio::join!(process::join(pid), async { pid.exit(error.clone()) });
            assert_eq!(ended, error);
        }
        assert_eq!(reports.of(&["fauxtp::"]), Vec::<String>::new(), "{error:?}");
        // Over a link: the one that has failed by itself is reported, and no other.
        let own = error.clone();
        let (tell, told) = tokio::sync::oneshot::channel();
        let (fail, failing) = tokio::sync::oneshot::channel::<()>();
        let starter = process::spawn(async move |mut ctx: Plain| {
            let setup = Setup::new("", &Log::default());
            let server = pools::Actor::start(setup).link(&ctx).await.expect("starts");
            let raw = ctx.spawn_link(async |_: Plain| std::future::pending::<()>().await);
            let raw = raw.expect("there is a runtime").pid();
            let ends = [server.pid(), raw].map(|pid| Box::pin(process::join(pid)));
            drop(tell.send(ends));
            let _told = failing.await;
            own
        });
        let starter = starter.expect("there is a runtime");
        let [server, raw] = told.await.expect("lives");
        let watched = async { tokio::join!(server, raw, process::join(&starter)) };
        let fail = async {
            settle().await;
            fail.send(()).expect("it waits");
        };
        let (ends, ()) = tokio::join!(watched, fail);
        assert_eq!(ends, (error.clone(), error.clone(), error.clone()));
        let told = reports.of(&["fauxtp::"]);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains(&format!(" pid={} ", starter.pid())), "{told:?}");
        reports.clear();
    }
}

/// also: PL-008
#[tokio::test(start_paused = true)]
async fn log_004_reports_are_data_with_stable_names() {
    let reports = Reports::here();
    let sup = start(Supervisor::new([plain("child")])).await;
    let child = actor(sup.registry(), "child");
    end(&child, Ask::Panic).await;
    sup.which_children().await.expect("lives");
    let in_order = |line: &str, names: &[&str]| {
        let mut rest = line;
        for name in names {
            let found = rest.split_once(&format!(" {name}="));
            (_, rest) = found.unwrap_or_else(|| panic!("{name} comes next in {rest}"));
        }
    };
    let crash = reports.of(&["ERROR fauxtp::crash", "process crashed"]);
    assert_eq!(crash.len(), 1, "{crash:?}");
    let names = ["pid", "process", "reason", "detail", "location"];
    in_order(&crash[0], &names);
    in_order(
        &crash[0],
        &["last_message", "queue_len", "ancestors", "links", "trapping", "restarts"],
    );
    assert!(crash[0].contains(&format!(" pid={} ", child.pid())), "{crash:?}");
    assert!(crash[0].contains(" reason=error: panic: handle panics "), "{crash:?}");
    assert!(crash[0].contains("pools/mod.rs:"), "where it was: {crash:?}");
    let names =
        ["supervisor", "context", "child", "pid", "children", "restart", "shutdown", "kind"];
    for line in reports.of(&["supervisor report"]) {
        in_order(&line, &names);
        in_order(&line, &["significant", "restarts"]);
    }
    assert_eq!(
        reports.of(&["supervisor report", " restarts=1"]).len(),
        1,
        "the progress of the second"
    );
}

/// Whatever a server keeps may be a secret: what it was doing is told by name, never by value.
#[tokio::test(start_paused = true)]
async fn gs_050_only_abnormal_ends_are_reported_and_nothing_of_the_state() {
    #[derive(Debug)]
    struct Vault {
        code: &'static str,
    }
    #[derive(Debug)]
    enum Order {
        Open(&'static str),
        End(ExitReason),
    }
    impl GenServer for Vault {
        type Args = &'static str;
        type Message = Order;
        async fn init(code: &'static str, _: &mut Context<Self>) -> Result<Self> {
            Ok(Self { code })
        }
        async fn handle(&mut self, order: Order, _: &mut Context<Self>) -> Result {
            match order {
                Order::Open(code) if code == self.code => Ok(()),
                Order::Open(_) => Err(pools::Broken { code: 3 }.into()),
                Order::End(reason) => Err(Stop::because(reason)),
            }
        }
        fn message_name(order: &Order) -> &'static str {
            match order {
                Order::Open(_) => "Open",
                Order::End(_) => "End",
            }
        }
    }
    let reports = Reports::here();
    for reason in [ExitReason::Normal, ExitReason::shutdown(), ExitReason::shutdown_with(1)] {
        let vault = Vault::start("0451").await.expect("starts");
        vault.send(Order::End(reason));
        until_dead(vault.pid()).await;
    }
    assert_eq!(reports.of(&["fauxtp::"]), Vec::<String>::new());
    let vault = Vault::start("0451").await.expect("starts");
    vault.send(Order::Open("0451"));
    vault.send(Order::Open("hunter2"));
    until_dead(vault.pid()).await;
    let told = reports.of(&["fauxtp::"]);
    assert_eq!(told.len(), 1, "one report: {told:?}");
    for part in ["ERROR", "Vault", " reason=error: Broken { code: 3 }", " last_message=\"Open\""] {
        assert!(told[0].contains(part), "{part} is in {told:?}");
    }
    assert!(!told[0].contains("0451") && !told[0].contains("hunter2"), "{told:?}");
}

async fn until_dead(pid: Pid) {
    pools::until("it has ended", || !pid.is_alive()).await;
}
