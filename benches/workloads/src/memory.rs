//! How much memory this program occupies.
//!
//! Counting allocations would need `unsafe`, and would not be the same for what is no Rust; so the kernel is asked. That also
//! counts what allocators round up, and tables that grow in steps.

use std::fs;

use anyhow::{Context as _, Result};

/// The resident memory of this program, in bytes.
pub(crate) fn resident() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status").context("read /proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kibibytes: u64 = kibibytes.context("find VmRSS")?.trim().parse().context("read VmRSS")?;
    Ok(kibibytes * 1024)
}
