//! Long random histories of a supervisor keep the invariants of `supervisor_world`.
//!
//! Goal: what five moves cannot reach — long rows of retries, windows that slide, lists that grow and shrink,
//! significant children, backoff, repeated stale news. Method: 20 000 seeded histories of 60 moves each.

mod supervisor_world;

use std::time::Duration;

use fauxtp_logic::backoff::Backoff;
use fauxtp_logic::budget::Intensity;
use fauxtp_logic::supervisor::{
    AutoShutdown, ChildKind, ChildSpec, Flags, Restart, RestartStrategy, Shutdown,
};
use supervisor_world::{End, Move, Outcome, World};

const HISTORIES: u64 = 20_000;
const MOVES: u32 = 60;
const THREADS: u64 = 4;
const IDS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
const RESTARTS: [Restart; 4] =
    [Restart::OnError, Restart::Permanent, Restart::Transient, Restart::Temporary];

#[test]
fn long_random_histories_keep_the_invariants() {
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                (1..=HISTORIES / THREADS).for_each(|n| history(n * THREADS + thread))
            });
        }
    });
}

fn history(seed: u64) {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let flags = flags(&mut dice);
    let children = dice.below(IDS.len() as u64) as usize;
    let specs = IDS.iter().take(children).map(|id| spec(id, &flags, &mut dice)).collect();
    let mut world = World::new(flags, specs).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    for _ in 0..dice.below(3) {
        world.step(&Move::Next(dice.pick(&[Outcome::Ok, Outcome::Ignore, Outcome::Fail])));
    }
    world.step(&Move::Begin);
    for _ in 0..MOVES {
        world.step(&some_move(&mut dice));
    }
    // Left alone, everything comes to rest: bad luck is finite, so every retry succeeds or the budget is spent.
    for _ in 0..200 {
        world.step(&Move::Retry);
    }
    assert!(world.is_quiet(), "seed {seed}: still busy");
    world.step(&Move::Shutdown(End::Normal));
    assert!(world.exit.is_some(), "seed {seed}: no end");
    world.step(&Move::Which);
}

fn flags(dice: &mut Dice) -> Flags {
    let strategies =
        [RestartStrategy::OneForOne, RestartStrategy::OneForAll, RestartStrategy::RestForOne];
    let limits = [0, 1, 2, 3, 5, 20].map(|most| Intensity::new(most, Duration::from_millis(100)));
    Flags {
        strategy: dice.pick(&strategies),
        intensity: if dice.below(4) == 0 { Intensity::UNLIMITED } else { dice.pick(&limits) },
        auto_shutdown: dice.pick(&[
            AutoShutdown::Never,
            AutoShutdown::Never,
            AutoShutdown::AnySignificant,
            AutoShutdown::AllSignificant,
        ]),
    }
}

fn spec(id: &'static str, flags: &Flags, dice: &mut Dice) -> ChildSpec<()> {
    let restart = dice.pick(&RESTARTS);
    let may_be_significant =
        flags.auto_shutdown != AutoShutdown::Never && restart != Restart::Permanent;
    let backoff = Backoff::new(Duration::from_millis(1), Duration::from_millis(50));
    ChildSpec {
        restart,
        shutdown: dice.pick(&[Shutdown::default(), Shutdown::BrutalKill, Shutdown::Infinity]),
        kind: dice.pick(&[ChildKind::Worker, ChildKind::Supervisor]),
        significant: may_be_significant && dice.below(3) == 0,
        backoff: (dice.below(4) == 0).then_some(backoff),
        ..ChildSpec::worker(id, ())
    }
}

fn some_move(dice: &mut Dice) -> Move {
    let id = dice.pick(&IDS);
    match dice.below(40) {
        0..=11 => Move::Die(id, dice.pick(&End::ALL)),
        12..=14 => Move::Next(dice.pick(&[Outcome::Fail, Outcome::Fail, Outcome::Ignore])),
        15..=19 => Move::Retry,
        20..=24 => Move::Wait(dice.below(60)),
        25..=27 => Move::StartChild(id, dice.pick(&RESTARTS)),
        28..=30 => Move::Terminate(id),
        31..=32 => Move::Restart(id),
        33..=34 => Move::Delete(id),
        35 => Move::Which,
        36 => Move::Count,
        37 => Move::Stale,
        38 => Move::StopsAs(dice.pick(&End::ALL)),
        _ if dice.below(10) == 0 => Move::Shutdown(dice.pick(&End::ALL)),
        _ => Move::Begin,
    }
}

/// A xorshift generator; its state is never zero.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }

    fn pick<V: Copy>(&mut self, from: &[V]) -> V {
        from[self.below(from.len() as u64) as usize]
    }
}
