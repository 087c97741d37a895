//! A counter and its supervisor: it counts, crashes, and counts again from where it was started.

#![allow(clippy::print_stdout, reason = "this program shows what happens")]

use fauxtp::prelude::*;

/// The state: how far it has counted.
struct Counter(u64);

/// What the counter receives.
enum Message {
    Increment(Reply<u64>),
    Divide(u64, Reply<u64>),
}

impl GenServer for Counter {
    type Args = u64;
    type Message = Message;

    async fn init(start: u64, _: &mut Context<Self>) -> Result<Self> {
        Ok(Self(start))
    }

    async fn handle(&mut self, message: Message, _: &mut Context<Self>) -> Result {
        match message {
            Message::Increment(from) => {
                self.0 += 1;
                from.send(self.0);
            }
            // Nobody has thought of zero.
            Message::Divide(by, from) => from.send(self.0 / by),
        }
        Ok(())
    }
}

static COUNTER: Name<Counter> = Name::new("counter");

#[tokio::main]
async fn main() -> Result {
    let supervisor = Supervisor::new([Counter::spec(10).name(&COUNTER)]).start().await?;

    println!("increment: {}", COUNTER.call(Message::Increment).await?);
    println!("increment: {}", COUNTER.call(Message::Increment).await?);

    // The call ends at once, with the reason: nobody waits for an answer that cannot come.
    match COUNTER.call(|from| Message::Divide(0, from)).await {
        Ok(quotient) => println!("divide by 0: {quotient}"),
        Err(error) => println!("divide by 0: {error}"),
    }

    // By the time the supervisor answers, it has replaced its child.
    let children = supervisor.count_children().await?;
    println!("children alive: {}", children.active);
    println!("increment: {}", COUNTER.call(Message::Increment).await?);

    supervisor.stop().await?;
    println!("stopped");
    Ok(())
}
