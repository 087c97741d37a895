//! A rule about places that exist on one machine only.

use super::violation::Violation;

/// Folders at the root of somebody's machine. Put together here, so that this file obeys the rule.
const FOLDERS: [&str; 4] =
    [concat!("/", "work/"), concat!("/", "tmp/"), concat!("/", "root/"), concat!("/", "home/")];

/// No file names a place on somebody's machine.
pub(crate) fn machine_paths(path: &str, text: &str) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if let Some(folder) = FOLDERS.into_iter().find(|folder| names(line, folder)) {
            let advice =
                format!("write a path from the root of the repository instead of {folder}…");
            let path = path.to_owned();
            violations.push(Violation { path, line: index + 1, rule: "machine path", advice });
        }
    }
    violations
}

/// Whether `line` has the folder in it as the beginning of a path, not as a part of one.
fn names(line: &str, folder: &str) -> bool {
    let inside_path =
        |character: char| character.is_alphanumeric() || "._-~/}>)*".contains(character);
    line.match_indices(folder).any(|(at, _)| !line[..at].ends_with(inside_path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_on_a_machine_are_found() {
        for folder in FOLDERS {
            let text = format!("fine\ncd {folder}main\n");
            assert_eq!(machine_paths("a.md", &text)[0].line, 2, "{folder}");
            let text = format!("see ..{folder}main and https://example.com{folder}x\n");
            assert!(machine_paths("a.md", &text).is_empty(), "{folder}");
        }
    }
}
