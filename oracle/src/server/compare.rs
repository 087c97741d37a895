//! Compares two traces of a server: exactly, but for what OTP leaves open, which is brought into one form first.
//!
//! What one process tells is compared in its order; processes among each other have none within one step. What is left
//! open: when the server is told that somebody it watches is not there.

use super::explained;
use super::history::History;
use crate::explained::Rule;
use crate::oracle::Verdict;
use crate::sides::{Explain, Sides, Trace};
use crate::term::{Term, atom};

/// All that is excused.
const RULES: [(Rule, Explain<History>); 3] = [
    (Rule::StoppedByOthers, explained::stopped_by_others),
    (Rule::Expired, explained::expired),
    (Rule::NoprocAtOnce, explained::noproc_at_once),
];

pub(crate) fn compare(history: &History, ours: &Term, theirs: &Term) -> Verdict {
    match Sides::of(ours, theirs) {
        _ if ours == theirs => Verdict::Same,
        Some(sides) => sides.map(canonical).judge(history, &RULES),
        None => Verdict::Different,
    }
}

/// The trace in one form.
pub(super) fn canonical(trace: Trace) -> Trace {
    let step = |mut events: Vec<Term>| {
        // A stable sort: all but those keep their places.
        events.sort_by_key(|event| (place(event), is_absence(event)));
        events
    };
    trace.into_iter().map(step).collect()
}

/// Where those who tell stand in a trace.
fn place(event: &Term) -> i64 {
    match event.as_tuple() {
        Ok([Term::Int(caller), _]) => *caller,
        Ok([who, _]) if *who == atom("parent") => -2,
        _ => -1,
    }
}

/// Whether the server is told that somebody it watches is not there.
pub(super) fn is_absence(event: &Term) -> bool {
    let Ok([_, what]) = event.as_tuple() else { return false };
    matches!(what.as_tagged(), Ok(("down", [_, reason])) if *reason == atom("noproc"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(steps: &str, ours: &str, theirs: &str) -> Verdict {
        let term = |text: &str| Term::parse(text).expect("it is a term");
        let history = History::parse(&term(&format!("{{2,{steps}}}"))).expect("it is a history");
        compare(&history, &term(ours), &term(theirs))
    }

    fn explained(rule: Rule, uncompared: usize) -> Verdict {
        Verdict::Explained { rules: vec![rule], uncompared }
    }

    const PLAIN: &str = "{[],false,reply,none}";

    #[test]
    fn a_call_that_ours_drops_is_explained_only_if_its_time_is_over() {
        let steps = format!("[{{call,0,pid,short,1,{PLAIN}}},{{elapse}},{{unblock}}]");
        let (ours, theirs) = (
            "[[],[{0,{result,0,timeout}}],[],[]]",
            "[[],[{0,{result,0,timeout}}],[{server,{handle,call,1}}],[]]",
        );
        assert_eq!(verdict(&steps, ours, theirs), explained(Rule::Expired, 0));
        let (ours, theirs) = ("[[],[],[]]", "[[],[],[{server,{handle,call,1}}]]");
        assert_eq!(verdict(&steps, ours, theirs), Verdict::Different);
    }

    #[test]
    fn a_patient_call_is_not_lost_because_another_was_dropped() {
        let steps = format!(
            "[{{call,0,pid,short,1,{PLAIN}}},{{call,1,pid,infinity,2,{PLAIN}}},{{elapse}},{{unblock}}]"
        );
        let theirs = "[[],[],[{0,{result,0,timeout}}],\
                      [{server,{handle,call,1}},{server,{handle,call,2}},{1,{result,1,{ok,2}}}]]";
        let drops_one =
            "[[],[],[{0,{result,0,timeout}}],[{server,{handle,call,2}},{1,{result,1,{ok,2}}}]]";
        assert_eq!(verdict(&steps, drops_one, theirs), explained(Rule::Expired, 0));
        let drops_both = "[[],[],[{0,{result,0,timeout}}],[]]";
        assert_eq!(verdict(&steps, drops_both, theirs), Verdict::Different);
        let silent = "[[],[],[{0,{result,0,timeout}}],[{server,{handle,call,2}}]]";
        assert_eq!(verdict(&steps, silent, theirs), Verdict::Different);
        let dies =
            "[[],[],[{0,{result,0,timeout}}],[{server,{died,killed}},{1,{result,1,killed}}]]";
        assert_eq!(verdict(&steps, dies, theirs), Verdict::Different);
    }

    #[test]
    fn what_comes_behind_a_dropped_call_is_compared() {
        let steps = format!(
            "[{{call,0,pid,short,1,{PLAIN}}},{{elapse}},{{unblock}},{{stop,1,pid,infinity,a}}]"
        );
        let traces = |ours: &str, theirs: &str| {
            let before = "[],[{0,{result,0,timeout}}]";
            let end = |count: &str| format!("[{{server,{{terminate,a,{count}}}}}]");
            let ours = format!("[{before},[],{}]", end(ours));
            verdict(
                &steps,
                &ours,
                &format!("[{before},[{{server,{{handle,call,1}}}}],{}]", end(theirs)),
            )
        };
        assert_eq!(traces("1", "2"), explained(Rule::Expired, 0));
        assert_eq!(traces("1", "1"), Verdict::Different);
        assert_eq!(traces("1", "3"), Verdict::Different);
    }

    #[test]
    fn a_dropped_call_is_not_counted_by_the_next_server() {
        let steps = format!("[{{call,0,pid,short,1,{PLAIN}}},{{elapse}},{{unblock}}]");
        let traces = |ours: &str, theirs: &str| {
            let trace = |handled: &str, count: &str| {
                let next = format!("[{{server,init}},{{server,{{terminate,a,{count}}}}}]");
                format!(
                    "[[],[{{0,{{result,0,timeout}}}}],[{handled}],[{{server,{{died,b}}}}],{next}]"
                )
            };
            verdict(&steps, &trace("", ours), &trace("{server,{handle,call,1}}", theirs))
        };
        assert_eq!(traces("1", "1"), explained(Rule::Expired, 0));
        assert_eq!(traces("1", "2"), Verdict::Different);
    }

    /// What the call would have done is not known of ours; but all before it is compared.
    #[test]
    fn a_dropped_call_that_would_have_done_more_leaves_the_rest_uncompared() {
        let steps = format!(
            "[{{call,0,pid,short,1,{{[],false,{{stop,a}},none}}}},{{cast,1,pid,2,{PLAIN}}},{{elapse}},{{unblock}}]"
        );
        let before = "[],[],[{0,{result,0,timeout}}]";
        let traces = |ours: &str, theirs: &str| {
            verdict(
                &steps,
                &format!("[{before},[{ours}],[]]"),
                &format!("[{before},[{theirs}],[]]"),
            )
        };
        let stops = "{server,{handle,call,1}},{server,{terminate,a,1}},{server,{died,a}}";
        let handles = "{server,{handle,cast,2}}";
        assert_eq!(traces(handles, stops), explained(Rule::Expired, 1));
        assert_eq!(traces("{server,{died,b}}", stops), Verdict::Different);
        assert_eq!(traces("{0,{result,0,{ok,1}}}", stops), Verdict::Different);
        let late = format!("{handles},{stops}");
        assert_eq!(traces("", &late), Verdict::Different);
    }

    /// Ours comes to a stop where OTP's handles the call, and may fail at it; but it fails of nothing else.
    #[test]
    fn who_comes_to_a_stop_by_a_dropped_call_fails_only_in_its_terminate() {
        let before = "[],[],[],[{0,{result,1,timeout}}]";
        let theirs = format!("[{before},[{{server,{{handle,call,1}}}},{{server,blocked}}]]");
        let ours = format!("[{before},[{{server,{{terminate,b,0}}}},{{server,{{died,error}}}}]]");
        let steps = |fails: &str, reason: &str| {
            format!(
                "[{{start,nolink,unnamed,infinity,{{false,{{{fails},false,reply}},{PLAIN}}}}},\
                 {{call,0,pid,short,1,{{[],true,reply,none}}}},{{stop,1,pid,infinity,{reason}}},\
                 {{elapse}},{{unblock}}]"
            )
        };
        assert_eq!(verdict(&steps("error", "b"), &ours, &theirs), explained(Rule::Expired, 0));
        assert_eq!(verdict(&steps("ok", "b"), &ours, &theirs), Verdict::Different);
        assert_eq!(verdict(&steps("error", "a"), &ours, &theirs), Verdict::Different);
    }

    #[test]
    fn a_stop_that_is_well_is_explained_only_by_its_own_reason() {
        let steps = "[{stop,0,pid,infinity,a}]";
        let ours = "[[{0,{result,0,ok}}]]";
        assert_eq!(
            verdict(steps, ours, "[[{0,{result,0,a}}]]"),
            explained(Rule::StoppedByOthers, 0)
        );
        assert_eq!(verdict(steps, ours, "[[{0,{result,0,b}}]]"), Verdict::Different);
        let dead = "[[{server,{died,a}},{0,{result,0,ok}}]]";
        assert_eq!(verdict(steps, dead, "[[{0,{result,0,a}}]]"), Verdict::Different);
    }

    #[test]
    fn an_absence_that_is_told_at_once_excuses_nothing_but_a_timeout() {
        let timeout = format!("{{timeout,zero,{PLAIN}}}");
        let steps = format!("[{{call,1,pid,infinity,1,{{[{{watch,0}}],false,reply,{timeout}}}}}]");
        let (call, down) = ("{server,{handle,call,1}}", "{server,{down,0,noproc}}");
        let well = "{1,{result,0,{ok,1}}}";
        let theirs = format!("[[{call},{{server,{{handle,timeout,none}}}},{down},{well}]]");
        let ours = format!("[[{call},{down},{well}]]");
        assert_eq!(verdict(&steps, &ours, &theirs), explained(Rule::NoprocAtOnce, 0));
        let dies = format!("[[{down},{{server,{{died,killed}}}},{{1,{{result,0,killed}}}}]]");
        assert_eq!(verdict(&steps, &dies, &theirs), Verdict::Different);
        let later = |told: &str| format!("[[{call},{well}],[{told}]]");
        let sooner = format!("[[{call},{down},{well}],[]]");
        assert_eq!(verdict(&steps, &sooner, &later(down)), explained(Rule::NoprocAtOnce, 0));
        assert_eq!(verdict(&steps, &sooner, &later("")), Verdict::Different);
        let never_told = format!("[[{call},{well}]]");
        assert_eq!(verdict(&steps, &never_told, &theirs), Verdict::Different);
    }

    #[test]
    fn who_is_told_before_what_it_has_sent_itself_waits_where_otps_is_told() {
        let start = |cast: &str| {
            let watches = "{cast,1,pid,1,{[{watch,0}],false,reply,none}}";
            format!("[{watches},{{cast,1,pid,2,{{{cast}}}}}]")
        };
        let timeout = format!("{{timeout,short,{PLAIN}}}");
        let asked = format!("[{{self_cast,3,{{[],false,reply,{timeout}}}}}],false,reply,none");
        let handled = "{server,{handle,cast,2}},{server,{handle,cast,3}}";
        let (down, idle) = ("{server,{down,0,noproc}}", "{server,{handle,timeout,none}}");
        let told = |events: &str| format!("[[],[{handled}{events}]]");
        let theirs = told(&format!(",{down}"));
        let ours = told(&format!(",{idle},{down}"));
        assert_eq!(verdict(&start(&asked), &ours, &theirs), explained(Rule::NoprocAtOnce, 0));
        // Nobody was told, or ours alone, or OTP's does something else as well.
        assert_eq!(
            verdict(&start(&asked), &told(&format!(",{idle}")), &told("")),
            Verdict::Different
        );
        let busy = told(&format!(",{{server,{{handle,cast,4}}}},{down}"));
        assert_eq!(verdict(&start(&asked), &ours, &busy), Verdict::Different);
        // It is another's cast, or one that asks for no timeout.
        let others = format!("[],false,reply,none}}}},{{cast,0,pid,3,{{[],false,reply,{timeout}");
        assert_eq!(verdict(&start(&others), &ours, &theirs), Verdict::Different);
        let plain = format!("[{{self_cast,3,{PLAIN}}}],false,reply,none");
        assert_eq!(verdict(&start(&plain), &ours, &theirs), Verdict::Different);
    }

    #[test]
    fn who_is_never_told_must_not_have_waited() {
        let steps = format!("[{{cast,1,pid,1,{PLAIN}}},{{unblock}}]");
        let traces = |blocked: &str| {
            let told = |down: &str, count: &str| {
                format!(
                    "[[{{server,{{handle,cast,1}}}}{down}{blocked}],\
                     [{{server,{{terminate,error,{count}}}}},{{server,{{died,error}}}}]]"
                )
            };
            verdict(&steps, &told(",{server,{down,0,noproc}}", "2"), &told("", "1"))
        };
        assert_eq!(traces(",{server,blocked}"), explained(Rule::NoprocAtOnce, 0));
        assert_eq!(traces(""), Verdict::Different);
    }

    /// Our driver waits until the caller has to have learnt it.
    #[test]
    fn who_waits_for_a_reply_that_was_handed_on_learns_of_the_end() {
        let steps = "[{call,0,pid,infinity,1,{[],false,hand_on,none}},{exit,1,a}]";
        let theirs = "[[{server,{handle,call,1}}],[{server,{died,a}},{0,{result,0,a}}],[]]";
        for ours in [
            "[[{server,{handle,call,1}}],[{server,{died,a}}],[]]",
            "[[{server,{handle,call,1}}],[{server,{died,killed}},{0,{result,0,killed}}],[]]",
            "[[{server,{handle,call,1}}],[{server,{died,a}}],[{0,{result,0,a}}]]",
        ] {
            assert_eq!(verdict(steps, ours, theirs), Verdict::Different, "{ours}");
        }
    }
}
