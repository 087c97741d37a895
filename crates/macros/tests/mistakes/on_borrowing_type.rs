use fauxtp::prelude::*;

struct Counter<'a>(&'a str);

#[gen_server]
impl<'a> Counter<'a> {
    fn init() -> Self {
        Self("")
    }
}

fn main() {}
