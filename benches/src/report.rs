//! What people read: one line for each workload in each runtime.

use crate::flavor::Flavor;
use crate::measure::{Measured, Spread};
use crate::workload::{Floor, Workload};

/// What the columns are.
pub(crate) fn heading(pairs: usize) -> String {
    let columns = columns("workload", "rt", "fauxtp", "tokio by hand", "ratio", "floor");
    format!(
        "Medians of {pairs} pairs taken in turns (min–max); operations per second, or bytes.\n\n{columns}"
    )
}

/// What a workload has yielded, and whether that is enough.
pub(crate) fn line(workload: Workload, flavor: Flavor, measured: &Measured) -> String {
    let Measured { ours, tokio, ratio } = measured;
    let show = |spread: &Spread| match workload.floor() {
        Floor::Ratio(_) => spread_of(spread, 1e6, " M", 2),
        Floor::Bytes(_) => spread_of(spread, 1.0, " B", 0),
    };
    let (reached, floor) = match workload.floor() {
        Floor::Ratio(floor) => (ratio.median >= floor, format!("≥ {floor} ×")),
        Floor::Bytes(floor) => (ours.median <= floor, format!("≤ {floor} B")),
    };
    let verdict = if reached { floor } else { format!("{floor}  MISSED") };
    let ratio = spread_of(ratio, 1.0, " ×", 2);
    columns(workload.name(), flavor.name(), &show(ours), &show(tokio), &ratio, &verdict)
}

fn columns(
    workload: &str,
    runtime: &str,
    ours: &str,
    tokio: &str,
    ratio: &str,
    floor: &str,
) -> String {
    format!("{workload:<25} {runtime:<3} {ours:<23} {tokio:<23} {ratio:<21} {floor}")
}

fn spread_of(spread: &Spread, scale: f64, unit: &str, digits: usize) -> String {
    let Spread { median, min, max } = spread;
    let number = |value: &f64| format!("{:.digits$}", value / scale);
    format!("{}{unit} ({}–{})", number(median), number(min), number(max))
}
