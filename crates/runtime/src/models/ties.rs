//! Races of ends with those who are linked with the process, or watch it.

use super::checker::{CROWD, Depth, check, explore, settle};
use super::world::World;
use crate::address::Address;
use crate::process::{self, Context, PidExt, Received, Trap};

/// What the ones that hear of an end are sent when everything else is over.
#[derive(Clone, Copy, Debug)]
struct Done;

/// Runs a process that ends when it is first polled, and others that do something with it at that moment. When all of
/// that is over, the others are told so; they check what they have heard.
fn race<F>(others: usize, other: impl Fn(Context<Done>, fauxtp_logic::Pid) -> F + Send + Sync)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut world = World::new(2);
    let ends = process::spawn(async |_: Context<()>| {}).expect("in a runtime");
    let pid = ends.pid();
    let start = |_| process::spawn(|ctx: Context<Done>| other(ctx, pid)).expect("in a runtime");
    let others: Vec<Address<Done>> = (0..others).map(start).collect();
    explore();
    let running = world.start();
    let mut hand = world.hand();
    assert!(hand.work_until(ends.join()).is_normal());
    assert!(!pid.is_alive());
    others.iter().for_each(|other| other.send(Done));
    for other in others {
        assert!(hand.work_until(other.join()).is_normal());
    }
    settle();
    world.put(hand);
    world.stop(running);
    world.end();
}

/// A process ends while others link with it: each that traps exits gets exactly one.
#[test]
fn link_and_exit() {
    check("link_and_exit", Depth::ThreePreemptions, || {
        race(CROWD - 1, async |mut ctx, peer| {
            ctx.trap_exits(Trap::On);
            ctx.link(peer).expect("it traps exits");
            let (mut exits, mut done) = (0, false);
            while exits == 0 || !done {
                match ctx.recv().await {
                    Received::Exit(exit) => {
                        assert_eq!(exit.from, peer);
                        assert!(exit.reason.is_normal() || exit.reason.is_no_proc());
                        exits += 1;
                    }
                    Received::Message(Done) => done = true,
                    other @ Received::Down(_) => panic!("{other:?}"),
                }
            }
            assert_eq!(exits, 1);
        });
    });
}

/// A process ends while others link with it and part again: nothing that was parted hears of the end.
#[test]
fn unlink_and_exit() {
    check("unlink_and_exit", Depth::ThreePreemptions, || {
        race(CROWD - 1, async |mut ctx, peer| {
            ctx.trap_exits(Trap::On);
            ctx.link(peer).expect("it traps exits");
            ctx.yield_now().await;
            let _had_arrived = ctx.unlink_flush(peer);
            let Received::Message(Done) = ctx.recv().await else { panic!("an exit after unlink") };
        });
    });
}

/// A process ends while others begin to watch it: each gets exactly one down.
#[test]
fn monitor_and_exit() {
    check("monitor_and_exit", Depth::ThreePreemptions, || {
        race(CROWD - 1, async |mut ctx, peer| {
            let monitor = ctx.monitor(peer);
            let (mut downs, mut done) = (0, false);
            while downs == 0 || !done {
                match ctx.recv().await {
                    Received::Down(down) => {
                        assert_eq!((down.monitor, down.pid), (monitor, Some(peer)));
                        assert!(down.reason.is_normal() || down.reason.is_no_proc());
                        downs += 1;
                    }
                    Received::Message(Done) => done = true,
                    other @ Received::Exit(_) => panic!("{other:?}"),
                }
            }
            assert_eq!(downs, 1);
        });
    });
}

/// A process ends while others watch it and give that up again: they hear nothing any more.
#[test]
fn demonitor_and_exit() {
    check("demonitor_and_exit", Depth::ThreePreemptions, || {
        race(CROWD - 1, async |mut ctx, peer| {
            let monitor = ctx.monitor(peer);
            ctx.yield_now().await;
            let _had_arrived = ctx.demonitor_flush(monitor);
            let Received::Message(Done) = ctx.recv().await else {
                panic!("a down after demonitor")
            };
        });
    });
}
