//! The listener: a child that, told to stop, finishes what it has accepted, and only then ends.

use std::net::SocketAddr;

use axum::Router;
use fauxtp::Exit;
use fauxtp::prelude::*;
use fauxtp::process::{self, Trap};
use fauxtp::supervisor::{Restart, Shutdown};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::routes::{Shared, routes};

/// What the listener is started with.
#[derive(Clone, Debug)]
pub struct Http {
    listen: SocketAddr,
    router: Router,
}

/// The listener's state: the process that serves, and how it is told to finish.
#[derive(Debug)]
pub struct Listener {
    server: Pid,
    finish: Option<oneshot::Sender<()>>,
}

/// The child. It may take as long to stop as its requests take, and no longer than `drain`, which is more than the
/// system's own deadline: that one names who was late. This one is for a supervisor that gives up: it stops its
/// children before it ends, and before that nobody knows of it.
#[must_use]
pub fn spec(http: Http, drain: Duration) -> ChildSpec {
    ChildSpec::new::<Listener>("http", http)
        .restart(Restart::Permanent)
        .shutdown(Shutdown::Timeout(drain))
}

impl Http {
    /// Answers here.
    #[must_use]
    pub fn at(listen: SocketAddr, shared: &Shared) -> Self {
        Self { listen, router: routes(shared.clone()) }
    }
}

#[gen_server]
impl Listener {
    #[allow(clippy::print_stdout, reason = "the address is this program's output")]
    async fn init(http: Http, ctx: &mut Context<Self>) -> Result<Self> {
        // So that `terminate` runs when the supervisor stops this.
        ctx.trap_exits(Trap::On);
        // Here and not in the server: an address that is taken fails the start.
        let socket = TcpListener::bind(http.listen).await?;
        println!("listening on {}", socket.local_addr()?);
        let (finish, told) = oneshot::channel();
        let told = async { drop(told.await) };
        let served = axum::serve(socket, http.router).with_graceful_shutdown(told);
        let server = ctx.spawn_link(|_: process::Context<()>| served.into_future())?;
        Ok(Self { server: server.pid(), finish: Some(finish) })
    }

    /// The server does not end by itself: if it does, something is wrong.
    #[exit]
    fn ended(&self, exit: Exit) -> Result {
        if exit.from == self.server { Err(Stop::because(exit.reason)) } else { Ok(()) }
    }

    /// Accepts nobody any more, and waits until every request that was accepted has its answer.
    async fn terminate(&mut self, _: &ExitReason) {
        drop(self.finish.take());
        process::join(self.server).await;
    }
}
