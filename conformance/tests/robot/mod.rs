//! A server that does whatever it is told, and notes what happens to it.

#![allow(unreachable_pub, reason = "shared by several test files")]
#![allow(dead_code, reason = "not every test file uses everything")]

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use fauxtp::prelude::*;
use fauxtp::process::Trap;

/// Something the robot does as its own process.
pub type Job = Box<dyn FnOnce(&mut Robot, &mut Context<Robot>) -> Result + Send>;
/// Something the robot does with a call.
pub type Answering = Box<dyn FnOnce(&mut Robot, &mut Context<Robot>, Reply<u64>) -> Result + Send>;

/// Something that takes its time.
pub type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

pub enum Message {
    Do(Job),
    Call(Reply<u64>, Answering),
    Note(&'static str),
    Forever,
    Work(Work),
}

/// What happened, in order.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub fn push(&self, event: impl Into<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(event.into());
    }

    pub fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What has happened since the last look.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn line(&self) -> String {
        self.all().join(" ")
    }
}

pub struct Robot {
    pub log: Log,
    pub held: Vec<Reply<u64>>,
    pub count: u64,
    /// Runs at the end of `terminate`.
    pub last: Option<Box<dyn FnOnce() + Send>>,
    /// Whether `terminate` never comes back.
    pub hangs: bool,
    /// What `terminate` waits for before it returns.
    pub finally: Option<Work>,
}

impl GenServer for Robot {
    type Args = (Log, Job);
    type Message = Message;

    async fn init((log, job): (Log, Job), ctx: &mut Context<Self>) -> Result<Self> {
        let mut robot =
            Self { log, held: Vec::new(), count: 0, last: None, hangs: false, finally: None };
        job(&mut robot, ctx)?;
        Ok(robot)
    }

    async fn handle(&mut self, message: Message, ctx: &mut Context<Self>) -> Result {
        match message {
            Message::Do(job) => job(self, ctx)?,
            Message::Call(from, job) => job(self, ctx, from)?,
            Message::Note(what) => self.log.push(what),
            Message::Forever => std::future::pending().await,
            Message::Work(work) => work.await,
        }
        Ok(())
    }

    async fn handle_continue(&mut self, message: Message, ctx: &mut Context<Self>) -> Result {
        self.log.push("continue");
        self.handle(message, ctx).await
    }

    async fn handle_info(&mut self, info: Info, _: &mut Context<Self>) -> Result {
        self.log.push(match info {
            Info::Exit(exit) => format!("exit({:#})", exit.reason),
            Info::Down(down) => format!("down({:#})", down.reason),
            _ => "timeout".to_owned(),
        });
        Ok(())
    }

    async fn terminate(&mut self, reason: &ExitReason, _: &mut Context<Self>) {
        self.log.push(format!("terminate({reason:#})"));
        if self.hangs {
            std::future::pending::<()>().await;
        }
        if let Some(work) = self.finally.take() {
            work.await;
        }
        if let Some(last) = self.last.take() {
            last();
        }
    }
}

pub type Handle = Address<Message>;

/// Starts a robot that does nothing in `init`.
pub async fn robot(log: &Log) -> Handle {
    Robot::start((log.clone(), job(|_, _| Ok(())))).await.expect("an idle robot starts")
}

/// Starts a robot that traps exits.
pub async fn trapping(log: &Log) -> Handle {
    let trap = job(|_, ctx| {
        ctx.trap_exits(Trap::On);
        Ok(())
    });
    Robot::start((log.clone(), trap)).await.expect("a trapping robot starts")
}

pub fn job(work: impl FnOnce(&mut Robot, &mut Context<Robot>) -> Result + Send + 'static) -> Job {
    Box::new(work)
}

/// Has the robot do something, without waiting.
pub fn tell(
    robot: &Handle,
    work: impl FnOnce(&mut Robot, &mut Context<Robot>) -> Result + Send + 'static,
) {
    robot.cast(Message::Do(Box::new(work)));
}

/// Has the robot do something with a call, and waits for the answer as long as it takes.
pub async fn ask(
    robot: &Handle,
    work: impl FnOnce(&mut Robot, &mut Context<Robot>, Reply<u64>) -> Result + Send + 'static,
) -> std::result::Result<u64, CallError> {
    robot.call(|from| Message::Call(from, Box::new(work))).no_timeout().await
}

/// Waits until the robot has handled everything that was sent before.
pub async fn sync(robot: &Handle) {
    ask(robot, |_, _, from| {
        from.send(0);
        Ok(())
    })
    .await
    .expect("the robot lives");
}
