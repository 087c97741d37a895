//! LINK-001 … LINK-010: links.

use crate::common;

use fauxtp::prelude::*;
use fauxtp::process::{self, NoProc, Trap};
use fauxtp::reason::Failure;

use common::{Event, carries, custom, puppet, reasons, trapper, while_blocked};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn link_001_two_processes_share_at_most_one_link() {
    let (a, b) = (trapper().await, trapper().await);
    let (to_a, to_b) = (a.pid(), b.pid());
    for by_a in [true, false] {
        for _ in 0..3 {
            a.link(to_b).await;
            b.link(to_a).await;
        }
        assert_eq!((a.links().await, b.links().await), (vec![to_b], vec![to_a]));
        if by_a {
            a.run(move |ctx| ctx.unlink(to_b)).await;
        } else {
            b.run(move |ctx| ctx.unlink(to_a)).await;
        }
        assert_eq!((a.links().await, b.links().await), (vec![], vec![]), "one unlink is enough");
    }
    // Both at the same time: one unlink by either still removes it, and one exit is all that arrives.
    for round in 0..2_000 {
        let other = trapper().await;
        let peer = other.pid();
        tokio::join!(a.link(peer), other.link(to_a));
        let unlinked = round % 2 == 0;
        if round % 4 == 0 {
            a.run(move |ctx| ctx.unlink(peer)).await;
        } else if unlinked {
            other.run(move |ctx| ctx.unlink(to_a)).await;
        }
        other.ended(custom("over")).await;
        let exits = a.exits().await;
        let expected = if unlinked { vec![] } else { vec![(peer, custom("over"))] };
        assert_eq!(exits.len(), expected.len(), "round {round}: {exits:?}");
        assert!(exits.iter().all(|(from, reason)| *from == peer && carries(reason, "over")));
        assert_eq!(a.links().await, [], "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn link_002_a_failing_process_takes_its_peers_along_with_its_reason() {
    for round in 0..100 {
        for reason in reasons() {
            // A chain, linked by turns from either side, and one at its end that is not in it.
            let chain: Vec<_> = (0..5).map(|_| puppet()).collect();
            let apart = puppet();
            for (index, pair) in chain.windows(2).enumerate() {
                let [left, right] = pair else { unreachable!("pairs") };
                if index % 2 == 0 { left.link(right).await } else { right.link(left).await }
            }
            let middle = &chain[2];
            if reason.is_normal() {
                middle.ended(reason).await;
                for other in [&chain[0], &chain[1], &chain[3], &chain[4]] {
                    assert_eq!(other.links().await.len(), 1, "it lives, and the link is gone");
                }
            } else {
                let ends = async {
                    tokio::join!(
                        process::join(&chain[0]),
                        process::join(&chain[1]),
                        process::join(&chain[3]),
                        process::join(&chain[4])
                    )
                };
                let ((a, b, d, e), ()) = tokio::join!(ends, middle.ended(reason.clone()));
                for seen in [a, b, d, e] {
                    assert_eq!(seen, reason, "round {round}");
                }
            }
            assert!(apart.pid().is_alive());
        }
    }
}

#[tokio::test]
async fn link_003_a_trapping_peer_receives_every_reason() {
    let trapping = trapper().await;
    for reason in reasons() {
        for peer in [puppet(), trapper().await] {
            trapping.link(&peer).await;
            peer.ended(reason.clone()).await;
            assert_eq!(trapping.exits().await, [(peer.pid(), reason.clone())]);
        }
    }
    let panicking = puppet();
    trapping.link(&panicking).await;
    panicking.tell(|_| panic!("boom"));
    process::join(&panicking).await;
    let exits = trapping.exits().await;
    assert!(exits.len() == 1 && exits[0].1.panic().is_some(), "{exits:?}");
}

#[tokio::test]
async fn link_004_peers_of_a_killed_process_see_killed() {
    for victim in [puppet(), trapper().await] {
        let (trapping, peer, far) = (trapper().await, puppet(), trapper().await);
        trapping.link(&victim).await;
        peer.link(&victim).await;
        far.link(&peer).await;
        let (reason, ()) = tokio::join!(process::join(&peer), async { victim.pid().kill() });
        assert!(reason.is_killed(), "{reason:?}");
        assert_ne!(reason, ExitReason::Error(Failure::Kill));
        assert_eq!(trapping.exits().await, [(victim.pid(), ExitReason::killed())], "trapped");
        assert_eq!(far.exits().await, [(peer.pid(), ExitReason::killed())], "and passed on");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn link_005_linking_to_the_dead_is_an_error_or_a_message() {
    let (plain, trapping, dead) = (puppet(), trapper().await, puppet());
    dead.ended(ExitReason::shutdown()).await;
    let gone = dead.pid();
    assert_eq!(plain.run(move |ctx| ctx.link(gone)).await, Err(NoProc(gone)));
    assert_eq!(plain.links().await, []);
    assert_eq!(trapping.run(move |ctx| ctx.link(gone)).await, Ok(()));
    assert_eq!(trapping.exits().await, [(gone, ExitReason::no_proc())]);
    assert_eq!(trapping.links().await, []);
    // While it is dying: linked and told, or refused; never neither, never both.
    for round in 0..3_000 {
        let (peer, plain) = (puppet(), puppet());
        let pid = peer.pid();
        peer.end(custom("dying"));
        let (linked, refused) = tokio::join!(
            trapping.run(move |ctx| ctx.link(pid)),
            plain.attempt(move |ctx| ctx.link(pid))
        );
        assert_eq!(linked, Ok(()), "round {round}");
        if refused == Some(Err(NoProc(pid))) {
            plain.run(|_| ()).await;
        } else {
            let reason = process::join(&plain).await;
            assert!(carries(&reason, "dying") || reason.is_no_proc(), "{round}: {reason:?}");
        }
        let mut exits = trapping.exits().await;
        while exits.is_empty() {
            tokio::task::yield_now().await;
            exits = trapping.exits().await;
        }
        let [(from, reason)] = &exits[..] else { panic!("round {round}: {exits:?}") };
        assert_eq!(*from, pid, "round {round}");
        assert!(carries(reason, "dying") || reason.is_no_proc(), "round {round}: {reason:?}");
        assert_eq!(trapping.links().await, [], "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn link_006_after_unlink_returns_the_link_delivers_nothing() {
    let trapping = trapper().await;
    for round in 0..3_000 {
        let (peer, plain) = (puppet(), puppet());
        let pid = peer.pid();
        trapping.link(pid).await;
        plain.link(pid).await;
        let (marker, flush) = (trapping.marker(), round % 2 == 0);
        let seen_so_far = trapping.seen();
        let (_, (flushed, seen), survived) = tokio::join!(
            async { peer.end(custom("dying")) },
            trapping.run(move |ctx| {
                let seen = seen_so_far();
                let flushed = if flush {
                    ctx.unlink_flush(pid)
                } else {
                    ctx.unlink(pid);
                    None
                };
                ctx.address().send(marker);
                (flushed, seen)
            }),
            plain.attempt(move |ctx| ctx.unlink(pid))
        );
        process::join(pid).await;
        if survived.is_some() {
            plain.run(|_| ()).await;
        }
        assert!(flushed.as_ref().is_none_or(|reason| carries(reason, "dying")), "round {round}");
        let mut events = trapping.events().await;
        if !events.contains(&Event::Mark) {
            events.extend(trapping.events().await);
        }
        let mark = events.iter().position(|event| *event == Event::Mark);
        assert_eq!(mark, Some(events.len() - 1), "round {round}: late: {events:?}");
        // At most one exit: seen before the link was removed, or taken out, or (unflushed) left where it was.
        let exits = events.len() - 1 + usize::from(flushed.is_some());
        assert!(exits <= 1, "round {round}: {flushed:?} {events:?}");
        assert!(!flush || events.len() - 1 == seen, "round {round}: not flushed: {events:?}");
    }
    // One that had arrived stays, or is taken out.
    for flush in [false, true] {
        let peer = puppet();
        let pid = peer.pid();
        trapping.link(pid).await;
        let flushed =
            while_blocked(
                &trapping,
                &peer,
                move |ctx| {
                    if flush { ctx.unlink_flush(pid) } else { None }
                },
            );
        let flushed = flushed.await;
        assert_eq!(flushed.is_some_and(|reason| carries(&reason, "dead")), flush);
        assert_eq!(trapping.exits().await.len(), usize::from(!flush));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn link_007_an_exit_from_a_removed_link_has_no_effect() {
    for trap in [Trap::Off, Trap::On] {
        for relink in [false, true] {
            let (peer, target) = (puppet(), puppet());
            let pid = peer.pid();
            target.run(move |ctx| ctx.trap_exits(trap)).await;
            target.link(pid).await;
            let linked = while_blocked(&target, &peer, move |ctx| {
                ctx.unlink(pid);
                relink.then(|| ctx.link(pid))
            });
            let linked = linked.await;
            let exits = target.exits().await;
            let Some(linked) = linked else {
                assert_eq!(exits, [], "{trap:?}");
                continue;
            };
            // A new link with the dead: told once. As in Erlang, an exit does not say of which link it is, so
            // the old one's may be taken for the new one's.
            match trap {
                Trap::On => {
                    assert_eq!(linked, Ok(()));
                    let [(from, reason)] = &exits[..] else { panic!("told once: {exits:?}") };
                    assert_eq!(*from, pid);
                    assert!(carries(reason, "dead") || reason.is_no_proc(), "{reason:?}");
                }
                Trap::Off => {
                    assert_eq!(linked, Err(NoProc(pid)));
                    assert_eq!(exits, []);
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn link_008_the_exit_comes_before_the_down() {
    let watcher = trapper().await;
    for round in 0..3_000 {
        let peer = puppet();
        let pid = peer.pid();
        let set_up = watcher.run(move |ctx| {
            if round % 2 == 0 {
                ctx.link(pid).expect("it lives");
                ctx.monitor(pid);
            } else {
                ctx.monitor(pid);
                ctx.link(pid).expect("it lives");
            }
        });
        set_up.await;
        match round % 3 {
            0 => peer.ended(ExitReason::Normal).await,
            1 => peer.ended(custom("over")).await,
            _ => {
                let kill = async { pid.kill() };
                tokio::join!(process::join(pid), kill);
            }
        }
        let mut events = watcher.events().await;
        while events.len() < 2 {
            tokio::task::yield_now().await;
            events.extend(watcher.events().await);
        }
        assert!(matches!(&events[..], [Event::Exit(_), Event::Down(_)]), "{round}: {events:?}");
    }
}

#[tokio::test]
async fn link_009_linking_to_oneself_does_nothing() {
    for puppet in [puppet(), trapper().await] {
        let me = puppet.pid();
        puppet.link(me).await;
        assert_eq!(puppet.links().await, []);
        puppet.run(move |ctx| ctx.unlink(me)).await;
        assert_eq!(puppet.run(move |ctx| ctx.unlink_flush(me)).await, None);
        puppet.link(me).await;
        assert_eq!(puppet.exits().await, []);
        puppet.ended(custom("own")).await;
    }
}

/// A child that tries to escape its supervisor.
struct Escapee;

impl GenServer for Escapee {
    type Args = ();
    type Message = Reply<Vec<Pid>>;

    async fn init((): (), ctx: &mut Context<Self>) -> Result<Self> {
        let supervisor = ctx.parent().expect("it is supervised");
        ctx.unlink(supervisor);
        ctx.unlink_flush(supervisor);
        ctx.link(supervisor)?;
        ctx.unlink(supervisor);
        Ok(Self)
    }

    async fn handle(&mut self, from: Reply<Vec<Pid>>, ctx: &mut Context<Self>) -> Result {
        let supervisor = ctx.parent().expect("it is supervised");
        ctx.unlink(supervisor);
        from.send(vec![supervisor]);
        Err(Stop::because(custom("fails")))
    }
}

#[tokio::test]
async fn link_010_a_child_cannot_escape_its_supervisor_by_unlinking() {
    static NAME: Name<Escapee> = Name::new("escapee");
    let spec = Escapee::spec(()).name(&NAME);
    let sup = Supervisor::new([spec]).intensity(100, Duration::from_secs(1)).start().await;
    let sup = sup.expect("starts");
    for _ in 0..20 {
        let child = NAME.whereis().expect("it runs");
        assert_eq!(child.call(|from| from).await, Ok(vec![sup.pid()]));
        process::join(&child).await;
        let counts = sup.count_children().await.expect("the supervisor lives");
        assert_eq!(counts.active, 1, "it was restarted");
        assert_ne!(NAME.whereis().expect("it runs"), child);
    }
    // Its supervisor still ends it: by request, and by its own death.
    let child = NAME.whereis().expect("it runs");
    let (reason, ()) = tokio::join!(process::join(&child), async { sup.pid().kill() });
    assert!(!reason.is_no_proc() && !child.is_alive(), "{reason:?}");
}

/// Method: the callee of a process's last act runs on the stack of its caller, which takes in no signal any more.
#[tokio::test(flavor = "current_thread")]
async fn link_002_a_link_that_was_on_its_way_at_the_end_is_told_of_it() {
    let (tell, told) = tokio::sync::oneshot::channel();
    let links = process::spawn(async |mut ctx: process::Context<(Pid, Reply<()>)>| {
        ctx.trap_exits(Trap::On);
        let process::Received::Message((peer, from)) = ctx.recv().await else { return };
        ctx.link(peer).expect("it lives");
        from.send(());
        let process::Received::Exit(exit) = ctx.recv().await else { return };
        tell.send((exit.from, exit.reason)).expect("somebody waits");
    });
    let links = links.expect("in a runtime");
    links.pid().info().await.expect("it lives, and has nothing to do");
    let ends = process::spawn(async move |ctx: process::Context<()>| {
        links.call(|from| (ctx.pid(), from)).await.expect("it lives");
        Err::<(), _>(std::fmt::Error)
    });
    let ends = ends.expect("in a runtime");
    let (from, reason) = told.await.expect("it is told");
    assert_eq!(from, ends.pid());
    assert!(reason.is_error() && !reason.is_no_proc(), "{reason}");
}
