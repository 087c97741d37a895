use fauxtp::prelude::*;

struct Counter(i64);

#[gen_server]
struct Server(i64);

fn main() {}
