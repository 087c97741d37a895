//! Pipelines: each stage feeds the next.

use fauxtp::prelude::*;
use fauxtp::task::async_stream;
use fauxtp::testing::Sim;

use crate::outside::{Gauge, Outside, insist, latency};

static SINK: Name<Sink> = Name::new("sink");
static PARSER: Name<Parser> = Name::new("parser");
static SOURCE: Name<Source> = Name::new("source");

/// What was done with the numbers.
#[derive(Debug, Default)]
struct Book {
    written: Vec<u32>,
    /// How many came although they had been written before.
    repeated: u32,
    /// How many times somebody has asked for a number to be written, was told that it is, or that somebody had failed.
    asked: u32,
    told: u32,
    failed: u32,
}

impl Book {
    /// Every number once, and in order. A number comes again only to who had been told of a failure, and none comes that
    /// nobody has asked for.
    fn is_right(&self) -> bool {
        let came = self.written.len() as u32 + self.repeated;
        (1..).zip(&self.written).all(|(index, number)| index == *number)
            && self.repeated <= self.failed
            && (self.told..=self.asked).contains(&came)
    }
}

/// Writes numbers down, in the order in which they come.
struct Sink(Outside<Book>);

#[gen_server]
impl Sink {
    fn init(book: Outside<Book>) -> Self {
        Self(book)
    }

    #[call]
    async fn write(&mut self, number: u32) -> u32 {
        latency().await;
        self.0.with(|book| {
            // What has been written already is not written again.
            if book.written.last().is_none_or(|last| *last < number) {
                book.written.push(number);
            } else {
                book.repeated += 1;
            }
            book.written.len() as u32
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
struct Source(Outside<Book>);

#[gen_server]
impl Source {
    fn init(book: Outside<Book>) -> Self {
        Self(book)
    }

    #[call]
    async fn next(&mut self) -> Result<u32, CallError<CallError>> {
        let last = self.0.with(|book| book.written.last().copied().unwrap_or(0));
        PARSER.parse((last + 1).to_string()).await
    }
}

/// Asks for the next number.
async fn next(book: &Outside<Book>) -> Result<u32, ()> {
    book.with(|book| book.asked += 1);
    let answer = SOURCE.next().await;
    book.with(|book| match answer {
        Ok(_) => book.told += 1,
        Err(_) => book.failed += 1,
    });
    answer.map_err(drop)
}

/// Three stages, the last one first; whoever fails takes those along that feed it.
pub async fn three_stages(sim: Sim) {
    let book = Outside::new(Book::default());
    sim.always_one(&SINK);
    sim.always_one(&PARSER);
    sim.always_one(&SOURCE);
    let seen = book.clone();
    sim.invariant("the book is right", move |_| seen.with(|book: &mut Book| book.is_right()));
    let permanent = |spec: ChildSpec| spec.restart(Restart::Permanent);
    sim.start(
        Supervisor::new([
            permanent(Sink::spec(book.clone()).name(&SINK)),
            permanent(Parser::spec(()).name(&PARSER)),
            permanent(Source::spec(book.clone()).name(&SOURCE)),
        ])
        .strategy(RestartStrategy::RestForOne),
    )
    .await;
    for _ in 0..6 {
        let _struck_perhaps = next(&book).await;
    }
    sim.heal();
    while book.with(|book| book.written.len() < 8) {
        insist(&sim, async || next(&book).await).await;
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
    // What a mapper that was struck has begun ends soon after it, and does not count for the next one.
    let gauge = at_work.clone();
    let rested = async || {
        let gauge = gauge.clone();
        sim.eventually("nobody is at work", move |_| gauge.count() == 0).await;
    };
    for _ in 0..2 {
        rested().await;
        if let Ok(squares) = MAPPER.squares(6, at_work.clone()).await {
            let matches =
                |(got, expected): (&Option<u32>, &u32)| got.is_none_or(|got| got == *expected);
            assert_eq!(squares.len(), 6);
            assert!(squares.iter().zip(&expected).all(matches), "{squares:?}");
        }
    }
    sim.heal();
    rested().await;
    let squares = insist(&sim, async || MAPPER.squares(6, at_work.clone()).await).await;
    assert_eq!(squares.into_iter().flatten().collect::<Vec<_>>(), expected);
    assert_eq!(at_work.count(), 0);
    sim.no_leaks().await;
}
