//! A bank: money that must neither vanish nor appear, whoever is struck down while it is moved.

use std::collections::{BTreeMap, BTreeSet};

use fauxtp::prelude::*;
use fauxtp::testing::Sim;

use crate::outside::{Outside, insist, latency};

/// What is on paper: the balances, and which bookings have been made.
#[derive(Debug, Default)]
struct Books {
    balances: BTreeMap<&'static str, i64>,
    booked: BTreeSet<(u32, &'static str)>,
    /// Transfers that have been begun and not ended.
    open: BTreeMap<u32, i64>,
}

static ALICE: Name<Account> = Name::new("alice");
static BOB: Name<Account> = Name::new("bob");
static TELLER: Name<Teller> = Name::new("teller");

struct Account {
    books: Outside<Books>,
    owner: &'static str,
}

#[gen_server]
impl Account {
    fn init(books: Outside<Books>, owner: &'static str) -> Self {
        Self { books, owner }
    }

    /// Books an amount, once for each transfer, however often it is asked to.
    #[call]
    async fn book(&mut self, transfer: u32, amount: i64) -> i64 {
        latency().await;
        self.books.with(|books| {
            let balance = books.balances.entry(self.owner).or_default();
            if books.booked.insert((transfer, self.owner)) {
                *balance += amount;
            }
            *balance
        })
    }
}

struct Teller(Outside<Books>);

#[gen_server]
impl Teller {
    fn init(books: Outside<Books>) -> Self {
        Self(books)
    }

    /// What a teller before this one has left half done comes first.
    #[continue_with]
    async fn tidy_up(&mut self) {
        let open = self.0.with(|books| books.open.clone());
        for (transfer, amount) in open {
            let _next_time = self.carry_out(transfer, amount).await;
        }
    }

    #[call]
    async fn transfer(&mut self, transfer: u32, amount: i64) -> Result<(), CallError> {
        self.0.with(|books| books.open.insert(transfer, amount));
        self.carry_out(transfer, amount).await
    }

    async fn carry_out(&mut self, transfer: u32, amount: i64) -> Result<(), CallError> {
        ALICE.book(transfer, -amount).await?;
        BOB.book(transfer, amount).await?;
        self.0.with(|books| books.open.remove(&transfer));
        Ok(())
    }
}

/// Two accounts and a teller who keeps a list of what he has begun.
pub async fn transfers(sim: Sim) {
    let books = Outside::new(Books::default());
    let seen = books.clone();
    sim.invariant("what is missing is being moved", move |_| {
        seen.with(|books| {
            let missing = -books.balances.values().sum::<i64>();
            let on_the_way: i64 = books.open.values().sum();
            (0..=on_the_way).contains(&missing)
        })
    });
    let account = |owner, name: &Name<Account>| {
        Account::spec((books.clone(), owner)).name(name).restart(Restart::Permanent)
    };
    let teller = Teller::spec(books.clone()).name(&TELLER).restart(Restart::Permanent);
    let tree = Supervisor::new([account("alice", &ALICE), account("bob", &BOB), teller]);
    sim.start(tree).await;
    for transfer in 0..5 {
        let _struck_perhaps = TELLER.transfer(transfer, 10).await;
    }
    sim.heal();
    for transfer in 0..6 {
        insist(&sim, async || TELLER.transfer(transfer, 10).await).await;
    }
    let (sum, balances) =
        books.with(|books| (books.balances.values().sum::<i64>(), books.balances.clone()));
    assert_eq!((sum, balances["bob"]), (0, 60), "{balances:?}");
    sim.no_leaks().await;
}
