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
    let paper = PRINTER.send_request(PrinterMessage::Paper);
    let refused = PRINTER.send(PrinterMessage::Print(3));
    assert!(matches!(refused, Err(SendError::Full(PrinterMessage::Print(3)))));
    assert_eq!(PRINTER.paper().await, Err(CallError::Full));
    println!("a full mailbox: refused");

    // Signals need no room. Whoever waited hears of the end.
    jammed.pid().kill();
    let outcome = paper.receive_response(Duration::from_secs(1)).await;
    assert_eq!(outcome, Err(CallError::Exited(ExitReason::killed())));
    PRINTER.await_restart().await?;
    println!("after a kill: {} sheets of paper", PRINTER.paper().await?);
    sup.stop().await?;
    Ok(())
}

/// Is written when it is told to end.
struct File {
    log: Sender<String>,
    is_slow: bool,
}

#[gen_server]
impl File {
    fn init(log: Sender<String>, is_slow: bool, ctx: &mut Context<Self>) -> Self {
        // Children are stopped by exit signals. Without a trap there is no `terminate`.
        ctx.trap_exits(Trap::On);
        Self { log, is_slow }
    }

    async fn terminate(&mut self, _: &ExitReason) {
        if self.is_slow {
            std::future::pending().await
        }
        let _heard = self.log.send("written".into());
    }
}

async fn shutdown() -> Result {
    let (log, heard) = channel();
    let file = |id, is_slow| File::spec((log.clone(), is_slow)).id(id);
    let observer = log.clone();
    let sup = Supervisor::new([
        file("file", false),
        file("slow file", true).shutdown(Shutdown::Timeout(Duration::from_millis(50))),
        ChildSpec::task("task", std::future::pending::<()>),
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
        ["ended with shutdown", "ended with killed", "written", "ended with shutdown"]
    );
    println!("task: {}", ends[0]);
    println!("slow file: {}", ends[1]);
    println!("file: {}, {}", ends[2], ends[3]);
    Ok(())
}

#[tokio::main]
async fn main() -> Result {
    overload().await?;
    shutdown().await
}
