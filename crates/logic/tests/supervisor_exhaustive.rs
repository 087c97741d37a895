//! Every short history of a supervisor keeps the invariants of `supervisor_world`.
//!
//! Goal: no order of deaths, failing starts, requests and retries loses a child, starts one twice, stops in the wrong
//! order or leaves a caller without an answer. Method: all histories of five moves, as a tree whose branches share
//! the world of their common beginning, for every strategy and restart type.

mod supervisor_world;

use fauxtp_logic::budget::Intensity;
use fauxtp_logic::supervisor::{ChildSpec, Flags, Restart, RestartStrategy};
use std::time::Duration;
use supervisor_world::{End, Move, Outcome, World};

const DEPTH: u32 = 5;

const ALPHABET: [Move; 12] = [
    Move::Die("a", End::Normal),
    Move::Die("a", End::Error),
    Move::Die("b", End::Error),
    Move::Die("c", End::Killed),
    Move::Next(Outcome::Fail),
    Move::Next(Outcome::Ignore),
    Move::Retry,
    Move::StartChild("b", Restart::OnError),
    Move::Terminate("b"),
    Move::Restart("b"),
    Move::Delete("b"),
    Move::Shutdown(End::Normal),
];

#[test]
fn every_short_history_of_one_for_one_keeps_the_invariants() {
    all_restart_types(RestartStrategy::OneForOne);
}

#[test]
fn every_short_history_of_one_for_all_keeps_the_invariants() {
    all_restart_types(RestartStrategy::OneForAll);
}

#[test]
fn every_short_history_of_rest_for_one_keeps_the_invariants() {
    all_restart_types(RestartStrategy::RestForOne);
}

fn all_restart_types(strategy: RestartStrategy) {
    std::thread::scope(|scope| {
        for restart in
            [Restart::OnError, Restart::Permanent, Restart::Transient, Restart::Temporary]
        {
            scope.spawn(move || {
                let intensity = Intensity::new(2, Duration::from_secs(5));
                let flags = Flags { strategy, intensity, ..Flags::default() };
                let specs =
                    ["a", "b", "c"].map(|id| ChildSpec { restart, ..ChildSpec::worker(id, ()) });
                let mut world = World::new(flags, specs.into()).expect("the specs are right");
                // The start belongs to the history: it may go wrong too.
                explore_starts(&world);
                world.step(&Move::Begin);
                explore(world, DEPTH);
            });
        }
    });
}

/// Plays every history of `depth` more moves. A move that cannot be made here adds nothing to a shorter history.
fn explore(mut world: World, depth: u32) {
    if depth == 0 {
        // However a history goes, a shutdown ends it.
        world.step(&Move::Shutdown(End::Shutdown));
        assert!(world.exit.is_some());
        return;
    }
    // After the exit nothing can happen but late answers, so one more move says it all.
    let depth = if world.exit.is_some() { 1 } else { depth };
    for what in ALPHABET.iter().filter(|what| world.can(what)) {
        let mut next = world.clone();
        next.step(what);
        explore(next, depth - 1);
    }
}

/// Every outcome of every first start, each followed by two moves.
fn explore_starts(world: &World) {
    let outcomes = [Outcome::Ok, Outcome::Fail, Outcome::Ignore];
    for first in outcomes {
        for second in outcomes {
            for third in outcomes {
                let mut next = world.clone();
                for outcome in [first, second, third] {
                    next.step(&Move::Next(outcome));
                }
                next.step(&Move::Begin);
                assert_eq!(next.exit.is_some(), [first, second, third].contains(&Outcome::Fail));
                explore(next, 2);
            }
        }
    }
}
