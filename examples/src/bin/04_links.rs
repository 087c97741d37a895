//! Raw processes: a monitor hears of an end, a link shares it, a trap turns it into a message, and a kill asks nobody.

#![allow(clippy::print_stdout, reason = "this program shows what happens")]

use std::future::pending;

use fauxtp::prelude::*;
use fauxtp::process::{self, Context, Received, Trap};
use tokio::sync::oneshot;

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
    let (last, monitor) = ctx.spawn_monitor(async |_: Context<()>| pending::<()>().await)?;
    let other = last.pid();
    ctx.spawn(async move |mut ctx: Context<()>| -> Result {
        ctx.link(other)?;
        Err(Stop::error("the first one fails"))
    })?;
    let Received::Down(down) = ctx.recv().await else { panic!("nothing else comes") };
    assert_eq!(down.monitor, monitor);
    println!("link: the other one ended with {:#}", down.reason);
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
    let observer = ctx.address();
    let (stubborn, monitor) = ctx.spawn_monitor(async move |mut ctx: Context<()>| {
        ctx.trap_exits(Trap::On);
        loop {
            observer.send(()); // at first, and whenever it has survived something
            ctx.recv().await;
        }
    })?;
    ctx.recv().await;
    stubborn.pid().exit(ExitReason::shutdown());
    ctx.recv().await;
    assert!(stubborn.is_alive());

    stubborn.pid().kill();
    assert!(!stubborn.is_alive());
    let Received::Down(down) = ctx.recv().await else { panic!("nothing else comes") };
    assert_eq!(down.monitor, monitor);
    println!("kill: the stubborn one was {:#}", down.reason);
    Ok(())
}

/// Only a process can watch, link and trap; `main` is none.
async fn observe(ctx: &mut Context<()>) -> Result {
    monitors(ctx).await?;
    links(ctx).await?;
    traps(ctx).await?;
    kills(ctx).await
}

#[tokio::main]
async fn main() -> Result {
    let (told, heard) = oneshot::channel();
    process::spawn(async move |mut ctx: Context<()>| {
        let _heard = told.send(observe(&mut ctx).await);
    })?;
    heard.await?
}
