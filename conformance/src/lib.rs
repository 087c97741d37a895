//! One test per promise, named after it; see `tests/`.
