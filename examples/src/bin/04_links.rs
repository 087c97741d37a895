//! Raw processes: a monitor hears of an end, a link shares it, a trap turns it into a message, and a kill asks nobody.

#![allow(clippy::print_stdout, reason = "this program shows what happens")]

use fauxtp::prelude::*;
use fauxtp::process::{self, Context, Received, Trap};

/// Takes no messages, and lives until somebody ends it.
async fn idle(_: Context<()>) {
    std::future::pending().await
}

/// A monitor is one-way: whoever watches hears of the end, and lives on.
async fn monitors(ctx: &mut Context<()>) -> Result {
    let (worker, monitor) = ctx.spawn_monitor(async |_: Context<()>| panic!("boom"))?;
    let Received::Down(down) = ctx.recv().await else { panic!("nothing else comes") };
    assert_eq!((down.monitor, down.pid), (monitor, Some(worker.pid())));
    println!("monitor: it ended with {}", down.reason);
    Ok(())
}

/// A link goes both ways, and ends pass along a chain of them. The reason stays what it was.
async fn links(ctx: &mut Context<()>) -> Result {
    let last = ctx.spawn(idle)?;
    let last_pid = last.pid();
    let first = ctx.spawn(async move |mut ctx: Context<()>| -> Result {
        ctx.link(last_pid)?;
        ctx.recv().await;
        Err(Stop::error("the first one fails"))
    })?;
    let monitor = ctx.monitor(&last);
    first.send(());
    let Received::Down(down) = ctx.recv().await else { panic!("nothing else comes") };
    assert_eq!(down.monitor, monitor);
    println!("link: the last one ended with {:#}", down.reason);
    Ok(())
}

/// Whoever traps exits gets a message instead. This is how a supervisor is made.
async fn traps(ctx: &mut Context<()>) -> Result {
    ctx.trap_exits(Trap::On);
    let worker = ctx.spawn_link(async |_: Context<()>| Stop::error("no disk").into_reason())?;
    let Received::Exit(exit) = ctx.recv().await else { panic!("nothing else comes") };
    assert_eq!(exit.from, worker.pid());
    println!("trap: a message says {:#}", exit.reason);
    Ok(())
}

/// An exit signal can be trapped, a kill cannot.
async fn kills(ctx: &mut Context<()>) -> Result {
    let stubborn = ctx.spawn(async |mut ctx: Context<()>| {
        ctx.trap_exits(Trap::On);
        loop {
            ctx.recv().await;
        }
    })?;
    let monitor = ctx.monitor(&stubborn);
    stubborn.pid().info().await; // it has run by now, and traps exits
    stubborn.pid().exit(ExitReason::shutdown());
    stubborn.pid().info().await; // it has seen the signal
    assert!(stubborn.is_alive());
    stubborn.pid().kill();
    assert!(!stubborn.is_alive());
    let Received::Down(down) = ctx.recv().await else { panic!("nothing else comes") };
    assert_eq!(down.monitor, monitor);
    println!("kill: the stubborn one was {:#}", down.reason);
    Ok(())
}

#[tokio::main]
async fn main() -> Result {
    // Only a process can watch, link and trap; `main` is none.
    let observer = process::spawn(async |mut ctx: Context<()>| -> Result {
        monitors(&mut ctx).await?;
        links(&mut ctx).await?;
        traps(&mut ctx).await?;
        kills(&mut ctx).await
    })?;
    match process::join(&observer).await {
        ExitReason::Normal => Ok(()),
        reason => Err(Stop::because(reason)),
    }
}
