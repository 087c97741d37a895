//! Whatever a client asks for, it is a command or an error; and the answer to an error is one line that a client can
//! read.

use bytes::{Buf, Bytes};
use fauxtp_examples::kv::command::Command;
use fauxtp_examples::kv::outbox::Outbox;
use fauxtp_examples::kv::requests::Requests;
use redis_protocol::resp2::decode::decode_bytes;
use redis_protocol::resp2::types::BytesFrame as Frame;

pub(crate) fn hold(bytes: &[u8]) {
    let mut requests = Requests::default();
    requests.extend(bytes);
    while let Ok(Some(words)) = requests.next_request() {
        if let Err(error) = Command::parse(words) {
            answer(&error.to_string());
        }
    }
}

/// An error is answered, and read by a client.
fn answer(error: &str) {
    let mut outbox = Outbox::default();
    outbox.push(&Frame::Error(error.into()));
    let length = outbox.remaining();
    let sent: Bytes = outbox.copy_to_bytes(length);
    let (frame, read) = decode_bytes(&sent).expect("it is well formed").expect("it is whole");
    assert_eq!(read, length, "it is one answer: {sent:?}");
    assert_eq!(frame, Frame::Error(error.into()));
}
