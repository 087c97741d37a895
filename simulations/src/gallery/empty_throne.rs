//! Two heirs. Each of them looks whether the throne is empty, puts his robe on, and sits down if it was; otherwise he goes
//! home.
//!
//! None of them falls.

use fauxtp::names::Raw;
use fauxtp::prelude::*;
use fauxtp::process;
use fauxtp::testing::Sim;

use crate::outside::latency;

static THRONE: Name<Raw<()>> = Name::new("throne");

async fn heir(mut ctx: process::Context<()>) -> Result {
    if THRONE.whereis().is_some() {
        return Ok(());
    }
    // The robe.
    latency().await;
    ctx.register(&THRONE)?;
    latency().await;
    Ok(())
}

/// Whether both get off unharmed.
pub async fn empty_throne(sim: Sim) -> Result {
    let heirs = [process::spawn(heir)?, process::spawn(heir)?];
    for heir in heirs {
        let end = heir.join().await;
        assert!(end.is_normal(), "an heir falls: {end:#}");
    }
    sim.no_leaks().await;
    Ok(())
}
