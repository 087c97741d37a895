//! Calls that go round: whoever would wait for himself is told so, and with whom he would wait.
//!
//! ```text
//!   a ──waits for──► b ──waits for──► c ──is about to call──► a        refused: c → a → b → c
//! ```
//!
//! The records of [`Wait`] are read while others write them, and an answer may be under way. So a
//! cycle that is seen is a suspicion; every process in it is then asked whether it still waits for the same, and
//! answers once it has run and found nothing else to do. Only if all do is it a deadlock, and then nothing but a
//! deadline would have ended it.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use fauxtp_logic::Pid;

use crate::current;
use crate::hierarchy;
use crate::shared::{Core, Handle};
use crate::signal::Signal;
use crate::slot::{self, Broken, Pledge};
use crate::sync::atomic::Ordering;
use crate::table;
use crate::wait::{Wait, Waiting};

/// Processes each of which waits for the next one, and the last for the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle(Arc<[Member]>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Member {
    pid: Pid,
    name: Option<Arc<str>>,
    label: &'static str,
}

impl Cycle {
    /// The processes, in the order of waiting; whoever has got this error first.
    pub fn pids(&self) -> impl Iterator<Item = Pid> + '_ {
        self.0.iter().map(|member| member.pid)
    }

    /// The current process, which waits for the others in this order, and the last of them for it. Of nobody if this
    /// is no process.
    pub(crate) fn through(others: &[Pid]) -> Self {
        let here = current::with(Arc::clone);
        let others = others.iter().filter_map(|pid| table::find(*pid));
        Self(here.into_iter().chain(others).map(|process| Member::of(process.core())).collect())
    }
}

impl Member {
    fn of(core: &Core) -> Self {
        let name = core.private(|private| private.owned().and_then(|owned| owned.name.clone()));
        Self { pid: core.pid, name, label: core.label }
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} {}", self.pid),
            None => write!(f, "{} {}", short(self.label), self.pid),
        }
    }
}

/// A type's name without its path.
fn short(label: &str) -> &str {
    let end = label.find(['<', '{']).unwrap_or(label.len());
    let path = label[..end].trim_end_matches("::");
    path.rsplit("::").next().unwrap_or(label)
}

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for member in &*self.0 {
            write!(f, "{member} → ")?;
        }
        match self.0.first() {
            Some(first) => fmt::Display::fmt(first, f),
            None => Ok(()),
        }
    }
}

/// What a process finds when it is about to wait for another one.
pub(crate) enum Outlook {
    /// Nothing against it.
    Clear,
    /// It would wait for itself.
    Itself,
    /// The request it is handling has run out of time, and so has everything it does for it.
    Overdue,
    /// That one waits as well: it has to be seen for whom.
    Waits,
}

/// Whether both live in the same simulation, or in none: records leave out in which. Whoever waits for somebody from
/// elsewhere is on no record, and no circle through him is seen.
#[inline]
fn is_near(here: &Core, on: Pid) -> bool {
    here.pid.creation == on.creation
}

/// Changes what the current process says of its waiting for that one.
#[inline]
fn write_down(on: Pid, change: impl FnOnce(&Wait)) {
    current::with_borrowed(|here| {
        if is_near(here.core(), on) {
            change(&here.core().wait);
        }
    });
}

/// The current process says that it is about to call; to be taken back by [`end`].
#[inline]
pub(crate) fn begin(callee: &Core) -> Outlook {
    let look = |here: &Handle| {
        let here = here.core();
        if here.pid == callee.pid {
            return Outlook::Itself;
        }
        if here.is_overdue() {
            return Outlook::Overdue;
        }
        if !is_near(here, callee.pid) {
            return Outlook::Clear;
        }
        here.wait.begin_call(callee.pid);
        if callee.wait.is_waiting() { Outlook::Waits } else { Outlook::Clear }
    };
    current::with_borrowed(look).unwrap_or(Outlook::Clear)
}

/// The current process waits for the answer to its message, which lies at `place`. Whether the request it is handling
/// has run out of time meanwhile.
pub(crate) fn sent(callee: Pid, place: u64) -> bool {
    let look = |here: &Handle| {
        if is_near(here.core(), callee) {
            here.core().wait.sent(callee, place);
        }
        confirm(here, callee);
        here.core().is_overdue()
    };
    current::with_borrowed(look).unwrap_or(false)
}

/// The current process still waits for that one: it has just looked.
pub(crate) fn waits(on: Pid) {
    current::with_borrowed(|here| confirm(here, on));
}

/// The current process still waits for whomever it is on record for: nothing has woken it that says otherwise.
pub(crate) fn waits_on() {
    current::with_borrowed(|here| here.core().doubted.store(false, Ordering::Relaxed));
}

/// A future that was begun in one place may have been left there, and be waited for elsewhere or by nobody. So whoever
/// is asked has to look for what it waits for, before it says that it does.
fn confirm(here: &Handle, on: Pid) {
    if is_near(here.core(), on) && here.core().wait.is_for(on) {
        here.core().doubted.store(false, Ordering::Relaxed);
    }
}

/// While the current process waits for the start or the end of another one, or for an answer that it has asked for
/// before.
pub(crate) struct Watching(Pid);

impl Watching {
    pub(crate) fn begin(on: Pid) -> Self {
        write_down(on, |wait| wait.begin_watching(on));
        Self(on)
    }

    /// The message lies at `place` already. So this wait is never refused; but whoever calls the process from now on
    /// sees it.
    pub(crate) fn for_answer(on: Pid, place: u64) -> Self {
        write_down(on, |wait| wait.begin_waiting(on, place));
        Self(on)
    }

    /// To be said whenever whoever waits looks whether it is over.
    pub(crate) fn goes_on(&self) {
        waits(self.0);
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        end(self.0);
    }
}

/// Somebody who waits for the current process has to wait for its child as well, which starts or ends for him.
pub(crate) fn detour(asker: Pid, child: Pid) {
    if let (Some(asker), Some(here)) = (table::find(asker), current::pid()) {
        if is_near(asker.core(), here) && is_near(asker.core(), child) {
            asker.core().wait.set_detour(here, child);
        }
    }
}

/// The current process does not wait for that one any more.
#[inline]
pub(crate) fn end(callee: Pid) {
    write_down(callee, |wait| wait.end(callee));
}

/// Whether the request that the current process is handling has run out of time.
#[inline]
pub(crate) fn is_overdue() -> bool {
    current::with_borrowed(|here| here.core().is_overdue()).unwrap_or(false)
}

/// So many processes are followed; no sane program calls that deep.
const FOLLOWED_MAX: usize = 1_000;

/// Whether whom the current process waits for waits for it in turn.
#[cold]
pub(crate) fn suspect(callee: Handle) -> Option<Suspicion> {
    let here = current::with(Arc::clone)?;
    let me = here.core();
    let mut others = Vec::new();
    let mut at = callee;
    while others.len() < FOLLOWED_MAX {
        // Whether it also waits at its inbox it says itself: what can be seen from here may be long past, or not yet.
        let waiting = dependence(&at, false)?;
        let next = waiting.detour.unwrap_or(waiting.on);
        others.push((at, waiting));
        if next == me.pid {
            return Some(Suspicion::of(others));
        }
        // A cycle beside us is somebody else's.
        if others.iter().any(|(known, _)| known.core().pid == next) {
            return None;
        }
        at = table::find(next)?;
    }
    None
}

/// A cycle that has been seen, until everybody in it has been asked.
pub(crate) struct Suspicion {
    others: Vec<Asked>,
}

struct Asked {
    process: Handle,
    waiting: Waiting,
    pledge: Pledge<Option<Waiting>>,
    /// Whether it has said that it still waits.
    sure: bool,
}

impl Suspicion {
    fn of(others: Vec<(Handle, Waiting)>) -> Self {
        let ask = |(process, waiting): (Handle, Waiting)| {
            let (promise, pledge) = slot::promise();
            // Told once the process has run, and stops again: an answer that was under way has been seen by then.
            let tell = move || {
                let _gave_up = promise.keep(current::with(waits_still).flatten());
            };
            let inquiry = Signal::Inquire(Box::new(move |_| {
                current::with_borrowed(|here| here.core().doubted.store(true, Ordering::Relaxed));
                current::at_yield(tell);
            }));
            let _ended_already = process.clone().signal(inquiry);
            Asked { process, waiting, pledge, sure: false }
        };
        Self { others: others.into_iter().map(ask).collect() }
    }

    /// The cycle, if it is one; nothing if one of them does not wait any more.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Cycle>> {
        for asked in self.others.iter_mut().filter(|asked| !asked.sure) {
            match std::task::ready!(asked.pledge.poll(cx)) {
                Ok(Some(waiting)) if waiting.is_about(asked.waiting) => asked.sure = true,
                Ok(_) | Err(Broken::Dropped | Broken::Exited(_)) => return Poll::Ready(None),
            }
        }
        let steps = self.others.iter().flat_map(|asked| {
            let between = asked.waiting.detour.map(|_| asked.waiting.on);
            [Some(asked.process.core().pid), between]
        });
        let pids: Vec<Pid> = steps.flatten().collect();
        Poll::Ready(Some(Cycle::through(&pids)))
    }
}

/// What a process cannot go on without; `is_receiving` if that may as well be a message.
fn dependence(process: &Handle, is_receiving: bool) -> Option<Waiting> {
    let core = process.core();
    let mut waiting = core.wait.now(core.pid.creation).filter(|_| core.is_alive())?;
    let on = table::find(waiting.on)?;
    waiting.detour = waiting.detour.filter(|detour| hierarchy::is_waited_for(*detour, waiting.on));
    waiting.depends(&on.core().progress, is_receiving).then_some(waiting)
}

/// The same, as it says itself.
fn waits_still(process: &Handle) -> Option<Waiting> {
    let waiting = dependence(process, process.is_receiving())?;
    let is_sure = waiting.is_held() || !process.core().doubted.load(Ordering::Relaxed);
    is_sure.then_some(waiting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cycle_reads_as_it_goes_round() {
        let member = |id, name: Option<&str>, label| Member {
            pid: Pid { node: 0, id, serial: 0, creation: 0 },
            name: name.map(Arc::from),
            label,
        };
        let cycle = Cycle(Arc::new([
            member(1, Some("counter"), "demo::Counter"),
            member(2, None, "demo::cache::Cache<alloc::string::String>"),
        ]));
        assert_eq!(cycle.to_string(), "counter <0.1.0> → Cache <0.2.0> → counter <0.1.0>");
        assert_eq!(cycle.pids().count(), 2);
    }
}
