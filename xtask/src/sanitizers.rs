//! `cargo xtask sanitizers`: the tests again, where every access to memory is checked, and every leak reported.

use anyhow::{Context as _, Result};

use crate::program::Program;
use crate::runner::Runner;
use crate::workspace::Workspace;

/// A test that leaks, for rustc does: what a function returns is forgotten if a destructor panics as it returns.
const LEAKS: &str = "proc_012_the_first_cause_stands";

/// Runs the chosen tests under the address sanitizer, which has the leak sanitizer in it.
///
/// Both are unstable options of rustc's; every toolchain has them, and one environment variable lets a stable one use
/// them. Nothing but these builds sees that variable.
pub(crate) fn run(workspace: &Workspace, tests: &[String]) -> Result<()> {
    let host = host()?;
    let mut selection = vec!["--target", &host];
    selection.extend(tests.iter().map(String::as_str));
    selection.extend(["--", "--skip", LEAKS]);
    Runner::of_this_machine()
        .program(workspace, &selection)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", "-Zsanitizer=address -Cdebuginfo=line-tables-only")
        .env("ASAN_OPTIONS", "detect_leaks=1:detect_stack_use_after_return=1")
        .env("CARGO_TARGET_DIR", &workspace.root.join("target/sanitizers").display().to_string())
        .run()
}

/// The platform the toolchain builds for.
fn host() -> Result<String> {
    let (text, _) = Program::new("rustc").args(["-vV"]).output()?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("`rustc -vV` does not name its host")
}
