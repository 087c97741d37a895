//! The same power by hand: a server is an enum of messages and a trait, and whatever takes the enum can stand in for it.

#![allow(clippy::print_stdout, reason = "this program shows what happens")]

use fauxtp::prelude::*;
use fauxtp::process::{self, Received};

/// The state.
struct Account {
    balance: u64,
    /// One function sees all messages, so it can count them.
    handled: u64,
}

/// What an account receives; a call carries the address of its answer.
enum Message {
    Deposit(u64),
    Withdraw(u64, Reply<Result<u64, Overdrawn>>),
    Audit(u64, Reply<u64>),
}

#[derive(Debug, PartialEq)]
struct Overdrawn;

impl GenServer for Account {
    type Args = u64;
    type Message = Message;

    async fn init(balance: u64, _: &mut Context<Self>) -> Result<Self> {
        Ok(Self { balance, handled: 0 })
    }

    async fn handle(&mut self, message: Message, _: &mut Context<Self>) -> Result {
        self.handled += 1;
        match message {
            Message::Deposit(amount) => self.balance += amount,
            // What is answered is data, an error as well: this one goes to whoever asked, and the account lives on.
            Message::Withdraw(amount, from) => from.send(self.withdraw(amount)),
            // What is returned is the account's own: this one ends it.
            Message::Audit(expected, _) if expected != self.balance => {
                return Err(Stop::error(format!("{expected} expected, {} found", self.balance)));
            }
            Message::Audit(_, from) => from.send(self.handled),
        }
        Ok(())
    }
}

impl Account {
    fn withdraw(&mut self, amount: u64) -> Result<u64, Overdrawn> {
        self.balance = self.balance.checked_sub(amount).ok_or(Overdrawn)?;
        Ok(self.balance)
    }
}

static ACCOUNT: Name<Account> = Name::new("account");

/// Knows the messages, and not who takes them: an account, its name, a stand-in.
async fn withdraw(from: &impl Dest<Message = Message>, amount: u64) -> Result<String, CallError> {
    Ok(match from.call(|reply| Message::Withdraw(amount, reply)).await? {
        Ok(left) => format!("{left} left"),
        Err(Overdrawn) => "overdrawn".into(),
    })
}

#[tokio::main]
async fn main() -> Result {
    let sup = Supervisor::new([Account::spec(100).name(&ACCOUNT)]).start().await?;
    ACCOUNT.cast(Message::Deposit(20));
    assert_eq!(withdraw(&ACCOUNT, 50).await?, "70 left");
    println!("withdraw 500: {}", withdraw(&ACCOUNT, 500).await?);
    let handled = ACCOUNT.call(|from| Message::Audit(70, from)).await?;
    println!("audited after {handled} messages");

    let outcome = ACCOUNT.call(|from| Message::Audit(1_000_000, from)).await;
    println!("a failed audit: {}", outcome.expect_err("that much?"));
    ACCOUNT.await_restart().await?;
    assert_eq!(withdraw(&ACCOUNT, 50).await?, "50 left");
    println!("the next account: 50 left of 100");
    sup.stop().await?;

    // No server at all: a process that takes the same messages, as a test may want one.
    let rich = process::spawn(async |mut ctx: process::Context<Message>| {
        while let Received::Message(Message::Withdraw(_, reply)) = ctx.recv().await {
            reply.send(Ok(u64::MAX));
        }
    })?;
    println!("a stand-in: {}", withdraw(&rich, 50).await?);
    Ok(())
}
