//! One sample: a run of a subject's program, and what else the machine did meanwhile.

use anyhow::{Context as _, Result, ensure};
use fauxtp_bench_workloads::{Figure, Flavor};

use crate::machine::Clock;
use crate::subjects::Subject;

/// What a run has printed.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) figures: Vec<Figure>,
    /// Whether the rest of the machine used too much of it.
    pub(crate) is_disturbed: bool,
}

/// How much of the machine others may use while a sample is taken.
pub(crate) const OTHERS_MAX: f64 = 0.10;

/// Runs a subject. It prints nothing unless everything that should arrive has arrived.
pub(crate) fn take(subject: &Subject, arguments: &[&str], flavor: Flavor) -> Result<Sample> {
    let before = Clock::now()?;
    let output = subject
        .command(arguments, flavor)
        .output()
        .with_context(|| format!("start {}", subject.name))?;
    let others = Clock::now()?.others_since(before);
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{} {}", output.status, complaint.trim());
    let lines = String::from_utf8(output.stdout).context("read what it has printed")?;
    let figures: Vec<Figure> = lines
        .lines()
        .map(|line| serde_json::from_str(line).with_context(|| format!("read the figure {line}")))
        .collect::<Result<_>>()?;
    ensure!(!figures.is_empty(), "it has printed nothing; {}", complaint.trim());
    Ok(Sample { figures, is_disturbed: others > OTHERS_MAX })
}
