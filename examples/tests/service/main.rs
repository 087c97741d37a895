//! Runs the service, asks it a lot, and ends it by real signals (APP-003, APP-005).

mod client;
mod program;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use hyper::{Method, StatusCode};
use tokio::task::JoinSet;

use client::{Client, NotAnswered};
use program::{End, Program, soon};

/// Large enough to need many writes.
const TEXT_LENGTH: usize = 1_000_000;
const CONNECTIONS: usize = 16;
/// How many requests have been answered when the service is told to end.
const ANSWERED_BEFORE: u64 = 64;

/// How many answers there were, and whether some came after the signal.
#[derive(Default)]
struct Answers {
    whole: AtomicU64,
    is_told_to_end: AtomicBool,
    late: AtomicU64,
}

impl Answers {
    fn count(&self) {
        self.whole.fetch_add(1, Ordering::SeqCst);
        if self.is_told_to_end.load(Ordering::SeqCst) {
            self.late.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// Asks until nobody answers any more; some requests on each connection.
async fn ask_until_the_end(port: u16, answers: Arc<Answers>) -> NotAnswered {
    loop {
        let mut client = match Client::connect(port).await {
            Ok(client) => client,
            Err(end) => return end,
        };
        for _ in 0..3 {
            match client.get("/slow/text").await {
                Ok((status, text)) => {
                    // The cache was asked after the wait, and was there.
                    assert_eq!(status, StatusCode::OK);
                    assert_eq!(text.len(), TEXT_LENGTH);
                    answers.count();
                }
                Err(end) => return end,
            }
        }
    }
}

fn accepted(end: &End) -> u64 {
    let [line] = &end.said[..] else { panic!("{:?}", end.said) };
    let number = line.strip_prefix("accepted ").and_then(|rest| rest.strip_suffix(" requests"));
    number.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{line:?}"))
}

async fn loses_no_request(signal: &str) {
    let mut program = Program::start(&[]);
    let port = program.port().await;
    let mut first = Client::connect(port).await.expect("it listens");
    let kept = first.ask(Method::PUT, "/cache/text", "x".repeat(TEXT_LENGTH)).await;
    assert_eq!(kept.expect("it answers").0, StatusCode::NO_CONTENT);

    let answers = Arc::<Answers>::default();
    let mut clients = JoinSet::new();
    for _ in 0..CONNECTIONS {
        clients.spawn(ask_until_the_end(port, answers.clone()));
    }
    soon(async {
        while answers.whole.load(Ordering::SeqCst) < ANSWERED_BEFORE {
            tokio::task::yield_now().await;
        }
    })
    .await;
    answers.is_told_to_end.store(true, Ordering::SeqCst);
    program.signal(signal);
    let end = program.end().await;
    while let Some(client) = clients.join_next().await {
        let NotAnswered = client.expect("no answer was cut off");
    }

    assert_eq!(end.code(), Some(0), "{}", end.complaint);
    assert_eq!(end.complaint, "");
    // The first one kept the text.
    assert_eq!(accepted(&end), answers.whole.load(Ordering::SeqCst) + 1);
    assert!(answers.late.load(Ordering::SeqCst) > 0, "some were under way");
    drop(std::net::TcpListener::bind(("127.0.0.1", port)).expect("the port is free"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_is_terminated_answers_all_it_has_accepted() {
    loses_no_request("TERM").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_is_interrupted_answers_all_it_has_accepted() {
    loses_no_request("INT").await;
}

#[tokio::test]
async fn a_service_that_gives_up_says_why_and_fails() {
    let mut program = Program::start(&[]);
    let mut client = Client::connect(program.port().await).await.expect("it listens");
    let broken = client.ask(Method::POST, "/debug/break", "").await;
    assert_eq!(broken.expect("it answers").0, StatusCode::OK);
    let end = program.end().await;
    assert_eq!(end.code(), Some(1));
    assert_eq!(accepted(&end), 1, "its `stop` has run");
    let report: Vec<_> = end.complaint.lines().collect();
    assert_eq!(report[0], "ended: `web` ended by itself: shutdown(MaxRestartsReached)");
    assert!(report[1].starts_with("  `store` stopped after "), "{report:#?}");
}

/// A service with a request that never ends.
async fn hanging(drain_ms: &str) -> (Program, Client) {
    let mut program = Program::start(&["--drain-ms", drain_ms]);
    let port = program.port().await;
    let mut client = Client::connect(port).await.expect("it listens");
    // Before the one that hangs, so that the connection has been accepted.
    assert_eq!(client.get("/cache/none").await.expect("it answers").0, StatusCode::NOT_FOUND);
    let mut hanging = Client::connect(port).await.expect("it listens");
    assert_eq!(hanging.get("/cache/none").await.expect("it answers").0, StatusCode::NOT_FOUND);
    drop(tokio::runtime::Handle::current().spawn(async move {
        let NotAnswered = hanging.get("/debug/hang").await.expect_err("it hangs");
    }));
    // It has been accepted when two more have been answered behind it.
    let _ = client.get("/slow/none").await.expect("it answers");
    let _ = client.get("/slow/none").await.expect("it answers");
    (program, client)
}

fn assert_http_is_named(end: &End) {
    assert_eq!(end.code(), Some(1), "{}", end.complaint);
    let report: Vec<_> = end.complaint.lines().collect();
    assert_eq!(report[0], "ended: SIGTERM");
    let late = report.iter().find(|line| line.starts_with("  `web` killed after ")).expect("web");
    assert!(late.contains("still alive: `http` <"), "{report:#?}");
}

#[tokio::test]
async fn a_request_that_never_ends_is_cut_at_the_deadline_and_named() {
    let (program, _client) = hanging("300").await;
    program.signal("TERM");
    assert_http_is_named(&program.end().await);
}

#[tokio::test]
async fn a_service_that_gives_up_does_not_wait_for_ever_either() {
    let (program, mut client) = hanging("100").await;
    let broken = client.ask(Method::POST, "/debug/break", "").await;
    assert_eq!(broken.expect("it answers").0, StatusCode::OK);
    let end = program.end().await;
    assert_eq!(end.code(), Some(1));
    assert!(end.complaint.starts_with("ended: `web` ended by itself: "), "{}", end.complaint);
}

#[tokio::test]
async fn a_second_signal_cuts_the_shutdown_short() {
    // Longer than the test waits.
    let (program, mut client) = hanging("600000").await;
    program.signal("TERM");
    // The first one is being obeyed: the idle connection is closed.
    soon(async { while client.get("/cache/none").await.is_ok() {} }).await;
    program.signal("INT");
    assert_http_is_named(&program.end().await);
}

#[tokio::test]
async fn a_signal_during_the_start_ends_it() {
    const SIGINT: u32 = 2;
    for (warm_up_ms, drain_ms, code) in [("500", "600000", 0), ("600000", "100", 1)] {
        let program = Program::start(&["--warm-up-ms", warm_up_ms, "--drain-ms", drain_ms]);
        program.catches(SIGINT).await;
        program.signal("INT");
        let end = program.end().await;
        assert_eq!(end.code(), Some(code), "{}", end.complaint);
        assert_eq!(end.said, Vec::<String>::new(), "it never listens");
        let is_named = end.complaint.contains("`store` killed after ")
            && end.complaint.contains("its start had not ended");
        assert_eq!(is_named, code != 0, "{}", end.complaint);
    }
}

#[tokio::test]
async fn a_service_that_cannot_start_says_why_and_fails() {
    let mut first = Program::start(&[]);
    let port = first.port().await;
    let end = Program::start(&["--listen", &format!("127.0.0.1:{port}")]).end().await;
    assert_eq!(end.code(), Some(1));
    assert!(end.complaint.contains("start system: `web` does not start: "), "{}", end.complaint);
    assert!(end.complaint.contains("in use"), "{}", end.complaint);
    assert!(end.complaint.contains("\n  `store` stopped after "), "{}", end.complaint);
}
