//! Whatever happens in whatever order, a dynamic supervisor keeps its promises.
//!
//! Method: a world of processes carries out what the pool says and checks it; every history of five moves
//! is tried, then long histories drawn from seeds. A failure shows its moves, or its seed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fauxtp_logic::budget::Intensity;
use fauxtp_logic::pool::{
    ChildKey, Flavour, Pool, PoolAction, PoolAnswer, PoolEvent, PoolFlags, PoolRequest,
};
use fauxtp_logic::supervisor::{AutoShutdown, ChildSpec, ReportContext, Restart, Shutdown};
use fauxtp_logic::{ExitReason, Pid, Time};

const CHILDREN_MAX: usize = 3;
const RESTARTS_MAX: u32 = 2;
const PERIOD: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Move {
    /// Ask for a child with this policy.
    Start(Restart, Shutdown),
    /// The n-th start that has no process yet comes to one.
    Launched(usize),
    /// The n-th start in progress comes to this end.
    Started(usize),
    StartFailed(usize),
    StartIgnored(usize),
    /// The n-th live process ends by an error, as it was asked to, or by being killed.
    Fail(usize),
    Leave(usize),
    Die(usize),
    /// The exit of the n-th dead process is told once more.
    Echo(usize),
    /// The n-th retry, or deadline, is due.
    Retry(usize),
    Deadline(usize),
    /// Somebody wants the n-th process gone that ever was.
    Terminate(usize),
    Count,
    /// Time passes.
    Wait(u64),
    Shutdown,
}

/// A shell without processes: what would be alive, in progress or on its way.
#[derive(Clone)]
struct World {
    pool: Pool<(), u32>,
    now: Time,
    launch: Launch,
    /// The starts in progress, and their processes.
    starts: Vec<(ChildKey, Option<Pid>)>,
    alive: BTreeMap<Pid, ChildKey>,
    dead: Vec<Pid>,
    /// Those of the dead whose end has not been told.
    unheard: BTreeSet<Pid>,
    /// Every process ever, and the child it was one of.
    owners: BTreeMap<Pid, ChildKey>,
    asked: BTreeSet<Pid>,
    killed: BTreeSet<Pid>,
    retries: Vec<ChildKey>,
    /// Who waits for a restart.
    waiting: BTreeSet<ChildKey>,
    deadlines: Vec<ChildKey>,
    /// Every child ever, to tell a restart from a first start.
    known: BTreeSet<ChildKey>,
    restarts: Vec<Time>,
    significant: BTreeSet<ChildKey>,
    /// Whether a significant child has ended by itself and for good, and nobody has been active since: neither
    /// running untold, nor waiting for a restart.
    triggered: bool,
    /// Who waits for an answer, and, to a termination, for the end of which processes.
    pending: BTreeMap<u32, Option<Pid>>,
    tokens: u32,
    pids: u32,
    ending: bool,
    ended: bool,
}

/// When the pool is told of the process of a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Launch {
    AtOnce,
    Later,
}

const KINDS: [(Flavour, AutoShutdown); 3] = [
    (Flavour::Dynamic, AutoShutdown::Never),
    (Flavour::SimpleOneForOne, AutoShutdown::Never),
    (Flavour::SimpleOneForOne, AutoShutdown::AllSignificant),
];

impl World {
    fn new((flavour, auto_shutdown): (Flavour, AutoShutdown), launch: Launch) -> Self {
        let intensity = Intensity::new(RESTARTS_MAX, PERIOD);
        let flags =
            PoolFlags { intensity, children_max: Some(CHILDREN_MAX), flavour, auto_shutdown };
        Self {
            pool: Pool::new(flags).expect("the flags are fine"),
            now: Time::ORIGIN,
            launch,
            starts: Vec::new(),
            alive: BTreeMap::new(),
            dead: Vec::new(),
            unheard: BTreeSet::new(),
            owners: BTreeMap::new(),
            asked: BTreeSet::new(),
            killed: BTreeSet::new(),
            retries: Vec::new(),
            waiting: BTreeSet::new(),
            deadlines: Vec::new(),
            known: BTreeSet::new(),
            restarts: Vec::new(),
            significant: BTreeSet::new(),
            triggered: false,
            pending: BTreeMap::new(),
            tokens: 0,
            pids: 0,
            ending: false,
            ended: false,
        }
    }

    /// Makes a move; false if it cannot be made here.
    fn make(&mut self, step: Move) -> bool {
        let Some(event) = self.event(step) else { return false };
        let silent = matches!(step, Move::Echo(_) | Move::Wait(_));
        let actions = self.tell(event);
        assert!(!silent || actions == 0, "{actions} actions");
        while self.launch == Launch::AtOnce && self.make(Move::Launched(0)) {}
        true
    }

    /// Tells the pool of an event, and does as it says.
    fn tell(&mut self, event: PoolEvent<(), u32>) -> usize {
        let was_ended = self.ended;
        // Whose end is told for the first time, and was not asked for.
        let ends = match &event {
            PoolEvent::Exited(pid, _) if !self.is_told(*pid) && self.unheard.remove(pid) => {
                self.owners.get(pid).copied()
            }
            _ => None,
        };
        let actions = self.pool.on_event(self.now, event);
        let count = actions.len();
        let stays = |action: &PoolAction<u32>| {
            matches!(action, PoolAction::Start(_) | PoolAction::Retry(..))
        };
        let for_good = !actions.iter().any(stays);
        if ends.is_some_and(|key| for_good && self.significant.contains(&key)) {
            self.triggered = true;
        }
        for action in actions {
            let answer = matches!(action, PoolAction::Answer(_, PoolAnswer::Ending(_)));
            assert!(!self.ended || was_ended && answer, "after Exit: {action:?}");
            self.carry_out(action);
        }
        self.check();
        count
    }

    fn is_told(&self, pid: Pid) -> bool {
        self.asked.contains(&pid) || self.killed.contains(&pid)
    }

    fn check(&mut self) {
        assert!(self.alive.len() + self.starts.len() <= CHILDREN_MAX, "too many children");
        let unborn = self.starts.iter().filter_map(|(key, pid)| Some((pid.as_ref()?, key)));
        for (pid, key) in self.alive.iter().chain(unborn) {
            let same = |other: &Pid| self.owners[other] == *key;
            let unwanted = self.pending.values().flatten().any(same);
            assert!(
                !(self.ending || unwanted) || self.is_told(*pid),
                "nobody tells {pid:?} to end"
            );
        }
        let active = self.alive.keys().any(|pid| !self.is_told(*pid));
        if active || !self.waiting.is_empty() {
            self.triggered = false;
        }
        let settled = self.alive.is_empty() && self.starts.is_empty();
        assert!(
            !(self.triggered && settled) || self.ended,
            "open, though all have ended (SUP-123)"
        );
    }

    fn event(&mut self, step: Move) -> Option<PoolEvent<(), u32>> {
        Some(match step {
            Move::Start(restart, shutdown) => {
                let PoolFlags { flavour, auto_shutdown, .. } = *self.pool.flags();
                let significant =
                    auto_shutdown != AutoShutdown::Never && restart != Restart::Permanent;
                let child = ChildSpec::worker("child", ());
                let spec = ChildSpec { restart, shutdown, significant, ..child };
                self.request(PoolRequest::StartChild(flavour, spec), None)
            }
            Move::Launched(n) => {
                let mut unlaunched = self.starts.iter_mut().filter(|(_, pid)| pid.is_none());
                let (key, process) = unlaunched.nth(n)?;
                self.pids += 1;
                let pid = Pid { node: 0, id: self.pids, serial: 0, creation: 0 };
                *process = Some(pid);
                self.owners.insert(pid, *key);
                PoolEvent::Launched(*key, pid)
            }
            Move::Started(n) => {
                self.starts.get(n)?.1?;
                let (key, pid) = self.outcome(n)?;
                assert!(self.alive.values().all(|other| *other != key), "alive twice");
                self.alive.insert(pid?, key);
                PoolEvent::Started(key)
            }
            Move::StartFailed(n) => {
                let (key, pid) = self.outcome(n)?;
                self.dead.extend(pid);
                PoolEvent::StartFailed(key, ExitReason::error("no"))
            }
            Move::StartIgnored(n) => {
                let (key, pid) = self.outcome(n)?;
                self.dead.extend(pid);
                PoolEvent::StartIgnored(key)
            }
            Move::Fail(n) => self.exit(n, ExitReason::error("boom"))?,
            Move::Leave(n) => self.exit(n, ExitReason::shutdown())?,
            Move::Die(n) => self.exit(n, ExitReason::killed())?,
            Move::Echo(n) => PoolEvent::Exited(*self.dead.get(n)?, ExitReason::error("boom")),
            Move::Retry(n) => PoolEvent::Retry(take(&mut self.retries, n)?),
            Move::Deadline(n) => PoolEvent::DeadlinePassed(take(&mut self.deadlines, n)?),
            Move::Terminate(n) => {
                let unborn = self.starts.iter().filter_map(|(_, pid)| pid.as_ref());
                let all = self.dead.iter().chain(unborn).chain(self.alive.keys());
                let pid = *all.rev().nth(n)?;
                let (alive, caller) = (self.lives(pid), None);
                self.request(PoolRequest::TerminateChild { pid, alive, caller }, Some(pid))
            }
            Move::Count => self.request(PoolRequest::CountChildren, None),
            Move::Wait(ms) => {
                self.now = self.now.plus(Duration::from_millis(ms));
                return None;
            }
            Move::Shutdown => {
                self.ending = true;
                PoolEvent::Shutdown(ExitReason::shutdown())
            }
        })
    }

    /// The n-th start in progress is over.
    fn outcome(&mut self, n: usize) -> Option<(ChildKey, Option<Pid>)> {
        take(&mut self.starts, n)
    }

    /// Whether this process runs or starts.
    fn lives(&self, pid: Pid) -> bool {
        self.alive.contains_key(&pid) || self.starts.iter().any(|(_, other)| *other == Some(pid))
    }

    fn request(&mut self, request: PoolRequest<()>, pid: Option<Pid>) -> PoolEvent<(), u32> {
        self.tokens += 1;
        self.pending.insert(self.tokens, pid);
        PoolEvent::Request(self.tokens, request)
    }

    fn exit(&mut self, n: usize, reason: ExitReason) -> Option<PoolEvent<(), u32>> {
        let pid = *self.alive.keys().nth(n)?;
        self.alive.remove(&pid);
        self.dead.push(pid);
        self.unheard.insert(pid);
        Some(PoolEvent::Exited(pid, reason))
    }

    fn carry_out(&mut self, action: PoolAction<u32>) {
        match action {
            PoolAction::Start(key) => self.start(key),
            PoolAction::Ask(pid) => {
                assert!(self.lives(pid), "asked though dead");
                assert!(self.asked.insert(pid), "asked twice");
            }
            PoolAction::Kill(pid) => {
                assert!(self.lives(pid), "killed though dead");
                assert!(self.killed.insert(pid), "killed twice");
            }
            PoolAction::ArmDeadline(key, _) => self.deadlines.push(key),
            PoolAction::Retry(key, _) => {
                assert!(!self.ending, "a retry though the pool ends");
                self.retries.push(key);
                self.waiting.insert(key);
            }
            PoolAction::CancelRetry(key) => assert!(self.waiting.remove(&key), "it does not wait"),
            PoolAction::Answer(token, answer) => self.answered(token, &answer),
            PoolAction::Report(report) => {
                let auto = matches!(report.context, ReportContext::AutoShutdown);
                assert!(!auto || self.triggered, "nobody has ended");
            }
            PoolAction::ShutdownErrors { children, .. } => assert!(children > 0),
            PoolAction::Exit(_) => {
                assert!(self.alive.is_empty() && self.starts.is_empty(), "orphans");
                assert!(self.pending.is_empty(), "no answer to {:?}", self.pending);
                self.ended = true;
                self.ending = true;
            }
        }
    }

    fn start(&mut self, key: ChildKey) {
        assert!(!self.ending, "started though the pool ends");
        assert!(self.starts.iter().all(|(other, _)| *other != key), "two starts at once");
        assert!(self.alive.values().all(|other| *other != key), "started though alive");
        assert!(self.pool.start_of(key).is_some(), "nothing to start it with");
        self.starts.push((key, None));
        self.waiting.remove(&key);
        if let Some(spec) = self.pool.spec_of(key).filter(|spec| spec.significant) {
            assert_ne!(spec.restart, Restart::Permanent);
            self.significant.insert(key);
        }
        if !self.known.insert(key) {
            let recent = self.restarts.iter().filter(|at| self.now.since(**at) <= PERIOD).count();
            assert!(recent < RESTARTS_MAX as usize, "more restarts than paid for");
            self.restarts.push(self.now);
        }
    }

    fn answered(&mut self, token: u32, answer: &PoolAnswer) {
        let waiting = self.pending.remove(&token).expect("one answer to every request");
        match answer {
            PoolAnswer::TerminateChild(Ok(())) => {
                let pid = waiting.expect("an answer to what was asked");
                assert!(!self.lives(pid), "told to be gone though alive");
            }
            PoolAnswer::StartChild(Ok(Some(pid))) => assert!(self.alive.contains_key(pid)),
            PoolAnswer::CountChildren(counts) => {
                assert_eq!(counts.active, self.alive.len(), "{counts:?}");
            }
            _ => {}
        }
    }

    /// Ends the pool and lets everybody go: nobody may be left, nobody may still wait.
    fn finish(mut self) {
        self.make(Move::Shutdown);
        let steps = [Move::Launched(0), Move::Started(0), Move::Die(0), Move::Deadline(0)];
        while steps.into_iter().any(|step| self.make(step)) {}
        while self.make(Move::Retry(0)) {}
        assert!(self.ended && self.pool.is_ended() && self.pending.is_empty());
        assert!(self.make(Move::Count) && self.pending.is_empty());
    }
}

fn take<T>(list: &mut Vec<T>, n: usize) -> Option<T> {
    (n < list.len()).then(|| list.remove(n))
}

/// Tries every history of so many moves more.
fn explore(world: &World, moves: &mut Vec<Move>, left: usize, count: &mut usize) {
    *count += 1;
    if left == 0 {
        let _shown = Shown(moves);
        return world.clone().finish();
    }
    for step in ALPHABET {
        let mut next = world.clone();
        moves.push(step);
        if Shown(moves).when(|| next.make(step)) || matches!(step, Move::Wait(_)) {
            explore(&next, moves, left - 1, count);
        }
        moves.pop();
    }
}

/// Shows the history if a move in it panics.
struct Shown<'a>(&'a [Move]);

impl Shown<'_> {
    fn when<R>(self, work: impl FnOnce() -> R) -> R {
        work()
    }
}

impl Drop for Shown<'_> {
    #[expect(clippy::print_stderr, reason = "this is the report of a failed test")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("after {:?}", self.0);
        }
    }
}

const PERMANENT: Move = Move::Start(Restart::Permanent, Shutdown::Timeout(Duration::from_secs(1)));

const TEMPORARY: Move = Move::Start(Restart::Temporary, Shutdown::BrutalKill);

const ALPHABET: [Move; 13] = [
    PERMANENT,
    TEMPORARY,
    Move::Started(0),
    Move::StartFailed(0),
    Move::StartIgnored(0),
    Move::Fail(0),
    Move::Leave(0),
    Move::Echo(0),
    Move::Retry(0),
    Move::Deadline(0),
    Move::Terminate(0),
    Move::Wait(5_001),
    Move::Shutdown,
];

/// Situations from which every history starts.
const OPENINGS: [&[Move]; 5] = [
    &[],
    &[PERMANENT, Move::Started(0), PERMANENT, Move::Started(0), PERMANENT],
    &[PERMANENT, Move::Started(0), Move::Fail(0), Move::StartFailed(0)],
    &[PERMANENT, Move::Started(0), Move::Terminate(0), PERMANENT, Move::Started(0), Move::Fail(1)],
    &[TEMPORARY, Move::Started(0), TEMPORARY, Move::Started(0), TEMPORARY],
];

#[test]
fn every_history_of_five_moves_keeps_the_promises() {
    // The flavours differ in what they answer; the long histories have them all.
    for kind in [KINDS[0], KINDS[2]] {
        for opening in OPENINGS {
            let mut world = World::new(kind, Launch::AtOnce);
            for step in opening {
                assert!(world.make(*step), "{opening:?}");
            }
            let mut count = 0;
            explore(&world, &mut opening.to_vec(), 5, &mut count);
            assert!(count > 1_000, "only {count} histories after {opening:?}");
        }
    }
}

#[test]
fn long_random_histories_keep_the_promises() {
    for seed in 1..=2_000 {
        let mut random = Random(seed);
        let kind = random.pick(&KINDS);
        let launch = random.pick(&[Launch::AtOnce, Launch::Later]);
        let mut world = World::new(kind, launch);
        let mut moves = Vec::new();
        for _ in 0..200 {
            let step = random.step();
            moves.push(step);
            Shown(&moves).when(|| world.make(step));
        }
        world.finish();
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    fn step(&mut self) -> Move {
        let n = self.below(CHILDREN_MAX as u64) as usize;
        // Of two hundred moves about one in a thousand is the end, or the end would be all that is tested.
        if self.below(1_000) == 0 {
            return Move::Shutdown;
        }
        let restarts =
            [Restart::OnError, Restart::Permanent, Restart::Transient, Restart::Temporary];
        let second = Duration::from_secs(1);
        let shutdowns = [Shutdown::BrutalKill, Shutdown::Timeout(second), Shutdown::Infinity];
        let start = Move::Start(self.pick(&restarts), self.pick(&shutdowns));
        let wait = Move::Wait(self.below(6_000));
        let moves = [
            start,
            start,
            Move::Launched(n),
            Move::Launched(n),
            Move::Started(n),
            Move::Started(n),
            Move::StartFailed(n),
            Move::StartIgnored(n),
            Move::Fail(n),
            Move::Leave(n),
            Move::Die(n),
            Move::Echo(n),
            Move::Retry(n),
            Move::Retry(n),
            Move::Deadline(n),
            Move::Terminate(n),
            Move::Count,
            wait,
            wait,
        ];
        self.pick(&moves)
    }
}
