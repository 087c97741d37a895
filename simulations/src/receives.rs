//! Selective receive: a protocol between raw processes, with what does not belong to it in between.

use fauxtp::prelude::*;
use fauxtp::process::{self, Context, Peek, Received};
use fauxtp::testing::Sim;

use crate::outside::{Outside, latency};

/// What two sides of a handshake say.
#[derive(Debug)]
enum Word {
    Hello { from: Address<Self>, number: u32 },
    Welcome { number: u32, secret: u32 },
    Thanks { number: u32, secret: u32 },
    Noise,
}

/// Greets whoever says hello, and waits for thanks: one at a time, the others wait in the mailbox.
async fn host(mut ctx: Context<Word>, guests: Outside<Vec<u32>>) {
    let mut secret = 0;
    loop {
        let hello = ctx.recv_where(|item| matches!(item, Peek::Message(Word::Hello { .. }))).await;
        let Received::Message(Word::Hello { from, number }) = hello else { continue };
        secret += 1;
        let expected = secret;
        from.send(Word::Welcome { number, secret });
        let is_thanks = |item: Peek<'_, Word>| {
            matches!(item, Peek::Message(Word::Thanks { number: thanks, secret })
                if *thanks == number && *secret == expected)
        };
        let thanks = ctx.recv_where_timeout(is_thanks, Duration::from_secs(1)).await;
        if thanks.is_some() {
            guests.with(|guests| guests.push(number));
        }
    }
}

/// Says hello until it is welcomed, and tells whether it was.
async fn guest(mut ctx: Context<Word>, host: Address<Word>, number: u32) -> Result {
    let monitor = ctx.monitor(host.pid());
    let from = ctx.address();
    host.send(Word::Noise);
    host.send(Word::Hello { from, number });
    latency().await;
    host.send(Word::Noise);
    let answer = ctx
        .recv_where(|item| {
            matches!(item, Peek::Message(Word::Welcome { .. }))
                || matches!(item, Peek::Down(down) if down.monitor == monitor)
        })
        .await;
    match answer {
        Received::Message(Word::Welcome { number: welcomed, secret }) => {
            assert_eq!(welcomed, number, "a welcome for somebody else");
            host.send(Word::Thanks { number, secret });
            ctx.demonitor_flush(monitor);
            Ok(())
        }
        _ => Err(Stop::error("the host is gone")),
    }
}

/// A host and four guests; nobody gets what is for somebody else, whoever fails in between.
pub async fn handshakes(sim: Sim) -> Result {
    let guests = Outside::new(Vec::new());
    let seen = guests.clone();
    sim.invariant("nobody comes twice", move |_| {
        seen.with(|guests: &mut Vec<u32>| {
            guests.iter().all(|one| guests.iter().filter(|other| *other == one).count() == 1)
        })
    });
    let host = {
        let guests = guests.clone();
        process::spawn(move |ctx| host(ctx, guests))?
    };
    let invite = |number| {
        let host = host.clone();
        process::spawn(move |ctx| guest(ctx, host, number))
    };
    let mut invited = Vec::new();
    for number in 0..4 {
        invited.push(invite(number)?);
    }
    for guest in invited {
        process::join(&guest).await;
    }
    sim.heal();
    sim.advance(Duration::from_secs(5)).await;
    if host.is_alive() {
        let last = invite(9)?;
        assert!(last.join().await.is_normal());
        sim.eventually("the last guest has come", |_| guests.with(|guests| guests.contains(&9)))
            .await;
        host.pid().kill();
        let reason = host.join().await;
        assert!(reason.is_killed(), "{reason:?}");
    }
    let reason = host.join().await;
    assert!(!reason.is_normal(), "it greets until it is struck");
    sim.no_leaks().await;
    Ok(())
}
