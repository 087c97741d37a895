//! fauxtp and a hand-written tokio actor, side by side: each workload runs both in turn, A B A B, and what
//! counts is the ratio. Each run checks that everything arrived.
//!
//! | workload | what is timed |
//! | --- | --- |
//! | W1 | a message sent without an answer, by one producer to one server |
//! | W3 | a call, by one caller to one server |
//! | W7 | a server started, called once and stopped; ours is a child of a dynamic supervisor |
//! | W7u | the same, ours without a supervisor |
//! | W8 | the memory of an idle server |

#![allow(clippy::print_stdout, reason = "a program that prints figures")]

mod memory;
mod ours;
mod pairs;
mod theirs;

use clap::Parser;
use tokio::runtime::{Builder, Runtime};

use pairs::{Pairs, print_head};

/// Times fauxtp against a hand-written tokio actor.
#[derive(Parser)]
struct Options {
    /// Smaller counts: about a minute in all.
    #[arg(long)]
    quick: bool,
    /// Only these workloads, by name, with commas between.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Measures the memory of so many idle servers of one kind and prints it; how the program asks itself.
    #[arg(long, hide = true)]
    memory: Option<memory::Kind>,
}

fn main() {
    let options = Options::parse();
    if let Some(kind) = options.memory {
        println!("{}", memory::bytes_per_server(kind));
        return;
    }
    let wanted = |name: &str| options.only.is_empty() || options.only.iter().any(|only| only == name);
    let scale = if options.quick { 1 } else { 10 };
    print_head();
    for flavour in [Flavour::CurrentThread, Flavour::MultiThread] {
        if wanted("w1") {
            let count = 1_000_000 * scale;
            Pairs::run("W1 cast", flavour, count, ours::casts, theirs::casts).print();
        }
        if wanted("w3") {
            let count = 100_000 * scale;
            Pairs::run("W3 call", flavour, count, ours::calls, theirs::calls).print();
        }
        if wanted("w7") {
            let count = 20_000 * scale;
            Pairs::run("W7 start, call, stop", flavour, count, ours::supervised_lives, theirs::lives).print();
        }
        if wanted("w7u") {
            let count = 20_000 * scale;
            Pairs::run("W7u unsupervised", flavour, count, ours::lives, theirs::lives).print();
        }
    }
    if wanted("w8") {
        memory::print();
    }
}

/// The two kinds of tokio runtime.
#[derive(Clone, Copy)]
enum Flavour {
    CurrentThread,
    MultiThread,
}

impl Flavour {
    fn runtime(self) -> Runtime {
        let built = match self {
            Self::CurrentThread => Builder::new_current_thread().enable_all().build(),
            Self::MultiThread => Builder::new_multi_thread().worker_threads(2).enable_all().build(),
        };
        built.expect("a runtime can be built")
    }

    const fn name(self) -> &'static str {
        match self {
            Self::CurrentThread => "ct",
            Self::MultiThread => "mt",
        }
    }
}
