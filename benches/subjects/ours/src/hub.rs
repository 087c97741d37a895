//! A server that knows many others, and these.

use fauxtp::prelude::*;

#[derive(Debug)]
pub(crate) struct Hub {
    others: Vec<Address<Told>>,
    heard: u64,
    task: Option<(u64, Reply<u64>)>,
}

#[derive(Debug)]
pub(crate) enum Message {
    Rounds(u64, Reply<u64>),
    Acknowledged,
}

/// What the others are told.
#[derive(Debug)]
pub(crate) struct Told;

impl GenServer for Hub {
    type Args = usize;
    type Message = Message;

    async fn init(others: usize, ctx: &mut Context<Self>) -> Result<Self> {
        let mut started = Vec::with_capacity(others);
        for _ in 0..others {
            started.push(Other::start(ctx.address()).await?);
        }
        Ok(Self { others: started, heard: 0, task: None })
    }

    async fn handle(&mut self, message: Message, _: &mut Context<Self>) -> Result {
        match message {
            Message::Rounds(rounds, from) => {
                self.heard = 0;
                self.task = Some((rounds * self.others.len() as u64, from));
                self.tell();
            }
            Message::Acknowledged => {
                self.heard += 1;
                if let Some((_, from)) = self.task.take_if(|(wanted, _)| *wanted == self.heard) {
                    from.send(self.heard);
                } else if self.heard.is_multiple_of(self.others.len() as u64) {
                    self.tell();
                }
            }
        }
        Ok(())
    }
}

impl Hub {
    fn tell(&self) {
        for other in &self.others {
            other.cast(Told);
        }
    }
}

#[derive(Debug)]
struct Other(Address<Message>);

impl GenServer for Other {
    type Args = Address<Message>;
    type Message = Told;

    async fn init(hub: Address<Message>, _: &mut Context<Self>) -> Result<Self> {
        Ok(Self(hub))
    }

    async fn handle(&mut self, Told: Told, _: &mut Context<Self>) -> Result {
        self.0.cast(Message::Acknowledged);
        Ok(())
    }
}
