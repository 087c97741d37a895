//! PROC-008 … PROC-010: what the others see of a death, and of the dead.

use crate::common;

use fauxtp::SendError;
use fauxtp::names::Raw;
use fauxtp::prelude::*;
use fauxtp::process::{self, Received};
use fauxtp::supervisor::Restart;
use tokio::sync::oneshot;

use common::{Do, Puppet, puppet, reasons, trapper};

type Plain = process::Context<u32>;

/// How somebody learns of a death.
#[derive(Clone, Copy, Debug)]
enum News {
    Down,
    Exit,
    Join,
    NotAlive,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proc_008_whoever_learns_of_a_death_finds_the_names_free() {
    static NAME: Name<Raw<Do>> = Name::new("mortal");
    for round in 0..2_000 {
        let holder = puppet();
        holder.run(|ctx| ctx.register(&NAME)).await.expect("the name is free");
        let pid = holder.pid();
        let news = [News::Down, News::Exit, News::Join, News::NotAlive][round % 4];
        let (ready, told) = oneshot::channel();
        let heir = process::spawn(async move |mut ctx: process::Context<Do>| {
            ctx.trap_exits(Trap::On);
            match news {
                News::Down => drop(ctx.monitor(pid)),
                News::Exit => ctx.link(pid).expect("it lives"),
                News::Join | News::NotAlive => {}
            }
            ready.send(()).expect("the test waits");
            match news {
                News::Down => assert!(matches!(ctx.recv().await, Received::Down(_))),
                News::Exit => assert!(matches!(ctx.recv().await, Received::Exit(_))),
                News::Join => drop(process::join(pid).await),
                News::NotAlive => while pid.is_alive() {},
            }
            assert!(!pid.is_alive(), "it is dead for everybody");
            assert!(NAME.whereis().is_none(), "nobody holds it");
            ctx.register(&NAME).expect("the name is free");
            assert_eq!(NAME.whereis(), Some(ctx.address()));
        });
        let heir = heir.expect("there is a runtime");
        told.await.expect("the heir watches");
        let (reason, ()) = tokio::join!(process::join(&heir), async {
            if round % 8 < 4 { holder.end(ExitReason::custom(round)) } else { pid.kill() }
        });
        assert!(reason.is_normal() || reason.is_no_proc(), "round {round}, {news:?}: {reason:?}");
        process::join(pid).await;
        assert!(NAME.whereis().is_none());
    }
}

/// Ends as it is told.
type Mortal = process::Context<ExitReason>;

async fn mortal(mut ctx: Mortal) -> ExitReason {
    match ctx.recv().await {
        Received::Message(reason) => reason,
        other => unreachable!("nothing else is sent: {other:?}"),
    }
}

/// Ends the holder of the name, and looks around as soon as that is known.
async fn end_of_the_holder(round: usize) -> Address<ExitReason> {
    let holder = MORTAL.whereis().expect("it runs");
    let (reason, ()) = tokio::join!(process::join(&holder), async {
        match round % 4 {
            0 => holder.pid().kill(),
            1 => holder.pid().exit(ExitReason::shutdown()),
            2 => holder.send(ExitReason::Normal),
            _ => holder.send(ExitReason::custom(round)),
        }
    });
    assert!(!holder.is_alive() && !holder.pid().is_alive(), "round {round}: {reason:?}");
    holder
}

static MORTAL: Name<Raw<ExitReason>> = Name::new("alone or supervised");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proc_008_who_has_joined_finds_it_dead_and_its_name_free() {
    for round in 0..2_000 {
        let (tell, told) = oneshot::channel();
        let alone = process::spawn(async move |mut ctx: Mortal| {
            tell.send(ctx.register(&MORTAL)).expect("the test waits");
            mortal(ctx).await
        });
        alone.expect("there is a runtime");
        told.await.expect("it runs").expect("the name is free");
        end_of_the_holder(round).await;
        assert!(MORTAL.whereis().is_none(), "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proc_008_who_has_joined_a_supervised_one_finds_it_dead_and_its_name_free() {
    let spec = |restart| ChildSpec::process("child", mortal).name(&MORTAL).restart(restart);
    let sup = Supervisor::new([]).start().await.expect("starts");
    for round in 0..2_000 {
        sup.start_child(spec(Restart::Temporary)).await.expect("the name is free");
        end_of_the_holder(round).await;
        assert!(MORTAL.whereis().is_none(), "round {round}");
    }
    // Where there is a replacement, the name is free or means that; and whoever asks the supervisor sees it.
    let sup = Supervisor::new([spec(Restart::Permanent)]);
    let sup = sup.intensity(10_000, Duration::from_secs(1)).start().await.expect("starts");
    for round in 0..2_000 {
        let dead = end_of_the_holder(round).await;
        assert!(MORTAL.whereis().is_none_or(|next| next != dead && next.is_alive()), "{round}");
        let counts = sup.count_children().await.expect("the supervisor lives");
        assert_eq!(counts.active, 1, "round {round}");
        assert!(MORTAL.whereis().is_some_and(|next| next != dead), "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proc_009_directly_after_kill_the_target_is_not_alive() {
    static NAME: Name<Raw<Do>> = Name::new("victim");
    for round in 0..5_000 {
        let target: Puppet = if round % 2 == 0 { puppet() } else { trapper().await };
        let named = round % 10 == 0;
        if named {
            target.run(|ctx| ctx.register(&NAME)).await.expect("the name is free");
        }
        target.pid().kill();
        assert!(!target.pid().is_alive() && !target.address.is_alive(), "round {round}");
        assert!(NAME.whereis().is_none(), "round {round}");
        let refused = target.address.try_send(Do::job(|_| ()));
        assert!(matches!(refused, Err(SendError::NoProc(_))), "round {round}");
        if named {
            let heir = puppet();
            heir.run(|ctx| ctx.register(&NAME)).await.expect("no longer held");
            process::join(&target).await;
            assert_eq!(NAME.whereis(), Some(heir.address.clone()), "the dead takes nothing back");
            heir.ended(ExitReason::Normal).await;
        } else {
            let reason = process::join(&target).await;
            assert!(reason.is_killed() || reason.is_no_proc(), "round {round}: {reason:?}");
        }
    }
}

#[tokio::test]
async fn proc_010_the_dead_take_silently_and_unknown_names_say_so() {
    static NOBODY: Name<Raw<u32>> = Name::new("nobody");
    let target = process::spawn(async |_: Plain| {}).expect("there is a runtime");
    process::join(&target).await;
    target.send(1);
    target.cast(2);
    assert_eq!(target.queue_len(), 0);
    assert!(matches!(target.try_send(3), Err(SendError::NoProc(3))));
    assert!(matches!(NOBODY.send(4), Err(SendError::NoProc(4))));
    NOBODY.cast(5);
    for reason in reasons() {
        target.pid().exit(reason);
    }
    target.pid().kill();
    // As a process, too.
    let sender = puppet();
    let dead = target.clone();
    let refused = sender.run(move |ctx| {
        dead.send(6);
        ctx.exit(&dead, ExitReason::shutdown());
        NOBODY.cast(7);
        NOBODY.send(8)
    });
    assert!(matches!(refused.await, Err(SendError::NoProc(8))));
    assert!(sender.pid().is_alive());
}
