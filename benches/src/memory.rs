//! W8: what an idle server weighs, by what the process grows when many are started.

use std::process::Command;

use clap::ValueEnum;

use crate::{Flavour, ours, theirs};

/// How many servers are weighed.
const COUNT: u64 = 100_000;

#[derive(Clone, Copy, ValueEnum)]
pub enum Kind {
    Ours,
    Theirs,
}

/// Asks for both, each in a program of its own, so that neither finds memory the other has left behind.
pub fn print() {
    let bytes = |kind: &str| {
        let this = std::env::current_exe().expect("this program has a path");
        let output = Command::new(this).args(["--memory", kind]).output().expect("it runs again");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    println!("W8 bytes per idle server: ours {}, tokio {}", bytes("ours"), bytes("theirs"));
}

/// Starts many servers, calls each once, and tells by how much the program has grown for each.
pub fn bytes_per_server(kind: Kind) -> u64 {
    Flavour::CurrentThread.runtime().block_on(async {
        let before = resident_bytes();
        match kind {
            Kind::Ours => {
                let mut servers = Vec::new();
                for _ in 0..COUNT {
                    servers.push(ours::start().await);
                    assert_eq!(ours::get(servers.last().expect("just started")).await, 0);
                }
                (resident_bytes() - before) / COUNT
            }
            Kind::Theirs => {
                let mut actors = Vec::new();
                for _ in 0..COUNT {
                    actors.push(theirs::start());
                    assert_eq!(theirs::get(&actors.last().expect("just started").0).await, 0);
                }
                (resident_bytes() - before) / COUNT
            }
        }
    })
}

fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux tells");
    let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("a number");
    pages * 4096
}
