//! How a scenario is explored, and what is kept of that for the sums.

use std::cell::Cell;
use std::fmt;
use std::fs;
use std::path::Path;
use std::pin::Pin;

use fauxtp::ExitReason;
use fauxtp::stop::Outcome;
use fauxtp::testing::{Crash, Report, Sim, Simulation};

/// How much of a scenario is explored, in seeds; the environment may say otherwise for all of them
/// (`FAUXTP_SIM_SEEDS`).
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Each of these is played without crashes, and then with each of the crashes there can be.
    pub crashed: u64,
    /// Each of these is played with crashes at random.
    pub random: u64,
    /// Each of these is played twice, with crashes and late messages at random, and must be the same.
    pub twice: u64,
}

/// What is explored of every scenario in the gate.
pub const GATE: Sizes = Sizes { crashed: 40, random: 40_000, twice: 200 };

thread_local! {
    static LATE: Cell<bool> = const { Cell::new(false) };
}

/// Whether messages may be late in the run that goes on in this thread.
#[must_use]
pub fn are_messages_late() -> bool {
    LATE.get()
}

/// One run of a scenario. In a box: what explores them is compiled once, and not for each.
pub type Run = Pin<Box<dyn Future<Output = ExitReason>>>;

/// Puts a run into its box.
pub fn run<T: Outcome>(scenario: impl Future<Output = T> + 'static) -> Run {
    Box::pin(async { scenario.await.into_reason() })
}

/// What came of one way to explore a scenario.
#[derive(Debug)]
struct Line<'a> {
    scenario: &'a str,
    how: &'a str,
    report: Report,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scenario, how, report } = self;
        let Report { runs, steps, orders, points, struck, .. } = report;
        writeln!(f, "{scenario}\t{how}\t{runs}\t{steps}\t{orders}\t{points}\t{struck}")
    }
}

/// Explores a scenario: with a crash at every await, with crashes at random, with late messages, and twice. What was
/// explored is written into `folder`, for `cargo xtask sim` to add up.
///
/// # Panics
/// If a run goes wrong.
pub fn explore(name: &str, sizes: Sizes, folder: &Path, scenario: fn(Sim) -> Run) {
    let at_random = |simulation: Simulation| simulation.kill(0.01).panic(0.01).error(0.01);
    let simulation = || Simulation::new(name);
    let ways = [
        ("every await", false, simulation().seeds(sizes.crashed).crash(Crash::EveryAwait)),
        ("at random", false, at_random(simulation()).seeds(sizes.random)),
        ("late", true, at_random(simulation()).delay(0.1).seeds(sizes.random / 4)),
        ("twice", true, at_random(simulation()).delay(0.1).seeds(sizes.twice).twice()),
    ];
    let mut lines = String::new();
    for (how, late, simulation) in ways {
        let report = simulation.run(|sim| {
            LATE.set(late);
            scenario(sim)
        });
        lines += &Line { scenario: name, how, report }.to_string();
    }
    let written = fs::create_dir_all(folder)
        .and_then(|()| fs::write(folder.join(name).with_extension("tsv"), lines));
    assert!(written.is_ok(), "write {}: {written:?}", folder.display());
}
