//! Pipelines: each stage feeds the next.

use fauxtp::prelude::*;
use fauxtp::task::async_stream;
use fauxtp::testing::Sim;

use crate::outside::{Gauge, Outside, insist, latency};

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

/// Computes many things, a few at a time, each in a task of its own.
struct Mapper;

static MAPPER: Name<Mapper> = Name::new("mapper");

#[gen_server]
impl Mapper {
    fn init() -> Self {
        Self
    }

    /// The squares up to there; nothing in the place of those whose task has failed.
    #[call]
    async fn squares(&mut self, last: u32, at_work: Gauge) -> Vec<Option<u32>> {
        let square = move |number: u32| {
            let at_work = at_work.clone();
            async move {
                let _one_more = at_work.enter();
                latency().await;
                number * number
            }
        };
        let squares = async_stream(1..=last, square).max_concurrency(3);
        let mut squares = squares.expect("three are more than none").nolink();
        let mut results = Vec::new();
        while let Some(square) = squares.next().await {
            results.push(square.ok());
        }
        results
    }
}

/// A server that maps by tasks; what its tasks come to is in order, whoever fails.
pub async fn tasks_in_a_stream(sim: Sim) {
    let at_work = Gauge::default();
    let gauge = at_work.clone();
    sim.invariant("no more than three at a time", move |_| gauge.count() <= 3);
    sim.start(Supervisor::new([Mapper::spec(()).name(&MAPPER).restart(Restart::Permanent)])).await;
    let expected: Vec<u32> = (1..=6).map(|number| number * number).collect();
    for _ in 0..2 {
        if let Ok(squares) = MAPPER.squares(6, at_work.clone()).await {
            let matches =
                |(got, expected): (&Option<u32>, &u32)| got.is_none_or(|got| got == *expected);
            assert_eq!(squares.len(), 6);
            assert!(squares.iter().zip(&expected).all(matches), "{squares:?}");
        }
    }
    sim.heal();
    let squares = insist(&sim, async || MAPPER.squares(6, at_work.clone()).await).await;
    assert_eq!(squares.into_iter().flatten().collect::<Vec<_>>(), expected);
    assert_eq!(at_work.count(), 0);
    sim.no_leaks().await;
}
