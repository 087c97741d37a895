//! BAD-001 … BAD-004: what a process is given at its start: mailboxes, runtimes, names.

use crate::common;
use crate::support;

use fauxtp::names::{NameError, Raw};
use fauxtp::prelude::*;
use fauxtp::process::{self, Received};
use fauxtp::{Mailbox, Overflow, SendError};
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use common::{Do, puppet};
use support::soon;

type Numbers = process::Context<u8>;

#[tokio::test]
async fn bad_001_a_mailbox_must_have_room_and_its_policy_is_exact() {
    for overflow in [Overflow::Reject, Overflow::DropNewest, Overflow::DropOldest] {
        assert!(Mailbox::bounded(0, overflow).is_err());
        for capacity in 1..5_u8 {
            let bound = Mailbox::bounded(capacity.into(), overflow).expect("there is room");
            let (go, gone) = oneshot::channel::<()>();
            let (tell, told) = oneshot::channel();
            let target = process::spawn_with(bound, async move |mut ctx: Numbers| {
                gone.await.expect("the test lives");
                let mut got = Vec::new();
                while let Some(Received::Message(number)) = ctx.recv_timeout(Duration::ZERO).await {
                    got.push(number);
                }
                tell.send(got).expect("the test waits");
            });
            let target = target.expect("there is a runtime");
            target.pid().info().await.expect("it lives");
            for number in 0..5 {
                let refused = overflow == Overflow::Reject && number >= capacity;
                let expected = if refused { Err(SendError::Full(number)) } else { Ok(()) };
                assert_eq!(target.try_send(number), expected, "{overflow:?}, {capacity}");
            }
            assert_eq!(target.queue_len(), capacity.into());
            go.send(()).expect("it waits");
            let kept = if overflow == Overflow::DropOldest { 5 - capacity..5 } else { 0..capacity };
            assert_eq!(told.await, Ok(kept.collect()), "{overflow:?}, {capacity}");
        }
    }
}

#[test]
fn bad_003_two_runtimes_share_pids_but_not_names_and_one_may_go() {
    static BOTH: Name<Raw<Do>> = Name::new("bad-003");
    for _ in 0..20 {
        let runtime = || Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let (here, there) = (runtime().expect("builds"), runtime().expect("builds"));
        let hold = async || {
            let holder = puppet();
            holder.run(|ctx| ctx.register(&BOTH)).await.expect("free in this runtime");
            assert_eq!(BOTH.whereis(), Some(holder.address.clone()));
            holder
        };
        let (ours, theirs) = (here.block_on(hold()), there.block_on(hold()));
        assert_ne!(ours.pid(), theirs.pid());
        let (far, address) = (theirs.pid(), theirs.address.clone());
        // From one into the other: links, messages, and the end of it.
        here.block_on(soon(async {
            ours.run(|ctx| ctx.trap_exits(Trap::On)).await;
            ours.link(far).await;
            assert_eq!(theirs.links().await, [ours.pid()]);
        }));
        drop(there);
        here.block_on(soon(async {
            let events = ours.wait(1).await;
            let [common::Event::Exit(exit)] = &events[..] else { panic!("{events:?}") };
            assert!(exit.from == far && exit.reason.is_killed(), "{exit:?}");
            assert!(!far.is_alive() && !address.is_alive());
            assert!(process::join(far).await.is_no_proc());
            assert_eq!(BOTH.whereis(), Some(ours.address.clone()));
        }));
    }
}

#[tokio::test]
async fn bad_004_names_may_be_long_and_foreign_but_not_empty() {
    let empty: Name<Raw<Do>> = Name::new("");
    let refused = puppet().run(move |ctx| ctx.register(&empty)).await;
    assert_eq!(refused, Err(NameError::Empty));
    for text in ["ü".repeat(500_000), " ".to_owned(), "\0".to_owned(), "\u{1f980}".to_owned()] {
        let name: Name<Raw<Do>> = Name::from_string(text);
        let (holder, own) = (puppet(), name.clone());
        holder.run(move |ctx| ctx.register(&own)).await.expect("any text will do");
        assert_eq!(name.whereis(), Some(holder.address.clone()));
        holder.ended(ExitReason::Normal).await;
        assert_eq!(name.whereis(), None);
    }
}
