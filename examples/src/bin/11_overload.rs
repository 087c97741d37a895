//! Overload and shutdown: a bounded mailbox refuses at once, a kill gets through all the same, and children stop in order.

#![allow(clippy::print_stdout, reason = "this program shows what happens")]

use std::sync::mpsc::{Sender, channel};

use fauxtp::prelude::*;
use fauxtp::process::Trap;
use fauxtp::supervisor::{Restart, Shutdown};
use fauxtp::{Mailbox, Overflow, SendError};
use tokio::sync::Notify;

/// Jams at its first page.
struct Printer;

#[gen_server]
impl Printer {
    fn init() -> Self {
        Self
    }

    #[cast]
    async fn print(&self, _page: u32) {
        JAMMED.notify_one();
        std::future::pending().await
    }

    #[call]
    fn paper(&self) -> u32 {
        500
    }
}

static PRINTER: Name<Printer> = Name::new("printer");
static JAMMED: Notify = Notify::const_new();

async fn overload() -> Result {
    let room_for_two = Mailbox::bounded(2, Overflow::Reject)?;
    let printer = Printer::spec(()).name(&PRINTER).mailbox(room_for_two);
    // Killed counts as a failure for a transient child; by default it does not.
    let sup = Supervisor::new([printer.restart(Restart::Transient)]).start().await?;

    let jammed = PRINTER.await_restart().await?;
    PRINTER.print(1);
    JAMMED.notified().await;
    // Two may wait: a page, and a call. The next ones are refused at once, and nobody waits.
    PRINTER.send(PrinterMessage::Print(2))?;
    let mut paper = PRINTER.send_request(PrinterMessage::Paper);
    let refused = PRINTER.send(PrinterMessage::Print(3));
    assert!(matches!(refused, Err(SendError::Full(PrinterMessage::Print(3)))));
    assert_eq!(PRINTER.paper().await, Err(CallError::Full));
    println!("a full mailbox: refused");

    // Signals need no room. Whoever waited hears of the end.
    jammed.pid().kill();
    let outcome = paper.wait_response(Duration::from_secs(1)).await;
    assert_eq!(outcome, Some(Err(CallError::Exited(ExitReason::killed()))));
    PRINTER.await_restart().await?;
    println!("after a kill: {} sheets of paper", PRINTER.paper().await?);
    sup.stop().await?;
    Ok(())
}

/// How a file behaves when it is told to end.
#[derive(Clone, Copy)]
enum Manners {
    /// It writes down what it has.
    Tidy,
    /// It never heard of it: without a trap there is no `terminate`.
    Plain,
    /// It would take for ever.
    Slow,
}

struct File(Manners, Sender<String>);

#[gen_server]
impl File {
    fn init(manners: Manners, log: Sender<String>, ctx: &mut Context<Self>) -> Self {
        if !matches!(manners, Manners::Plain) {
            ctx.trap_exits(Trap::On);
        }
        Self(manners, log)
    }

    async fn terminate(&mut self, reason: &ExitReason) {
        match self.0 {
            Manners::Slow => std::future::pending().await,
            Manners::Tidy | Manners::Plain => {
                let _heard = self.1.send(format!("written at {reason:#}"));
            }
        }
    }
}

async fn shutdown() -> Result {
    let (log, heard) = channel();
    let file = |id, manners| File::spec((manners, log.clone())).id(id);
    let observer = log.clone();
    let sup = Supervisor::new([
        file("tidy", Manners::Tidy),
        file("slow", Manners::Slow).shutdown(Shutdown::Timeout(Duration::from_millis(50))),
        file("plain", Manners::Plain),
    ])
    .on_exit(move |_, reason| {
        let _heard = observer.send(format!("ended with {reason:#}"));
    })
    .start()
    .await?;

    // The last one first, each when the one behind it has ended.
    sup.stop().await?;
    let ends: Vec<_> = heard.try_iter().collect();
    assert_eq!(
        ends,
        ["ended with shutdown", "ended with killed", "written at shutdown", "ended with shutdown"]
    );
    println!("plain: {}", ends[0]);
    println!("slow: {}", ends[1]);
    println!("tidy: {}, {}", ends[2], ends[3]);
    Ok(())
}

#[tokio::main]
async fn main() -> Result {
    overload().await?;
    shutdown().await
}
