//! What must come out even in every simulation: messages, incarnations, names, restarts, wake-ups, calls.
//!
//! The runtime books what it does as it does it; here the sums are made. So a law is checked in every run of every
//! test, also in those that say nothing about it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use fauxtp_logic::budget::Intensity;
use fauxtp_logic::{Pid, Time};

use super::places::Places;

/// What holds in every run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Law {
    /// A child's next incarnation is not launched before the former one is gone, and with it everything below.
    OneIncarnation,
    /// Whoever is told of an end finds the names of the dead free.
    NamesAreFree,
    /// A supervisor restarts no more often than it may.
    Budget,
    /// Every message that was sent was accepted, returned, dropped by a bounded mailbox, or is on its way.
    Sent,
    /// Every message that was accepted was taken, displaced in a bounded mailbox, or dropped with its process.
    Accepted,
    /// Whoever has got a message while it waited, or a signal, has run.
    WakeUp,
    /// Nobody is linked with the dead, or watches them.
    Relations,
    /// Whoever waits for an answer, and cannot get it any more, is told so.
    Calls,
}

impl Law {
    /// What it says.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::OneIncarnation => "no child has two incarnations at the same time",
            Self::NamesAreFree => "names are free before anybody hears of the end of their holder",
            Self::Budget => "no supervisor restarts more often than it may",
            Self::Sent => "every message that is sent arrives, comes back, or is refused",
            Self::Accepted => {
                "every message that arrives is handled, displaced, or dropped with its process"
            }
            Self::WakeUp => "whoever waits and gets something, or gets a signal, runs",
            Self::Relations => "nobody is linked with the dead, or watches them",
            Self::Calls => "whoever waits for an answer that nobody can give any more is told so",
        }
    }
}

/// What has become of the messages of one process, and whether it waits for any.
#[derive(Clone, Copy, Debug, Default)]
struct Account {
    accepted: u64,
    taken: u64,
    /// Of a bounded mailbox, in favour of later ones.
    displaced: u64,
    /// With the process.
    discarded: u64,
    /// It waits at its inbox.
    waits: bool,
    /// It has got something since, and has not run.
    is_due: bool,
    is_gone: bool,
}

/// A supervisor's restarts of the recent past.
#[derive(Debug, Default)]
struct Restarts {
    /// Of one decision, a group is restarted.
    last_decision: Option<u64>,
    window: VecDeque<Time>,
}

/// The books of one simulation.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// One for each process that there has been; its number is the place.
    accounts: Vec<Account>,
    sent: u64,
    accepted: u64,
    returned: u64,
    /// How many promises there have been.
    promises: u64,
    /// Who has let go of a promise unkept, and has not told whoever waits.
    debts: BTreeMap<u64, Option<Pid>>,
    places: Places,
    restarts: BTreeMap<Pid, Restarts>,
    broken: Option<Law>,
}

/// What is booked about a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It lies in the inbox.
    Accepted,
    /// The sender has it again, or a bounded mailbox has dropped it.
    Returned,
    /// The process has taken it.
    Taken,
    /// It was dropped in favour of a later one.
    Displaced,
    /// It was dropped with its process.
    Discarded,
}

impl Ledger {
    /// The first law that was broken.
    pub(crate) const fn broken(&self) -> Option<Law> {
        self.broken
    }

    pub(super) fn breach(&mut self, law: Law) {
        self.broken.get_or_insert(law);
    }

    fn account(&mut self, pid: Pid) -> &mut Account {
        let place = pid.id as usize;
        if place >= self.accounts.len() {
            self.accounts.resize(place + 1, Account::default());
        }
        &mut self.accounts[place]
    }

    pub(super) const fn sent(&mut self) {
        self.sent += 1;
    }

    pub(super) fn book(&mut self, pid: Pid, fate: Fate, count: u64) {
        match fate {
            Fate::Accepted => self.accepted += count,
            Fate::Returned => self.returned += count,
            _ => {}
        }
        let account = self.account(pid);
        match fate {
            Fate::Accepted => {
                account.accepted += count;
                account.is_due |= account.waits;
            }
            Fate::Taken => account.taken += count,
            Fate::Displaced => account.displaced += count,
            Fate::Discarded => account.discarded += count,
            Fate::Returned => {}
        }
    }

    /// The process waits at its inbox.
    pub(super) fn waits(&mut self, pid: Pid) {
        self.account(pid).waits = true;
    }

    /// It has got a signal, or a message of a timer, and has to look at it wherever it waits.
    pub(super) fn posted(&mut self, pid: Pid) {
        let account = self.account(pid);
        account.is_due = !account.is_gone;
    }

    pub(super) fn runs(&mut self, pid: Pid) {
        let account = self.account(pid);
        (account.waits, account.is_due) = (false, false);
    }

    /// The process is dead for everybody.
    pub(super) fn gone(&mut self, pid: Pid) {
        let account = self.account(pid);
        (account.waits, account.is_due, account.is_gone) = (false, false, true);
    }

    /// A supervisor has launched a child, which it calls so.
    pub(super) fn launched(
        &mut self,
        supervisor: Pid,
        child: String,
        pid: Pid,
        held: &BTreeSet<Pid>,
    ) {
        let mut left = self.places.take(supervisor, child, pid);
        left.retain(|former| !self.is_gone(*former));
        // What is held for long is left behind, as any process that cannot be killed; and what is below it.
        if !left.is_empty() && left.iter().all(|pid| !held.contains(pid)) {
            self.breach(Law::OneIncarnation);
        }
    }

    fn is_gone(&self, pid: Pid) -> bool {
        self.accounts.get(pid.id as usize).is_some_and(|account| account.is_gone)
    }

    /// A supervisor restarts, as was decided at this time.
    pub(super) fn restarts(
        &mut self,
        pid: Pid,
        decision: u64,
        decided: Time,
        intensity: &Intensity,
    ) {
        let Some(restarts_max) = intensity.restarts_max else { return };
        let restarts = self.restarts.entry(pid).or_default();
        if restarts.last_decision.replace(decision) == Some(decision) {
            return;
        }
        let window = &mut restarts.window;
        window.push_back(decided);
        window.retain(|earlier| decided.since(*earlier) <= intensity.period);
        if window.len() > restarts_max as usize {
            self.breach(Law::Budget);
        }
    }

    /// There is one promise more; its number.
    pub(super) const fn owes(&mut self) -> u64 {
        self.promises += 1;
        self.promises
    }

    /// Somebody has let go of a promise unkept.
    pub(super) fn left(&mut self, promise: u64, debtor: Option<Pid>) {
        self.debts.insert(promise, debtor);
    }

    /// Whoever waits has got something.
    pub(super) fn paid(&mut self, promise: u64) {
        self.debts.remove(&promise);
    }

    /// Who has let go of a promise unkept, and has not told whoever waits.
    pub(super) fn debtors(&self) -> Vec<Option<Pid>> {
        self.debts.values().copied().collect()
    }

    /// Nobody has anything to do.
    pub(super) fn settled(&mut self, held: &BTreeSet<Pid>) {
        let is_held = |place: usize| held.iter().any(|pid| pid.id as usize == place);
        let mut due = self.accounts.iter().enumerate().filter(|(_, account)| account.is_due);
        if due.any(|(place, _)| !is_held(place)) {
            self.breach(Law::WakeUp);
        }
    }

    /// The simulation has ended, and all processes with it; so many messages were on their way.
    pub(super) fn close(&mut self, on_the_way: u64) {
        if self.sent != self.accepted + self.returned + on_the_way {
            self.breach(Law::Sent);
        }
        let comes_out = |account: &Account| {
            account.accepted == account.taken + account.displaced + account.discarded
        };
        if !self.accounts.iter().all(comes_out) {
            self.breach(Law::Accepted);
        }
        if !self.debts.is_empty() {
            self.breach(Law::Calls);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const CHILD: Pid = Pid { node: 0, id: 3, serial: 0, creation: 1 };
    const SUPERVISOR: Pid = Pid { node: 0, id: 1, serial: 0, creation: 1 };

    fn books(keep: impl FnOnce(&mut Ledger)) -> Option<Law> {
        let mut ledger = Ledger::default();
        keep(&mut ledger);
        ledger.close(0);
        ledger.broken()
    }

    #[test]
    fn messages_come_out_even_or_a_law_is_broken() {
        let fates = [Fate::Taken, Fate::Displaced, Fate::Discarded];
        for fate in fates {
            let broken = books(|ledger| {
                ledger.sent();
                ledger.book(CHILD, Fate::Accepted, 1);
                ledger.book(CHILD, fate, 1);
            });
            assert_eq!(broken, None, "{fate:?}");
        }
        let lost_in_the_inbox = |ledger: &mut Ledger| {
            ledger.sent();
            ledger.book(CHILD, Fate::Accepted, 1);
        };
        assert_eq!(books(lost_in_the_inbox), Some(Law::Accepted));
        assert_eq!(books(Ledger::sent), Some(Law::Sent));
        assert_eq!(books(|ledger| ledger.book(CHILD, Fate::Taken, 1)), Some(Law::Accepted));
    }

    #[test]
    fn a_second_incarnation_has_to_wait_for_the_end_of_the_first() {
        let child = || "child".to_owned();
        let next = Pid { id: 4, ..CHILD };
        for (is_gone, is_held, expected) in
            [(true, false, None), (false, true, None), (false, false, Some(Law::OneIncarnation))]
        {
            let broken = books(|ledger| {
                ledger.launched(SUPERVISOR, child(), CHILD, &BTreeSet::new());
                if is_gone {
                    ledger.gone(CHILD);
                }
                let held = is_held.then_some(CHILD).into_iter().collect();
                ledger.launched(SUPERVISOR, child(), next, &held);
            });
            assert_eq!(broken, expected);
        }
    }

    /// A child of a child is where it was, whatever the pid of the supervisor in between.
    #[test]
    fn the_children_of_a_second_incarnation_are_children_of_the_first() {
        let pid = |id| Pid { id, ..CHILD };
        let none = BTreeSet::new();
        for (gone, expected) in [
            (vec![3, 4], None),
            (vec![4], Some(Law::OneIncarnation)),
            (vec![3], Some(Law::OneIncarnation)),
        ] {
            let broken = books(|ledger| {
                ledger.launched(SUPERVISOR, "inner".to_owned(), pid(3), &none);
                ledger.launched(pid(3), "worker".to_owned(), pid(4), &none);
                gone.iter().for_each(|id| ledger.gone(pid(*id)));
                ledger.launched(SUPERVISOR, "inner".to_owned(), pid(5), &none);
                ledger.launched(pid(5), "worker".to_owned(), pid(6), &none);
            });
            assert_eq!(broken, expected, "{gone:?}");
        }
    }

    #[test]
    fn a_group_is_one_restart_and_one_too_many_is_a_breach() {
        let intensity = Intensity::new(2, Duration::from_secs(5));
        let history = |restarts: &[(u64, u64)]| {
            books(|ledger| {
                for (decision, second) in restarts {
                    let decided = Time(Duration::from_secs(*second));
                    ledger.restarts(SUPERVISOR, *decision, decided, &intensity);
                }
            })
        };
        assert_eq!(history(&[(1, 0), (1, 0), (1, 0), (2, 1)]), None);
        assert_eq!(history(&[(1, 0), (2, 0), (3, 6)]), None);
        assert_eq!(history(&[(1, 0), (2, 1), (3, 5)]), Some(Law::Budget));
    }

    #[test]
    fn a_promise_that_is_let_go_must_be_made_good() {
        let left = |is_paid| {
            books(|ledger| {
                let promise = ledger.owes();
                ledger.left(promise, Some(CHILD));
                if is_paid {
                    ledger.paid(promise);
                }
            })
        };
        assert_eq!((left(true), left(false)), (None, Some(Law::Calls)));
    }

    #[test]
    fn whoever_gets_a_signal_must_have_run_or_be_gone() {
        let signalled = |settle: fn(&mut Ledger)| {
            books(|ledger| {
                ledger.posted(CHILD);
                settle(ledger);
                ledger.settled(&BTreeSet::new());
            })
        };
        assert_eq!(signalled(|_| {}), Some(Law::WakeUp));
        assert_eq!(signalled(|ledger| ledger.runs(CHILD)), None);
        assert_eq!(signalled(|ledger| ledger.gone(CHILD)), None);
    }

    #[test]
    fn whoever_waits_and_gets_something_must_have_run() {
        let parked = |ledger: &mut Ledger| {
            ledger.waits(CHILD);
            ledger.sent();
            ledger.book(CHILD, Fate::Accepted, 1);
            ledger.book(CHILD, Fate::Discarded, 1);
        };
        let settled = |held: &[Pid], ran: bool| {
            books(|ledger| {
                parked(ledger);
                if ran {
                    ledger.runs(CHILD);
                }
                ledger.settled(&held.iter().copied().collect());
            })
        };
        assert_eq!(settled(&[], true), None);
        assert_eq!(settled(&[CHILD], false), None);
        assert_eq!(settled(&[], false), Some(Law::WakeUp));
    }
}
