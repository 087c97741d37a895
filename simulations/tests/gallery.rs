//! The gallery: every fault is found, soon and as what it is, and is not there any more in the mended program.

use std::env;

use fauxtp::testing::{Crash, Problem, Sim, Simulation};
use fauxtp_simulations::explore::{Run, run};
use fauxtp_simulations::gallery::{self, mended};

/// How a program is explored until its fault shows, and then to make sure that the fault is gone.
#[derive(Clone, Copy)]
enum By {
    /// By so many orders of execution.
    Order(u64),
    /// With a crash at every await, under so many orders.
    Crash(u64),
}

/// What a fault looks like to whoever does not know it.
#[derive(Clone, Copy)]
enum Looks {
    /// The test says this.
    Says(&'static str),
    /// This invariant breaks.
    Breaks(&'static str),
    /// The test waits for ever.
    Waits,
}

impl Looks {
    fn like(self, problem: &Problem) -> bool {
        match (self, problem) {
            (Self::Says(text), Problem::Panicked { message, .. }) => message.contains(text),
            (Self::Breaks(name), Problem::Broken(broken)) => broken == name,
            (Self::Waits, Problem::Stalled { .. }) => true,
            _ => false,
        }
    }
}

type Program = fn(Sim) -> Run;

fn simulation(name: &str, by: By) -> Simulation {
    match by {
        By::Order(seeds) => Simulation::new(name).seeds(seeds),
        By::Crash(seeds) => Simulation::new(name).seeds(seeds).crash(Crash::EveryAwait),
    }
}

fn check(name: &str, by: By, looks: Looks, program: Program, mended: Program) {
    let failure = simulation(name, by).check(program).expect_err("there is a fault in it");
    assert!(looks.like(&failure.problem), "something else is wrong as well: {failure}");
    if let Err(failure) = simulation(name, by).check(mended) {
        unreachable!("it is not mended: {failure}");
    }
    if env::var("FAUXTP_GALLERY").is_ok_and(|shown| shown == name) {
        show(&failure.to_string());
    }
}

#[allow(clippy::print_stderr, reason = "whoever asks to see it wants to see it")]
fn show(failure: &str) {
    eprintln!("{failure}");
}

macro_rules! gallery {
    ($($name:ident: $by:expr, $looks:expr;)*) => {$(
        #[test]
        fn $name() {
            let program: Program = |sim| run(gallery::$name::$name(sim));
            let mended: Program = |sim| run(mended::$name::$name(sim));
            check(stringify!($name), $by, $looks, program, mended);
        }
    )*};
}

gallery! {
    two_clerks: By::Order(20), Looks::Says("visitors on the board");
    empty_throne: By::Order(20), Looks::Says("an heir falls");
    two_messengers: By::Order(50), Looks::Says("before a closed door");
    second_alarm: By::Order(20), Looks::Says("alarms");
    door_ajar: By::Order(1), Looks::Says("closed when all have left");
    patient_customer: By::Crash(3), Looks::Says("books are paid for");
    night_porter: By::Crash(3), Looks::Says("guests in the book");
    slow_kitchen: By::Crash(3), Looks::Waits;
    old_friend: By::Crash(3), Looks::Says("next week's report");
    burning_lamp: By::Crash(3), Looks::Says("left at the end");
    fresh_bread: By::Crash(3), Looks::Breaks("no more than ten loaves");
    two_pockets: By::Crash(3), Looks::Breaks("ten coins, or nine and one between");
}
