//! Whether a name is free is known only at the moment in which one takes it. So one tries, and goes home if it is taken.

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
    if ctx.register(&THRONE).is_err() {
        return Ok(());
    }
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
