//! An actor that starts its children again: coerce tells of their end, the rest is written by hand.

use std::collections::HashMap;

use async_trait::async_trait;
use coerce::actor::context::ActorContext;
use coerce::actor::message::{Handler, Message};
use coerce::actor::{Actor, ActorId, LocalActorRef, new_actor_id};
use fauxtp_bench_workloads::program::AS_ASKED;
use fauxtp_bench_workloads::subject::Arrivals;
use fauxtp_bench_workloads::{Ending, Shepherd};

use crate::system;

pub(crate) struct Child {
    number: usize,
    ending: Ending,
    arrivals: Arrivals<LocalActorRef<Self>>,
}

struct Crash;

impl Message for Crash {
    type Result = ();
}

#[async_trait]
impl Actor for Child {
    async fn started(&mut self, ctx: &mut ActorContext) {
        let _nobody_listens = self.arrivals.send((self.number, self.actor_ref(ctx)));
    }
}

#[async_trait]
impl Handler<Crash> for Child {
    async fn handle(&mut self, Crash: Crash, ctx: &mut ActorContext) {
        match self.ending {
            Ending::Panic => panic!("{AS_ASKED}"),
            // It does not end with errors.
            Ending::Error => ctx.stop(None),
        }
    }
}

struct Supervisor {
    children: usize,
    ending: Ending,
    arrivals: Arrivals<LocalActorRef<Child>>,
    numbers: HashMap<ActorId, usize>,
}

impl Supervisor {
    async fn start_child(&mut self, number: usize, ctx: &mut ActorContext) {
        let child = Child { number, ending: self.ending, arrivals: self.arrivals.clone() };
        let id = new_actor_id();
        self.numbers.insert(id.clone(), number);
        ctx.spawn(id, child).await.expect("its start cannot fail");
    }
}

#[async_trait]
impl Actor for Supervisor {
    async fn started(&mut self, ctx: &mut ActorContext) {
        for number in 0..self.children {
            self.start_child(number, ctx).await;
        }
    }

    async fn on_child_stopped(&mut self, id: &ActorId, ctx: &mut ActorContext) {
        if let Some(number) = self.numbers.remove(id) {
            self.start_child(number, ctx).await;
        }
    }
}

/// The supervisor.
pub(crate) struct Flock(LocalActorRef<Supervisor>);

impl Shepherd for Flock {
    type Child = LocalActorRef<Child>;

    async fn start(children: usize, ending: Ending, arrivals: Arrivals<Self::Child>) -> Self {
        let numbers = HashMap::with_capacity(children);
        Self(system::start(Supervisor { children, ending, arrivals, numbers }).await)
    }

    async fn crash(child: &Self::Child) {
        child.notify(Crash).expect("it lives until here");
    }

    async fn stop(self) {
        self.0.stop().await.expect("it lives until here");
    }
}
