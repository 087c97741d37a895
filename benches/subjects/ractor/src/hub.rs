//! An actor that knows many others, and these.

use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};

pub(crate) struct Hub;

pub(crate) struct State {
    others: Vec<ActorRef<Told>>,
    heard: u64,
    task: Option<(u64, RpcReplyPort<u64>)>,
}

pub(crate) enum Message {
    Rounds(u64, RpcReplyPort<u64>),
    Acknowledged,
}

/// What the others are told.
pub(crate) struct Told;

impl Actor for Hub {
    type Msg = Message;
    type State = State;
    type Arguments = usize;

    async fn pre_start(
        &self,
        me: ActorRef<Message>,
        number: usize,
    ) -> Result<State, ActorProcessingErr> {
        let mut others = Vec::with_capacity(number);
        for _ in 0..number {
            others.push(Actor::spawn(None, Other, me.clone()).await?.0);
        }
        Ok(State { others, heard: 0, task: None })
    }

    async fn handle(
        &self,
        _: ActorRef<Message>,
        message: Message,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Message::Rounds(rounds, from) => {
                state.heard = 0;
                state.task = Some((rounds * state.others.len() as u64, from));
                state.tell()
            }
            Message::Acknowledged => {
                state.heard += 1;
                let heard = state.heard;
                if let Some((_, from)) = state.task.take_if(|(wanted, _)| *wanted == heard) {
                    from.send(heard)?;
                } else if heard.is_multiple_of(state.others.len() as u64) {
                    return state.tell();
                }
                Ok(())
            }
        }
    }
}

impl State {
    fn tell(&self) -> Result<(), ActorProcessingErr> {
        for other in &self.others {
            other.cast(Told)?;
        }
        Ok(())
    }
}

struct Other;

impl Actor for Other {
    type Msg = Told;
    type State = ActorRef<Message>;
    type Arguments = ActorRef<Message>;

    async fn pre_start(
        &self,
        _: ActorRef<Told>,
        hub: ActorRef<Message>,
    ) -> Result<ActorRef<Message>, ActorProcessingErr> {
        Ok(hub)
    }

    async fn handle(
        &self,
        _: ActorRef<Told>,
        Told: Told,
        hub: &mut ActorRef<Message>,
    ) -> Result<(), ActorProcessingErr> {
        hub.cast(Message::Acknowledged)?;
        Ok(())
    }
}
