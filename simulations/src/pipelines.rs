//! Pipelines: each stage feeds the next.

use fauxtp::prelude::*;
use fauxtp::testing::Sim;

use crate::outside::{Outside, insist, latency};

static SINK: Name<Sink> = Name::new("sink");
static PARSER: Name<Parser> = Name::new("parser");
static SOURCE: Name<Source> = Name::new("source");

/// Writes numbers down, in the order in which they come.
struct Sink(Outside<Vec<u32>>);

#[gen_server]
impl Sink {
    fn init(written: Outside<Vec<u32>>) -> Self {
        Self(written)
    }

    #[call]
    async fn write(&mut self, number: u32) -> u32 {
        latency().await;
        self.0.with(|written| {
            // What has been written already is not written again.
            if written.last().is_none_or(|last| *last < number) {
                written.push(number);
            }
            written.len() as u32
        })
    }
}

/// Makes numbers of lines.
struct Parser;

#[gen_server]
impl Parser {
    fn init() -> Self {
        Self
    }

    #[call]
    async fn parse(&mut self, line: String) -> Result<u32, CallError> {
        let number = line.parse().unwrap_or_default();
        SINK.write(number).await
    }
}

/// Reads lines, from where it had got to.
struct Source(Outside<Vec<u32>>);

#[gen_server]
impl Source {
    fn init(written: Outside<Vec<u32>>) -> Self {
        Self(written)
    }

    #[call]
    async fn next(&mut self) -> Result<u32, CallError<CallError>> {
        let last = self.0.with(|written| written.last().copied().unwrap_or(0));
        PARSER.parse((last + 1).to_string()).await
    }
}

/// Three stages, the last one first; whoever fails takes those along that feed it.
pub async fn three_stages(sim: Sim) {
    let written = Outside::new(Vec::new());
    sim.always_one(&SINK);
    sim.always_one(&PARSER);
    sim.always_one(&SOURCE);
    let seen = written.clone();
    sim.invariant("every number once, in order", move |_| {
        seen.with(|written: &mut Vec<u32>| {
            (1..).zip(&*written).all(|(index, number)| index == *number)
        })
    });
    let permanent = |spec: ChildSpec| spec.restart(Restart::Permanent);
    sim.start(
        Supervisor::new([
            permanent(Sink::spec(written.clone()).name(&SINK)),
            permanent(Parser::spec(()).name(&PARSER)),
            permanent(Source::spec(written.clone()).name(&SOURCE)),
        ])
        .strategy(RestartStrategy::RestForOne),
    )
    .await;
    for _ in 0..6 {
        let _struck_perhaps = SOURCE.next().await;
    }
    sim.heal();
    while written.with(|written| written.len() < 8) {
        insist(&sim, async || SOURCE.next().await).await;
    }
    sim.no_leaks().await;
}
