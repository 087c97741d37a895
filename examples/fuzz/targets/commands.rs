//! Random bytes for commands: see the property.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../properties/commands.rs"]
mod commands;

fuzz_target!(|bytes: &[u8]| commands::hold(bytes));
