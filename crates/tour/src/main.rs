//! Ten seconds of crashes, and nothing falls over.
fn main() {}
