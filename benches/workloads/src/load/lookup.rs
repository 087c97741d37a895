//! W12: names are looked up among very many.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::{Load, Timed, ensure_arrived, long_enough};
use crate::figure::Figure;
use crate::subject::{Names, Subject};

pub(crate) async fn run<S: Subject>(names: u64, time: Duration) -> Result<Vec<Figure>> {
    let mut readers = Readers::<S>::of(usize::try_from(names)?).await;
    let alone = long_enough(readers.by(1), time).await?;
    let eight = long_enough(readers.by(8), time).await?;
    Ok(vec![alone.figure("w12"), eight.figure("w12x8")])
}

/// Readers look up names that are all over the place.
pub(crate) struct Readers<S: Subject> {
    names: Arc<S::Names>,
    count: usize,
    readers: usize,
}

impl<S: Subject> Readers<S> {
    pub(crate) async fn of(count: usize) -> Self {
        Self { names: Arc::new(S::Names::start(count).await), count, readers: 1 }
    }

    fn by(&mut self, readers: usize) -> &mut Self {
        self.readers = readers;
        self
    }

    async fn read(names: Arc<S::Names>, count: usize, first: usize, lookups: u64) -> u64 {
        let mut found = 0;
        let mut index = first % count;
        for _ in 0..lookups {
            found += u64::from(names.find(index).await);
            index = (index + STRIDE) % count;
        }
        found
    }
}

/// A prime: all names have their turn.
const STRIDE: usize = 7_919;

impl<S: Subject> Load for Readers<S> {
    async fn go(&mut self, count: u64) -> Result<Timed> {
        let each = count.div_ceil(self.readers as u64);
        let start = Instant::now();
        let mut found = 0;
        if self.readers == 1 {
            found += Self::read(self.names.clone(), self.count, 0, each).await;
        } else {
            let read = |number| {
                S::beside(number, Self::read(self.names.clone(), self.count, number, each))
            };
            let readers: Vec<_> = (0..self.readers).map(read).collect();
            for reader in readers {
                found += reader.await;
            }
        }
        let took = start.elapsed();
        let operations = each * self.readers as u64;
        ensure_arrived(found, operations)?;
        Ok(Timed { operations, took })
    }
}

impl<L: Load> Load for &mut L {
    async fn go(&mut self, count: u64) -> Result<Timed> {
        (**self).go(count).await
    }
}
