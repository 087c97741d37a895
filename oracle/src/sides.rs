//! The traces of both sides, compared step by step.
//!
//! A difference is explained either by a common form, in which both sides are the same at this step and are compared
//! on; or by a rule after which they are two histories, which leaves the steps behind it uncompared. Those are counted.

use crate::explained::Rule;
use crate::oracle::Verdict;
use crate::term::Term;

/// What has happened in each step.
pub(crate) type Trace = Vec<Vec<Term>>;

/// Both traces of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sides {
    pub(crate) ours: Trace,
    pub(crate) theirs: Trace,
}

/// What a rule says about the first difference of two traces.
#[derive(Debug)]
pub(crate) enum Explanation {
    /// It is not this rule.
    None,
    /// The same traces in a common form.
    Alike(Sides),
    /// All that differs in this step is what the rule names, and what comes of it; from here on nothing is alike.
    Apart,
}

/// Looks at the first step in which two traces differ, which both of them have.
pub(crate) type Explain<H> = fn(&H, &Sides, usize) -> Explanation;

impl Sides {
    /// The traces as lists of steps; nothing if one of them is none.
    pub(crate) fn of(ours: &Term, theirs: &Term) -> Option<Self> {
        let trace = |trace: &Term| -> Option<Trace> {
            let step = |step: &Term| step.as_list().ok().map(<[Term]>::to_vec);
            trace.as_list().ok()?.iter().map(step).collect()
        };
        Some(Self { ours: trace(ours)?, theirs: trace(theirs)? })
    }

    /// Both traces, changed in the same way.
    pub(crate) fn map(self, change: impl Fn(Trace) -> Trace) -> Self {
        Self { ours: change(self.ours), theirs: change(self.theirs) }
    }

    /// The first step in which the traces differ.
    pub(crate) fn difference(&self) -> Option<usize> {
        let differs = |(ours, theirs): (&Vec<Term>, &Vec<Term>)| ours != theirs;
        let (ours, theirs) = (self.ours.len(), self.theirs.len());
        let missing = || (ours != theirs).then(|| ours.min(theirs));
        self.ours.iter().zip(&self.theirs).position(differs).or_else(missing)
    }

    /// What our side tells in this step and the other does not, and the other way round.
    pub(crate) fn one_sided(&self, step: usize) -> [Vec<Term>; 2] {
        let of = |trace: &Trace| trace.get(step).cloned().unwrap_or_default();
        let (ours, theirs) = (of(&self.ours), of(&self.theirs));
        [without(&ours, &theirs), without(&theirs, &ours)]
    }

    /// Compares the traces, which are in canonical form, to their end or to where they part.
    pub(crate) fn judge<H>(mut self, history: &H, rules: &[(Rule, Explain<H>)]) -> Verdict {
        let mut used = Vec::new();
        // Ends, for each round moves the first difference on.
        while let Some(step) = self.difference() {
            // No rule explains that one has come to an end before the other.
            let told_by_both = step < self.ours.len().min(self.theirs.len());
            match told_by_both.then(|| self.explain(history, rules, step)).flatten() {
                Some((names, Explanation::Alike(alike))) => {
                    used.extend(names);
                    self = alike;
                }
                Some((names, _)) => {
                    used.extend(names);
                    let uncompared = self.ours.len().max(self.theirs.len()) - step - 1;
                    return Verdict::Explained { rules: sorted(used), uncompared };
                }
                None => return Verdict::Different,
            }
        }
        match used.is_empty() {
            true => Verdict::Same,
            false => Verdict::Explained { rules: sorted(used), uncompared: 0 },
        }
    }

    /// Which rules together explain all that differs in this step, and how.
    fn explain<H>(
        &self,
        history: &H,
        rules: &[(Rule, Explain<H>)],
        step: usize,
    ) -> Option<(Vec<Rule>, Explanation)> {
        let (mut sides, mut used) = (self.clone(), Vec::new());
        for (rule, explain) in rules {
            match explain(history, &sides, step) {
                Explanation::None => {}
                Explanation::Alike(alike) => {
                    let is_alike = alike.difference().is_none_or(|first| first > step);
                    if is_alike || alike.distance(step) < sides.distance(step) {
                        used.push(*rule);
                        sides = alike;
                    }
                    if is_alike {
                        return Some((used, Explanation::Alike(sides)));
                    }
                }
                Explanation::Apart => {
                    used.push(*rule);
                    return Some((used, Explanation::Apart));
                }
            }
        }
        None
    }

    /// How much differs up to this step.
    fn distance(&self, step: usize) -> usize {
        (0..=step).flat_map(|step| self.one_sided(step)).map(|events| events.len()).sum()
    }
}

/// These events without those, each as often as it is there.
fn without(events: &[Term], others: &[Term]) -> Vec<Term> {
    let mut others = others.to_vec();
    let mut left = Vec::new();
    for event in events {
        match others.iter().position(|other| other == event) {
            Some(place) => drop(others.swap_remove(place)),
            None => left.push(event.clone()),
        }
    }
    left
}

fn sorted(mut rules: Vec<Rule>) -> Vec<Rule> {
    rules.sort();
    rules.dedup();
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sides(ours: &str, theirs: &str) -> Sides {
        let term = |text: &str| Term::parse(text).expect("it is a term");
        Sides::of(&term(ours), &term(theirs)).expect("they are traces")
    }

    /// Takes `a` and `b` of the first step that differs for the same.
    fn a_is_b(_: &(), sides: &Sides, step: usize) -> Explanation {
        let mut alike = sides.clone();
        for trace in [&mut alike.ours, &mut alike.theirs] {
            for event in
                trace[step].iter_mut().filter(|event| event.as_atom().is_ok_and(|a| a == "a"))
            {
                *event = crate::term::atom("b");
            }
        }
        Explanation::Alike(alike)
    }

    const RULES: [(Rule, Explain<()>); 1] = [(Rule::Expired, a_is_b)];

    #[test]
    fn what_is_explained_is_compared_on() {
        let explained = |uncompared| Verdict::Explained { rules: vec![Rule::Expired], uncompared };
        assert_eq!(sides("[[a],[c]]", "[[b],[c]]").judge(&(), &RULES), explained(0));
        assert_eq!(sides("[[a],[c],[a]]", "[[b],[c],[b]]").judge(&(), &RULES), explained(0));
        assert_eq!(sides("[[a],[c]]", "[[b],[d]]").judge(&(), &RULES), Verdict::Different);
        assert_eq!(sides("[[a],[c]]", "[[b]]").judge(&(), &RULES), Verdict::Different);
        assert_eq!(sides("[[a,c]]", "[[b]]").judge(&(), &RULES), Verdict::Different);
        assert_eq!(sides("[[a]]", "[[a]]").judge(&(), &RULES), Verdict::Same);
    }

    #[test]
    fn what_is_left_uncompared_is_counted() {
        const APART: [(Rule, Explain<()>); 1] = [(Rule::LateStart, |_, _, _| Explanation::Apart)];
        let explained = Verdict::Explained { rules: vec![Rule::LateStart], uncompared: 2 };
        assert_eq!(sides("[[a],[c],[],[]]", "[[a],[d],[]]").judge(&(), &APART), explained);
    }
}
