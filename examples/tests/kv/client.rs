//! A small client that sends pipelines and reads one answer after the other.

use std::collections::HashMap;
use std::time::Duration;

use bytes::BytesMut;
use redis_protocol::resp2::decode::decode;
use redis_protocol::resp2::types::OwnedFrame;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A connection to the server. Panics when the server keeps it waiting, or closes before it has answered.
pub(crate) struct Client {
    stream: TcpStream,
    received: BytesMut,
}

impl Client {
    pub(crate) async fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("connects");
        Self { stream, received: BytesMut::new() }
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("the server reads");
    }

    /// The next answer.
    pub(crate) async fn answer(&mut self) -> OwnedFrame {
        self.next_answer().await.expect("the server answers before it closes")
    }

    /// The next answer; nothing if the server has closed.
    pub(crate) async fn next_answer(&mut self) -> Option<OwnedFrame> {
        loop {
            if let Some((frame, length)) = decode(&self.received).expect("answers are well-formed")
            {
                let _used = self.received.split_to(length);
                return Some(frame);
            }
            let read = timeout(PATIENCE, self.stream.read_buf(&mut self.received)).await;
            if read.expect("the server answers in time").expect("the connection holds") == 0 {
                assert!(self.received.is_empty(), "closed within an answer: {:?}", self.received);
                return None;
            }
        }
    }

    /// Sends one command and takes its answer.
    pub(crate) async fn call(&mut self, words: &[&str]) -> OwnedFrame {
        self.send(&request(words)).await;
        self.answer().await
    }

    /// The numbers that INFO tells.
    pub(crate) async fn info(&mut self) -> HashMap<String, u64> {
        let OwnedFrame::BulkString(text) = self.call(&["INFO"]).await else {
            panic!("INFO is text")
        };
        let text = String::from_utf8(text).expect("INFO is text");
        let fields = text.lines().filter_map(|line| line.split_once(':'));
        fields.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?))).collect()
    }
}

/// A command as it is sent.
pub(crate) fn request(words: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len());
    for word in words {
        bytes.push_str(&format!("${}\r\n{word}\r\n", word.len()));
    }
    bytes.into_bytes()
}

pub(crate) fn text(text: &str) -> OwnedFrame {
    OwnedFrame::BulkString(text.as_bytes().to_vec())
}

pub(crate) fn ok() -> OwnedFrame {
    OwnedFrame::SimpleString(b"OK".to_vec())
}

/// Longer than anything takes on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);
