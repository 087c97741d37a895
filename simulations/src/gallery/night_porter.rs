//! A porter has a book of the guests in the house. Who comes is entered, and watched, so that whoever leaves is struck off.
//! The book survives the porter: it is paper.
//!
//! In the morning nobody is in the book who is not in the house.

use std::collections::BTreeSet;

use fauxtp::Down;
use fauxtp::prelude::*;
use fauxtp::process;
use fauxtp::testing::Sim;

use crate::outside::Outside;

static PORTER: Name<Porter> = Name::new("porter");

type Book = Outside<BTreeSet<Pid>>;

struct Porter(Book);

#[gen_server]
impl Porter {
    fn init(book: Book) -> Self {
        Self(book)
    }

    #[call]
    fn arrive(&mut self, guest: Pid, ctx: &mut Context<Self>) {
        ctx.monitor(guest);
        self.0.with(|book| book.insert(guest));
    }

    #[down]
    fn left(&mut self, down: Down) {
        self.0.with(|book| down.pid.map(|guest| book.remove(&guest)));
    }

    #[call]
    fn guests(&self) -> usize {
        self.0.with(|book| book.len())
    }
}

/// Stays until told to go.
async fn guest(mut ctx: process::Context<()>) {
    ctx.recv().await;
}

/// Whether the book is right in the morning.
pub async fn night_porter(sim: Sim) -> Result {
    let book = Book::default();
    let porter = Porter::spec(book.clone()).name(&PORTER).restart(Restart::Permanent);
    sim.start(Supervisor::new([porter])).await;
    let guests = [process::spawn(guest)?, process::spawn(guest)?];
    guests.iter().for_each(|guest| sim.spare(guest.pid()));
    for guest in &guests {
        let _nobody_at_the_desk = PORTER.arrive(guest.pid()).await;
    }
    for guest in &guests {
        guest.send(());
        guest.join().await;
    }
    sim.heal();
    sim.settle().await;
    assert_eq!(PORTER.guests().await?, 0, "guests in the book");
    sim.no_leaks().await;
    Ok(())
}
