//! Help for those who wait behind a fiber that blocks its thread.
//!
//! A fiber that is woken by another one waits in the line of the same hand, and a hand that has been called for help
//! may itself wait for the thread of the one that called. Both are for a moment, unless that fiber blocks. So
//! for multi-thread runtimes somebody looks every [`TICK`] whether a line has stood still, and has it served.
//!
//! That is a thread of its own, one for the program: tokio's timers stand still as well, if the worker that waits for
//! them is given something that blocks, and the others, which sleep, are not told. Any new task tells them.
//! While all hands sleep, so does the thread.

use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use super::Executor;
use crate::sync::thread::{self, Thread};
use crate::sync::{Mutex, statics};

/// For how long a line may stand still.
const TICK: Duration = Duration::from_millis(20);

statics! {
    /// The runtimes that are looked after.
    static CHARGES: Mutex<Vec<Charge>> = Mutex::new(Vec::new());
}

struct Charge {
    executor: Weak<Executor>,
    /// How many fibers each hand had run at the last look; nothing while all hands sleep.
    beats: Vec<u32>,
    /// The help that is on its way to each hand, if there is some.
    sent: Vec<Weak<()>>,
}

/// Has a runtime looked after, as long as there is one.
pub(super) fn look_after(executor: &Arc<Executor>) {
    let executor = Arc::downgrade(executor);
    CHARGES.lock().push(Charge { executor, beats: Vec::new(), sent: Vec::new() });
    wake();
}

/// Tells that a hand gets up while the thread might sleep.
#[cold]
pub(super) fn wake() {
    static THREAD: OnceLock<Option<Thread>> = OnceLock::new();
    let start = || {
        let named = thread::Builder::new().name("fauxtp-relief".to_owned());
        // Without a thread to spare there is no relief.
        named.spawn(run).ok().map(|started| started.thread().clone())
    };
    if let Some(thread) = THREAD.get_or_init(start) {
        thread.unpark();
    }
}

fn run() {
    loop {
        let mut charges = std::mem::take(&mut *CHARGES.lock());
        let mut busy = false;
        charges.retain_mut(|charge| {
            let Some(executor) = charge.executor.upgrade().filter(|it| !it.has_ended()) else {
                return false;
            };
            busy |= charge.look(&executor);
            true
        });
        let mut all = CHARGES.lock();
        // Those that have come meanwhile have not been looked at.
        busy |= !all.is_empty();
        all.append(&mut charges);
        drop(all);
        if busy {
            thread::park_timeout(TICK);
        } else {
            thread::park();
        }
    }
}

impl Charge {
    /// Serves the lines that have stood still since the last look; false if all hands sleep.
    fn look(&mut self, executor: &Arc<Executor>) -> bool {
        let crew = executor.crew();
        let now: Vec<u32> = crew.beats().collect();
        let before = std::mem::replace(&mut self.beats, now);
        self.sent.resize(self.beats.len(), Weak::new());
        for (hand, _) in before.iter().zip(&self.beats).enumerate().filter(|(_, (a, b))| a == b) {
            let is_on_its_way = self.sent[hand].strong_count() > 0;
            if is_on_its_way || crew.sleeps(hand) && !executor.waits(hand) {
                continue;
            }
            let help = executor.clone();
            let token = Arc::new(());
            self.sent[hand] = Arc::downgrade(&token);
            executor.spawn(async move {
                drop(token);
                help.relieve(hand);
            });
        }
        let dozes = crew.doze();
        if dozes {
            self.beats.clear();
        }
        !dozes
    }
}
