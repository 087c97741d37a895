//! How much memory the program has: what is allocated, and what the system has given for that.

use std::alloc::System;
use std::fs;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// In bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    /// What is allocated and not freed.
    pub(crate) heap: u64,
    /// What the program occupies; nothing where the system does not tell. The allocator keeps some of what was freed.
    pub(crate) resident: u64,
}

impl Memory {
    pub(crate) fn now() -> Self {
        Self { heap: heap(), resident: status("VmRSS:") }
    }
}

/// The highest occupation since the last [`forget_peak`].
pub(crate) fn peak() -> u64 {
    status("VmHWM:")
}

/// Begins to look for a new peak.
pub(crate) fn forget_peak() {
    let _elsewhere_the_peak_is_that_of_the_program = fs::write("/proc/self/clear_refs", "5");
}

fn heap() -> u64 {
    let stats = ALLOCATOR.stats();
    // Bytes that were reallocated count as allocated or freed already.
    stats.bytes_allocated.saturating_sub(stats.bytes_deallocated) as u64
}

fn status(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kibibytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_allocated_is_seen_and_so_is_its_end() {
        let before = Memory::now().heap;
        let mut block = vec![1_u8; 50_000_000];
        block.resize(100_000_000, 2);
        let during = Memory::now();
        assert!(during.heap - before >= 100_000_000, "{} then {}", before, during.heap);
        drop(block);
        let after = Memory::now().heap;
        assert!(after < before + 10_000_000, "{before} then {after}");
    }
}
