//! A raw process that does what it is told and notes what it receives.

#![allow(unreachable_pub, reason = "shared by several test files")]
#![allow(dead_code, reason = "not every test file uses everything")]

use std::sync::{Arc, Mutex, PoisonError};

use fauxtp::prelude::{Address, ExitReason, PidExt};
use fauxtp::process::{self, Context, Received, Trap};

/// Something the puppet does as its own process; a reason ends it.
pub type Job = Box<dyn FnOnce(&mut Context<Order>) -> Option<ExitReason> + Send>;

pub enum Order {
    Do(Job),
    Note(String),
}

pub type Puppet = Address<Order>;

/// What was received, in order.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub fn push(&self, event: impl Into<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(event.into());
    }

    pub fn line(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).join(" ")
    }
}

pub fn puppet(log: &Log) -> Puppet {
    process::spawn(body(log.clone())).expect("inside a runtime")
}

/// A puppet that traps exits from its first moment on.
pub async fn trapping(log: &Log) -> Puppet {
    let puppet = puppet(log);
    act(&puppet, |ctx| ctx.trap_exits(Trap::On)).await;
    puppet
}

/// What a puppet runs.
pub fn body(log: Log) -> impl FnOnce(Context<Order>) -> Running + Send + 'static {
    move |ctx| Box::pin(run(ctx, log))
}

type Running = std::pin::Pin<Box<dyn Future<Output = ExitReason> + Send>>;

async fn run(mut ctx: Context<Order>, log: Log) -> ExitReason {
    loop {
        match ctx.recv().await {
            Received::Message(Order::Do(job)) => {
                if let Some(reason) = job(&mut ctx) {
                    return reason;
                }
            }
            Received::Message(Order::Note(what)) => log.push(what),
            Received::Exit(exit) => log.push(format!("exit({:#})", exit.reason)),
            Received::Down(down) => log.push(format!("down({:#})", down.reason)),
            _ => log.push("something else"),
        }
    }
}

/// Has the puppet do something, and waits for what comes of it.
pub async fn act<R: Send + 'static>(
    puppet: &Puppet,
    work: impl FnOnce(&mut Context<Order>) -> R + Send + 'static,
) -> R {
    let (told, heard) = tokio::sync::oneshot::channel();
    puppet.send(Order::Do(Box::new(move |ctx| {
        let _ = told.send(work(ctx));
        None
    })));
    heard.await.expect("the puppet lives")
}

/// Has the puppet end with a reason.
pub fn end(puppet: &Puppet, reason: ExitReason) {
    puppet.send(Order::Do(Box::new(move |_| Some(reason))));
}

pub fn note(puppet: &Puppet, what: &str) {
    puppet.send(Order::Note(what.to_owned()));
}

/// Waits until the puppet has taken in all signals and handled all messages sent before.
pub async fn settled(puppet: &Puppet) {
    puppet.pid().info().await;
    act(puppet, |_| ()).await;
}
