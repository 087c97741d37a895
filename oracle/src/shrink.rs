//! Makes a failing history as simple as it can be while it still fails.

use anyhow::Result;

/// The simplest history found that still fails, and how many were tried.
///
/// Goes from one failing history to the first simpler one that fails as well, until there is none. Ends, for every
/// step is to a simpler one; and after `TRIES_MAX`, should they be many.
pub(crate) fn shrink<H>(
    start: H,
    simpler: impl Fn(&H) -> Vec<H>,
    mut fails: impl FnMut(&H) -> Result<bool>,
) -> Result<(H, usize)> {
    let mut best = start;
    let mut tries = 0;
    'simplest: loop {
        for candidate in simpler(&best) {
            tries += 1;
            if tries > TRIES_MAX {
                break 'simplest;
            }
            if fails(&candidate)? {
                best = candidate;
                continue 'simplest;
            }
        }
        break;
    }
    Ok((best, tries))
}

/// The lists with something left out of `all`: halves first, then ever smaller parts, down to single elements.
pub(crate) fn shorter<T: Clone>(all: &[T]) -> Vec<Vec<T>> {
    let mut lists = Vec::new();
    let mut width = all.len();
    while width > 0 {
        for start in (0..all.len()).step_by(width) {
            let end = (start + width).min(all.len());
            lists.push([&all[..start], &all[end..]].concat());
        }
        width /= 2;
    }
    lists
}

const TRIES_MAX: usize = 5_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_matter_is_left_out() {
        let start: Vec<u32> = (0..40).collect();
        let fails = |list: &Vec<u32>| Ok(list.contains(&7) && list.contains(&31));
        let (best, tries) =
            shrink(start, |list| shorter(list), fails).expect("nothing goes wrong here");
        assert_eq!(best, [7, 31]);
        assert!(tries < 200, "{tries}");
    }

    #[test]
    fn shorter_lists_leave_out_everything_first() {
        assert_eq!(shorter(&[1, 2]), [vec![], vec![2], vec![1]]);
        assert!(shorter::<u8>(&[]).is_empty());
    }
}
