//! Plants faults in a file: all of them at once, each asleep until its number is chosen.
//!
//! So one build serves many mutants; the fault with the number that an environment variable says is awake.

use std::ops::Range;

use anyhow::{Result, bail};

use super::list::Mutant;

/// What the workspace's lowest crate gets, to know which fault is awake.
pub(crate) const CHOICE: &str = r#"
extern crate std;

/// Whether the fault with this number is awake.
#[doc(hidden)]
pub fn mutant(number: usize) -> bool {
    static CHOSEN: std::sync::OnceLock<usize> = std::sync::OnceLock::new();
    let chosen = || std::env::var("FAUXTP_MUTANT").ok().and_then(|text| text.parse().ok());
    *CHOSEN.get_or_init(|| chosen().unwrap_or(0)) == number
}
"#;

/// Where the original of a mutant is in its file; an error unless it is there once.
pub(crate) fn place(text: &str, mutant: &Mutant) -> Result<Range<usize>> {
    let places = find(text, &mutant.original);
    match places.as_slice() {
        [place] => Ok(place.clone()),
        places => bail!(
            "mutants.txt: the original of [{}] is {} times in {}",
            mutant.name,
            places.len(),
            mutant.file
        ),
    }
}

/// Divides the mutants of a workspace into rounds, so that in each round no two are in each other's way. Each comes with
/// its number and its place.
pub(crate) fn rounds<'a>(
    mutants: impl IntoIterator<Item = (usize, &'a Mutant, Range<usize>)>,
) -> Vec<Vec<Planted<'a>>> {
    let mut rounds: Vec<Vec<Planted<'a>>> = Vec::new();
    for (number, mutant, place) in mutants {
        let planted = Planted { number, mutant, place };
        match rounds.iter_mut().find(|round| round.iter().all(|other| !planted.disturbs(other))) {
            Some(round) => round.push(planted),
            None => rounds.push(vec![planted]),
        }
    }
    rounds
}

/// A mutant and where it goes.
#[derive(Clone, Debug)]
pub(crate) struct Planted<'a> {
    pub(crate) number: usize,
    pub(crate) mutant: &'a Mutant,
    pub(crate) place: Range<usize>,
}

impl Planted<'_> {
    /// Two whole exchanges of the same place go together, one inside the other.
    fn disturbs(&self, other: &Planted<'_>) -> bool {
        let same_file = self.mutant.file == other.mutant.file;
        let overlap = self.place.start < other.place.end && other.place.start < self.place.end;
        let alike = self.place == other.place && self.is_whole() && other.is_whole();
        same_file && overlap && !alike
    }

    fn is_whole(&self) -> bool {
        !self.mutant.replacement.contains("MUTANT")
    }
}

/// The text of a file with these mutants in it, which do not disturb each other.
pub(crate) fn plant(text: &str, round: &[&Planted<'_>]) -> String {
    let mut places: Vec<_> = round.iter().map(|planted| planted.place.clone()).collect();
    places.sort_by_key(|place| place.start);
    places.dedup();
    let mut planted = text.to_owned();
    // From the end, so that the places before stay where they are.
    for place in places.into_iter().rev() {
        let here = round.iter().filter(|planted| planted.place == place);
        let code = here.fold(text[place.clone()].to_owned(), |code, planted| wrap(planted, &code));
        planted.replace_range(place, &code);
    }
    planted
}

fn wrap(planted: &Planted<'_>, code: &str) -> String {
    let Mutant { file, original, replacement, .. } = planted.mutant;
    let library = if file.starts_with("crates/logic/") { "crate" } else { "fauxtp_logic" };
    let is_awake = format!("{library}::mutant({})", planted.number);
    if !planted.is_whole() {
        return replacement.replace("MUTANT", &is_awake);
    }
    let choice = format!("if {is_awake} {{ {replacement} }} else {{ {code} }}");
    if original.ends_with([';', '}']) { choice } else { format!("({choice})") }
}

/// Everywhere a text is found, no matter how it is broken into lines.
fn find(text: &str, wanted: &str) -> Vec<Range<usize>> {
    let wanted: Vec<char> = wanted.chars().filter(|c| !c.is_whitespace()).collect();
    let chars: Vec<_> = text.char_indices().filter(|(_, c)| !c.is_whitespace()).collect();
    let windows = chars.windows(wanted.len().max(1));
    let same = windows.filter(|window| window.iter().map(|(_, c)| c).eq(&wanted));
    let range = |window: &[(usize, char)]| match (window.first(), window.last()) {
        (Some((start, _)), Some((end, last))) => *start..end + last.len_utf8(),
        _ => 0..0,
    };
    same.map(range).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mutant(original: &str, replacement: &str) -> Mutant {
        Mutant {
            file: "crates/logic/src/x.rs".to_owned(),
            original: original.to_owned(),
            replacement: replacement.to_owned(),
            ..Mutant::default()
        }
    }

    fn planted(text: &str, mutants: &[Mutant]) -> Vec<String> {
        let places = mutants.iter().enumerate().map(|(index, mutant)| {
            (index + 1, mutant, place(text, mutant).expect("the original is there"))
        });
        let rounds = rounds(places);
        rounds.iter().map(|round| plant(text, &round.iter().collect::<Vec<_>>())).collect()
    }

    #[test]
    fn a_fault_sleeps_beside_the_original() {
        let text = "fn f() { let a = b\n    + c; d(); }";
        let mutants = [mutant("b + c", "b"), mutant("d();", ""), mutant("b + c", "c")];
        assert_eq!(
            planted(text, &mutants),
            [
                "fn f() { let a = (if crate::mutant(3) { c } else { (if crate::mutant(1) { b } else { b\n    + c }) }); \
              if crate::mutant(2) {  } else { d(); } }"
            ]
        );
    }

    #[test]
    fn those_that_overlap_take_turns() {
        let text = "f(a, b)";
        let mutants = [mutant("f(a, b)", "g()"), mutant("a, b", "a, MUTANT")];
        assert_eq!(
            planted(text, &mutants),
            ["(if crate::mutant(1) { g() } else { f(a, b) })", "f(a, crate::mutant(2))"]
        );
    }

    #[test]
    fn an_original_has_to_be_there_once() {
        assert!(place("a a", &mutant("a", "b")).is_err());
        assert!(place("c", &mutant("a", "b")).is_err());
    }
}
