//! Two clerks count visitors. Each of them sees three, and six are expected on the board.
//!
//! Nobody crashes here, no message is late, and every call is answered.

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
    fn write(&mut self, number: u32) {
        self.0 = number;
    }
}

/// Counts three visitors.
async fn clerk(_: process::Context<()>) -> Result {
    for _ in 0..3 {
        let number = BOARD.read().await?;
        BOARD.write(number + 1).await?;
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
