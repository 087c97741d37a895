//! The line counts of COMPARE.md are those of the programs.

use std::fs;
use std::path::Path;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the book lies in the repository")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect("the file is there")
}

/// The rows of the table of line counts: a path in backticks, and a number.
fn rows(text: &str) -> impl Iterator<Item = (&str, usize)> {
    text.lines().filter_map(|line| {
        let (path, lines) = line.strip_prefix("| `book/")?.split_once("` | ")?;
        Some((path, lines.strip_suffix(" |")?.parse().ok()?))
    })
}

#[test]
fn line_counts_are_those_of_the_programs() {
    let text = read("COMPARE.md");
    let mut seen = 0;
    for (path, claimed) in rows(&text) {
        let program = read(&format!("book/{path}"));
        let lines = program.lines().filter(|line| !line.trim().is_empty()).count();
        assert_eq!(lines, claimed, "{path}");
        seen += 1;
    }
    assert_eq!(seen, 7, "the table has a row for each program");
}
