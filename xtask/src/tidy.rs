//! `cargo xtask tidy`: the rules of style that no compiler checks.

mod violation;
mod shape;
mod doors;
mod leftovers;
mod documentation;
mod order;
mod paths;

use anyhow::{Result, bail};

use crate::source::Source;
use crate::workspace::Workspace;
use violation::Violation;

/// The rules that look at one Rust file at a time.
const RULES: [fn(&Source) -> Vec<Violation>; 12] = [
    shape::header,
    shape::features,
    doors::spawning,
    doors::clock,
    doors::sharing,
    doors::sleeping,
    doors::iteration_order,
    leftovers::ignored_tests,
    leftovers::unfinished_code,
    leftovers::open_ends,
    documentation::cancel_safety,
    documentation::cancel_safety_of_types,
];

/// Checks the whole repository, prints every violation and fails if there is one.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let files = workspace.text_files()?;
    let unsafe_files = doors::UnsafeFiles::parse(&workspace.read("xtask/unsafe.txt")?);
    let rust = files.iter().filter(|(path, _)| path.ends_with(".rs"));
    let sources: Vec<_> = rust.map(|(path, text)| Source::parse(path, text)).collect();

    let mut violations = Vec::new();
    for source in &sources {
        violations.extend(RULES.iter().flat_map(|rule| rule(source)));
        violations.extend(unsafe_files.check(source));
    }
    for crate_folder in ["crates/logic", "crates/runtime"] {
        violations.extend(order::modules(crate_folder, &sources));
    }
    for (path, text) in &files {
        violations.extend(paths::machine_paths(path, text));
    }
    violations.sort();

    for violation in &violations {
        println!("{violation}");
    }
    if !violations.is_empty() {
        bail!("rules broken: {}", violations.len());
    }
    println!("tidy: {} Rust files, {} files in all, no violation", sources.len(), files.len());
    Ok(())
}
