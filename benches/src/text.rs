//! What people read at once: a table for the terminal, and how values are written everywhere.

use fauxtp_bench_workloads::Flavor;
use fauxtp_bench_workloads::row::{Mark, Row, Unit};

use crate::results::{Results, Spread, Verdict};
use crate::subjects::{OURS, TOKIO};

/// A line for each row, flavor and subject.
pub(crate) fn tables(results: &Results) -> String {
    let mut text = format!("{}\n\n", conditions(results));
    for row in results.rows() {
        for flavor in Flavor::ALL {
            text += &block(results, row, flavor);
        }
    }
    text
}

fn block(results: &Results, row: &Row, flavor: Flavor) -> String {
    let demands = demands(results, row, flavor);
    let mut text = format!("{} {} {}{demands}\n", row.id, row.title, flavor.name());
    for subject in &results.subjects {
        let Some(cell) = results.cell(row, flavor, subject.name) else { continue };
        let value = match (Spread::of(&cell.samples), &cell.cannot) {
            (Some(spread), _) => {
                let mark = if cell.is_disturbed { " ~" } else { "" };
                format!("{}{mark}", spread_of(spread, row.unit))
            }
            (None, reason) => format!("– {}", reason.as_deref().unwrap_or("no figure")),
        };
        let ratio = results.ratio(row, flavor, subject.name, TOKIO);
        let ratio = ratio.map_or_else(String::new, |ratio| format!("{ratio:.2} ×"));
        text += &format!("    {:<9} {value:<38} {ratio:>9}\n", subject.name);
    }
    text
}

/// What is asked of ours, and whether it is met.
fn demands(results: &Results, row: &Row, flavor: Flavor) -> String {
    let (floor, goal) = (mark(row.floor(flavor), row.unit), mark(row.goal(flavor), row.unit));
    let verdict = verdict(results, row, flavor);
    format!(" · floor {floor} · goal {goal} · {OURS}: {verdict}")
}

/// On what, and how, everything was measured.
pub(crate) fn conditions(results: &Results) -> String {
    let machine = &results.machine;
    let named = |subject: &crate::results::Named| format!("{} {}", subject.name, subject.version);
    let subjects: Vec<_> = results.subjects.iter().map(named).collect();
    let disturbed = results.cells.iter().filter(|cell| cell.is_disturbed).count();
    let disturbed = match disturbed {
        0 => String::new(),
        some => format!(
            " The machine was so busy that {some} of {} figures had to be made from disturbed samples; they are marked ~.",
            results.cells.len()
        ),
    };
    format!(
        "{}, {} cores, {}, {}.\nMeasured: {}.\nMedians of {} samples taken in turns (min–max); {} samples taken, {} of them \
         dropped because the rest of the machine used more than a tenth of it meanwhile.{disturbed}",
        machine.processor,
        machine.cores,
        machine.kernel,
        machine.compiler,
        subjects.join(", "),
        results.samples,
        results.taken,
        results.dropped,
    )
}

/// Whether ours is good enough; marked if the machine was too busy to tell.
pub(crate) fn verdict(results: &Results, row: &Row, flavor: Flavor) -> String {
    let text = match results.verdict(row, flavor) {
        Some(Verdict::Goal) => "goal reached",
        Some(Verdict::Floor) => "above the floor",
        Some(Verdict::Missed) => "MISSED",
        None => return "–".to_owned(),
    };
    if results.is_doubtful(row, flavor) { format!("{text} ~") } else { text.to_owned() }
}

/// A figure to be reached.
pub(crate) fn mark(mark: Mark, unit: Unit) -> String {
    match mark {
        Mark::Tokio(times) => format!("{times} ×"),
        Mark::Ractor(times) => format!("{times} × ractor"),
        Mark::AtMost(most) => format!("≤ {}", value(most, unit)),
        Mark::Nothing => "–".to_owned(),
    }
}

/// A median and what it is the median of.
pub(crate) fn spread_of(spread: Spread, unit: Unit) -> String {
    let Spread { median, min, max } = spread;
    let (scale, _, digits) = scale(median, unit);
    let number = |value: f64| format!("{:.digits$}", value / scale);
    format!("{} ({}–{})", value(median, unit), number(min), number(max))
}

/// A value with three digits or so, and its unit.
pub(crate) fn value(value: f64, unit: Unit) -> String {
    let (scale, suffix, digits) = scale(value, unit);
    format!("{:.digits$} {suffix}", value / scale)
}

fn scale(value: f64, unit: Unit) -> (f64, &'static str, usize) {
    let (scale, suffix) = match unit {
        Unit::PerSecond if value >= 1e6 => (1e6, "M/s"),
        Unit::PerSecond => (1e3, "k/s"),
        Unit::Nanoseconds => (1.0, "ns"),
        Unit::Bytes => (1.0, "B"),
    };
    let digits = match value / scale {
        small if small < 10.0 => 2,
        middle if middle < 100.0 => 1,
        _ => 0,
    };
    (scale, suffix, digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_three_digits() {
        assert_eq!(value(25_912_345.0, Unit::PerSecond), "25.9 M/s");
        assert_eq!(value(229_400.0, Unit::PerSecond), "229 k/s");
        assert_eq!(value(696.2, Unit::Bytes), "696 B");
        assert_eq!(value(17.61, Unit::Bytes), "17.6 B");
        let spread = Spread { median: 1.5e6, min: 1e6, max: 2e6 };
        assert_eq!(spread_of(spread, Unit::PerSecond), "1.50 M/s (1.00–2.00)");
    }
}
