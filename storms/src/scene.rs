//! One storm under way: its size, its progress, its rows, and what was wrong.

use std::time::Duration;

use anyhow::{Result, bail};
use indicatif::{ProgressBar, ProgressStyle};

use crate::memory::{self, Memory};
use crate::row::Row;
use crate::stopwatch::{self, Stopwatch};

/// How much smaller a storm is that is only to be seen to work.
const QUICK: u64 = 20;

/// No limit of such a storm is smaller: a machine that is busy for a moment is no fault.
const QUICK_LIMIT_MIN: Duration = Duration::from_secs(2);

/// One storm under way.
#[derive(Debug)]
pub(crate) struct Scene {
    storm: &'static str,
    quick: bool,
    bar: ProgressBar,
    faults: Vec<String>,
    /// The most that was occupied in any act.
    peak: u64,
}

/// Something that is being measured.
#[derive(Debug)]
pub(crate) struct Act {
    what: String,
    size: u64,
    limit: Duration,
    began: Stopwatch,
    worked: Duration,
    waited: Duration,
}

impl Scene {
    pub(crate) fn new(storm: &'static str, quick: bool) -> Self {
        let style = ProgressStyle::with_template("{msg:>40} {wide_bar} {percent:>3} % {elapsed}")
            .expect("the template is well-formed");
        Self {
            storm,
            quick,
            bar: ProgressBar::new(0).with_style(style),
            faults: Vec::new(),
            peak: 0,
        }
    }

    /// The size of something whose full size this is.
    pub(crate) fn size(&self, full: u64) -> u64 {
        if self.quick { full / QUICK } else { full }
    }

    /// The limit of something for which this is the limit at full size. A small one is not measured, but it may not hang.
    fn limit(&self, full: Duration) -> Duration {
        if self.quick { (full / QUICK as u32).max(QUICK_LIMIT_MIN).min(full) } else { full }
    }

    /// Shows how far it is. May be held by whoever does the work.
    pub(crate) fn bar(&self) -> ProgressBar {
        self.bar.clone()
    }

    /// The most that was occupied in any act, in bytes.
    pub(crate) fn peak(&self) -> u64 {
        self.peak
    }

    /// Begins something that must be done in time; a limit of zero is none.
    pub(crate) fn begin(&mut self, what: impl Into<String>, size: u64, limit: Duration) -> Act {
        let what = what.into();
        self.bar.reset();
        self.bar.set_length(size);
        self.bar.set_message(format!("{}: {what}", self.storm));
        memory::forget_peak();
        Act {
            what,
            size,
            limit: self.limit(limit),
            began: Stopwatch::start(),
            worked: stopwatch::worked(),
            waited: stopwatch::waited(),
        }
    }

    /// It is done. The row goes to whoever started this program. Tells how long it would have taken on a machine of its own.
    pub(crate) fn done(&mut self, act: Act, note: impl Into<String>) -> Duration {
        let (took, worked) = (act.began.elapsed(), stopwatch::worked() - act.worked);
        let waited = stopwatch::waited().saturating_sub(act.waited);
        self.peak = self.peak.max(memory::peak());
        let Memory { heap, resident } = Memory::now();
        let row = Row {
            storm: self.storm.to_owned(),
            what: act.what,
            size: act.size,
            took,
            worked,
            waited,
            limit: act.limit,
            peak: memory::peak(),
            end: resident,
            heap,
            note: note.into(),
        };
        self.bar.finish_and_clear();
        println!("{}", row.line());
        if row.is_late() {
            self.faults.push(format!("{}: {took:.2?}, the limit is {:?}", row.what, row.limit));
        }
        row.alone()
    }

    /// Notes a fault unless `holds`.
    pub(crate) fn check(&mut self, holds: bool, fault: impl FnOnce() -> String) {
        if !holds {
            let fault = fault();
            self.bar.suspend(|| eprintln!("fault: {fault}"));
            self.faults.push(fault);
        }
    }

    /// An error if anything was wrong.
    pub(crate) fn end(self) -> Result<()> {
        if !self.faults.is_empty() {
            bail!("the storm `{}` has done harm:\n  {}", self.storm, self.faults.join("\n  "));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_storm_has_small_limits_but_none_of_less_than_two_seconds() {
        let seconds = Duration::from_secs;
        for (full, quick) in [(0, 0), (1, 1), (10, 2), (60, 3)] {
            assert_eq!(Scene::new("test", true).limit(seconds(full)), seconds(quick));
            assert_eq!(Scene::new("test", false).limit(seconds(full)), seconds(full));
        }
    }
}
