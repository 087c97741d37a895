//! One operation, watched by valgrind.

use std::env;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use clap::ValueEnum as _;

use crate::operation::Operation;
use crate::table::Cost;

/// How often something is done: a few times, and more often.
const FEW: u64 = 1_000;
const MORE: u64 = 6_000;

/// What an operation costs.
pub(crate) fn cost(operation: Operation) -> Result<Cost> {
    let instructions = |times| {
        watched("callgrind", &["--callgrind-out-file=/dev/null"], operation, times, "Collected : ")
    };
    let allocations = |times| {
        watched(
            "memcheck",
            &["--leak-check=no", "--undef-value-errors=no"],
            operation,
            times,
            "total heap usage: ",
        )
    };
    Ok(Cost {
        instructions: (instructions(MORE)? - instructions(FEW)?) / (MORE - FEW),
        allocations: rounded(allocations(MORE)? - allocations(FEW)?, MORE - FEW),
    })
}

/// Queues that double now and then are no cost of one operation.
const fn rounded(all: u64, times: u64) -> u64 {
    (all + times / 2) / times
}

/// The number after `label` in what a tool of valgrind's says in the end.
fn watched(
    tool: &str,
    options: &[&str],
    operation: Operation,
    times: u64,
    label: &str,
) -> Result<u64> {
    let name = operation.to_possible_value().context("every operation has a name")?;
    let output = Command::new("valgrind")
        .arg(format!("--tool={tool}"))
        .args(options)
        .arg(env::current_exe()?)
        .args(["do", name.get_name(), &times.to_string()])
        // The same copying everywhere, whatever the processor can do.
        .env("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-AVX2_Usable,-AVX512F_Usable,-ERMS")
        .env("RUST_BACKTRACE", "0")
        .output()
        .context("valgrind cannot be run; it is in the package of that name")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{tool}: `{}` {times} times failed:\n{said}", name.get_name());
    match said.lines().find_map(|line| line.split_once(label)) {
        Some((_, rest)) => number(rest),
        None => bail!("{tool} does not say `{label}`:\n{said}"),
    }
}

/// A number with or without commas.
fn number(text: &str) -> Result<u64> {
    let digits = text.chars().take_while(|it| it.is_ascii_digit() || *it == ',');
    let digits: String = digits.filter(char::is_ascii_digit).collect();
    digits.parse().with_context(|| format!("`{text}` begins with no number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_with_their_commas() {
        assert_eq!(number("12,345 allocs, 6 frees").expect("it is one"), 12_345);
        assert_eq!(number("17").expect("it is one"), 17);
        assert!(number("many").is_err());
    }

    #[test]
    fn an_allocation_now_and_then_is_none() {
        assert_eq!((rounded(13, 5_000), rounded(4_990, 5_000), rounded(15_012, 5_000)), (0, 1, 3));
    }
}
