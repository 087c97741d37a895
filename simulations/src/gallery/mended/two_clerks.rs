//! Read and write were two calls, and the other clerk came in between: an update that depends on what was there has to be
//! one message.

use fauxtp::prelude::*;
use fauxtp::process;
use fauxtp::testing::Sim;

static BOARD: Name<Board> = Name::new("board");

struct Board(u32);

#[gen_server]
impl Board {
    fn init() -> Self {
        Self(0)
    }

    #[call]
    fn read(&self) -> u32 {
        self.0
    }

    #[call]
    fn add(&mut self, visitors: u32) {
        self.0 += visitors;
    }
}

/// Counts three visitors.
async fn clerk(_: process::Context<()>) -> Result {
    for _ in 0..3 {
        BOARD.add(1).await?;
    }
    Ok(())
}

/// What is on the board in the end.
pub async fn two_clerks(sim: Sim) -> Result {
    sim.start(Supervisor::new([Board::spec(()).name(&BOARD)])).await;
    let (one, other) = (process::spawn(clerk)?, process::spawn(clerk)?);
    assert!(one.join().await.is_normal() && other.join().await.is_normal());
    assert_eq!(BOARD.read().await?, 6, "visitors on the board");
    sim.no_leaks().await;
    Ok(())
}
