//! Whatever bytes arrive, they are requests or an error, the same ones however they are cut into pieces.

use bytes::Bytes;
use fauxtp_examples::kv::requests::{ProtocolError, Requests};

pub(crate) fn hold(width: u8, bytes: &[u8]) {
    let whole = found(&[bytes]);
    let pieces: Vec<_> = bytes.chunks(usize::from(width).max(1)).collect();
    let cut = found(&pieces);
    assert_eq!(cut, whole);
    let words: usize = whole.0.iter().flatten().map(Bytes::len).sum();
    assert!(words <= bytes.len(), "nothing is made up");
}

/// What came of some bytes: requests, and perhaps an error after them.
type Found = (Vec<Vec<Bytes>>, Option<ProtocolError>);

fn found(pieces: &[&[u8]]) -> Found {
    let mut requests = Requests::default();
    let mut found = Vec::new();
    for piece in pieces {
        requests.extend(piece);
        loop {
            match requests.next_request() {
                Ok(Some(request)) => {
                    assert!(!request.is_empty(), "a request has at least one word");
                    found.push(request);
                }
                Ok(None) => break,
                Err(error) => return (found, Some(error)),
            }
        }
    }
    (found, None)
}
