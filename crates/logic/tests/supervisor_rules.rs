//! The promises of a supervisor, one row each, named by their ids.
//!
//! A row is a short history: each move, and what the supervisor does about it. `+a` starts a (`+a!` fails, `+a?` is
//! ignored), `-a` stops it, `=…` answers a request, `context(a)` reports, `retry(a,n)` asks for the n-th retry.
//! Deaths are told at the next move that is no death, so two in a row are simultaneous.

mod supervisor_world;

use std::sync::Arc;
use std::time::Duration;

use fauxtp_logic::backoff::Backoff;
use fauxtp_logic::budget::Intensity;
use fauxtp_logic::reason::MaxRestartsReached;
use fauxtp_logic::supervisor::{
    Action, Answer, AutoShutdown, ChildKind, ChildSpec, ChildState, Event, Flags, Machine,
    ReportContext, Request, Restart, RestartStrategy, Shutdown, SpecError, check,
};
use fauxtp_logic::{ExitReason, Pid, Time};
use supervisor_world::Move::{
    Begin, Count, Delete, Die, Next, Retry, Stale, StartChild, StopsAs, Terminate, Wait, Which,
};
use supervisor_world::Outcome::{Fail, Ignore};
use supervisor_world::{End, Move, World};

const RESTARTS: [Restart; 4] =
    [Restart::OnError, Restart::Permanent, Restart::Transient, Restart::Temporary];

/// One history and what comes of it.
struct Row<'a> {
    promise: &'static str,
    flags: Flags,
    children: &'static str,
    history: &'a [(Move, &'static str)],
}

fn play(rows: &[Row<'_>]) {
    for Row { promise, flags, children, history } in rows {
        let mut world = World::new(*flags, specs(children)).expect("the specs are right").traced();
        if !history.iter().any(|(what, _)| matches!(what, Begin)) {
            world.step(&Begin);
            world.take_trace();
        }
        for (index, (what, expected)) in history.iter().enumerate() {
            world.step(what);
            assert_eq!(world.take_trace(), *expected, "{promise}\nmove {index}: {what:?}");
        }
    }
}

/// `"a b:temporary,significant"`: children with their properties.
fn specs(text: &str) -> Vec<ChildSpec<()>> {
    text.split_whitespace().map(child).collect()
}

fn child(text: &str) -> ChildSpec<()> {
    let (id, properties) = text.split_once(':').unwrap_or((text, ""));
    let mut spec = ChildSpec::worker(id, ());
    for property in properties.split(',').filter(|property| !property.is_empty()) {
        match property {
            "permanent" => spec.restart = Restart::Permanent,
            "transient" => spec.restart = Restart::Transient,
            "temporary" => spec.restart = Restart::Temporary,
            "significant" => spec.significant = true,
            "brutal" => spec.shutdown = Shutdown::BrutalKill,
            "supervisor" => spec.kind = ChildKind::Supervisor,
            "backoff" => {
                spec.backoff = Some(Backoff::new(Duration::from_millis(10), Duration::from_secs(1)))
            }
            other => panic!("no such property: {other}"),
        }
    }
    spec
}

const fn strategy(strategy: RestartStrategy) -> Flags {
    Flags {
        strategy,
        intensity: Intensity::new(3, Duration::from_secs(5)),
        auto_shutdown: AutoShutdown::Never,
    }
}

const fn limit(restarts_max: u32) -> Flags {
    Flags { intensity: Intensity::new(restarts_max, Duration::from_secs(5)), ..ONE }
}

const fn auto(auto_shutdown: AutoShutdown) -> Flags {
    Flags { auto_shutdown, ..limit(0) }
}

const ONE: Flags = strategy(RestartStrategy::OneForOne);
const ALL: Flags = strategy(RestartStrategy::OneForAll);
const REST: Flags = strategy(RestartStrategy::RestForOne);
const ANY_SIGNIFICANT: Flags = auto(AutoShutdown::AnySignificant);
const ALL_SIGNIFICANT: Flags = auto(AutoShutdown::AllSignificant);

const fn start(id: &'static str) -> Move {
    StartChild(id, Restart::OnError)
}

const fn temporary(id: &'static str) -> Move {
    StartChild(id, Restart::Temporary)
}

const fn crash(id: &'static str) -> Move {
    Die(id, End::Error)
}

/// What has arrived is served, nothing else happens.
const SETTLE: Move = Stale;
const QUIT: Move = Move::Shutdown(End::Shutdown);

#[test]
fn a_supervisor_starts_its_children_in_order_or_not_at_all() {
    play(&[
        Row {
            promise: "SUP-001 children start in order",
            flags: ONE,
            children: "a b c",
            history: &[(Begin, "+a +b +c begun"), (Begin, "")],
        },
        Row {
            promise: "SUP-001 no children",
            flags: ALL,
            children: "",
            history: &[(Begin, "begun"), (QUIT, "exit(shutdown)")],
        },
        Row {
            promise: "SUP-002 a failed start is rolled back in reverse",
            flags: ONE,
            children: "a b c d",
            history: &[
                (Next(supervisor_world::Outcome::Ok), ""),
                (Next(supervisor_world::Outcome::Ok), ""),
                (Next(Fail), ""),
                (Begin, "+a +b +c! start_error(c) -b -a exit(failed_to_start:c)"),
                (Which, "=ending(failed_to_start:c)"),
            ],
        },
        Row {
            promise: "SUP-003 who ignores is kept without pid, a temporary one forgotten",
            flags: ONE,
            children: "a b:temporary c",
            history: &[
                (Next(Ignore), ""),
                (Next(Ignore), ""),
                (Begin, "+a? +b? +c begun"),
                (Which, "=[c,a:none]"),
                (Move::Restart("a"), "+a =ok"),
            ],
        },
    ]);
}

#[test]
fn a_supervisor_stops_its_children_backwards() {
    play(&[
        Row {
            promise: "SUP-020, SUP-028 reverse order, and the reason it was given, normal included",
            flags: ONE,
            children: "a b c",
            history: &[
                (Move::Shutdown(End::Normal), "-c -b -a exit(normal)"),
                (QUIT, ""),
                (Count, "=ending(normal)"),
            ],
        },
        Row {
            promise: "SUP-024 an unacceptable end is reported and the shutdown goes on",
            flags: ONE,
            children: "a b c:brutal",
            history: &[
                (StopsAs(End::Error), ""),
                (StopsAs(End::Killed), ""),
                (QUIT, "-c shutdown_error(c) -b shutdown_error(b) -a exit(shutdown)"),
            ],
        },
        Row {
            promise: "SUP-026, SUP-080 the exit of a stopped child, told late, means nothing",
            flags: ONE,
            children: "a b",
            history: &[(Terminate("b"), "-b =ok"), (Stale, ""), (Which, "=[b:none,a]")],
        },
        Row {
            promise: "SUP-077, SUP-027 a shutdown between two attempts ends them",
            flags: ALL,
            children: "a b",
            history: &[
                (Next(Fail), ""),
                (crash("b"), ""),
                (SETTLE, "child_terminated(b) -a +a! start_error(a) retry(a,1)"),
                (QUIT, "exit(shutdown)"),
                (Retry, ""),
            ],
        },
    ]);
}

#[test]
fn sup_024_acceptable_ends() {
    let rows = [
        // shutdown, end, accepted of a permanent child, accepted of any other
        (Shutdown::BrutalKill, End::Killed, true, true),
        (Shutdown::BrutalKill, End::Shutdown, false, true),
        (Shutdown::BrutalKill, End::ShutdownWith, false, true),
        (Shutdown::BrutalKill, End::Normal, false, true),
        (Shutdown::BrutalKill, End::Error, false, false),
        (Shutdown::default(), End::Killed, false, false),
        (Shutdown::default(), End::Shutdown, true, true),
        (Shutdown::default(), End::ShutdownWith, false, true),
        (Shutdown::Infinity, End::Normal, false, true),
        (Shutdown::Infinity, End::Error, false, false),
    ];
    for (shutdown, end, permanent, other) in rows {
        for restart in RESTARTS {
            let expected = if restart == Restart::Permanent { permanent } else { other };
            assert_eq!(
                shutdown.accepts(restart, &end.reason()),
                expected,
                "{shutdown:?} {restart:?} {end:?}"
            );
        }
    }
}

#[test]
fn sup_040_which_exits_restart() {
    // restart, then per end: r restarted and reported, k kept in silence, f forgotten in silence, F forgotten and reported
    let rows = [
        (Restart::OnError, ["k", "k", "k", "k", "r"]),
        (Restart::Permanent, ["r", "r", "r", "r", "r"]),
        (Restart::Transient, ["k", "k", "k", "r", "r"]),
        (Restart::Temporary, ["f", "f", "f", "F", "F"]),
    ];
    for (restart, expected) in rows {
        for (end, expected) in End::ALL.into_iter().zip(expected) {
            let spec = ChildSpec { restart, ..ChildSpec::worker("a", ()) };
            let mut world = World::new(ONE, vec![spec]).expect("the spec is right").traced();
            world.step(&Begin);
            world.take_trace();
            world.step(&Die("a", end));
            world.step(&Which);
            let trace = match expected {
                "r" => "child_terminated(a) +a =[a]",
                "k" => "=[a:none]",
                "f" => "=[]",
                _ => "child_terminated(a) =[]",
            };
            assert_eq!(world.take_trace(), trace, "SUP-040 {restart:?} {end:?}");
            assert_eq!(restart.wants_restart(&end.reason()), expected == "r");
        }
    }
}

#[test]
fn strategies_say_who_shares_the_fate_of_a_child() {
    play(&[
        Row {
            promise: "SUP-070 one_for_one restarts the dead child in its place",
            flags: ONE,
            children: "a b c",
            history: &[(crash("b"), ""), (Which, "child_terminated(b) +b =[c,b,a]")],
        },
        Row {
            promise: "SUP-071 one_for_all starts all specs, stopped ones too, and forgets temporary ones",
            flags: ALL,
            children: "a b c:temporary d",
            history: &[
                (Terminate("a"), "-a =ok"),
                (crash("b"), ""),
                (Which, "child_terminated(b) -d -c +a +b +d =[d,b,a]"),
            ],
        },
        Row {
            promise: "SUP-072 rest_for_one leaves the earlier alone, running or stopped",
            flags: REST,
            children: "a b c d:temporary e",
            history: &[
                (Terminate("a"), "-a =ok"),
                (Terminate("e"), "-e =ok"),
                (crash("b"), ""),
                (Which, "child_terminated(b) -d -c +b +c +e =[e,c,b,a:none]"),
            ],
        },
        Row {
            promise: "SUP-073 no group action for a temporary death or a clean exit",
            flags: ALL,
            children: "a b:temporary c:transient",
            history: &[
                (crash("b"), ""),
                (Die("c", End::Normal), ""),
                (Which, "child_terminated(b) =[c:none,a]"),
            ],
        },
        Row {
            promise: "SUP-079 one_for_all: the second of two deaths is consumed, one restart counted",
            flags: Flags { strategy: RestartStrategy::OneForAll, ..limit(1) },
            children: "a b c",
            history: &[
                (crash("a"), ""),
                (crash("c"), ""),
                (SETTLE, "child_terminated(a) -c shutdown_error(c) -b +a +b +c"),
            ],
        },
        Row {
            promise: "SUP-079 one_for_one: two deaths are two restarts",
            flags: limit(1),
            children: "a b c",
            history: &[
                (crash("a"), ""),
                (crash("c"), ""),
                (
                    SETTLE,
                    "child_terminated(a) +a child_terminated(c) shutdown(c) -b -a exit(max_restarts)",
                ),
            ],
        },
        Row {
            promise: "SUP-079 rest_for_one: first a then c is one",
            flags: Flags { strategy: RestartStrategy::RestForOne, ..limit(1) },
            children: "a b c",
            history: &[
                (crash("a"), ""),
                (crash("c"), ""),
                (SETTLE, "child_terminated(a) -c shutdown_error(c) -b +a +b +c"),
            ],
        },
        Row {
            promise: "SUP-079 rest_for_one: first c then a is two",
            flags: Flags { strategy: RestartStrategy::RestForOne, ..limit(1) },
            children: "a b c",
            history: &[
                (crash("c"), ""),
                (crash("a"), ""),
                (
                    SETTLE,
                    "child_terminated(c) +c child_terminated(a) shutdown(a) -c -b exit(max_restarts)",
                ),
            ],
        },
    ]);
}

#[test]
fn a_failed_restart_is_tried_again() {
    play(&[
        Row {
            promise: "SUP-074 a failed restart leaves the child restarting; others are served in between",
            flags: ONE,
            children: "a b",
            history: &[
                (Next(Fail), ""),
                (Next(Fail), ""),
                (crash("a"), ""),
                (Which, "child_terminated(a) +a! start_error(a) retry(a,1) =[b,a:restarting]"),
                (Retry, "+a! start_error(a) retry(a,2)"),
                (Retry, "+a"),
                (crash("a"), ""),
                (
                    Count,
                    "child_terminated(a) shutdown(a) -b exit(max_restarts) =ending(max_restarts)",
                ),
            ],
        },
        Row {
            promise: "SUP-075 one_for_all tries again from scratch",
            flags: ALL,
            children: "a b c",
            history: &[
                (Next(supervisor_world::Outcome::Ok), ""),
                (Next(Fail), ""),
                (crash("a"), ""),
                (
                    Which,
                    "child_terminated(a) -c -b +a +b! start_error(b) retry(b,1) =[c:none,b:restarting,a]",
                ),
                (Retry, "-a +a +b +c"),
            ],
        },
        Row {
            promise: "SUP-076 rest_for_one goes on at the child that failed",
            flags: REST,
            children: "a b c d",
            history: &[
                (Next(supervisor_world::Outcome::Ok), ""),
                (Next(Fail), ""),
                (crash("b"), ""),
                (
                    Which,
                    "child_terminated(b) -d -c +b +c! start_error(c) retry(c,1) =[d:none,c:restarting,b,a]",
                ),
                (Retry, "+c +d"),
            ],
        },
        Row {
            promise: "SUP-077 requests about a restarting child; terminate_child takes back the retry",
            flags: REST,
            children: "a b c",
            history: &[
                (Next(Fail), ""),
                (crash("b"), ""),
                (
                    start("b"),
                    "child_terminated(b) -c +b! start_error(b) retry(b,1) =already_present",
                ),
                (Move::Restart("b"), "=restarting"),
                (Delete("b"), "=restarting"),
                (Count, "=[3,1,0,3]"),
                (Terminate("b"), "=ok"),
                (Which, "=[c:none,b:none,a]"),
                (Retry, ""),
                (Move::Restart("b"), "+b =ok"),
                (Which, "=[c:none,b,a]"),
            ],
        },
        Row {
            promise: "SUP-078 who ignores a restart is kept without pid and not tried again",
            flags: ONE,
            children: "a b",
            history: &[
                (Next(Ignore), ""),
                (crash("a"), ""),
                (Which, "child_terminated(a) +a? =[b,a:none]"),
            ],
        },
        Row {
            promise: "SUP-076, SUP-077 a retry that a larger group made up for means nothing",
            flags: REST,
            children: "a b",
            history: &[
                (Next(Fail), ""),
                (crash("b"), ""),
                (Which, "child_terminated(b) +b! start_error(b) retry(b,1) =[b:restarting,a]"),
                (crash("a"), ""),
                (SETTLE, "child_terminated(a) +a +b"),
                (Retry, ""),
            ],
        },
        Row {
            promise: "SUP-080 the exit of an earlier incarnation or of a stranger is ignored",
            flags: limit(1),
            children: "a",
            history: &[
                (crash("a"), ""),
                (SETTLE, "child_terminated(a) +a"),
                (Stale, ""),
                (Which, "=[a]"),
            ],
        },
        Row {
            promise: "SUP-060 a child with backoff waits for its retry from the start, and numbers its attempts",
            flags: limit(9),
            children: "a:backoff b",
            history: &[
                (crash("a"), ""),
                (Which, "child_terminated(a) retry(a,1) =[b,a:restarting]"),
                (Next(Fail), ""),
                (Retry, "+a! start_error(a) retry(a,2)"),
                (Retry, "+a"),
                (Wait(999), ""),
                (crash("a"), ""),
                (SETTLE, "child_terminated(a) retry(a,3)"),
                (Retry, "+a"),
                (Wait(1_000), ""),
                (crash("a"), ""),
                (SETTLE, "child_terminated(a) retry(a,1)"),
                (Retry, "+a"),
                (crash("a"), ""),
                (SETTLE, "child_terminated(a) retry(a,2)"),
                (Terminate("a"), "=ok"),
                (Move::Restart("a"), "+a =ok"),
                (crash("a"), ""),
                (SETTLE, "child_terminated(a) retry(a,1)"),
            ],
        },
    ]);
}

#[test]
fn the_restart_intensity_is_a_limit_per_window() {
    play(&[
        Row {
            promise: "SUP-051 intensity 0: the first failure ends the supervisor",
            flags: limit(0),
            children: "a b c",
            history: &[
                (crash("b"), ""),
                (
                    Which,
                    "child_terminated(b) shutdown(b) -c -a exit(max_restarts) =ending(max_restarts)",
                ),
            ],
        },
        Row {
            promise: "SUP-041 a permanent child's normal exits count",
            flags: limit(1),
            children: "a:permanent",
            history: &[
                (Die("a", End::Normal), ""),
                (SETTLE, "child_terminated(a) +a"),
                (Die("a", End::Normal), ""),
                (SETTLE, "child_terminated(a) shutdown(a) exit(max_restarts)"),
            ],
        },
        Row {
            promise: "SUP-052 the window includes its end",
            flags: limit(1),
            children: "a",
            history: &[
                (crash("a"), ""),
                (SETTLE, "child_terminated(a) +a"),
                (Wait(5_001), ""),
                (crash("a"), ""),
                (SETTLE, "child_terminated(a) +a"),
                (Wait(5_000), ""),
                (crash("a"), ""),
                (SETTLE, "child_terminated(a) shutdown(a) exit(max_restarts)"),
            ],
        },
        Row {
            promise: "SUP-053 all children share one budget",
            flags: limit(1),
            children: "a b",
            history: &[
                (crash("a"), ""),
                (SETTLE, "child_terminated(a) +a"),
                (crash("b"), ""),
                (SETTLE, "child_terminated(b) shutdown(b) -a exit(max_restarts)"),
            ],
        },
        Row {
            promise: "SUP-054 a group counts once, however its members end",
            flags: Flags { strategy: RestartStrategy::OneForAll, ..limit(1) },
            children: "a b c",
            history: &[
                (StopsAs(End::Error), ""),
                (StopsAs(End::Killed), ""),
                (crash("a"), ""),
                (SETTLE, "child_terminated(a) -c shutdown_error(c) -b shutdown_error(b) +a +b +c"),
            ],
        },
        Row {
            promise: "SUP-055 intensity 3 and a failing init: exactly three attempts",
            flags: ONE,
            children: "a",
            history: &[
                (Next(Fail), ""),
                (Next(Fail), ""),
                (Next(Fail), ""),
                (crash("a"), ""),
                (SETTLE, "child_terminated(a) +a! start_error(a) retry(a,1)"),
                (Retry, "+a! start_error(a) retry(a,2)"),
                (Retry, "+a! start_error(a) retry(a,3)"),
                (Retry, "shutdown(a) exit(max_restarts)"),
            ],
        },
        Row {
            promise: "SUP-042, SUP-058 what was asked for never counts",
            flags: limit(0),
            children: "a",
            history: &[
                (Terminate("a"), "-a =ok"),
                (Move::Restart("a"), "+a =ok"),
                (Terminate("a"), "-a =ok"),
                (Next(Fail), ""),
                (Move::Restart("a"), "+a! =failed"),
                (Next(Fail), ""),
                (start("b"), "+b! =failed"),
                (Which, "=[a:none]"),
            ],
        },
    ]);
}

#[test]
fn requests_are_answered_as_in_otp() {
    play(&[
        Row {
            promise: "SUP-090 start_child",
            flags: ONE,
            children: "a",
            history: &[
                (start("b"), "+b =ok"),
                (start("b"), "=already_started"),
                (Terminate("b"), "-b =ok"),
                (start("b"), "=already_present"),
                (Next(Fail), ""),
                (start("c"), "+c! =failed"),
                (Next(Ignore), ""),
                (start("c"), "+c? =none"),
                (Next(Ignore), ""),
                (temporary("d"), "+d? =none"),
                (start(""), "=spec"),
                (Which, "=[c:none,b:none,a]"),
            ],
        },
        Row {
            promise: "SUP-091 terminate_child",
            flags: ONE,
            children: "a b:temporary",
            history: &[
                (Terminate("a"), "-a =ok"),
                (Terminate("a"), "=ok"),
                (Terminate("b"), "-b =ok"),
                (Terminate("b"), "=not_found"),
                (Terminate("x"), "=not_found"),
                (StopsAs(End::Normal), ""),
                (temporary("b"), "+b =ok"),
                (crash("b"), ""),
                (Terminate("b"), "child_terminated(b) =not_found"),
            ],
        },
        Row {
            promise: "SUP-092 a death told before the call is restarted, then terminated",
            flags: ONE,
            children: "a",
            history: &[
                (crash("a"), ""),
                (Terminate("a"), "child_terminated(a) +a -a =ok"),
                (Which, "=[a:none]"),
            ],
        },
        Row {
            promise: "SUP-093, SUP-094 restart_child and delete_child",
            flags: ONE,
            children: "a",
            history: &[
                (Move::Restart("a"), "=running"),
                (Delete("a"), "=running"),
                (Move::Restart("x"), "=not_found"),
                (Delete("x"), "=not_found"),
                (Die("a", End::Normal), ""),
                (Next(Ignore), ""),
                (Move::Restart("a"), "+a? =none"),
                (Delete("a"), "=ok"),
                (Delete("a"), "=not_found"),
                (start("a"), "+a =ok"),
            ],
        },
        Row {
            promise: "SUP-095, SUP-096 newest first; specs, active, supervisors, workers",
            flags: ONE,
            children: "a b:supervisor c",
            history: &[(Terminate("b"), "-b =ok"), (Which, "=[c,b:none,a]"), (Count, "=[3,2,1,2]")],
        },
    ]);
}

#[test]
fn significant_children_take_their_supervisor_with_them() {
    play(&[
        Row {
            promise: "SUP-122 any_significant, independent of intensity (SUP-126)",
            flags: ANY_SIGNIFICANT,
            children: "a b:transient,significant c",
            history: &[(Die("b", End::Normal), ""), (SETTLE, "shutdown(b) -c -a exit(shutdown)")],
        },
        Row {
            promise: "SUP-121 a temporary one in any way",
            flags: ANY_SIGNIFICANT,
            children: "a b:temporary,significant",
            history: &[
                (crash("b"), ""),
                (SETTLE, "child_terminated(b) shutdown(b) -a exit(shutdown)"),
            ],
        },
        Row {
            promise: "SUP-121 on_error: killed is an end like any other",
            flags: ANY_SIGNIFICANT,
            children: "a:significant",
            history: &[(Die("a", End::Killed), ""), (SETTLE, "shutdown(a) exit(shutdown)")],
        },
        Row {
            promise: "SUP-121 not when it was asked to end, nor when it is restarted, nor an insignificant one",
            flags: Flags { auto_shutdown: AutoShutdown::AnySignificant, ..ALL },
            children: "a:transient,significant b",
            history: &[
                (crash("a"), ""),
                (SETTLE, "child_terminated(a) -b +a +b"),
                (crash("b"), ""),
                (SETTLE, "child_terminated(b) -a +a +b"),
                (Die("b", End::Normal), ""),
                (Terminate("a"), "-a =ok"),
            ],
        },
        Row {
            promise: "SUP-123 all_significant: when none is left; SUP-124 asked ends do not trigger",
            flags: ALL_SIGNIFICANT,
            children: "a:significant b:significant c:significant d",
            history: &[
                (Die("a", End::Normal), ""),
                (Terminate("b"), "-b =ok"),
                (Die("c", End::Normal), ""),
                (SETTLE, "shutdown(c) -d exit(shutdown)"),
            ],
        },
        Row {
            promise: "SUP-124 the last significant one terminated by hand: up for ever",
            flags: ALL_SIGNIFICANT,
            children: "a:significant b",
            history: &[
                (Terminate("a"), "-a =ok"),
                (Die("b", End::Normal), ""),
                (Which, "=[b:none,a:none]"),
            ],
        },
        Row {
            promise: "SUP-123 a restarting one is still there",
            flags: Flags { auto_shutdown: AutoShutdown::AllSignificant, ..ONE },
            children: "a:significant b:significant",
            history: &[
                (Next(Fail), ""),
                (crash("a"), ""),
                (SETTLE, "child_terminated(a) +a! start_error(a) retry(a,1)"),
                (Die("b", End::Normal), ""),
                (Retry, "+a"),
                (Die("a", End::Normal), ""),
                (SETTLE, "shutdown(a) exit(shutdown)"),
            ],
        },
    ]);
}

#[test]
fn sup_005_everything_is_checked_before_anything_starts() {
    let id = || Arc::<str>::from("a");
    let no_time = Flags { intensity: Intensity::new(3, Duration::ZERO), ..ONE };
    let bad = Backoff::new(Duration::from_secs(2), Duration::from_secs(1));
    let rows = [
        (ONE, specs("a b"), Ok(())),
        (no_time, specs(""), Err(SpecError::ZeroPeriod)),
        (Flags { intensity: Intensity::UNLIMITED, ..ONE }, specs(""), Ok(())),
        (ONE, specs("a b a"), Err(SpecError::DuplicateChild(id()))),
        (ONE, vec![ChildSpec::worker("", ())], Err(SpecError::EmptyId)),
        (ONE, specs("a:significant"), Err(SpecError::SignificantNeverShutsDown(id()))),
        (ONE, specs("a:permanent,significant"), Err(SpecError::SignificantPermanent(id()))),
        (
            ANY_SIGNIFICANT,
            specs("a:permanent,significant"),
            Err(SpecError::SignificantPermanent(id())),
        ),
        (ANY_SIGNIFICANT, specs("a:significant b:temporary,significant"), Ok(())),
        (
            ONE,
            vec![ChildSpec { backoff: Some(bad), ..ChildSpec::worker("a", ()) }],
            Err(SpecError::InvalidBackoff(id())),
        ),
    ];
    for (flags, specs, expected) in rows {
        assert_eq!(check(&flags, &specs), expected);
        assert_eq!(World::new(flags, specs).err(), expected.err());
    }
    assert_eq!(
        SpecError::DuplicateChild(id()).to_string(),
        "check specs: two children have the id \"a\""
    );
}

#[test]
fn sup_010_what_comes_while_a_child_starts_waits() {
    let mut machine = Machine::new(ONE, specs("a")).expect("the specs are right");
    let now = Time::ORIGIN;
    assert!(machine.on_event(now, Event::Request(1, Request::WhichChildren)).is_empty());
    let [Action::Start(key)] = machine.on_event(now, Event::Begin)[..] else { panic!("a start") };
    assert!(machine.on_event(now, Event::Exited(pid(1), ExitReason::error("boom"))).is_empty());
    assert!(machine.on_event(now, Event::Request(2, Request::CountChildren)).is_empty());
    assert!(machine.on_event(now, Event::Shutdown(ExitReason::Normal)).is_empty());
    assert!(machine.on_event(now, Event::Request(3, Request::CountChildren)).is_empty());
    // SUP-009: the death during the start is handled after it, and starts the child again.
    let actions = machine.on_event(now, Event::Started(pid(1)));
    assert!(matches!(
        &actions[..],
        [
            Action::Report(_),
            Action::Begun,
            Action::Answer(1, Answer::WhichChildren(_)),
            Action::Report(_),
            Action::Start(again)
        ] if *again == key
    ));
    let actions = machine.on_event(now, Event::Started(pid(2)));
    let [
        Action::Report(report),
        Action::Answer(2, Answer::CountChildren(_)),
        Action::Stop(_, dying, _),
    ] = &actions[..]
    else {
        panic!("{actions:?}")
    };
    assert!(matches!(report.context, ReportContext::Progress));
    assert_eq!((report.offender.pid, report.offender.restarts, *dying), (Some(pid(2)), 1, pid(2)));
    let actions = machine.on_event(now, Event::Stopped(ExitReason::shutdown()));
    assert!(matches!(
        &actions[..],
        [Action::Answer(3, Answer::Ending(ExitReason::Normal)), Action::Exit(ExitReason::Normal)]
    ));
}

#[test]
fn a_shutdown_before_the_begin_ends_at_once() {
    let mut machine = Machine::<(), u8>::new(ONE, specs("a")).expect("the specs are right");
    let actions = machine.on_event(Time::ORIGIN, Event::Shutdown(ExitReason::Normal));
    assert!(matches!(actions[..], [Action::Exit(ExitReason::Normal)]));
    assert!(machine.on_event(Time::ORIGIN, Event::Begin).is_empty());
}

#[test]
fn sup_056_giving_up_is_a_shutdown_that_says_why() {
    let mut world = World::new(limit(0), specs("a")).expect("the specs are right");
    [Begin, crash("a"), Which].iter().for_each(|what| world.step(what));
    let reason = world.exit.expect("it gave up");
    assert!(reason.is_clean() && reason.is_shutdown());
    assert_eq!(reason.downcast_ref(), Some(&MaxRestartsReached));
}

#[test]
fn sup_097_a_child_describes_itself() {
    let mut world = World::new(ONE, specs("a b:temporary")).expect("the specs are right");
    world.step(&Begin);
    let pid = world.pid_of("b").expect("it runs");
    let now = world.now;
    let mut ask = |request| match world.machine.on_event(now, Event::Request(0, request)).pop() {
        Some(Action::Answer(0, Answer::GetChildSpec(spec))) => spec,
        other => panic!("{other:?}"),
    };
    assert_eq!(ask(Request::GetChildSpec("a".into())), Some(Box::new(child("a"))));
    assert_eq!(ask(Request::GetChildSpecOf(pid)), Some(Box::new(child("b:temporary"))));
    assert_eq!(ask(Request::GetChildSpec("x".into())), None);
    // SUP-100: what started a temporary child is not kept.
    let key = world.machine.key_of("b").expect("it is listed");
    assert_eq!(world.machine.start_of(key), None);
    assert_eq!(world.machine.state_of(key), Some(ChildState::Running(pid)));
}

#[test]
#[should_panic(expected = "not under way")]
fn an_outcome_nobody_asked_for_is_a_bug_of_the_shell() {
    let mut machine = Machine::<(), u8>::new(ONE, specs("a")).expect("the specs are right");
    let _lost = machine.on_event(Time::ORIGIN, Event::Started(pid(1)));
}

#[test]
#[should_panic(expected = "the shell tells of a stop not under way")]
fn a_stop_nobody_asked_for_is_a_bug_of_the_shell() {
    let mut machine = Machine::<(), u8>::new(ONE, specs("a")).expect("the specs are right");
    let _lost = machine.on_event(Time::ORIGIN, Event::Stopped(ExitReason::shutdown()));
}

fn pid(id: u32) -> Pid {
    Pid { node: 0, id, serial: 0, creation: 0 }
}
