//! How a scenario is explored, and what is kept of that for the sums.

use std::fmt;
use std::fs;
use std::path::Path;

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
pub const GATE: Sizes = Sizes { crashed: 12, random: 6_000, twice: 200 };

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
pub fn explore<S, F, T>(name: &str, sizes: Sizes, folder: &Path, scenario: S)
where
    S: Fn(Sim) -> F + Sync,
    F: Future<Output = T>,
    T: Outcome,
{
    let at_random = |simulation: Simulation| simulation.kill(0.01).panic(0.01).error(0.01);
    let simulation = || Simulation::new(name);
    let ways = [
        ("every await", simulation().seeds(sizes.crashed).crash(Crash::EveryAwait)),
        ("at random", at_random(simulation()).seeds(sizes.random)),
        ("late", at_random(simulation()).delay(0.1).seeds(sizes.random / 4)),
        ("twice", at_random(simulation()).delay(0.1).seeds(sizes.twice).twice()),
    ];
    let mut lines = String::new();
    for (how, simulation) in ways {
        let report = simulation.run(&scenario);
        lines += &Line { scenario: name, how, report }.to_string();
    }
    let written = fs::create_dir_all(folder)
        .and_then(|()| fs::write(folder.join(name).with_extension("tsv"), lines));
    assert!(written.is_ok(), "write {}: {written:?}", folder.display());
}
