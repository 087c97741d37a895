//! Every command, as redis-cli shows its answer.

use redis_protocol::resp2::types::OwnedFrame;

use crate::client::{ok, request, text};
use crate::server::Server;

#[test]
fn every_command_answers_as_redis_does() {
    let server = Server::start(4);
    for (line, expected) in [
        ("PING", "PONG"),
        ("PING hello", "\"hello\""),
        ("ECHO hello", "\"hello\""),
        ("GET a", "(nil)"),
        ("SET a 1", "OK"),
        ("GET a", "\"1\""),
        ("SET a 2 NX", "(nil)"),
        ("SET b 2 XX", "(nil)"),
        ("SET b 2 NX", "OK"),
        ("SET a 3 XX", "OK"),
        ("MGET a b c", "1) \"3\"\n2) \"2\"\n3) (nil)"),
        ("EXISTS a b c a", "(integer) 3"),
        ("DBSIZE", "(integer) 2"),
        ("DEL a b c", "(integer) 2"),
        ("INCR n", "(integer) 1"),
        ("INCR n", "(integer) 2"),
        ("SET n ten", "OK"),
        ("INCR n", "(error) ERR value is not an integer or out of range"),
        ("SET n 9223372036854775807", "OK"),
        ("INCR n", "(error) ERR increment or decrement would overflow"),
        ("TTL n", "(integer) -1"),
        ("TTL missing", "(integer) -2"),
        ("EXPIRE n 100", "(integer) 1"),
        ("TTL n", "(integer) 100"),
        ("EXPIRE missing 100", "(integer) 0"),
        ("EXPIRE n 0", "(integer) 1"),
        ("GET n", "(nil)"),
        ("SET t 1 EX 50", "OK"),
        ("TTL t", "(integer) 50"),
        ("SET t 1 PX 7000", "OK"),
        ("TTL t", "(integer) 7"),
        ("SET t 1 EX 0", "(error) ERR invalid expire time in 'set' command"),
        ("SET t 1 EX", "(error) ERR syntax error"),
        ("FLUSHALL", "OK"),
        ("DBSIZE", "(integer) 0"),
        ("COMMAND", "(empty array)"),
        ("COMMAND DOCS", "(empty array)"),
        ("COMMAND COUNT", "(integer) 0"),
        ("CONFIG GET save", "1) \"save\"\n2) \"\""),
        ("CONFIG GET appendonly", "1) \"appendonly\"\n2) \"no\""),
        ("CONFIG GET maxmemory", "(empty array)"),
        ("SELECT 0", "OK"),
        ("SELECT 1", "(error) ERR DB index is out of range"),
        ("CLIENT SETNAME me", "(error) ERR unknown subcommand 'SETNAME'. Try CLIENT HELP."),
        ("HELLO 3", "(error) NOPROTO unsupported protocol version"),
        ("DEBUG PANIC 1", "OK"),
        ("DEBUG PANIC 4", "(error) ERR shard 4 is not there"),
        ("DEBUG PANIC", "(error) ERR unknown subcommand 'PANIC'. Try DEBUG HELP."),
        ("GET", "(error) ERR wrong number of arguments for 'get' command"),
        ("NOPE a b", "(error) ERR unknown command 'NOPE', with args beginning with: 'a' 'b' "),
        ("QUIT", "OK"),
    ] {
        let words: Vec<_> = line.split(' ').collect();
        assert_eq!(server.cli(&words), expected, "{line}");
    }
    let info = server.cli(&["INFO"]);
    for field in ["redis_version:7.", "connections_lost_unexpectedly:0", "shard_crashes:1"] {
        assert!(info.contains(field), "{field} in {info}");
    }
}

#[test]
fn values_may_be_any_bytes_of_any_size() {
    let server = Server::start(2);
    for value in ["", " ", "two\r\nlines", "\u{fc}", &"x".repeat(100_000)] {
        assert_eq!(server.cli(&["SET", "key", value]), "OK");
        let output = std::process::Command::new("redis-cli")
            .args(["-p", &server.port.to_string(), "--raw", "GET", "key"])
            .output()
            .expect("redis-cli runs");
        assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{value}\n"));
    }
}

#[tokio::test]
async fn a_key_ends_by_itself_whether_anybody_looks_at_it_or_not() {
    let server = Server::start(2);
    let mut client = server.connect().await;
    assert_eq!(client.call(&["SET", "looked-at", "1", "PX", "50"]).await, ok());
    assert_eq!(client.call(&["SET", "left-alone", "1", "PX", "50"]).await, ok());
    while client.call(&["GET", "looked-at"]).await == text("1") {}
    // Counted until it has been removed, as in Redis; asking for the number removes nothing.
    while client.call(&["DBSIZE"]).await != OwnedFrame::Integer(0) {}
}

#[tokio::test]
async fn a_pipeline_is_answered_in_order_over_all_shards() {
    let server = Server::start(4);
    let mut client = server.connect().await;
    let mut pipeline = Vec::new();
    // More than one round, and more than one read.
    for number in 0..5000 {
        let (key, value) = (format!("key:{number}"), number.to_string());
        pipeline.extend(request(&["SET", &key, &value]));
        pipeline.extend(request(&["NOPE"]));
        pipeline.extend(request(&["MGET", &key, "missing", "key:0"]));
    }
    pipeline.extend(request(&["DBSIZE"]));
    pipeline.extend(request(&["FLUSHALL"]));
    pipeline.extend(request(&["DBSIZE"]));
    pipeline.extend(request(&["QUIT"]));
    pipeline.extend(request(&["PING"]));
    client.send(&pipeline).await;
    for number in 0..5000 {
        assert_eq!(client.answer().await, ok());
        assert!(matches!(client.answer().await, OwnedFrame::Error(_)));
        let list = vec![text(&number.to_string()), OwnedFrame::Null, text("0")];
        assert_eq!(client.answer().await, OwnedFrame::Array(list));
    }
    assert_eq!(client.answer().await, OwnedFrame::Integer(5000));
    assert_eq!(client.answer().await, ok());
    assert_eq!(client.answer().await, OwnedFrame::Integer(0));
    assert_eq!(client.answer().await, ok());
    assert_eq!(client.next_answer().await, None, "nothing is answered after QUIT");
}

#[tokio::test]
async fn an_interrupt_ends_the_server_in_order() {
    let server = Server::start(2);
    let mut client = server.connect().await;
    assert_eq!(client.call(&["PING", "x"]).await, text("x"));
    let status = tokio::task::spawn_blocking(move || server.interrupt()).await.expect("ends");
    assert!(status.success(), "{status}");
    assert_eq!(client.next_answer().await, None);
}
