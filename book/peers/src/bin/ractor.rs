//! The counter that survives, with ractor.
use std::time::{Duration, Instant};

use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, SupervisionEvent, call, cast};

struct Counter;

enum Message {
    Add(i64, RpcReplyPort<i64>),
    Get(RpcReplyPort<i64>),
    Reset,
    Crash,
}

impl Actor for Counter {
    type Msg = Message;
    type State = i64;
    type Arguments = i64;

    async fn pre_start(&self, _: ActorRef<Message>, n: i64) -> Result<i64, ActorProcessingErr> {
        Ok(n)
    }

    async fn handle(
        &self,
        _: ActorRef<Message>,
        message: Message,
        state: &mut i64,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Message::Add(k, reply) => {
                *state += k;
                reply.send(*state)?;
            }
            Message::Get(reply) => reply.send(*state)?,
            Message::Reset => *state = 0,
            Message::Crash => panic!("boom"),
        }
        Ok(())
    }
}

struct Supervisor;

impl Supervisor {
    async fn start_counter(me: &ActorRef<()>) -> Result<(), ActorProcessingErr> {
        let name = Some("counter".to_owned());
        Actor::spawn_linked(name, Counter, 0, me.get_cell()).await?;
        Ok(())
    }
}

impl Actor for Supervisor {
    type Msg = ();
    type State = Vec<Instant>;
    type Arguments = ();

    async fn pre_start(
        &self,
        me: ActorRef<()>,
        (): (),
    ) -> Result<Vec<Instant>, ActorProcessingErr> {
        Self::start_counter(&me).await?;
        Ok(Vec::new())
    }

    async fn handle_supervisor_evt(
        &self,
        me: ActorRef<()>,
        event: SupervisionEvent,
        restarts: &mut Vec<Instant>,
    ) -> Result<(), ActorProcessingErr> {
        if let SupervisionEvent::ActorFailed(..) = event {
            restarts.retain(|at| at.elapsed() < Duration::from_secs(5));
            if restarts.len() == 3 {
                return Err("too many restarts".into());
            }
            restarts.push(Instant::now());
            Self::start_counter(&me).await?;
        }
        Ok(())
    }
}

fn counter() -> Option<ActorRef<Message>> {
    ActorRef::where_is("counter".to_owned())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (_sup, _handle) = Actor::spawn(None, Supervisor, ()).await?;
    let first = counter().ok_or("no counter")?;
    cast!(first, Message::Reset)?;
    assert_eq!(call!(first, Message::Add, 5)?, 5);
    cast!(first, Message::Crash)?;
    let second = loop {
        match counter() {
            Some(counter) if counter.get_id() != first.get_id() => break counter,
            _ => tokio::time::sleep(Duration::from_millis(1)).await,
        }
    };
    assert_eq!(call!(second, Message::Get)?, 0);
    Ok(())
}
