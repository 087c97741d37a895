//! Shards crash while clients work: nobody is cut off, nothing is wrong, late or out of order.

use std::collections::HashMap;
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fauxtp_examples::kv::counters::Counters;
use fauxtp_examples::kv::shards::Shards;
use redis_protocol::resp2::types::OwnedFrame;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::client::{Client, ok, request, text};
use crate::server::Server;

/// The server's shards; the last one is never crashed.
const SHARDS: usize = 4;
const SPARED: usize = SHARDS - 1;

fn owner(key: &str) -> usize {
    Shards::new(SHARDS, &Counters::default()).owner(key.as_bytes())
}

/// A key of each shard, by shard.
fn one_key_each() -> Vec<String> {
    let keys = (0..10_000).map(|number| format!("probe:{number}"));
    let mut found = vec![None; SHARDS];
    for key in keys {
        let owner = owner(&key);
        found[owner].get_or_insert(key);
    }
    found.into_iter().map(|key| key.expect("every shard owns some keys")).collect()
}

/// Crashes all shards but the spared one, each once, and waits until all of them answer again.
async fn crash_all(client: &mut Client, probes: &[String]) {
    for shard in 0..SPARED {
        assert_eq!(client.call(&["DEBUG", "PANIC", &shard.to_string()]).await, ok());
        for probe in probes {
            assert!(!matches!(client.call(&["GET", probe]).await, OwnedFrame::Error(_)));
        }
    }
}

#[tokio::test]
async fn a_crashed_shard_loses_its_own_keys_and_nothing_else() {
    let server = Server::start(SHARDS);
    let mut client = server.connect().await;
    let keys: Vec<_> = (0..400).map(|number| format!("key:{number}")).collect();
    for key in &keys {
        assert_eq!(client.call(&["SET", key, key]).await, ok());
    }
    // In one pipeline: what comes before the crash is answered before it, what comes after it, after it.
    let lost = keys.iter().find(|key| owner(key) == 1).expect("there is one");
    let words: [&[&str]; 5] = [
        &["GET", lost],
        &["DEBUG", "PANIC", "1"],
        &["GET", lost],
        &["SET", lost, "new"],
        &["GET", lost],
    ];
    client.send(&words.map(request).concat()).await;
    for expected in [text(lost), ok(), OwnedFrame::Null, ok(), text("new")] {
        assert_eq!(client.answer().await, expected);
    }
    for key in &keys {
        let expected = match owner(key) {
            1 if key == lost => text("new"),
            1 => OwnedFrame::Null,
            _ => text(key),
        };
        assert_eq!(client.call(&["GET", key]).await, expected, "{key}");
    }
    let info = client.info().await;
    assert_eq!((info["shard_crashes"], info["connections_lost_unexpectedly"]), (1, 0));
}

/// Runs a benchmark to its end while shards crash, or without.
async fn run_benchmark(server: &Server, arguments: &[&str], crashing: bool) -> Output {
    let mut benchmark = server.benchmark();
    benchmark.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    let benchmark = benchmark.spawn().expect("redis-benchmark starts").wait_with_output();
    let mut client = server.connect().await;
    let probes = one_key_each();
    let crashes = async {
        if !crashing {
            std::future::pending::<()>().await;
        }
        loop {
            crash_all(&mut client, &probes).await;
        }
    };
    let both = async {
        tokio::select! {
            output = benchmark => output.expect("redis-benchmark ends"),
            never = crashes => never,
        }
    };
    timeout(BENCHMARK_MAX, both).await.expect("nothing hangs")
}

#[tokio::test]
async fn redis_benchmark_exits_with_an_error_if_it_gets_one() {
    let server = Server::start(SHARDS);
    let output = run_benchmark(&server, &["-n", "10", "INCR"], false).await;
    assert!(!output.status.success(), "the next test relies on this: {output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_benchmark_does_not_notice_that_shards_crash() {
    let server = Server::start(SHARDS);
    let standard: &[&str] = &["-t", "ping,set,get,incr", "-n", "30000", "-r", "1000"];
    let many: &[&str] =
        &["-n", "30000", "-r", "1000", "MGET", "key:__rand_int__", "a", "b", "c", "d"];
    for pipeline in ["1", "16"] {
        for test in [standard, many] {
            let arguments = [&["-c", "50", "-P", pipeline], test].concat();
            let output = run_benchmark(&server, &arguments, true).await;
            assert!(output.status.success(), "{arguments:?}: {output:?}");
            assert!(output.stderr.is_empty(), "{arguments:?}: {output:?}");
            let said = String::from_utf8_lossy(&output.stdout).to_lowercase();
            assert!(said.contains("requests per second") && !said.contains("error"), "{said}");
        }
    }
    let mut client = server.connect().await;
    let info = client.info().await;
    assert_eq!(info["connections_lost_unexpectedly"], 0);
    assert!(info["shard_crashes"] > 50, "{info:?}");
    while client.info().await["connected_clients"] != 1 {}
}

/// A client that knows what each answer must be.
struct Checker {
    number: usize,
    client: Client,
    /// What the server must hold, unless it has lost it.
    values: HashMap<String, String>,
    random: u64,
    /// Makes every value unique.
    written: u64,
    /// Keys that were lost with their shard.
    losses: usize,
}

/// One request, and what it tells.
enum Request {
    Set(String, String),
    Get(String),
    GetMany(Vec<String>),
    Increment(String),
    Delete(String),
    Echo(String),
}

impl Checker {
    fn below(&mut self, limit: u64) -> u64 {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) % limit
    }

    fn key(&mut self, kind: &str) -> String {
        let (number, key) = (self.number, self.below(12));
        format!("{kind}:{number}:{key}")
    }

    fn request(&mut self) -> Request {
        self.written += 1;
        let unique = format!("{}/{}", self.number, self.written);
        match self.below(8) {
            0 | 1 => Request::Set(self.key("text"), unique),
            2 | 3 => Request::Get(self.key("text")),
            4 => Request::GetMany((0..5).map(|_| self.key("text")).collect()),
            5 => Request::Increment(self.key("number")),
            6 => Request::Delete(self.key("text")),
            _ => Request::Echo(unique),
        }
    }

    /// Sends a pipeline and checks every answer.
    async fn round(&mut self) {
        let requests: Vec<_> = (0..32).map(|_| self.request()).collect();
        let bytes: Vec<_> = requests.iter().flat_map(Request::bytes).collect();
        self.client.send(&bytes).await;
        for request in requests {
            let answer = self.client.answer().await;
            self.check(request, answer);
        }
    }

    fn check(&mut self, request: Request, answer: OwnedFrame) {
        match (request, answer) {
            (Request::Set(key, value), answer) => {
                assert_eq!(answer, ok(), "SET {key}");
                self.values.insert(key, value);
            }
            (Request::Get(key), answer) => self.check_value(&key, &answer),
            (Request::GetMany(keys), OwnedFrame::Array(answers)) => {
                assert_eq!(keys.len(), answers.len());
                keys.iter().zip(&answers).for_each(|(key, answer)| self.check_value(key, answer));
            }
            (Request::Increment(key), OwnedFrame::Integer(answer)) => {
                let before =
                    self.values.get(&key).map_or(0, |value| value.parse().expect("a number"));
                if answer != before + 1 {
                    assert_eq!(answer, 1, "INCR {key} after {before}");
                    self.lost(&key);
                }
                self.values.insert(key, answer.to_string());
            }
            (Request::Delete(key), OwnedFrame::Integer(answer)) => {
                if answer != i64::from(self.values.contains_key(&key)) {
                    assert_eq!(answer, 0, "DEL {key}");
                    self.lost(&key);
                }
                self.values.remove(&key);
            }
            (Request::Echo(message), answer) => assert_eq!(answer, text(&message)),
            (_, answer) => panic!("an answer of another kind: {answer:?}"),
        }
    }

    fn check_value(&mut self, key: &str, answer: &OwnedFrame) {
        let expected = self.values.get(key).map_or(OwnedFrame::Null, |value| text(value));
        if *answer != expected {
            assert_eq!(*answer, OwnedFrame::Null, "GET {key}, where {expected:?} should be");
            self.lost(key);
        }
    }

    fn lost(&mut self, key: &str) {
        assert_ne!(owner(key), SPARED, "{key} was lost by a shard that has not crashed");
        self.values.remove(key);
        self.losses += 1;
    }
}

impl Request {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Set(key, value) => request(&["SET", key, value]),
            Self::Get(key) => request(&["GET", key]),
            Self::GetMany(keys) => {
                let keys = keys.iter().map(String::as_str);
                request(&std::iter::once("MGET").chain(keys).collect::<Vec<_>>())
            }
            Self::Increment(key) => request(&["INCR", key]),
            Self::Delete(key) => request(&["DEL", key]),
            Self::Echo(message) => request(&["ECHO", message]),
        }
    }
}

/// Goal: every answer is right, in order, and there. Method: 50 clients with keys of their own, each of which
/// knows what every answer must be; `crashes_least` times all shards but one crash meanwhile. How many keys
/// were lost.
async fn check_all(server: &Server, crashes_least: usize) -> usize {
    let crashes = Arc::new(AtomicUsize::new(0));
    let mut clients = JoinSet::new();
    for number in 0..50 {
        let client = server.connect().await;
        let crashes = crashes.clone();
        let random = number as u64;
        let mut checker =
            Checker { number, client, values: HashMap::new(), random, written: 0, losses: 0 };
        clients.spawn(async move {
            let mut rounds = 0;
            while rounds < ROUNDS_LEAST || crashes.load(Ordering::Relaxed) < crashes_least {
                checker.round().await;
                rounds += 1;
            }
            checker.losses
        });
    }
    let mut client = server.connect().await;
    let probes = one_key_each();
    let crasher = async {
        for _ in 0..crashes_least {
            crash_all(&mut client, &probes).await;
            crashes.fetch_add(1, Ordering::Relaxed);
        }
    };
    let (losses, ()) = tokio::join!(clients.join_all(), crasher);
    losses.into_iter().sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_right_and_in_order_while_shards_crash() {
    let server = Server::start(SHARDS);
    assert_eq!(check_all(&server, 0).await, 0, "nothing is lost when nothing crashes");
    let mut client = server.connect().await;
    assert_eq!(client.call(&["FLUSHALL"]).await, ok());
    assert!(check_all(&server, 50).await > 0, "a crash loses keys");
    let info = client.info().await;
    assert_eq!(info["shard_crashes"], 50 * SPARED as u64);
    assert_eq!(info["connections_lost_unexpectedly"], 0);
    assert!(info["shard_retries"] > 0, "{info:?}");
    while client.info().await["connected_clients"] != 1 {}
}

/// The fewest pipelines a client sends.
const ROUNDS_LEAST: usize = 40;

/// Longer than a benchmark takes on a machine that is busy.
const BENCHMARK_MAX: Duration = Duration::from_secs(180);
