//! An actor that starts its children again.

use std::collections::HashMap;

use fauxtp_bench_workloads::program::AS_ASKED;
use fauxtp_bench_workloads::subject::Arrivals;
use fauxtp_bench_workloads::{Ending, Shepherd};
use ractor::{Actor, ActorId, ActorProcessingErr, ActorRef, SupervisionEvent};

struct Child;

pub(crate) struct Crash;

impl Actor for Child {
    type Msg = Crash;
    type State = Ending;
    type Arguments = (usize, Ending, Arrivals<ActorRef<Crash>>);

    async fn pre_start(
        &self,
        me: ActorRef<Crash>,
        (number, ending, arrivals): Self::Arguments,
    ) -> Result<Ending, ActorProcessingErr> {
        arrivals.send((number, me)).map_err(|_| "nobody listens")?;
        Ok(ending)
    }

    async fn handle(
        &self,
        _: ActorRef<Crash>,
        Crash: Crash,
        ending: &mut Ending,
    ) -> Result<(), ActorProcessingErr> {
        match ending {
            Ending::Panic => panic!("{AS_ASKED}"),
            Ending::Error => Err(AS_ASKED.into()),
        }
    }
}

struct Supervisor {
    ending: Ending,
    arrivals: Arrivals<ActorRef<Crash>>,
}

impl Supervisor {
    async fn start_child(
        &self,
        me: &ActorRef<()>,
        number: usize,
    ) -> Result<ActorId, ActorProcessingErr> {
        let arguments = (number, self.ending, self.arrivals.clone());
        let (child, _) = Actor::spawn_linked(None, Child, arguments, me.get_cell()).await?;
        Ok(child.get_id())
    }
}

impl Actor for Supervisor {
    type Msg = ();
    type State = HashMap<ActorId, usize>;
    type Arguments = usize;

    async fn pre_start(
        &self,
        me: ActorRef<()>,
        children: usize,
    ) -> Result<Self::State, ActorProcessingErr> {
        let mut numbers = HashMap::with_capacity(children);
        for number in 0..children {
            numbers.insert(self.start_child(&me, number).await?, number);
        }
        Ok(numbers)
    }

    async fn handle_supervisor_evt(
        &self,
        me: ActorRef<()>,
        event: SupervisionEvent,
        numbers: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        if let SupervisionEvent::ActorFailed(child, _) = event {
            let number = numbers.remove(&child.get_id()).ok_or("not one of ours")?;
            numbers.insert(self.start_child(&me, number).await?, number);
        }
        Ok(())
    }
}

/// The supervisor.
pub(crate) struct Flock(ActorRef<()>);

impl Shepherd for Flock {
    type Child = ActorRef<Crash>;

    async fn start(children: usize, ending: Ending, arrivals: Arrivals<Self::Child>) -> Self {
        let supervisor = Supervisor { ending, arrivals };
        Self(Actor::spawn(None, supervisor, children).await.expect("its start cannot fail").0)
    }

    async fn crash(child: &Self::Child) {
        child.cast(Crash).expect("it lives until here");
    }

    async fn stop(self) {
        self.0.stop_children_and_wait(None, None).await;
        self.0.stop_and_wait(None, None).await.expect("it lives until here");
    }
}
