//! W1 to W4: messages to one counter, or to many.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::{Load, Timed, long_enough};
use crate::figure::Figure;
use crate::subject::{Subject, Total};

/// Producers cast as fast as they can; done when the last number is counted.
pub(crate) struct Cast<S: Subject> {
    counter: S::Counter,
    producers: usize,
    before: Total,
}

impl<S: Subject> Cast<S> {
    pub(crate) async fn to_one(producers: usize) -> Self {
        Self { counter: S::start().await, producers, before: Total::default() }
    }

    async fn produce(counter: S::Counter, count: u64) {
        for n in 0..count {
            S::add(&counter, n).await;
        }
    }
}

impl<S: Subject> Load for Cast<S> {
    async fn go(&mut self, count: u64) -> Result<Timed> {
        let each = count / self.producers as u64;
        let start = Instant::now();
        if self.producers == 1 {
            Self::produce(self.counter.clone(), each).await;
        } else {
            let produce = |number| S::beside(number, Self::produce(self.counter.clone(), each));
            let producers: Vec<_> = (0..self.producers).map(produce).collect();
            for producer in producers {
                producer.await;
            }
        }
        let total = S::total(&self.counter).await;
        let took = start.elapsed();
        let operations = each * self.producers as u64;
        let sum = self.producers as u64 * (each * each.saturating_sub(1) / 2);
        let right = Total { count: self.before.count + operations, sum: self.before.sum + sum };
        ensure!(total == right, "casts were lost: {total:?} instead of {right:?}");
        self.before = total;
        Ok(Timed { operations, took })
    }
}

/// Callers call, each of them again when it has its answer.
pub(crate) struct Call<S: Subject> {
    counter: S::Counter,
    callers: usize,
}

/// What the counter has been told before it is called.
const TOLD: Total = Total { count: 1, sum: 7 };

impl<S: Subject> Call<S> {
    pub(crate) async fn by(callers: usize) -> Self {
        let counter = S::start().await;
        S::add(&counter, TOLD.sum).await;
        Self { counter, callers }
    }

    async fn call(counter: S::Counter, count: u64) -> u64 {
        let mut right = 0;
        for _ in 0..count {
            right += u64::from(S::total(&counter).await == TOLD);
        }
        right
    }
}

impl<S: Subject> Load for Call<S> {
    async fn go(&mut self, count: u64) -> Result<Timed> {
        let each = count.div_ceil(self.callers as u64);
        let operations = each * self.callers as u64;
        let start = Instant::now();
        let mut right = 0;
        if self.callers == 1 {
            right += Self::call(self.counter.clone(), each).await;
        } else {
            let call = |number| S::beside(number, Self::call(self.counter.clone(), each));
            let callers: Vec<_> = (0..self.callers).map(call).collect();
            for caller in callers {
                right += caller.await;
            }
        }
        let took = start.elapsed();
        ensure!(right == operations, "only {right} of {operations} answers were right");
        Ok(Timed { operations, took })
    }
}

/// W3: how many calls there are in a second, and how long most of them take.
pub(crate) async fn single_calls<S: Subject>(time: Duration) -> Result<Vec<Figure>> {
    let rate = long_enough(Call::<S>::by(1).await, time).await?;
    let Call { counter, .. } = Call::<S>::by(1).await;
    let mut right = true;
    let mut calls = Vec::with_capacity(SINGLE_CALLS);
    for _ in 0..SINGLE_CALLS {
        let start = Instant::now();
        let total = S::total(&counter).await;
        calls.push(start.elapsed());
        right &= total == TOLD;
    }
    ensure!(right, "an answer was not right");
    // What it takes to look at the clock is not the call's.
    let clock = (0..SINGLE_CALLS).map(|_| Instant::now().elapsed()).collect();
    let median = median(calls).saturating_sub(median(clock));
    Ok(vec![rate.figure("w3"), Figure::time("w3p", 1, median)])
}

const SINGLE_CALLS: usize = 20_000;

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
