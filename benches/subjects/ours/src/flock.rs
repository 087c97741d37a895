//! A supervisor of servers that end when they are told to.

use fauxtp::prelude::*;
use fauxtp::supervisor::SupervisorHandle;
use fauxtp_bench_workloads::program::AS_ASKED;
use fauxtp_bench_workloads::subject::Arrivals;
use fauxtp_bench_workloads::{Ending, Shepherd};

#[derive(Debug)]
struct Child(Ending);

#[derive(Debug)]
pub(crate) struct Crash;

type Args = (usize, Ending, Arrivals<Address<Crash>>);

impl GenServer for Child {
    type Args = Args;
    type Message = Crash;

    async fn init((number, ending, arrivals): Args, ctx: &mut Context<Self>) -> Result<Self> {
        arrivals.send((number, ctx.address()))?;
        Ok(Self(ending))
    }

    async fn handle(&mut self, Crash: Crash, _: &mut Context<Self>) -> Result {
        match self.0 {
            Ending::Panic => panic!("{AS_ASKED}"),
            Ending::Error => Err(Stop::error(AS_ASKED)),
        }
    }
}

/// The supervisor.
#[derive(Debug)]
pub(crate) struct Flock(SupervisorHandle);

impl Shepherd for Flock {
    type Child = Address<Crash>;

    async fn start(children: usize, ending: Ending, arrivals: Arrivals<Self::Child>) -> Self {
        let child = |number: usize| {
            Child::spec((number, ending, arrivals.clone())).id(format!("child-{number}"))
        };
        let supervisor = Supervisor::new((0..children).map(child)).unlimited();
        Self(supervisor.start().await.expect("the children's init cannot fail"))
    }

    async fn crash(child: &Self::Child) {
        child.cast(Crash);
    }

    async fn stop(self) {
        self.0.stop().await.expect("it ends as it is asked to");
    }
}
