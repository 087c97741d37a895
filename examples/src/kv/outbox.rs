//! Answers on their way to a client: small ones side by side, large ones by reference.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes, BytesMut};
use redis_protocol::resp2::encode::extend_encode;
use redis_protocol::resp2::types::BytesFrame as Frame;

/// Bytes to be written in one go; written vectored, so that large values are not copied.
#[derive(Debug, Default)]
pub struct Outbox {
    /// What comes before `tail`.
    chunks: VecDeque<Bytes>,
    /// Where small answers are encoded.
    tail: BytesMut,
}

impl Outbox {
    /// Adds an answer.
    pub fn push(&mut self, answer: &Frame) {
        match answer {
            Frame::BulkString(value) if value.len() >= LARGE => {
                self.text(&format!("${}\r\n", value.len()));
                self.seal();
                self.chunks.push_back(value.clone());
                self.text("\r\n");
            }
            Frame::Array(answers) => {
                self.text(&format!("*{}\r\n", answers.len()));
                answers.iter().for_each(|answer| self.push(answer));
            }
            small => {
                extend_encode(&mut self.tail, small, false).expect("the buffer grows as needed");
            }
        }
    }

    /// Forgets the memory that an unusually large round of answers has taken.
    pub fn shrink(&mut self) {
        if self.tail.capacity() > TAIL_MAX {
            self.tail = BytesMut::new();
        }
    }

    fn text(&mut self, text: &str) {
        self.tail.extend_from_slice(text.as_bytes());
    }

    /// Nothing more is added to what is in `tail`.
    fn seal(&mut self) {
        if !self.tail.is_empty() {
            self.chunks.push_back(self.tail.split().freeze());
        }
    }
}

impl Buf for Outbox {
    fn remaining(&self) -> usize {
        self.chunks.iter().map(Bytes::len).sum::<usize>() + self.tail.len()
    }

    fn has_remaining(&self) -> bool {
        !self.chunks.is_empty() || !self.tail.is_empty()
    }

    fn chunk(&self) -> &[u8] {
        self.chunks.front().map_or(&self.tail, |first| first)
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let tail = Some(&self.tail[..]).filter(|tail| !tail.is_empty());
        let chunks = self.chunks.iter().map(|chunk| &chunk[..]).chain(tail);
        slices.iter_mut().zip(chunks).map(|(slice, chunk)| *slice = IoSlice::new(chunk)).count()
    }

    fn advance(&mut self, mut written: usize) {
        while let Some(first) = self.chunks.front_mut() {
            if written < first.len() {
                return first.advance(written);
            }
            written -= first.len();
            self.chunks.pop_front();
        }
        self.tail.advance(written);
    }
}

/// From here on a value is sent from where it lies.
const LARGE: usize = 4 * 1024;

/// The largest buffer that is kept for the next round.
const TAIL_MAX: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_out_in_order_however_little_is_written_at_a_time() {
        let large = Bytes::from(vec![b'x'; LARGE]);
        let list = Frame::Array(vec![Frame::BulkString(large.clone()), Frame::Null]);
        let answers = [
            Frame::SimpleString(Bytes::from_static(b"OK")),
            Frame::BulkString(large.clone()),
            Frame::Integer(-7),
            list,
            Frame::Error("ERR no".into()),
        ];
        let mut expected = b"+OK\r\n$4096\r\n".to_vec();
        expected.extend(&large);
        expected.extend(b"\r\n:-7\r\n*2\r\n$4096\r\n");
        expected.extend(&large);
        expected.extend(b"\r\n$-1\r\n-ERR no\r\n");
        for step in [1, 3, 4095, 4096, 4097, 100_000] {
            let mut outbox = Outbox::default();
            answers.iter().for_each(|answer| outbox.push(answer));
            assert_eq!(outbox.remaining(), expected.len());
            let mut written: Vec<u8> = Vec::new();
            while outbox.has_remaining() {
                let mut slices = [IoSlice::new(&[]); 2];
                let filled = outbox.chunks_vectored(&mut slices);
                let bytes: Vec<u8> =
                    slices[..filled].iter().flat_map(|slice| slice.iter().copied()).collect();
                let taken = bytes.len().min(step);
                written.extend(&bytes[..taken]);
                outbox.advance(taken);
            }
            assert_eq!(written, expected, "{step} bytes at a time");
        }
    }
}
