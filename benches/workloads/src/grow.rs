//! How cost grows: the same things done among more and more processes, or children.

use std::hint::black_box;
use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::{Error, Result, bail, ensure};

use crate::figure::Figure;
use crate::load::{Flock, Load as _, Readers, Timed, long_enough};
use crate::subject::{Ending, Subject};

/// What is plotted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Growth {
    /// A cast, a call, a start and a restart, among so many idle processes.
    Processes,
    /// A look-up, among so many names.
    Names,
    /// A supervisor with so many children: its start and stop, and a restart.
    Children,
}

/// How long a figure takes.
const TIME: Duration = Duration::from_millis(50);

impl Growth {
    pub(crate) async fn run<S: Subject>(self, number: usize) -> Result<Vec<Figure>> {
        let figures = match self {
            Self::Processes => processes::<S>(number).await?,
            Self::Names => {
                let lookup = long_enough(Readers::<S>::of(number).await, TIME).await?;
                vec![lookup.figure("lookup")]
            }
            Self::Children => children::<S>(number).await?,
        };
        Ok(figures.into_iter().map(|figure| figure.among(number as u64)).collect())
    }
}

async fn processes<S: Subject>(number: usize) -> Result<Vec<Figure>> {
    let mut counters = Vec::with_capacity(number);
    for _ in 0..number {
        counters.push(S::start().await);
    }
    let cast = casts::<S>(&counters).await?;
    let call = calls::<S>(&counters).await?;
    let start = starts::<S>().await;
    let mut flock = Flock::<S::Shepherd>::start(1, Ending::Error).await?;
    let restart = long_enough(&mut flock, TIME).await?;
    flock.stop().await;
    Ok(vec![
        cast.figure("cast"),
        call.figure("call"),
        start.figure("spawn"),
        restart.figure("restart"),
    ])
}

/// Operations of a kind that goes to everybody in turn.
const OPERATIONS: usize = 100_000;

/// Done when everybody who was told something has answered for it.
async fn casts<S: Subject>(counters: &[S::Counter]) -> Result<Timed> {
    let start = Instant::now();
    for turn in 0..OPERATIONS {
        S::add(&counters[turn % counters.len()], 1).await;
    }
    let told = counters.len().min(OPERATIONS);
    S::total(&counters[told - 1]).await;
    let took = start.elapsed();
    let mut arrived = 0;
    for counter in &counters[..told] {
        arrived += S::total(counter).await.count;
    }
    ensure!(arrived == OPERATIONS as u64, "{arrived} of {OPERATIONS} casts have arrived");
    Ok(Timed { operations: OPERATIONS as u64, took })
}

async fn calls<S: Subject>(counters: &[S::Counter]) -> Result<Timed> {
    let start = Instant::now();
    let mut told = 0;
    for turn in 0..OPERATIONS {
        told += S::total(&counters[turn % counters.len()]).await.count;
    }
    let took = start.elapsed();
    ensure!(told > 0, "nobody had been told anything");
    Ok(Timed { operations: OPERATIONS as u64, took })
}

async fn starts<S: Subject>() -> Timed {
    let started = OPERATIONS / 10;
    let mut counters = Vec::with_capacity(started);
    let start = Instant::now();
    for _ in 0..started {
        counters.push(S::start().await);
    }
    if let Some(last) = counters.last() {
        black_box(S::total(last).await);
    }
    let took = start.elapsed();
    for counter in counters {
        S::stop(counter).await;
    }
    Timed { operations: started as u64, took }
}

async fn children<S: Subject>(number: usize) -> Result<Vec<Figure>> {
    let began = Instant::now();
    let mut flock = Flock::<S::Shepherd>::start(number, Ending::Error).await?;
    let started = began.elapsed();
    // The children have their turn one after the other, all of them if there are not too many.
    flock.go(1_000).await?;
    let restart = flock.go(10_000).await?;
    let began = Instant::now();
    flock.stop().await;
    let stopped = began.elapsed();
    Ok(vec![
        Figure::time("start of a supervisor", 1, started),
        restart.figure("restart of a child"),
        Figure::time("stop of a supervisor", 1, stopped),
    ])
}

impl FromStr for Growth {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Ok(match name {
            "processes" => Self::Processes,
            "names" => Self::Names,
            "children" => Self::Children,
            _ => bail!("nothing called `{name}` is plotted"),
        })
    }
}
