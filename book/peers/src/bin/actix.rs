//! The counter that survives, with actix.
use actix::prelude::*;

struct Counter(i64);

impl Actor for Counter {
    type Context = Context<Self>;
}

impl Supervised for Counter {
    fn restarting(&mut self, _: &mut Context<Self>) {
        self.0 = 0;
    }
}

#[derive(Message)]
#[rtype(result = "i64")]
struct Add(i64);

#[derive(Message)]
#[rtype(result = "i64")]
struct Get;

#[derive(Message)]
#[rtype(result = "()")]
struct Reset;

#[derive(Message)]
#[rtype(result = "()")]
struct Fail;

#[derive(Message)]
#[rtype(result = "()")]
struct Crash;

impl Handler<Add> for Counter {
    type Result = i64;

    fn handle(&mut self, Add(k): Add, _: &mut Context<Self>) -> i64 {
        self.0 += k;
        self.0
    }
}

impl Handler<Get> for Counter {
    type Result = i64;

    fn handle(&mut self, _: Get, _: &mut Context<Self>) -> i64 {
        self.0
    }
}

impl Handler<Reset> for Counter {
    type Result = ();

    fn handle(&mut self, _: Reset, _: &mut Context<Self>) {
        self.0 = 0;
    }
}

impl Handler<Fail> for Counter {
    type Result = ();

    fn handle(&mut self, _: Fail, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}

impl Handler<Crash> for Counter {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Context<Self>) {
        panic!("boom");
    }
}

#[actix::main]
async fn main() -> Result<(), MailboxError> {
    let counter = Supervisor::start(|_| Counter(0));
    counter.do_send(Reset);
    assert_eq!(counter.send(Add(5)).await?, 5);

    // It stops itself, and is restarted: the same value, through `restarting`.
    counter.do_send(Fail);
    assert_eq!(counter.send(Get).await?, 0);

    // It panics, and is gone, its supervisor with it.
    assert!(counter.send(Crash).await.is_err());
    assert!(matches!(counter.send(Get).await, Err(MailboxError::Closed)));
    Ok(())
}
