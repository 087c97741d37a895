//! Compares traces of supervisors: exactly where OTP defines an order, in one form where it does not.
//!
//! What is left open: in which order those end who are told to at the same moment, the children of a template and those
//! of a supervisor that was killed; when the latter do, for nobody waits for them; and how a template's are listed.

use std::collections::BTreeSet;

use super::explained;
use super::history::{Body, History, Shutdown, Strategy, Sup};
use crate::explained::Rule;
use crate::oracle::Verdict;
use crate::sides::{Explain, Sides, Trace};
use crate::term::{Term, atom};

/// All that is excused.
const RULES: [(Rule, Explain<History>); 3] = [
    (Rule::LateStart, explained::late_start),
    (Rule::AskedMeanwhile, explained::asked_meanwhile),
    (Rule::Phantom, explained::phantom),
];

pub(super) fn compare(history: &History, ours: &Term, theirs: &Term) -> Verdict {
    if ours == theirs {
        return Verdict::Same;
    }
    let [ours, theirs] = [ours, theirs].map(|trace| canonical(history, trace));
    Sides { ours, theirs }.judge(history, &RULES)
}

/// The trace, batch by batch, in one form.
fn canonical(history: &History, trace: &Term) -> Trace {
    let Term::List(entries) = trace else { return vec![vec![trace.clone()]] };
    let mut places = Places::default();
    places.find(&history.root, &[]);
    steps(entries).into_iter().map(|entries| places.canonical(entries)).collect()
}

/// What has been told, by batches: each ends with what those say who were asked.
fn steps(entries: &[Term]) -> Trace {
    let is_said = |entry: &Term| matches!(entry.as_tagged(), Ok(("answer" | "family", _)));
    let is_last =
        |entry: &Term| is_said(entry) || matches!(entry.as_tagged(), Ok(("done" | "started", _)));
    let mut steps: Trace = Vec::new();
    for entry in entries {
        let before = steps.last().and_then(|step| step.last());
        if before.is_none_or(is_last) && !(before.is_some() && is_said(entry)) {
            steps.push(Vec::new());
        }
        steps.last_mut().expect("the first entry begins a step").push(entry.clone());
    }
    steps
}

/// Places in the tree below which some have no order.
#[derive(Default)]
struct Places {
    /// Supervisors that are killed without being asked: whoever is below them ends on his own.
    brutal: BTreeSet<Vec<u8>>,
    /// Supervisors with a template.
    templates: BTreeSet<Vec<u8>>,
}

impl Places {
    fn find(&mut self, sup: &Sup, path: &[u8]) {
        if sup.strategy == Strategy::Simple {
            self.templates.insert(path.to_vec());
        }
        // The children of a template have the numbers they are given.
        let ids = |id| if sup.strategy == Strategy::Simple { 0..IDS } else { id..id + 1 };
        for spec in &sup.specs {
            let Body::Sup(below) = &spec.body else { continue };
            for id in ids(spec.id) {
                let path = [path, &[id]].concat();
                if spec.shutdown == Shutdown::Brutal {
                    self.brutal.insert(path.clone());
                }
                self.find(below, &path);
            }
        }
    }

    /// What has been told in one batch, in one form.
    fn canonical(&self, entries: Vec<Term>) -> Vec<Term> {
        let mut killed = self.brutal.clone();
        let mut canonical = Vec::with_capacity(entries.len());
        // Those whom nobody waits for: they come last. Each hears in its own time, and tells those below one by one.
        let mut alone: Alone = Vec::new();
        // Those of one template that end together.
        let mut run: Vec<(Vec<u8>, Term)> = Vec::new();
        for entry in entries {
            match entry.as_tagged() {
                Ok(("kill", _)) => drop(killed.insert(Vec::new())),
                Ok(("died", [path, _])) => drop(killed.insert(ids(path))),
                Ok(("terminate", [path, attempt, reason])) => {
                    let path = ids(path);
                    let key = |length: usize| key(&path[..=length], &path, attempt);
                    let of_template = longest(&self.templates, &path).map(key);
                    if let Some(length) = longest(&killed, &path) {
                        alone.push((key(length), (of_template, entry)));
                        continue;
                    }
                    if *reason == atom("killed") {
                        alone.push((key(path.len() - 1), (of_template, entry)));
                        continue;
                    }
                    if let Some(key) = of_template {
                        run.push((key, entry));
                        continue;
                    }
                }
                _ => {}
            }
            settle(&mut run, &mut canonical);
            if let Ok(("done" | "finished" | "started", _)) = entry.as_tagged() {
                settle_alone(&mut alone, &mut canonical);
            }
            canonical.push(without_order(entry));
        }
        settle(&mut run, &mut canonical);
        settle_alone(&mut alone, &mut canonical);
        canonical
    }
}

/// What has an order among itself: all that is told by and below this child. Of the child itself, its incarnation.
fn key(child: &[u8], path: &[u8], attempt: &Term) -> Vec<u8> {
    let attempt = u8::try_from(attempt.as_int().unwrap_or(0)).unwrap_or(u8::MAX);
    let itself = (child == path).then_some(attempt);
    child.iter().copied().chain(itself).collect()
}

/// What is told by those whom nobody waits for, each with what has an order among itself; and the same of those who are
/// below a template, which have no order either as long as they follow each other.
type Alone = Vec<(Vec<u8>, (Option<Vec<u8>>, Term))>;

/// Adds these, those of the same key in their order.
fn settle_alone(alone: &mut Alone, canonical: &mut Vec<Term>) {
    alone.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut run = Vec::new();
    let mut before = None;
    for (key, (of_template, entry)) in alone.drain(..) {
        if before.as_ref() != Some(&key) || of_template.is_none() {
            settle(&mut run, canonical);
        }
        before = Some(key);
        match of_template {
            Some(key) => run.push((key, entry)),
            None => canonical.push(entry),
        }
    }
    settle(&mut run, canonical);
}

/// Adds these, those of the same key in their order.
fn settle(run: &mut Vec<(Vec<u8>, Term)>, canonical: &mut Vec<Term>) {
    run.sort_by(|(one, _), (other, _)| one.cmp(other));
    canonical.extend(run.drain(..).map(|(_, entry)| entry));
}

/// How long the longest of these places is below which this one is.
fn longest(places: &BTreeSet<Vec<u8>>, path: &[u8]) -> Option<usize> {
    (0..path.len()).rev().find(|length| places.contains(&path[..*length]))
}

/// The ids of a path.
pub(super) fn ids(path: &Term) -> Vec<u8> {
    let ids = path.as_list().unwrap_or(&[]).iter();
    ids.filter_map(|id| u8::try_from(id.as_int().ok()?).ok()).collect()
}

/// The children of a template, which have no ids, are listed in no order.
fn without_order(entry: Term) -> Term {
    let Term::Tuple(elements) = entry else { return entry };
    let sorted = elements.into_iter().map(|element| match element {
        Term::List(mut children) if children.iter().all(is_of_template) => {
            children.sort();
            Term::List(children)
        }
        other => other,
    });
    Term::Tuple(sorted.collect())
}

fn is_of_template(child: &Term) -> bool {
    matches!(child.as_tuple::<3>(), Ok([id, ..]) if *id == atom("undefined"))
}

/// More than any history uses.
const IDS: u8 = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(strategy: &str, batches: &str, ours: &str, theirs: &str) -> Verdict {
        let term = |text: &str| Term::parse(text).expect("it is a term");
        let child = "{spec,0,permanent,infinity,false,graceful,[]}";
        let root = format!("{{sup,{strategy},1,1,never,[{child}]}}");
        let history = term(&format!("{{history,{root},{batches},stop,0}}"));
        let history = History::parse(&history).expect("it is a history");
        compare(&history, &term(ours), &term(theirs))
    }

    fn explained(rule: Rule, uncompared: usize) -> Verdict {
        Verdict::Explained { rules: vec![rule], uncompared }
    }

    const IGNORED: &str = "[{batch,[],[{start_dynamic,0,[ok,ignore]}]},{batch,[],[{die,0,error}]}]";
    const EMPTY: &str = "{family,[],[],{counts,1,0,0,0}}";
    const HAUNTED: &str = "{family,[],[{undefined,undefined,worker}],{counts,1,1,0,1}}";

    /// The first batch, told so, and the second.
    fn ignored(first: &str, second: &str) -> String {
        format!(
            "[{{start,[0],1}},done,{first},{{died,[0],1}},{{start,[0],2}},done,{second},finished,alive]"
        )
    }

    #[test]
    fn a_child_without_a_process_is_excused_where_it_is_listed_and_nowhere_else() {
        let one = "{family,[],[{undefined,1,worker}],{counts,1,1,0,1}}";
        let verdict =
            |ours: &str, theirs: &str| verdict("simple_one_for_one", IGNORED, ours, theirs);
        let theirs = ignored(one, HAUNTED);
        assert_eq!(verdict(&ignored(one, EMPTY), &theirs), explained(Rule::Phantom, 0));
        // An earlier batch is not excused by a later one.
        assert_eq!(verdict(&ignored(EMPTY, EMPTY), &theirs), Verdict::Different);
        assert_eq!(verdict(&ignored(EMPTY, EMPTY), &ignored(HAUNTED, HAUNTED)), Verdict::Different);
        // Ours must have tried, and must be right about what is left.
        let idle = ignored(one, EMPTY).replace("{start,[0],2},", "");
        assert_eq!(verdict(&idle, &theirs), Verdict::Different);
        let wrong = ignored(one, "{family,[],[],{counts,1,1,0,1}}");
        assert_eq!(verdict(&wrong, &theirs), Verdict::Different);
        // What comes later is compared.
        let killed = ignored(one, EMPTY).replace("alive", "{ended,killed}");
        assert_eq!(verdict(&killed, &theirs), Verdict::Different);
    }

    #[test]
    fn a_supervisor_of_otp_fails_over_a_child_without_a_process() {
        let trace = |listed: &str, end: &str| {
            ignored("{family,[],[{undefined,1,worker}],{counts,1,1,0,1}}", listed)
                .replace("alive", end)
        };
        let verdict =
            |ours: &str, theirs: &str| verdict("simple_one_for_one", IGNORED, ours, theirs);
        let theirs = trace(HAUNTED, "{ended,error},{survivors,[]}");
        let ours = trace(EMPTY, "{ended,shutdown},{survivors,[]}");
        assert_eq!(verdict(&ours, &theirs), explained(Rule::Phantom, 0));
        assert_eq!(
            verdict(&ours.replace("ended,shutdown", "ended,killed"), &theirs),
            Verdict::Different
        );
        let restarts = ours.replace("finished", "{start,[0],3},finished");
        assert_eq!(verdict(&restarts, &theirs), Verdict::Different);
    }

    #[test]
    fn a_supervisor_of_otp_does_not_end_for_a_child_without_a_process() {
        let verdict = |auto: &str, ours: &str, theirs: &str| {
            let term = |text: &str| Term::parse(text).expect("it is a term");
            let child = "{spec,0,transient,infinity,true,graceful,[]}";
            let root = format!("{{sup,simple_one_for_one,1,1,{auto},[{child}]}}");
            let history = term(&format!("{{history,{root},{IGNORED},stop,0}}"));
            let history = History::parse(&history).expect("it is a history");
            compare(&history, &term(ours), &term(theirs))
        };
        let all = "all_significant";
        let theirs = ignored(EMPTY, HAUNTED);
        let told = ",{family,[],[],{counts,1,0,0,0}},finished,alive";
        let ends = |how: &str| {
            let end = format!(",finished,{{ended,{how}}},{{survivors,[]}}");
            ignored(EMPTY, EMPTY).replace(told, &end)
        };
        assert_eq!(verdict(all, &ends("shutdown"), &theirs), explained(Rule::Phantom, 1));
        assert_eq!(verdict("any_significant", &ends("shutdown"), &theirs), Verdict::Different);
        assert_eq!(verdict(all, &ends("killed"), &theirs), Verdict::Different);
        // Somebody is left, or OTP's has forgotten it as well.
        let one = "{undefined,1,worker}";
        let left = theirs.replace("[{undefined,undefined,worker}]", &format!("[{one}]"));
        assert_eq!(verdict(all, &ends("shutdown"), &left), Verdict::Different);
        let forgotten = ignored(EMPTY, EMPTY);
        assert_eq!(verdict(all, &ends("shutdown"), &forgotten), Verdict::Different);
    }

    #[test]
    fn who_does_not_begin_is_excused_only_where_the_supervisor_gives_up() {
        let batches = "[{batch,[],[{die,0,error},{die,1,error}]}]";
        let trace = |starts: &str, end: &str| {
            format!("[{{died,[0],1}},{{died,[1],1}},{starts}done,finished,{end},{{survivors,[]}}]")
        };
        let verdict =
            |strategy: &str, ours: &str, theirs: &str| verdict(strategy, batches, ours, theirs);
        let simple = "simple_one_for_one";
        let (gone, starts) = ("{ended,shutdown}", "{start,[0],2},");
        let (ours, theirs) = (trace("", gone), trace(starts, gone));
        assert_eq!(verdict(simple, &ours, &theirs), explained(Rule::LateStart, 0));
        assert_eq!(verdict("one_for_one", &ours, &theirs), Verdict::Different);
        assert_eq!(
            verdict(simple, &trace("", "alive"), &trace(starts, "alive")),
            Verdict::Different
        );
        assert_eq!(verdict(simple, &theirs, &ours), Verdict::Different);
        assert_eq!(verdict(simple, &trace("", "{ended,killed}"), &theirs), Verdict::Different);
    }

    #[test]
    fn who_asks_while_a_child_starts_may_not_be_told_of_it_but_of_all_others() {
        let trace = |listed: &str, counted: &str| {
            let answers =
                format!("{{answer,which_children,[{listed}]}},{{answer,count_children,{counted}}}");
            format!("[{{start,[1],2}},done,{answers},finished,alive]")
        };
        let verdict = |ours: &str, theirs: &str| verdict("simple_one_for_one", "[]", ours, theirs);
        let (old, new) = ("{undefined,1,worker}", "{undefined,2,worker}");
        let (one, two) = ("{counts,1,1,0,1}", "{counts,1,2,0,2}");
        let both = format!("{old},{new}");
        let theirs = trace(&both, two);
        let meanwhile = explained(Rule::AskedMeanwhile, 0);
        assert_eq!(verdict(&trace(old, one), &theirs), meanwhile);
        let restarting =
            trace(&format!("{old},{{undefined,restarting,worker}}"), "{counts,1,1,0,2}");
        assert_eq!(verdict(&restarting, &theirs), meanwhile);
        assert_eq!(verdict(&trace(new, one), &theirs), Verdict::Different);
        assert_eq!(verdict(&trace("", one), &theirs), Verdict::Different);
        assert_eq!(verdict(&trace(old, "{counts,1,0,0,0}"), &theirs), Verdict::Different);
        assert_eq!(verdict(&trace(&format!("{both},{old}"), two), &theirs), Verdict::Different);
        let nobody_starts = |trace: String| trace.replace("{start,[1],2},", "");
        let (ours, theirs) = (nobody_starts(trace(old, one)), nobody_starts(theirs));
        assert_eq!(verdict(&ours, &theirs), Verdict::Different);
    }

    #[test]
    fn children_of_a_template_end_in_any_order_but_not_behind_a_later_start() {
        let (one, other) = ("{terminate,[0],1,shutdown}", "{terminate,[1],1,shutdown}");
        let verdict = |ours: &str, theirs: &str| verdict("simple_one_for_one", "[]", ours, theirs);
        let [ours, theirs] =
            [[one, other], [other, one]].map(|both| format!("[{},done]", both.join(",")));
        assert_eq!(verdict(&ours, &theirs), Verdict::Same);
        let start = "{start,[0],2}";
        let [ours, theirs] =
            [[one, start], [start, one]].map(|both| format!("[{},done]", both.join(",")));
        assert_eq!(verdict(&ours, &theirs), Verdict::Different);
    }
}
