//! Programs to start from; each kills something, each is run by a test.

pub mod kv;
pub mod service;
