//! What reads bytes, with bytes of all kinds: in a short form what `cargo xtask fuzz` does for as long as one likes.

#![allow(missing_docs, reason = "tests")]

#[path = "../fuzz/properties/commands.rs"]
mod commands;
#[path = "../fuzz/properties/requests.rs"]
mod requests;

use std::fs;
use std::path::Path;

use fastrand::Rng;

const INPUTS: u64 = 50_000;

/// What is common in the protocol, and where it ends.
const WORDS: [&[u8]; 10] =
    [b"\r\n", b"*", b"$", b"-1", b"0", b"2", b"99999999999", b"GET", b"set", b"\"a b\""];

/// The inputs that are kept for one property.
fn kept(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let entries = fs::read_dir(&folder).expect("the folder is there");
    let read = |entry: std::io::Result<fs::DirEntry>| fs::read(entry.expect("it is listed").path());
    let kept: Vec<_> = entries.map(|entry| read(entry).expect("it is readable")).collect();
    assert!(!kept.is_empty(), "there are none in {}", folder.display());
    kept
}

/// One of them, changed in some places.
fn changed(kept: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    let mut bytes = rng.choice(kept).expect("there are some").clone();
    for _ in 0..rng.usize(0..6) {
        let from = rng.usize(0..=bytes.len());
        let to = rng.usize(from..=bytes.len().min(from + 4));
        let word = if rng.bool() {
            vec![rng.u8(..)]
        } else {
            rng.choice(WORDS).expect("there are some").to_vec()
        };
        bytes.splice(from..to, word);
    }
    bytes
}

#[test]
fn any_bytes_are_requests_or_an_error_however_they_are_cut() {
    let kept = kept("requests");
    for seed in 0..INPUTS {
        let bytes = changed(&kept, &mut Rng::with_seed(seed));
        let (width, bytes) = bytes.split_first().unwrap_or((&1, &[]));
        requests::hold(*width, bytes);
    }
}

#[test]
fn any_bytes_are_commands_or_an_error_that_can_be_read() {
    let kept = kept("commands");
    for seed in 0..INPUTS {
        commands::hold(&changed(&kept, &mut Rng::with_seed(seed)));
    }
}
