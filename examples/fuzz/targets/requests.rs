//! Random bytes for requests, and where to cut them: see the property.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../properties/requests.rs"]
mod requests;

fuzz_target!(|input: (u8, &[u8])| requests::hold(input.0, input.1));
