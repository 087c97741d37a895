//! A supervisor of actors that end when they are told to.

use std::time::Duration;

use fauxtp_bench_workloads::program::AS_ASKED;
use fauxtp_bench_workloads::subject::Arrivals;
use fauxtp_bench_workloads::{Ending, Shepherd};
use kameo::error::Infallible;
use kameo::mailbox;
use kameo::prelude::*;
use kameo::supervision::{RestartPolicy, SupervisionStrategy};

pub(crate) struct Child(Ending);

struct Crash;

#[derive(Clone)]
pub(crate) struct Args {
    number: usize,
    ending: Ending,
    arrivals: Arrivals<ActorRef<Child>>,
}

impl Actor for Child {
    type Args = Args;
    type Error = Infallible;

    async fn on_start(args: Args, me: ActorRef<Self>) -> Result<Self, Infallible> {
        let _nobody_listens = args.arrivals.send((args.number, me));
        Ok(Self(args.ending))
    }
}

/// An error of what was told, and not asked, is a panic.
impl Message<Crash> for Child {
    type Reply = Result<(), &'static str>;

    async fn handle(
        &mut self,
        Crash: Crash,
        _: &mut Context<Self, Self::Reply>,
    ) -> Result<(), &'static str> {
        match self.0 {
            Ending::Panic => panic!("{AS_ASKED}"),
            Ending::Error => Err(AS_ASKED),
        }
    }
}

struct Supervisor;

impl Actor for Supervisor {
    type Args = ();
    type Error = Infallible;

    fn supervision_strategy() -> SupervisionStrategy {
        SupervisionStrategy::OneForOne
    }

    async fn on_start((): (), _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(Self)
    }
}

/// The supervisor.
pub(crate) struct Flock(ActorRef<Supervisor>);

impl Shepherd for Flock {
    type Child = ActorRef<Child>;

    async fn start(children: usize, ending: Ending, arrivals: Arrivals<Self::Child>) -> Self {
        let supervisor = Supervisor::spawn(());
        for number in 0..children {
            let args = Args { number, ending, arrivals: arrivals.clone() };
            Child::supervise(&supervisor, args)
                .restart_policy(RestartPolicy::Transient)
                .restart_limit(u32::MAX, Duration::from_secs(1))
                .spawn_with_mailbox(mailbox::unbounded())
                .await;
        }
        Self(supervisor)
    }

    async fn crash(child: &Self::Child) {
        child.tell(Crash).send().await.expect("its mailbox outlives it");
    }

    async fn stop(self) {
        self.0.stop_gracefully().await.expect("it lives until here");
        self.0.wait_for_shutdown().await;
    }
}
