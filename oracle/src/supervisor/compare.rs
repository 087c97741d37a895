//! Compares traces of supervisors: exactly where OTP defines an order, in one form where it does not.

use super::history::{History, Strategy};
use crate::oracle::Verdict;
use crate::term::Term;

/// Where we differ from OTP on purpose: who says so, and when.
const DIFFERENCES: [(&str, fn(&History, &Term) -> bool); 0] = [];

pub(super) fn compare(history: &History, ours: &Term, theirs: &Term) -> Verdict {
    if canonical(history, ours) == canonical(history, theirs) {
        return Verdict::Same;
    }
    let explains =
        |(_, applies): &&(&'static str, fn(&History, &Term) -> bool)| applies(history, theirs);
    match DIFFERENCES.iter().find(explains) {
        Some((reason, _)) => Verdict::Explained(reason),
        None => Verdict::Different,
    }
}

/// The trace with everything sorted that has no order.
fn canonical(history: &History, trace: &Term) -> Vec<Term> {
    let Term::List(entries) = trace else { return vec![trace.clone()] };
    let mut entries = entries.clone();
    let is_simple = history.root.strategy == Strategy::Simple;
    for entry in &mut entries {
        if is_simple {
            sort_lists(entry);
        }
    }
    // What ends together: the children of a template, and whoever is left by a supervisor that was killed.
    let unordered = |entry: &Term| match entry.as_tagged() {
        Ok(("terminate", [_, _, reason])) => {
            is_simple || reason.as_atom().is_ok_and(|word| word == "killed")
        }
        _ => false,
    };
    let mut canonical = Vec::with_capacity(entries.len());
    let mut together = Vec::new();
    for entry in entries {
        if unordered(&entry) {
            together.push(entry);
            continue;
        }
        let ends = matches!(entry.as_tagged(), Ok(("done" | "finished" | "started", _)));
        if ends {
            together.sort();
            canonical.append(&mut together);
        }
        canonical.push(entry);
    }
    canonical.append(&mut together);
    canonical
}

/// The children of a template are listed in no order.
fn sort_lists(entry: &mut Term) {
    if let Term::Tuple(elements) = entry {
        if matches!(&elements[0], Term::Atom(tag) if tag == "answer" || tag == "family") {
            for element in &mut elements[1..] {
                if let Term::List(list) = element {
                    list.sort();
                }
            }
        }
    }
}
