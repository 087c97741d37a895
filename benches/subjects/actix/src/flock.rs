//! Actors that stop when they are told to, each with a supervisor of its own.

use actix::prelude::*;
use fauxtp_bench_workloads::subject::Arrivals;
use fauxtp_bench_workloads::{Ending, Shepherd};

pub(crate) struct Child {
    number: usize,
    arrivals: Arrivals<Addr<Self>>,
}

#[derive(Message)]
#[rtype(result = "()")]
struct Crash;

impl Actor for Child {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        let _nobody_listens = self.arrivals.send((self.number, ctx.address()));
    }
}

impl Supervised for Child {}

impl Handler<Crash> for Child {
    type Result = ();

    /// The only end that is followed by a restart.
    fn handle(&mut self, Crash: Crash, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}

/// Supervisors end when nobody has the address of their actors any more.
#[derive(Debug)]
pub(crate) struct Flock;

impl Shepherd for Flock {
    type Child = Addr<Child>;

    async fn start(children: usize, _: Ending, arrivals: Arrivals<Self::Child>) -> Self {
        for number in 0..children {
            let arrivals = arrivals.clone();
            Supervisor::start(move |_| Child { number, arrivals });
        }
        Self
    }

    async fn crash(child: &Self::Child) {
        child.do_send(Crash);
    }

    async fn stop(self) {}
}
