//! Makes a failing run simpler, as long as it fails: fewer faults first, then a tamer schedule.

use crate::executor::choices::Source;

use super::replay::Replay;

/// So many runs are made to make one simpler.
const RUNS_MAX: usize = 400;

/// Finds a simpler run that fails as well. `fails` plays one and, if it fails in the same way, gives the path it took.
pub(super) fn shrink(
    found: &Replay,
    path: Vec<u32>,
    mut fails: impl FnMut(&Replay) -> Option<Vec<u32>>,
) -> Replay {
    let mut runs = 0;
    let mut attempt = |replay: &Replay| {
        runs += 1;
        if runs > RUNS_MAX { None } else { fails(replay) }
    };
    let mut best = Replay { source: Source::Path(path.clone()), strikes: found.strikes.clone() };
    // Whether a path alone says everything.
    let Some(mut path) = attempt(&best) else { return found.clone() };
    let mut index = 0;
    while index < best.strikes.len() {
        let mut fewer = best.clone();
        fewer.strikes.remove(index);
        match attempt(&fewer) {
            Some(taken) => (best, path) = (fewer, taken),
            None => index += 1,
        }
    }
    let strikes = best.strikes;
    let mut try_path = |tamer: &[u32]| {
        attempt(&Replay { source: Source::Path(tamer.to_vec()), strikes: strikes.clone() })
            .is_some()
    };
    path = shorter(path, &mut try_path);
    path = tamer(path, &mut try_path);
    Replay { source: Source::Path(without_tail(path)), strikes }
}

/// The shortest beginning that does; what follows is all zeros.
fn shorter(mut path: Vec<u32>, fails: &mut impl FnMut(&[u32]) -> bool) -> Vec<u32> {
    if fails(&[]) {
        return Vec::new();
    }
    let mut step = path.len() / 2;
    while step > 0 {
        let keep = path.len().saturating_sub(step);
        if fails(&path[..keep]) {
            path.truncate(keep);
            step = step.min(path.len() / 2);
        } else {
            step /= 2;
        }
    }
    path
}

/// Zeros in the place of whole stretches, then of single choices; what cannot be zero is as small as can be.
fn tamer(mut path: Vec<u32>, fails: &mut impl FnMut(&[u32]) -> bool) -> Vec<u32> {
    let mut width = path.len().div_ceil(2).max(1);
    loop {
        for begin in (0..path.len()).step_by(width) {
            let end = (begin + width).min(path.len());
            if path[begin..end].iter().all(|choice| *choice == 0) {
                continue;
            }
            let mut zeros = path.clone();
            zeros[begin..end].fill(0);
            if fails(&zeros) {
                path = zeros;
            }
        }
        if width == 1 {
            break;
        }
        width = width.div_ceil(2);
    }
    for index in 0..path.len() {
        while path[index] > 1 {
            let mut smaller = path.clone();
            smaller[index] = 1;
            if !fails(&smaller) {
                break;
            }
            path = smaller;
        }
    }
    path
}

/// Zeros at the end go without saying.
fn without_tail(mut path: Vec<u32>) -> Vec<u32> {
    let kept = path.iter().rposition(|choice| *choice != 0).map_or(0, |last| last + 1);
    path.truncate(kept);
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::script::Fault;

    /// Goal: what is needed stays, nothing else does. Method: a run that fails if the seventh choice is at least 2
    /// and the second of three strikes is there.
    #[test]
    fn only_what_is_needed_stays() {
        let strikes = vec![(1, Fault::Kill), (5, Fault::Panic), (9, Fault::Error)];
        let found = Replay { source: Source::Seed(3), strikes };
        let path: Vec<u32> = (0..40).map(|number| number % 5 + 1).collect();
        let fails = |replay: &Replay| {
            let Source::Path(path) = &replay.source else { return None };
            let is_struck = replay.strikes.contains(&(5, Fault::Panic));
            (is_struck && path.get(6).is_some_and(|choice| *choice >= 2)).then(|| path.clone())
        };
        assert_eq!(shrink(&found, path, fails).to_string(), "path=0x6.2,strike=5:panic");
    }

    #[test]
    fn a_run_that_its_path_does_not_repeat_stays_as_it_is() {
        let found = Replay { source: Source::Seed(3), strikes: Vec::new() };
        assert_eq!(shrink(&found, vec![1, 2], |_| None).to_string(), "seed=3");
    }
}
