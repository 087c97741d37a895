//! The tour as a person runs it: its exit code, its words, and its answer to wrong arguments.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Output, Stdio};

fn tour() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fauxtp-tour"));
    command.env_remove("RUST_BACKTRACE");
    command
}

fn run(arguments: &[&str]) -> (Output, String, String) {
    let output = tour().args(arguments).output().expect("the tour starts");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("the tour speaks UTF-8");
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    (output, out, err)
}

#[test]
fn a_second_of_sabotage_ends_well() {
    let (output, out, err) = run(&["--seconds", "1", "--seed", "42"]);
    assert_eq!(output.status.code(), Some(0), "{out}{err}");
    assert_eq!(err, "", "the panics of the tour's own workers are not printed");
    assert!(!out.contains('\u{1b}'), "no escape codes where there is no terminal: {out}");
    for line in [
        "fauxtp tour: 1 s, seed 42",
        "supervisor <",
        "worker-1, worker-2",
        " calls/s, answered ",
        "  crashes   ",
        "by the supervisors (median",
        "hung      nothing: every call was resolved",
        "leaked    nothing: 0 processes, 0 names, 0 timers left",
        "\nThe sums agree.\n",
    ] {
        assert!(out.contains(line), "{line:?} is missing in {out}");
    }
    for kind in ["panic ", "error ", "kill ", "cancel "] {
        let crashes =
            out.lines().find(|line| line.contains("by sabotage")).expect("a line of crashes");
        assert!(crashes.contains(kind), "{kind:?} is missing in {crashes:?}");
    }
}

#[test]
fn quiet_prints_the_summary_only() {
    let (output, out, err) = run(&["--seconds", "0.2", "--seed", "1", "--quiet"]);
    assert_eq!(output.status.code(), Some(0), "{out}{err}");
    assert!(out.starts_with("\nfauxtp tour, "), "{out}");
    assert!(!out.contains("registry <"), "{out}");
}

#[cfg(unix)]
#[test]
fn an_interrupted_tour_still_does_its_sums() {
    let mut child = tour()
        .args(["--seconds", "60", "--seed", "1"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the tour starts");
    let mut out = BufReader::new(child.stdout.take().expect("its output is piped"));
    let mut text = String::new();
    // The first crash tells that everything runs, the handling of signals included.
    while !text.contains(": back as") && !text.contains("stays down") {
        assert_ne!(out.read_line(&mut text).expect("readable"), 0, "{text}");
    }
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(sent.expect("kill runs").success());
    out.read_to_string(&mut text).expect("readable");
    assert_eq!(child.wait().expect("it ends").code(), Some(0), "{text}");
    assert!(text.contains("cut short") && text.contains("The sums agree."), "{text}");
}

#[test]
fn help_tells_what_there_is() {
    let (output, out, _) = run(&["--help"]);
    assert_eq!(output.status.code(), Some(0));
    for word in ["--seconds", "--seed", "--plain", "--quiet", "Exit codes"] {
        assert!(out.contains(word), "{word} is missing in {out}");
    }
}

#[test]
fn wrong_arguments_are_named() {
    let rows: [(&[&str], &str); 9] = [
        (&["--seconds", "soon"], "not a number of seconds"),
        (&["--seconds", ""], "not a number of seconds"),
        (&["--seconds", "0"], "must be from 0.1 to 86400"),
        (&["--seconds=-1"], "must be from 0.1 to 86400"),
        (&["--seconds", "NaN"], "must be from 0.1 to 86400"),
        (&["--seconds", "1e300"], "must be from 0.1 to 86400"),
        (&["--seed", "x"], "'x' for '--seed <SEED>'"),
        (&["--plain", "--quiet"], "cannot be used with"),
        (&["--loud"], "unexpected argument '--loud'"),
    ];
    for (arguments, words) in rows {
        let (output, out, err) = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {out}{err}");
        assert_eq!(out, "", "{arguments:?}");
        assert!(err.contains(words), "{arguments:?}: {err}");
    }
}
