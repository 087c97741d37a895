//! Runs the numbered examples, and reads what they say.

use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};

/// What a program says, if it ends well.
fn said(output: &Output) -> Vec<String> {
    assert!(output.status.success(), "{output:#?}");
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

/// Runs a program to its end, and checks that it says these lines, and no others; `…` at the end of one stands for
/// anything.
fn check(program: &str, expected: &[&str]) {
    let said = said(&Command::new(program).output().expect("it runs"));
    assert_says(&said, expected);
}

fn assert_says(said: &[String], expected: &[&str]) {
    let fits = |(line, expected): (&String, &&str)| match expected.strip_suffix('…') {
        Some(start) => line.starts_with(start),
        None => line == expected,
    };
    let is_same = said.len() == expected.len() && said.iter().zip(expected).all(fits);
    assert!(is_same, "it says {said:#?}, and should say {expected:#?}");
}

#[test]
fn a_counter_survives_its_crashes() {
    check(
        env!("CARGO_BIN_EXE_01_counter"),
        &[
            "it adds: 15",
            "divided by 0: error: panic: attempt to divide by zero",
            "it starts again: 10",
            "and again: 10",
            "stopped",
        ],
    );
}

#[test]
fn what_the_macro_does_can_be_done_by_hand() {
    check(
        env!("CARGO_BIN_EXE_02_by_hand"),
        &[
            "withdraw 500: overdrawn",
            "audited after 4 messages",
            "a failed audit: call server: it ended first: error: 1000000 expected, 70 found",
            "the next account: 50 left of 100",
            "a stand-in: 18446744073709551615 left",
        ],
    );
}

#[test]
fn strategies_say_who_shares_whose_fate() {
    check(
        env!("CARGO_BIN_EXE_03_strategies"),
        &["OneForOne: -b +b", "RestForOne: -b -c +b +c", "OneForAll: -b -c -a +a +b +c"],
    );
}

#[test]
fn links_and_monitors_tell_of_ends() {
    check(
        env!("CARGO_BIN_EXE_04_links"),
        &[
            "monitor: it ended with error: panic: boom",
            "link: the other one ended with error: the first one fails",
            "trap: a message says error: no disk",
            "kill: the stubborn one was killed",
        ],
    );
}

#[test]
fn names_follow_restarts() {
    check(
        env!("CARGO_BIN_EXE_05_names"),
        &[
            "lobby #1: hello",
            "rust #1: hello",
            "tea #1: hello",
            "tea #2: milk?",
            "tea #1: a new pot",
            "by the old address: Err(NoProc)",
            "without tea: 2 rooms",
        ],
    );
}

#[test]
fn a_pool_replaces_who_is_killed_at_work() {
    check(
        env!("CARGO_BIN_EXE_06_pool"),
        &[
            "start child: there are as many children as allowed",
            "2 * 2 = 4, 4 * 4 = 16",
            "13 * 13: the worker was killed",
            "3 * 3 = 9, 5 * 5 = 25",
            "1 * 1 = 1, by the new one",
        ],
    );
}

#[test]
fn a_task_that_crashes_is_a_reason() {
    check(
        env!("CARGO_BIN_EXE_07_tasks"),
        &[
            "a crash: join task: it ended without a value: error: panic: six: invalid digit…",
            "many, and a crash: join task: it ended without a value: error: panic: two: invalid…",
            "a stream: 70, and 1 crash",
            "an endless one: killed",
        ],
    );
}

#[test]
fn what_runs_beside_a_server_may_crash_and_ends_with_it() {
    check(
        env!("CARGO_BIN_EXE_08_beside"),
        &[
            "measured: [17, 19, 18]",
            "tomorrow: 19 degrees",
            "in a week: no forecast, error: panic: index out of bounds…",
            "in a year: Err(Exited(killed))",
        ],
    );
}

#[test]
fn calls_do_not_hang() {
    check(
        env!("CARGO_BIN_EXE_09_calls"),
        &[
            "a deadline: for the nested call as well",
            "a cycle: call server: would wait for itself: back <…",
            "a deferred reply: signed",
            "a dropped reply: Err(NoReply)",
            "a crash: Err(Exited(error: panic: the coffee is out))",
            "nobody there: Err(NoProc)",
        ],
    );
}

#[test]
fn supervisors_give_up_one_after_the_other() {
    check(
        env!("CARGO_BIN_EXE_10_giving_up"),
        &[
            "  valve starts: 1",
            "  pump starts: 1",
            "crash 1",
            "  pump starts: 2",
            "crash 2",
            "  valve starts: 2",
            "  pump starts: 3",
            "crash 3",
            "  pump starts: 4",
            "crash 4",
            "the plant gives up: shutdown(MaxRestartsReached)",
            "connected at attempt 6",
        ],
    );
}

#[test]
fn overload_is_refused_and_a_shutdown_has_an_order() {
    check(
        env!("CARGO_BIN_EXE_11_overload"),
        &[
            "a full mailbox: refused",
            "after a kill: 500 sheets of paper",
            "task: ended with shutdown",
            "slow file: ended with killed",
            "file: written, ended with shutdown",
        ],
    );
}

#[test]
fn a_system_drains_when_it_is_terminated() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_12_application"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    let pid = program.id().to_string();
    let mut lines = BufReader::new(program.stdout.take().expect("it is piped")).lines();
    let mut next = || lines.next().map(|line| line.expect("it can be read"));
    let mut said: Vec<_> = std::iter::from_fn(&mut next).take(5).collect();

    let sent = Command::new("kill").args(["-s", "TERM", &pid]).status().expect("kill runs");
    assert!(sent.success());
    said.extend(std::iter::from_fn(next));
    let output = program.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{output:#?}");
    assert_says(
        &said,
        &[
            "store: open",
            "shop: open",
            "shop: closed, one last sale at error: panic: the till is broken",
            "shop: open",
            &format!("running; `kill {pid}` or Ctrl-C ends it"),
            "shop: closed, one last sale at shutdown",
            "store: closed, …",
        ],
    );
}
