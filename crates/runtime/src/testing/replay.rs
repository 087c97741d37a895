//! The one line that says everything about a run: `seed=7`, or `path=0x12.3.1,strike=6:panic`.

use std::fmt;
use std::str::FromStr;

use crate::executor::choices::Source;
use crate::executor::script::Fault;

/// Everything that distinguishes one run from the others of its simulation.
#[derive(Clone, Debug)]
pub(super) struct Replay {
    pub(super) source: Source,
    pub(super) strikes: Vec<(u64, Fault)>,
}

/// A replay that nobody understands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ParseReplayError(String);

impl fmt::Display for ParseReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "parse replay: {:?} is none of `seed=7`, `path=0x12.3.1` and `strike=6:panic`",
            self.0
        )
    }
}

impl std::error::Error for ParseReplayError {}

impl fmt::Display for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Source::Seed(seed) => write!(f, "seed={seed}")?,
            Source::Path(path) => write!(f, "path={}", Runs(path))?,
            Source::Fifo => f.write_str("path=")?,
        }
        self.strikes.iter().try_for_each(|(point, fault)| write!(f, ",strike={point}:{fault}"))
    }
}

/// Numbers, those that repeat only once: `0x12.3.1`.
struct Runs<'a>(&'a [u32]);

impl fmt::Display for Runs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, run) in self.0.chunk_by(|one, next| one == next).enumerate() {
            let dot = if index == 0 { "" } else { "." };
            match run {
                [one] => write!(f, "{dot}{one}")?,
                many => write!(f, "{dot}{}x{}", many[0], many.len())?,
            }
        }
        Ok(())
    }
}

/// A path is never longer than that: more is a slip of the pen.
const PATH_MAX: usize = 10_000_000;

impl FromStr for Replay {
    type Err = ParseReplayError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut replay = Self { source: Source::Seed(0), strikes: Vec::new() };
        for part in text.split(',').map(str::trim) {
            replay.add(part).ok_or_else(|| ParseReplayError(part.to_owned()))?;
        }
        Ok(replay)
    }
}

impl Replay {
    fn add(&mut self, part: &str) -> Option<()> {
        match part.split_once('=')? {
            ("seed", seed) => self.source = Source::Seed(seed.parse().ok()?),
            ("path", "") => self.source = Source::Path(Vec::new()),
            ("path", path) => self.source = Source::Path(numbers(path)?),
            ("strike", strike) => {
                let (point, name) = strike.split_once(':')?;
                let fault = Fault::ALL.into_iter().find(|fault| fault.to_string() == name)?;
                self.strikes.push((point.parse().ok()?, fault));
            }
            _ => return None,
        }
        Some(())
    }
}

fn numbers(text: &str) -> Option<Vec<u32>> {
    let mut numbers = Vec::new();
    for run in text.split('.') {
        let (number, count) = run.split_once('x').unwrap_or((run, "1"));
        let count: usize = count.parse().ok()?;
        if numbers.len() + count > PATH_MAX {
            return None;
        }
        numbers.resize(numbers.len() + count, number.parse().ok()?);
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_can_be_read() {
        for text in ["seed=7", "seed=18446744073709551615,strike=6:panic", "path=", "path=3"]
            .into_iter()
            .chain(["path=0x12.3.1,strike=6:kill,strike=7:error", "path=4294967295x3.0"])
        {
            let replay: Replay = text.parse().expect("it is well formed");
            assert_eq!(replay.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_replay_is_refused_by_name() {
        for (text, culprit) in [
            ("", ""),
            ("seed", "seed"),
            ("seed=-1", "seed=-1"),
            ("seed=1,strike=5", "strike=5"),
            ("seed=1,strike=5:fire", "strike=5:fire"),
            ("path=1y3", "path=1y3"),
            ("path=1x99999999999", "path=1x99999999999"),
        ] {
            let error = text.parse::<Replay>().expect_err("it is not well formed");
            assert_eq!(error, ParseReplayError(culprit.to_owned()), "{text}");
        }
    }
}
