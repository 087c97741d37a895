use fauxtp::prelude::*;

#[gen_server]
trait Server {
    fn init() -> Self;
}

fn main() {}
