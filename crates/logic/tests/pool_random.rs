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
use fauxtp_logic::supervisor::{ChildSpec, Restart, Shutdown};
use fauxtp_logic::{ExitReason, Pid, Time};

const CHILDREN_MAX: usize = 3;
const RESTARTS_MAX: u32 = 2;
const PERIOD: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Move {
    /// Ask for a child with this policy.
    Start(Restart, Shutdown),
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
    starts: Vec<ChildKey>,
    alive: BTreeMap<Pid, ChildKey>,
    dead: Vec<Pid>,
    asked: BTreeSet<Pid>,
    retries: Vec<ChildKey>,
    deadlines: Vec<ChildKey>,
    /// Every child ever, to tell a restart from a first start.
    known: BTreeSet<ChildKey>,
    restarts: Vec<Time>,
    /// Who waits for an answer, and, to a termination, for the end of which processes.
    pending: BTreeMap<u32, Option<Pid>>,
    tokens: u32,
    pids: u32,
    ending: bool,
    ended: bool,
}

impl World {
    fn new(flavour: Flavour) -> Self {
        let intensity = Intensity::new(RESTARTS_MAX, PERIOD);
        let flags = PoolFlags {
            intensity,
            children_max: Some(CHILDREN_MAX),
            flavour,
            ..PoolFlags::default()
        };
        Self {
            pool: Pool::new(flags).expect("the flags are fine"),
            now: Time::ORIGIN,
            starts: Vec::new(),
            alive: BTreeMap::new(),
            dead: Vec::new(),
            asked: BTreeSet::new(),
            retries: Vec::new(),
            deadlines: Vec::new(),
            known: BTreeSet::new(),
            restarts: Vec::new(),
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
        let was_ended = self.ended;
        let silent = matches!(step, Move::Echo(_) | Move::Wait(_));
        let actions = self.pool.on_event(self.now, event);
        assert!(!silent || actions.is_empty(), "{actions:?}");
        for action in actions {
            let answer = matches!(action, PoolAction::Answer(_, PoolAnswer::Ending(_)));
            assert!(!self.ended || was_ended && answer, "after Exit: {action:?}");
            self.carry_out(action);
        }
        assert!(self.alive.len() + self.starts.len() <= CHILDREN_MAX, "too many children");
        true
    }

    fn event(&mut self, step: Move) -> Option<PoolEvent<(), u32>> {
        Some(match step {
            Move::Start(restart, shutdown) => {
                let spec = ChildSpec { restart, shutdown, ..ChildSpec::worker("child", ()) };
                self.request(PoolRequest::StartChild(spec), None)
            }
            Move::Started(n) => {
                let key = take(&mut self.starts, n)?;
                self.pids += 1;
                let pid = Pid { node: 0, id: self.pids, serial: 0, creation: 0 };
                assert!(self.alive.values().all(|other| *other != key), "alive twice");
                self.alive.insert(pid, key);
                PoolEvent::Started(key, pid)
            }
            Move::StartFailed(n) => {
                PoolEvent::StartFailed(take(&mut self.starts, n)?, ExitReason::error("no"))
            }
            Move::StartIgnored(n) => PoolEvent::StartIgnored(take(&mut self.starts, n)?),
            Move::Fail(n) => self.exit(n, ExitReason::error("boom"))?,
            Move::Leave(n) => self.exit(n, ExitReason::shutdown())?,
            Move::Die(n) => self.exit(n, ExitReason::killed())?,
            Move::Echo(n) => PoolEvent::Exited(*self.dead.get(n)?, ExitReason::error("boom")),
            Move::Retry(n) => PoolEvent::Retry(take(&mut self.retries, n)?),
            Move::Deadline(n) => PoolEvent::DeadlinePassed(take(&mut self.deadlines, n)?),
            Move::Terminate(n) => {
                let all = self.dead.iter().chain(self.alive.keys());
                let pid = *all.rev().nth(n)?;
                let alive = self.alive.contains_key(&pid);
                self.request(PoolRequest::TerminateChild { pid, alive }, Some(pid))
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

    fn request(&mut self, request: PoolRequest<()>, pid: Option<Pid>) -> PoolEvent<(), u32> {
        self.tokens += 1;
        self.pending.insert(self.tokens, pid);
        PoolEvent::Request(self.tokens, request)
    }

    fn exit(&mut self, n: usize, reason: ExitReason) -> Option<PoolEvent<(), u32>> {
        let pid = *self.alive.keys().nth(n)?;
        self.alive.remove(&pid);
        self.dead.push(pid);
        Some(PoolEvent::Exited(pid, reason))
    }

    fn carry_out(&mut self, action: PoolAction<u32>) {
        match action {
            PoolAction::Start(key) => self.start(key),
            PoolAction::Ask(pid) => {
                assert!(self.alive.contains_key(&pid), "asked though dead");
                assert!(self.asked.insert(pid), "asked twice");
            }
            PoolAction::Kill(pid) => assert!(self.alive.contains_key(&pid), "killed though dead"),
            PoolAction::ArmDeadline(key, _) => self.deadlines.push(key),
            PoolAction::Retry(key, _) => {
                assert!(!self.ending, "a retry though the pool ends");
                self.retries.push(key);
            }
            PoolAction::Answer(token, answer) => self.answered(token, &answer),
            PoolAction::Report(_) => {}
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
        assert!(!self.starts.contains(&key), "two starts at once");
        assert!(self.alive.values().all(|other| *other != key), "started though alive");
        assert!(self.pool.start_of(key).is_some(), "nothing to start it with");
        self.starts.push(key);
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
                assert!(!self.alive.contains_key(&pid), "told to be gone though alive");
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
        while self.make(Move::Started(0)) || self.make(Move::Die(0)) || self.make(Move::Deadline(0))
        {
        }
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

const ALPHABET: [Move; 13] = [
    PERMANENT,
    Move::Start(Restart::Temporary, Shutdown::BrutalKill),
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
const OPENINGS: [&[Move]; 4] = [
    &[],
    &[PERMANENT, Move::Started(0), PERMANENT, Move::Started(0), PERMANENT],
    &[PERMANENT, Move::Started(0), Move::Fail(0), Move::StartFailed(0)],
    &[PERMANENT, Move::Started(0), Move::Terminate(0), PERMANENT, Move::Started(0), Move::Fail(1)],
];

#[test]
fn every_history_of_five_moves_keeps_the_promises() {
    for flavour in [Flavour::Dynamic, Flavour::SimpleOneForOne] {
        for opening in OPENINGS {
            let mut world = World::new(flavour);
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
        let flavour =
            if random.below(2) == 0 { Flavour::Dynamic } else { Flavour::SimpleOneForOne };
        let mut world = World::new(flavour);
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
