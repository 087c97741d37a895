//! The operations, through the public API, in a runtime of one thread.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result, ensure};
use clap::ValueEnum;
use fauxtp::prelude::{Name, Supervisor};
use fauxtp::{ChildSpec, ExitReason, GenServer, PidExt, Reply};
use tokio::sync::Semaphore;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Operation {
    /// A message to a server that is busy with those before it.
    Cast,
    /// A call of an idle server.
    Call,
    /// A round between two servers, each idle before its turn: two messages, two wakes.
    Round,
    /// The start of a server, until its `init` is through.
    Start,
    /// A start, and a stop.
    Life,
    /// The restart of a supervised child that has returned an error.
    Restart,
    /// A look-up among a thousand names.
    Lookup,
}

struct Counter(u64);

enum Message {
    Add(u64),
    Total(Reply<u64>),
    /// To be sent back and forth so many times; then the reply is due.
    Pass(u64, fauxtp::Address<Self>, Reply<()>),
}

impl GenServer for Counter {
    type Args = ();
    type Message = Message;

    async fn init((): (), _: &mut fauxtp::gen_server::Context<Self>) -> fauxtp::Result<Self> {
        Ok(Self(0))
    }

    async fn handle(
        &mut self,
        message: Message,
        ctx: &mut fauxtp::gen_server::Context<Self>,
    ) -> fauxtp::Result {
        match message {
            Message::Add(number) => self.0 += number,
            Message::Total(from) => from.send(self.0),
            Message::Pass(0, _, from) => from.send(()),
            Message::Pass(left, to, from) => to.cast(Message::Pass(left - 1, ctx.address(), from)),
        }
        Ok(())
    }
}

impl Operation {
    pub(crate) fn run(self, times: u64) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async { tokio::spawn(self.perform(times)).await? })
    }

    async fn perform(self, times: u64) -> Result<()> {
        match self {
            Self::Cast => {
                let server = Counter::start(()).await?;
                (0..times).for_each(|_| server.cast(Message::Add(1)));
                let total = server.call(Message::Total).await?;
                ensure!(total == times, "{total} of {times} messages have arrived");
            }
            Self::Call => {
                let server = Counter::start(()).await?;
                for _ in 0..times {
                    black_box(server.call(Message::Total).await?);
                }
            }
            Self::Round => {
                let (one, other) = (Counter::start(()).await?, Counter::start(()).await?);
                one.call(|from| Message::Pass(2 * times, other, from)).await?;
            }
            Self::Start => {
                let mut servers = Vec::with_capacity(usize::try_from(times)?);
                for _ in 0..times {
                    servers.push(Counter::start(()).await?);
                }
                // Their ends are not asked for.
                std::process::exit(i32::from(servers.len() as u64 != times));
            }
            Self::Life => {
                for _ in 0..times {
                    let server = Counter::start(()).await?;
                    server.pid().stop(ExitReason::Normal, None).await?;
                }
            }
            Self::Restart => restarts(times).await?,
            Self::Lookup => {
                let names: Vec<Name<Counter>> =
                    (0..1_000).map(|number| Name::from_string(format!("name-{number}"))).collect();
                let mut servers = Vec::new();
                for name in &names {
                    servers.push(Counter::start(()).name(name).await?);
                }
                for name in names.iter().cycle().take(usize::try_from(times)?) {
                    black_box(name.whereis().context("everybody lives")?);
                }
            }
        }
        Ok(())
    }
}

async fn restarts(times: u64) -> Result<()> {
    let left = Arc::new(AtomicU64::new(times));
    let over = Arc::new(Semaphore::new(0));
    let (counts, tells) = (left.clone(), over.clone());
    let child = ChildSpec::task("child", move || {
        let (left, over) = (counts.clone(), tells.clone());
        async move {
            let one_less = |left: u64| left.checked_sub(1);
            if left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok() {
                return Err(std::fmt::Error);
            }
            over.add_permits(1);
            std::future::pending().await
        }
    });
    let supervisor = Supervisor::new([child]).unlimited().start().await?;
    over.acquire().await?.forget();
    supervisor.stop().await?;
    Ok(())
}
