//! Compares two traces of signals: exactly, but for what OTP leaves open, which is brought into one form first.
//!
//! What one robot receives, and what it tells, is compared in its order; robots among each other have none within one
//! step. What is left open:
//!
//! - Several end in one step: in which order a third one hears of them, and when of what it sends itself. Such runs
//!   are sorted by sender; those of one sender stay in their order.
//! - When somebody is told that a process is not there (`noproc`): it comes last.
//! - Somebody ends: what he receives in the same step, he may or may not have taken by then (PROC-005).
//! - Whoever kills its peer and asks whether it lives may be dead before it has its answer told.

use std::collections::BTreeMap;

use super::explained;
use super::history::{Act, History, Step};
use crate::oracle::Verdict;
use crate::sides::{Sides, Trace};
use crate::term::Term;

pub(crate) fn compare(history: &History, ours: &Term, theirs: &Term) -> Verdict {
    match Sides::of(ours, theirs) {
        _ if ours == theirs => Verdict::Same,
        Some(sides) => {
            sides.map(|trace| canonical(history, trace)).judge(history, &explained::RULES)
        }
        None => Verdict::Different,
    }
}

/// The trace in one form.
pub(super) fn canonical(history: &History, trace: Trace) -> Trace {
    let ends = ends(&trace);
    let canonical = trace.into_iter().enumerate().map(|(number, mut events)| {
        events.retain(|event| !is_last(history, number, event, &ends));
        noproc_last(&mut events);
        sort_runs(number, &mut events, &ends);
        events
    });
    canonical.collect()
}

/// In which step each robot has ended.
pub(super) fn ends(steps: &[Vec<Term>]) -> BTreeMap<Term, usize> {
    let mut ends = BTreeMap::new();
    for (number, events) in steps.iter().enumerate() {
        for event in events {
            if let Ok(("died", [robot, _])) = event.as_tagged() {
                ends.insert(robot.clone(), number);
            }
        }
    }
    ends
}

/// Whether it is something that a robot tells in the step in which it ends, and may have had no time to.
fn is_last(history: &History, number: usize, event: &Term, ends: &BTreeMap<Term, usize>) -> bool {
    let Ok((tag, [robot, what, ..])) = event.as_tagged() else { return false };
    if ends.get(robot) != Some(&number) {
        return false;
    }
    let step = || history.steps.get(usize::try_from(what.as_int().ok()?).ok()?);
    tag == "got" || tag == "result" && matches!(step(), Some(Step::Act(_, Act::KillAlive(_))))
}

/// Moves what each robot is told of those who are not there behind all else that it tells.
fn noproc_last(events: &mut [Term]) {
    let place = |event: &Term| {
        let (tag, others) = event.as_tagged().ok()?;
        let absent = match others {
            [_, item] if tag == "got" => match item.as_tagged().ok()? {
                ("exit", [_, reason]) | ("down", [_, _, reason]) => is_noproc(reason),
                _ => false,
            },
            _ => false,
        };
        Some((others.first()?.clone(), absent.then(|| event.clone())))
    };
    events.sort_by_cached_key(place);
}

/// Sorts what one robot hears of several who ended in the same step.
fn sort_runs(number: usize, events: &mut [Term], ends: &BTreeMap<Term, usize>) {
    let mut start = 0;
    while start < events.len() {
        let Some((robot, _, end)) = told_of(number, &events[start], ends) else {
            start += 1;
            continue;
        };
        let same = |event: &&Term| {
            told_of(number, event, ends).is_some_and(|(to, _, when)| to == robot && when == end)
        };
        let length = events[start..].iter().take_while(same).count();
        events[start..start + length].sort_by_cached_key(|event| {
            told_of(number, event, ends).map(|(_, from, _)| from.clone())
        });
        start += length;
    }
}

/// Who hears of whose end, or from himself, and when that was. Of whom nothing was there any more the order is clear.
fn told_of<'a>(
    number: usize,
    event: &'a Term,
    ends: &BTreeMap<Term, usize>,
) -> Option<(Term, &'a Term, usize)> {
    let Ok(("got", [robot, item])) = event.as_tagged() else { return None };
    let from = match item.as_tagged().ok()? {
        ("exit", [from, reason]) | ("down", [_, from, reason]) if !is_noproc(reason) => from,
        ("note", [from, _]) if from == robot => from,
        _ => return None,
    };
    let when = if from == robot { number } else { *ends.get(from)? };
    Some((robot.clone(), from, when))
}

fn is_noproc(reason: &Term) -> bool {
    reason.as_atom().is_ok_and(|name| name == "noproc")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explained::Rule;

    fn verdict(steps: &str, ours: &str, theirs: &str) -> Verdict {
        let term = |text: &str| Term::parse(text).expect("it is a term");
        let history = format!("{{[{{true,eager}},{{true,eager}},{{true,eager}}],{steps}}}");
        let history = History::parse(&term(&history)).expect("it is a history");
        compare(&history, &term(ours), &term(theirs))
    }

    #[test]
    fn those_who_end_together_are_heard_of_in_any_order() {
        let [one, other] = ["{got,0,{exit,1,a}}", "{got,0,{down,3,2,a}}"];
        let ends = "{died,1,a},{died,2,a}";
        let (ours, theirs) =
            (format!("[[{one},{other},{ends}]]"), format!("[[{other},{one},{ends}]]"));
        assert_eq!(verdict("[]", &ours, &theirs), Verdict::Same);
    }

    #[test]
    fn those_who_end_one_after_the_other_are_not() {
        let [one, other] = ["{got,0,{exit,1,a}}", "{got,0,{exit,2,a}}"];
        let (ours, theirs) = (
            format!("[[{{died,1,a}}],[{{died,2,a}}],[{one},{other}]]"),
            format!("[[{{died,1,a}}],[{{died,2,a}}],[{other},{one}]]"),
        );
        assert_eq!(verdict("[]", &ours, &theirs), Verdict::Different);
    }

    #[test]
    fn one_sender_is_heard_in_its_order() {
        let [one, other] = ["{got,0,{exit,1,a}}", "{got,0,{down,3,1,a}}"];
        let (ours, theirs) =
            (format!("[[{one},{other},{{died,1,a}}]]"), format!("[[{other},{one},{{died,1,a}}]]"));
        assert_eq!(verdict("[]", &ours, &theirs), Verdict::Different);
    }

    fn explained(rule: Rule, uncompared: usize) -> Verdict {
        Verdict::Explained { rules: vec![rule], uncompared }
    }

    #[test]
    fn a_reason_is_explained_only_where_somebody_came_too_late() {
        let (ours, theirs) = (
            "[[],[],[],[{got,2,{exit,0,a}},{died,0,a}]]",
            "[[],[],[],[{got,2,{exit,0,noproc}},{died,0,a}]]",
        );
        let late = "[{hold,0},{exit,1,0,a},{link,2,0},{release}]";
        assert_eq!(verdict(late, ours, theirs), explained(Rule::CrossedEnd, 0));
        let in_time = "[{link,2,0},{hold,0},{exit,1,0,a},{release}]";
        assert_eq!(verdict(in_time, ours, theirs), Verdict::Different);
    }

    #[test]
    fn who_came_too_late_excuses_nobody_else() {
        let late = "[{hold,0},{exit,1,0,a},{link,2,0},{release}]";
        let theirs = "[[],[],[],[{got,2,{exit,0,noproc}},{died,0,a}],[{facts,1}]]";
        for ours in [
            // Somebody else ends as well, or is told as well, or nobody is told at all.
            "[[],[],[],[{got,2,{exit,0,a}},{died,0,a},{died,1,a}],[{facts,1}]]",
            "[[],[],[],[{got,1,{exit,0,a}},{got,2,{exit,0,a}},{died,0,a}],[{facts,1}]]",
            "[[],[],[],[{died,0,a}],[{facts,1}]]",
            // The reason is neither, or there is no end.
            "[[],[],[],[{got,2,{exit,0,b}},{died,0,a}],[{facts,1}]]",
            "[[],[],[],[{got,2,{exit,0,a}}],[{facts,1}]]",
            // What comes later differs.
            "[[],[],[],[{got,2,{exit,0,a}},{died,0,a}],[{facts,2}]]",
        ] {
            assert_eq!(verdict(late, ours, theirs), Verdict::Different, "{ours}");
        }
    }

    #[test]
    fn who_is_taken_along_by_a_crossed_end_has_its_reason_or_noproc() {
        let late = "[{hold,0},{exit,1,0,a},{link,2,0},{release}]";
        let theirs = "[[],[],[],[{died,0,a},{died,2,noproc}],[{got,1,{down,9,2,noproc}}]]";
        let ours = |reason, heard| {
            format!(
                "[[],[],[],[{{died,0,a}},{{died,2,{reason}}}],[{{got,1,{{down,9,2,{heard}}}}}]]"
            )
        };
        assert_eq!(verdict(late, &ours("a", "a"), theirs), explained(Rule::CrossedEnd, 0));
        assert_eq!(verdict(late, &ours("b", "b"), theirs), Verdict::Different);
        assert_eq!(verdict(late, &ours("a", "b"), theirs), Verdict::Different);
    }

    /// A normal end takes nobody along, `noproc` does: from there on nothing is alike.
    #[test]
    fn who_lives_because_a_crossed_end_was_normal_leaves_the_rest_uncompared() {
        let late = "[{hold,0},{leave,0,normal},{link,2,0},{release}]";
        let theirs = "[[],[],[],[{died,0,normal},{died,2,noproc}],[],[]]";
        let ours = "[[],[],[],[{died,0,normal}],[{got,2,{note,1,1}}],[]]";
        assert_eq!(verdict(late, ours, theirs), explained(Rule::CrossedEnd, 2));
        let another = "[[],[],[],[{died,0,normal},{died,1,a}],[],[]]";
        assert_eq!(verdict(late, another, theirs), Verdict::Different);
    }

    #[test]
    fn a_change_of_the_flag_excuses_nobody_who_is_not_tied() {
        let flips = "[{hold,0},{exit,0,0,a},{trap,0,false},{release}]";
        let theirs = "[[],[],[],[{result,0,2,true},{died,0,a}],[]]";
        let ours = "[[],[],[],[{result,0,2,true}],[{got,0,{exit,0,a}}]]";
        assert_eq!(verdict(flips, ours, theirs), explained(Rule::TrapTakesIn, 1));
        let alive = "[[],[],[],[{result,0,2,true}],[]]";
        for ours in [
            "[[],[],[],[{result,0,2,true},{died,0,b},{died,1,b},{died,2,b}],[]]",
            "[[],[],[],[{result,0,2,true},{died,1,a},{died,2,a}],[]]",
            "[[],[],[],[{result,0,2,true},{died,0,a},{died,1,a},{died,2,a}],[]]",
        ] {
            assert_eq!(verdict(flips, ours, alive), Verdict::Different, "{ours}");
        }
    }

    #[test]
    fn who_ends_sooner_of_the_same_reason_tells_no_more_and_has_told_the_rest() {
        let flips =
            "[{hold,0},{exit,0,0,a},{alive,0,1},{trap,0,false},{alive,0,1},{exit,0,0,a},{release}]";
        let trace = |before: &str, behind: &str| {
            format!("[[],[],[],[],[],[],[{before}{{result,0,3,true}}{behind},{{died,0,a}}],[]]")
        };
        let (before, behind) = ("{result,0,2,true},", ",{result,0,4,true}");
        let verdict = |ours: &str, theirs: &str| verdict(flips, ours, theirs);
        let sooner = verdict(&trace(before, behind), &trace(before, ""));
        assert_eq!(sooner, explained(Rule::TrapTakesIn, 0));
        let later = verdict(&trace(before, ""), &trace(before, behind));
        assert_eq!(later, Verdict::Different);
        assert_eq!(verdict(&trace(before, behind), &trace("", "")), Verdict::Different);
        let another = trace(before, ",{result,1,4,true}");
        assert_eq!(verdict(&another, &trace(before, "")), Verdict::Different);
    }

    #[test]
    fn who_links_with_itself_asks_nobody() {
        let ours = "[[],[],[],[{result,0,1,linked},{died,0,a}],[]]";
        let theirs = "[[],[],[],[{result,0,1,linked},{died,0,noproc}],[]]";
        let itself = "[{hold,0},{link,0,0},{outside,0,a},{release}]";
        assert_eq!(verdict(itself, ours, theirs), Verdict::Different);
    }

    #[test]
    fn who_has_ended_by_the_new_flag_sends_no_exits_and_others_still_do() {
        let trace = |ends: &str| format!("[[],[],[],[],[{{result,0,2,true}}{ends}],[]]");
        let theirs = trace(",{died,0,a}");
        let ours = |whom: &str| trace(&format!(",{{died,{whom}}}"));
        let flips = "[{hold,0},{exit,0,0,a},{trap,0,false},{exit,0,1,b},{release}]";
        assert_eq!(verdict(flips, &ours("1,b"), &theirs), explained(Rule::TrapTakesIn, 1));
        // Of another reason, another robot, or by an exit of before.
        assert_eq!(verdict(flips, &ours("1,a"), &theirs), Verdict::Different);
        assert_eq!(verdict(flips, &ours("2,b"), &theirs), Verdict::Different);
        let before = "[{hold,0},{exit,0,0,a},{exit,0,1,b},{trap,0,false},{release}]";
        let [ours, theirs] =
            [ours("1,b"), theirs].map(|trace| trace.replace("result,0,2", "result,0,3"));
        assert_eq!(verdict(before, &ours, &theirs), Verdict::Different);
        let sends = "[{hold,0},{exit,0,0,a},{trap,0,false},{note,0,1,3},{release}]";
        let got = |note: &str| trace(&format!(",{{got,1,{note}}}"));
        let theirs = trace(",{died,0,a}");
        assert_eq!(verdict(sends, &got("{note,0,3}"), &theirs), explained(Rule::TrapTakesIn, 1));
        assert_eq!(verdict(sends, &got("{note,0,2}"), &theirs), Verdict::Different);
        assert_eq!(verdict(sends, &got("{note,2,3}"), &theirs), Verdict::Different);
    }

    #[test]
    fn two_causes_excuse_the_reason_and_no_more() {
        let both = "[{link,1,0},{link,1,2},{hold,2},{exit,2,0,a},{exit,2,2,kill},{release}]";
        let trace = |of_one: &str, heard: &str| {
            let ends = format!("{{died,0,a}},{{died,1,{of_one}}},{{died,2,killed}}");
            format!("[[],[],[],[],[],[{ends}],[{heard}]]")
        };
        let theirs = trace("a", "{got,3,{down,1,1,a}}");
        let ours = trace("killed", "{got,3,{down,1,1,killed}}");
        assert_eq!(verdict(both, &ours, &theirs), explained(Rule::TwoCauses, 0));
        assert_eq!(verdict(both, &trace("b", "{got,3,{down,1,1,b}}"), &theirs), Verdict::Different);
        assert_eq!(verdict(both, &trace("killed", ""), &theirs), Verdict::Different);
        assert_eq!(
            verdict(both, &trace("killed", "{got,3,{down,1,1,a}}"), &ours),
            Verdict::Different
        );
        assert_eq!(verdict("[]", &ours, &theirs), Verdict::Different);
    }

    #[test]
    fn who_fails_by_itself_may_be_taken_along_first_but_not_by_anybody() {
        let dead = "{exit,2,2,b},{link,1,0},{hold,1}";
        let fails = format!("[{dead},{{link,1,2}},{{release}}]");
        let trace = |of_one: &str, of_other: &str| {
            format!("[[{{died,2,b}}],[],[],[],[{{died,0,{of_other}}},{{died,1,{of_one}}}],[]]")
        };
        let (ours, theirs) = (trace("link_failed", "a"), trace("a", "a"));
        assert_eq!(verdict(&fails, &ours, &theirs), explained(Rule::TwoCauses, 0));
        // It does not fail, or nobody has ended with that reason.
        let lives = format!("[{dead},{{link,1,0}},{{release}}]");
        assert_eq!(verdict(&lives, &ours, &theirs), Verdict::Different);
        let others = [trace("link_failed", "b"), trace("a", "b")];
        assert_eq!(verdict(&fails, &others[0], &others[1]), Verdict::Different);
        let leaves = format!("[{dead},{{leave,1,shutdown}},{{release}}]");
        assert_eq!(
            verdict(&leaves, &trace("shutdown", "a"), &theirs),
            explained(Rule::TwoCauses, 0)
        );
        assert_eq!(verdict(&leaves, &ours, &theirs), Verdict::Different);
    }

    #[test]
    fn who_is_not_there_is_known_at_once_by_whoever_looks_and_by_nobody_else() {
        let looks = "[{leave,0,b},{hold,1},{monitor,1,0},{demonitor_flush,1,2},{release}]";
        let trace = |found: &str, other: &str| {
            format!(
                "[[{{died,0,b}}],[],[],[],[{{result,1,2,monitor}},{{result,1,3,{found}}}{other}]]"
            )
        };
        let theirs = trace("nothing", "");
        assert_eq!(verdict(looks, &trace("noproc", ""), &theirs), explained(Rule::NoprocAtOnce, 0));
        assert_eq!(verdict(looks, &trace("a", ""), &theirs), Verdict::Different);
        assert_eq!(verdict(looks, &trace("noproc", ",{died,1,a}"), &theirs), Verdict::Different);
        assert_eq!(
            verdict(looks, &trace("noproc", ",{got,1,{exit,0,b}}"), &theirs),
            Verdict::Different
        );
    }

    #[test]
    fn who_collects_hears_of_the_dead_sooner_and_not_never() {
        let collects = "[{leave,0,b},{hold,1},{monitor,1,0},{collect,1},{release}]";
        let trace =
            |sooner: &str, later: &str| format!("[[{{died,0,b}}],[],[],[],[{sooner}],[{later}]]");
        let down = "{got,1,{down,2,0,noproc}}";
        let theirs = trace("", down);
        assert_eq!(verdict(collects, &trace(down, ""), &theirs), explained(Rule::NoprocAtOnce, 0));
        assert_eq!(verdict(collects, &trace("", ""), &theirs), Verdict::Different);
        assert_eq!(verdict(collects, &trace(down, down), &theirs), Verdict::Different);
    }
}
