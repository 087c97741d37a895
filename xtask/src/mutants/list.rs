//! The list of faults, as it is written in `xtask/mutants.txt`.

use anyhow::{Context as _, Result, bail, ensure};

/// A fault that can be planted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mutant {
    pub(crate) name: String,
    pub(crate) file: String,
    pub(crate) breaks: String,
    /// The oracle, or the tests, that have to notice.
    pub(crate) caught_by: String,
    pub(crate) original: String,
    pub(crate) replacement: String,
    /// Why nobody can notice.
    pub(crate) equivalent: Option<String>,
}

impl Mutant {
    /// Whether the same is exchanged for the same. How that is broken into lines makes no difference.
    fn is_fault_of(&self, other: &Self) -> bool {
        let same = |one: &str, two: &str| {
            let solid = |text: &str| text.split_whitespace().collect::<String>();
            solid(one) == solid(two)
        };
        self.file == other.file
            && same(&self.original, &other.original)
            && same(&self.replacement, &other.replacement)
    }
}

/// Reads the list.
pub(crate) fn parse(text: &str) -> Result<Vec<Mutant>> {
    let mut mutants: Vec<Mutant> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let place = || format!("mutants.txt, line {}", index + 1);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            mutants.push(Mutant { name: name.to_owned(), ..Mutant::default() });
            continue;
        }
        let mutant = mutants.last_mut().with_context(place)?;
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "file" => mutant.file = rest.to_owned(),
            "breaks" => mutant.breaks = rest.to_owned(),
            "caught" => mutant.caught_by = rest.trim_start_matches("by ").to_owned(),
            "equivalent" => mutant.equivalent = Some(rest.to_owned()),
            "-" => add_line(&mut mutant.original, rest),
            "+" => add_line(&mut mutant.replacement, rest),
            _ => bail!("{}: `{word}` means nothing", place()),
        }
    }
    for mutant in &mutants {
        let Mutant { name, file, breaks, caught_by, original, .. } = mutant;
        let is_whole = [file, breaks, caught_by, original].iter().all(|field| !field.is_empty());
        ensure!(is_whole, "mutants.txt: [{name}] says not everything");
        let twins = mutants.iter().filter(|other| other.name == *name).count();
        ensure!(twins == 1, "mutants.txt: two are called [{name}]");
        let twin = mutants.iter().find(|other| other.name != *name && mutant.is_fault_of(other));
        if let Some(twin) = twin {
            bail!("mutants.txt: [{name}] and [{}] are the same fault", twin.name);
        }
    }
    Ok(mutants)
}

fn add_line(text: &mut String, line: &str) {
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(line);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mutant_is_read_with_all_its_lines() {
        let text =
            "# why\n[a]\nfile x.rs\nbreaks it\ncaught by supervisor\n- f(\n-     1)\n+ g()\n";
        let mutants = parse(text).expect("it is in order");
        assert_eq!(mutants[0].original, "f(\n    1)");
        assert_eq!(
            (mutants[0].replacement.as_str(), mutants[0].equivalent.as_ref()),
            ("g()", None)
        );
        assert_eq!(mutants[0].caught_by, "supervisor");
    }

    #[test]
    fn the_same_fault_under_two_names_is_refused() {
        let one = "[a]\nfile x.rs\nbreaks it\ncaught by signals\n- f(\n-     1)\n+ g()\n";
        let refused = parse(&format!("{one}{}", one.replace("[a]", "[b]").replace("signals", "x")));
        let error = refused.expect_err("it is the same").to_string();
        assert!(error.contains("[a] and [b]"), "{error}");
        let broken_otherwise = one.replace("[a]", "[b]").replace("f(\n-     1)", "f(1)");
        assert!(parse(&format!("{one}{broken_otherwise}")).is_err());
        let of_another_file = one.replace("[a]", "[b]").replace("x.rs", "y.rs");
        assert!(parse(&format!("{one}{of_another_file}")).is_ok());
    }

    #[test]
    fn what_is_incomplete_is_refused() {
        for text in ["[a]\nfile x.rs", "file x.rs", "[a]\nwhat is this"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
