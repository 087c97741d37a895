//! Lines that were reached and lines that were not, as a report has them.

/// The lines of one file that have code, each with how often it ran.
pub(super) type Lines = Vec<(usize, u64)>;

/// How much of some code was reached.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Coverage {
    pub(super) reached: usize,
    /// The numbers of those that were not, and could have been.
    pub(super) missed: Vec<usize>,
}

/// Reads a report in the format of lcov: `SF:path`, then `DA:line,count` for each line.
pub(super) fn parse(report: &str) -> Vec<(&str, Lines)> {
    let mut files: Vec<(&str, Lines)> = Vec::new();
    for entry in report.lines() {
        if let Some(path) = entry.strip_prefix("SF:") {
            files.push((path, Vec::new()));
        }
        let line = entry.strip_prefix("DA:").and_then(|line| {
            let (number, count) = line.split_once(',')?;
            Some((number.parse().ok()?, count.parse().ok()?))
        });
        if let (Some(line), Some((_, lines))) = (line, files.last_mut()) {
            lines.push(line);
        }
    }
    files
}

impl Coverage {
    /// What was reached of one file. Lines that cannot be reached do not count: those that say `unreachable!`, and
    /// those with a comment that says why. Nor does the file's own test code.
    pub(super) fn of(lines: &Lines, source: &str) -> Self {
        let text: Vec<&str> = source.lines().collect();
        let tests = text.iter().position(|line| line.starts_with("#[cfg(test)]"));
        let tests = tests.map_or(usize::MAX, |index| index + 1);
        let mut coverage = Self::default();
        for (number, count) in lines.iter().filter(|(number, _)| *number < tests) {
            let line = text.get(number - 1).copied().unwrap_or_default();
            let above = number.checked_sub(2).and_then(|index| text.get(index)).copied();
            let above = above.filter(|above| above.trim_start().starts_with("//"));
            let excused = line.contains("unreachable!")
                || line.contains("// unreached:")
                || above.is_some_and(|above| above.contains("// unreached:"));
            match (count, excused) {
                (0, true) => {}
                (0, false) => coverage.missed.push(*number),
                _ => coverage.reached += 1,
            }
        }
        coverage
    }

    pub(super) fn lines(&self) -> usize {
        self.reached + self.missed.len()
    }

    pub(super) fn percent(&self) -> f64 {
        100.0 * self.reached as f64 / self.lines().max(1) as f64
    }

    pub(super) fn add(&mut self, other: Self) {
        self.reached += other.reached;
        self.missed.extend(other.missed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_count_unless_they_cannot_be_reached_or_are_tests() {
        let source = "fn a() {\n    b();\n    unreachable!()\n    // unreached: it is too late\n    c();\n    d();\n}\n\
                      #[cfg(test)]\nmod tests {}\n";
        let report = "SF:/x/a.rs\nDA:1,4\nDA:2,0\nDA:3,0\nDA:5,0\nDA:6,2\nDA:9,0\nend_of_record\n";
        let files = parse(report);
        assert_eq!(files.len(), 1);
        assert_eq!(files[0].0, "/x/a.rs");
        let coverage = Coverage::of(&files[0].1, source);
        assert_eq!(coverage, Coverage { reached: 2, missed: vec![2] });
        assert!((coverage.percent() - 66.7).abs() < 0.1);
    }
}
