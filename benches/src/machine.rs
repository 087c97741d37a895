//! The machine: what it is, and what else it does.

use std::fs;

use anyhow::{Context as _, Result};
use serde::Serialize;

/// What figures depend on.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) kernel: String,
    pub(crate) compiler: String,
}

impl Machine {
    pub(crate) fn here() -> Result<Self> {
        let processors = fs::read_to_string("/proc/cpuinfo").context("read /proc/cpuinfo")?;
        let name = processors.lines().find_map(|line| line.strip_prefix("model name"));
        let name = name.and_then(|line| line.split_once(": ")).map_or("unknown", |pair| pair.1);
        let cores = std::thread::available_parallelism().context("count the cores")?.get();
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let rustc = std::process::Command::new("rustc").arg("--version").output();
        let compiler =
            rustc.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        Ok(Self {
            processor: name.trim().to_owned(),
            cores,
            kernel: format!("Linux {}", kernel.trim()),
            compiler: compiler.unwrap_or_default(),
        })
    }
}

/// How much time processors have spent, in the kernel's ticks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// All of them together, busy or not.
    all: u64,
    /// All of them together, when they did something for somebody, other machines on the same hardware included.
    busy: u64,
    /// What this program and those that it has started and that have ended took of that.
    ours: u64,
}

impl Clock {
    pub(crate) fn now() -> Result<Self> {
        let stat = fs::read_to_string("/proc/stat").context("read /proc/stat")?;
        let line = stat.lines().next().and_then(|line| line.strip_prefix("cpu "));
        // user nice system idle iowait irq softirq steal; what follows is part of user and nice.
        let ticks = numbers(line.context("find the sum of all processors")?);
        let all: u64 = ticks.iter().take(8).sum();
        let idle: u64 = ticks.iter().skip(3).take(2).sum();

        let own = fs::read_to_string("/proc/self/stat").context("read /proc/self/stat")?;
        // The name before it may have spaces.
        let (_, own) = own.rsplit_once(") ").context("find the end of the name")?;
        // Fields 14 to 17 of the line, the third of which is the first after the name: the own time, the children's.
        let ours =
            numbers(own.split_once(' ').map_or("", |pair| pair.1)).iter().skip(10).take(4).sum();
        Ok(Self { all, busy: all - idle, ours })
    }

    /// Which part of all processors' time since `before` somebody else has used.
    #[expect(clippy::cast_precision_loss, reason = "a machine does not run for 2^52 ticks")]
    pub(crate) fn others_since(self, before: Self) -> f64 {
        let ours = self.ours - before.ours;
        let others = (self.busy - before.busy).saturating_sub(ours);
        others as f64 / (self.all - before.all).max(1) as f64
    }
}

fn numbers(text: &str) -> Vec<u64> {
    // A number that is negative is none that is looked at.
    text.split_whitespace().map(|word| word.parse().unwrap_or(0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_that_nobody_else_has_used_is_not_others() {
        let before = Clock { all: 100, busy: 50, ours: 10 };
        let after = Clock { all: 200, busy: 110, ours: 60 };
        assert!((after.others_since(before) - 0.1).abs() < 1e-9);
        let rounded_up = Clock { all: 200, busy: 110, ours: 75 };
        assert!(rounded_up.others_since(before).abs() < 1e-9);
    }

    #[test]
    fn own_time_is_seen() {
        let before = Clock::now().expect("this is Linux");
        let start = std::time::Instant::now();
        while start.elapsed().as_millis() < 100 {
            std::hint::spin_loop();
        }
        let after = Clock::now().expect("this is Linux");
        assert!(after.ours > before.ours && after.busy > before.busy && after.all > before.all);
    }
}
