//! An actor that knows many others, and these.

use actix::prelude::*;
use tokio::sync::oneshot;

use crate::arbiters;

pub(crate) struct Hub {
    /// How many there are to be.
    number: usize,
    others: Vec<Addr<Other>>,
    heard: u64,
    task: Option<(u64, oneshot::Sender<u64>)>,
}

#[derive(Message)]
#[rtype(result = "()")]
struct Rounds(u64, oneshot::Sender<u64>);

#[derive(Message)]
#[rtype(result = "()")]
struct Acknowledged;

impl Actor for Hub {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        let other = |number| {
            let hub = ctx.address();
            Other::start_in_arbiter(arbiters::number(number), |_| Other(hub))
        };
        self.others = (0..self.number).map(other).collect();
    }
}

impl Handler<Rounds> for Hub {
    type Result = ();

    fn handle(&mut self, Rounds(rounds, done): Rounds, _: &mut Context<Self>) {
        self.heard = 0;
        self.task = Some((rounds * self.others.len() as u64, done));
        self.tell();
    }
}

impl Handler<Acknowledged> for Hub {
    type Result = ();

    fn handle(&mut self, Acknowledged: Acknowledged, _: &mut Context<Self>) {
        self.heard += 1;
        if let Some((_, done)) = self.task.take_if(|(wanted, _)| *wanted == self.heard) {
            let _nobody_waits = done.send(self.heard);
        } else if self.heard.is_multiple_of(self.others.len() as u64) {
            self.tell();
        }
    }
}

impl Hub {
    fn tell(&self) {
        for other in &self.others {
            other.do_send(Told);
        }
    }
}

struct Other(Addr<Hub>);

#[derive(Message)]
#[rtype(result = "()")]
struct Told;

impl Actor for Other {
    type Context = Context<Self>;
}

impl Handler<Told> for Other {
    type Result = ();

    fn handle(&mut self, Told: Told, _: &mut Context<Self>) {
        self.0.do_send(Acknowledged);
    }
}

pub(crate) fn start(number: usize) -> Addr<Hub> {
    Hub { number, others: Vec::new(), heard: 0, task: None }.start()
}

pub(crate) async fn broadcast(hub: &Addr<Hub>, rounds: u64) -> u64 {
    let (done, over) = oneshot::channel();
    hub.do_send(Rounds(rounds, done));
    over.await.expect("the hub stays")
}
