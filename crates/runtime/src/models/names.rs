//! Races for names and keys whose holders end.

use super::checker::{CROWD, Depth, check, explore, settle};
use super::world::World;
use crate::names::{self, Name, NameError, Raw};
use crate::process::{self, Context, Received};
use crate::registry::{RegisterError, Registry};

const NAME: &str = "name";

/// The holder of a name ends while others watch it: the first that hears of it finds the name free; nobody gets it
/// twice.
#[test]
fn register_and_exit() {
    check("register_and_exit", Depth::ThreePreemptions, || {
        let mut world = World::new(2);
        let name = Name::<Raw<()>>::new(NAME);
        let holder = process::spawn(async |mut ctx: Context<()>| {
            ctx.register(&Name::<Raw<()>>::new(NAME)).expect("it is free");
            drop(ctx.recv().await);
        })
        .expect("in a runtime");
        world.settle();
        let old = holder.pid();
        let heir = move |_| {
            process::spawn(async move |mut ctx: Context<()>| {
                ctx.monitor(old);
                let Received::Down(_) = ctx.recv().await else { panic!() };
                match ctx.register(&Name::<Raw<()>>::new(NAME)) {
                    Ok(()) => {}
                    Err(NameError::Taken(by)) => assert_ne!(by, old, "it is free by now"),
                    Err(other) => panic!("{other}"),
                }
                drop(ctx.recv().await);
            })
            .expect("in a runtime")
        };
        let heirs: Vec<_> = (1..CROWD).map(heir).collect();
        explore();
        let running = world.start();
        holder.send(());
        let mut hand = world.hand();
        assert!(hand.work_until(holder.join()).is_normal());
        assert_ne!(name.whereis().map(|now| now.pid()), Some(old));
        settle();
        world.put(hand);
        world.stop(running);
        world.settle();
        let now = name.whereis().map(|now| now.pid());
        assert!(heirs.iter().any(|heir| Some(heir.pid()) == now), "one of them has it");
        assert_eq!(names::registered().len(), 1);
        world.end();
    });
}

/// The holder of a key ends while others try to get it, at once and when they have heard of the end: one of
/// them does.
#[test]
fn key_and_exit() {
    check("key_and_exit", Depth::ThreePreemptions, || {
        let mut world = World::new(2);
        let mut hand = world.hand();
        let registry = hand.work_until(Registry::<u8>::start()).expect("in a runtime");
        world.put(hand);
        let own = registry.clone();
        let holder = process::spawn(async move |mut ctx: Context<()>| {
            own.register(&mut ctx, 1, ()).expect("it is free");
            drop(ctx.recv().await);
        })
        .expect("in a runtime");
        world.settle();
        let old = holder.pid();
        let heir = |_| {
            let registry = registry.clone();
            process::spawn(async move |mut ctx: Context<()>| {
                let is_first = registry.register(&mut ctx, 1, ()).is_ok();
                ctx.monitor(old);
                let Received::Down(_) = ctx.recv().await else { panic!() };
                match registry.register(&mut ctx, 1, ()) {
                    Ok(()) => assert!(!is_first, "it is held already"),
                    Err(RegisterError::AlreadyRegistered(by)) => {
                        assert_ne!(by, old, "it is free by now");
                        assert_eq!(by == ctx.pid(), is_first, "what one holds is kept");
                    }
                    Err(other) => panic!("{other}"),
                }
                drop(ctx.recv().await);
            })
            .expect("in a runtime")
        };
        let heirs: Vec<_> = (1..CROWD).map(heir).collect();
        explore();
        let running = world.start();
        holder.send(());
        let mut hand = world.hand();
        assert!(hand.work_until(holder.join()).is_normal());
        assert_ne!(registry.get(&1), Some(old));
        settle();
        world.put(hand);
        world.stop(running);
        world.settle();
        let now = registry.get(&1);
        assert!(heirs.iter().any(|heir| Some(heir.pid()) == now), "one of them has it");
        world.end();
    });
}
