//! Bytes that are no requests, and clients that do not behave: they harm nobody but themselves.

use redis_protocol::resp2::types::OwnedFrame;

use crate::client::{Client, ok, request, text};
use crate::server::Server;

async fn assert_lives(client: &mut Client) {
    assert_eq!(client.call(&["GET", "key"]).await, text("value"));
    assert_eq!(client.info().await["connections_lost_unexpectedly"], 0);
}

#[tokio::test]
async fn garbage_is_answered_and_closes_its_own_connection_only() {
    let server = Server::start(2);
    let mut other = server.connect().await;
    assert_eq!(other.call(&["SET", "key", "value"]).await, ok());
    let endless = "9".repeat(100_000);
    for (garbage, error) in [
        ("*x\r\n", "invalid multibulk length"),
        ("*1048577\r\n", "invalid multibulk length"),
        ("*99999999999999999999\r\n", "invalid multibulk length"),
        ("*1\r\n$-5\r\n", "invalid bulk length"),
        ("*1\r\n$536870913\r\n", "invalid bulk length"),
        ("*2\r\n$3\r\nGET\r\n:5\r\n", "expected '$', got ':'"),
        ("*1\r\n*1\r\n*1\r\n", "expected '$', got '*'"),
        ("GET \"key\r\n", "unbalanced quotes in request"),
        (&format!("*{endless}"), "too big mbulk count string"),
        (&format!("*1\r\n${endless}"), "too big bulk count string"),
        (&endless, "too big inline request"),
    ] {
        let mut client = server.connect().await;
        // What came before is answered; what comes after is not understood.
        client
            .send(&[&request(&["GET", "key"]), garbage.as_bytes(), &request(&["PING"])].concat())
            .await;
        assert_eq!(client.answer().await, text("value"));
        let expected = OwnedFrame::Error(format!("ERR Protocol error: {error}"));
        assert_eq!(client.answer().await, expected);
        assert_eq!(client.next_answer().await, None);
        assert_lives(&mut other).await;
    }
}

#[tokio::test]
async fn empty_requests_are_not_answered() {
    let server = Server::start(2);
    let mut client = server.connect().await;
    client.send(b"*0\r\n\r\n*-1\r\n   \r\nPING\r\n").await;
    assert_eq!(client.answer().await, OwnedFrame::SimpleString(b"PONG".to_vec()));
}

#[tokio::test]
async fn what_clients_only_claim_to_send_takes_no_memory() {
    let server = Server::start(2);
    let mut other = server.connect().await;
    assert_eq!(other.call(&["SET", "key", "value"]).await, ok());
    let before = server.memory_mb();
    let mut clients = Vec::new();
    for _ in 0..50 {
        let mut client = server.connect().await;
        client.send(b"PING\r\n*1048576\r\n$536870912\r\nand then nothing").await;
        client.answer().await;
        clients.push(client);
    }
    assert_lives(&mut other).await;
    let after = server.memory_mb();
    assert!(after < before + 50, "{before} MB, then {after} MB");
}

#[tokio::test]
async fn a_client_that_takes_no_answers_does_not_make_the_server_grow() {
    let server = Server::start(2);
    let mut other = server.connect().await;
    assert_eq!(other.call(&["SET", "key", "value"]).await, ok());
    let large = "x".repeat(1024 * 1024);
    assert_eq!(other.call(&["SET", "large", &large]).await, ok());
    let before = server.memory_mb();
    let mut client = server.connect().await;
    client.send(&request(&["GET", "large"]).repeat(2000)).await;
    // The first answer has begun, so all rounds before it are done, and the others cannot go on.
    assert_eq!(client.answer().await, text(&large));
    assert_lives(&mut other).await;
    let after = server.memory_mb();
    assert!(after < before + 50, "{before} MB, then {after} MB");
    drop(client);
    while other.info().await["connected_clients"] != 1 {}
    assert_lives(&mut other).await;
}
