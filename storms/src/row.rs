//! One line of the table, and its way from the program that measured it to the one that prints it.

use std::time::Duration;

use crate::figures::{megabytes, thousands};
use crate::stopwatch;

/// What was done, how long it took, and what it took.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) storm: String,
    pub(crate) what: String,
    pub(crate) size: u64,
    pub(crate) took: Duration,
    /// How long processors worked meanwhile. Less than `took` if others needed them, more if there are several.
    pub(crate) worked: Duration,
    /// How long threads waited for a processor, for others had it.
    pub(crate) waited: Duration,
    /// It must not take longer, if this is not zero.
    pub(crate) limit: Duration,
    /// Occupied by the program, at most and afterwards, in bytes.
    pub(crate) peak: u64,
    pub(crate) end: u64,
    /// Allocated afterwards, in bytes.
    pub(crate) heap: u64,
    /// Anything else that was measured.
    pub(crate) note: String,
}

/// Above the rows.
pub(crate) const HEADER: &str = "\
storm    what                                        size  seconds   worked    alone  limit   per second  peak MB  end MB  heap MB
-------- ----------------------------------- ------------ -------- -------- -------- ------ ------------ -------- ------- --------";

/// How a row begins that is meant for the conductor.
const MARK: &str = "row\t";

impl Row {
    pub(crate) fn is_late(&self) -> bool {
        !self.limit.is_zero() && self.alone() > self.limit
    }

    /// How long it would have taken, had nobody else wanted the processors.
    pub(crate) fn alone(&self) -> Duration {
        stopwatch::alone(self.took, self.worked, self.waited)
    }

    /// The row as people read it.
    pub(crate) fn shown(&self) -> String {
        let (seconds, worked) = (self.took.as_secs_f64(), self.worked.as_secs_f64());
        let limit = match self.limit {
            Duration::ZERO => String::new(),
            limit => format!("{:.0}", limit.as_secs_f64()),
        };
        format!(
            "{:<8} {:<35} {:>12} {seconds:>8.2} {worked:>8.2} {:>8.2} {limit:>6} {:>12} {:>8.1} {:>7.1} {:>8.2}  {}{}",
            self.storm,
            self.what,
            thousands(self.size),
            self.alone().as_secs_f64(),
            thousands((self.size as f64 / seconds.max(1e-9)) as u64),
            megabytes(self.peak),
            megabytes(self.end),
            megabytes(self.heap),
            self.note,
            if self.is_late() { "  TOO SLOW" } else { "" },
        )
    }

    /// The row as the conductor reads it.
    pub(crate) fn line(&self) -> String {
        let Self { storm, what, size, peak, end, heap, note, .. } = self;
        let [took, worked, waited, limit] =
            [self.took, self.worked, self.waited, self.limit].map(|time| time.as_nanos());
        format!(
            "{MARK}{storm}\t{what}\t{size}\t{took}\t{worked}\t{waited}\t{limit}\t{peak}\t{end}\t{heap}\t{note}"
        )
    }

    pub(crate) fn parse(line: &str) -> Option<Self> {
        let columns: Vec<&str> = line.strip_prefix(MARK)?.split('\t').collect();
        let [storm, what, numbers @ .., note] = &columns[..] else { return None };
        let numbers: Result<Vec<u64>, _> = numbers.iter().map(|number| number.parse()).collect();
        let [size, took, worked, waited, limit, peak, end, heap] = numbers.ok()?[..] else {
            return None;
        };
        Some(Self {
            storm: (*storm).to_owned(),
            what: (*what).to_owned(),
            size,
            took: Duration::from_nanos(took),
            worked: Duration::from_nanos(worked),
            waited: Duration::from_nanos(waited),
            limit: Duration::from_nanos(limit),
            peak,
            end,
            heap,
            note: (*note).to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_arrives_as_it_was_and_says_whether_it_is_late() {
        let mut row = Row {
            storm: "crashes".to_owned(),
            what: "panics".to_owned(),
            size: 1_000_000,
            took: Duration::from_millis(2_500),
            worked: Duration::from_millis(1_500),
            waited: Duration::from_millis(300),
            limit: Duration::from_secs(10),
            peak: 7_000_000,
            end: 6_000_000,
            heap: 1_000_000,
            note: "a note".to_owned(),
        };
        assert_eq!(Row::parse(&row.line()).as_ref(), Some(&row));
        assert!(row.shown().contains(" 400,000 ") && !row.shown().contains("TOO SLOW"));
        row.limit = Duration::from_millis(2_200);
        assert!(!row.is_late(), "others had the processors for 0.3 s");
        row.limit = Duration::from_millis(2_100);
        assert!(row.is_late() && row.shown().ends_with("TOO SLOW"));
        assert_eq!(Row::parse("something else"), None);
        assert_eq!(Row::parse("row\tx\ty\tnot a number\t\t\t\t\t\t\t"), None);
    }
}
