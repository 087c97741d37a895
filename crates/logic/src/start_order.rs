//! In which order applications start: each after those it depends on.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::fmt;

/// An application, as far as the order is concerned.
#[derive(Clone, Debug)]
pub struct Item<N> {
    /// What it is called.
    pub name: N,
    /// What has to run before it.
    pub depends_on: Vec<N>,
}

/// Why there is no order.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OrderError<N> {
    /// Two have the same name.
    Duplicate(N),
    /// One depends on another that is not there.
    Unknown {
        /// Which one.
        application: N,
        /// On whom it depends.
        dependency: N,
    },
    /// Each of these depends on the next one, and the last one on the first.
    Cycle(Vec<N>),
}

impl<N: fmt::Display> fmt::Display for OrderError<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duplicate(name) => write!(f, "order applications: there are two named `{name}`"),
            Self::Unknown { application, dependency } => write!(
                f,
                "order applications: `{application}` depends on `{dependency}`, which is not there"
            ),
            Self::Cycle(names) => {
                f.write_str("order applications: each depends on the next: ")?;
                for name in names {
                    write!(f, "`{name}` → ")?;
                }
                names.first().map_or(Ok(()), |first| write!(f, "`{first}`"))
            }
        }
    }
}

impl<N: fmt::Debug + fmt::Display> core::error::Error for OrderError<N> {}

/// The order to start in, as indices; the reverse is the order to stop in (APP-001, APP-003). Applications keep
/// the order in which they are listed as far as their dependencies allow.
///
/// # Errors
/// [`OrderError`] if a name is given twice, a dependency is not there, or some depend on each other.
pub fn start_order<N: Ord + Clone>(items: &[Item<N>]) -> Result<Vec<usize>, OrderError<N>> {
    let index = index(items)?;
    let mut order = Order::new(items.len());
    for root in 0..items.len() {
        order.visit(root, items, &index)?;
    }
    Ok(order.done)
}

/// What has to run so that `wanted` can: all it depends on, however indirectly, in the order to start in, itself
/// last. Nothing if it is not there.
///
/// # Errors
/// As [`start_order`].
pub fn start_order_of<N: Ord + Clone>(
    wanted: &N,
    items: &[Item<N>],
) -> Result<Option<Vec<usize>>, OrderError<N>> {
    let index = index(items)?;
    let Some(root) = index.get(wanted) else { return Ok(None) };
    let mut order = Order::new(items.len());
    order.visit(*root, items, &index)?;
    Ok(Some(order.done))
}

fn index<N: Ord + Clone>(items: &[Item<N>]) -> Result<BTreeMap<&N, usize>, OrderError<N>> {
    let mut index = BTreeMap::new();
    for (at, item) in items.iter().enumerate() {
        if index.insert(&item.name, at).is_some() {
            return Err(OrderError::Duplicate(item.name.clone()));
        }
    }
    Ok(index)
}

struct Order {
    done: Vec<usize>,
    is_done: Vec<bool>,
}

impl Order {
    fn new(count: usize) -> Self {
        Self { done: Vec::with_capacity(count), is_done: alloc::vec![false; count] }
    }

    /// Puts an item behind all it depends on. Goes down by a stack of its own: a chain may be as long as it likes.
    fn visit<N: Ord + Clone>(
        &mut self,
        root: usize,
        items: &[Item<N>],
        index: &BTreeMap<&N, usize>,
    ) -> Result<(), OrderError<N>> {
        // The way down from the root, each with how many of its dependencies have been looked at.
        let mut way: Vec<(usize, usize)> = Vec::new();
        let mut on_the_way = BTreeSet::new();
        if !self.is_done[root] {
            way.push((root, 0));
            on_the_way.insert(root);
        }
        while let Some((at, looked_at)) = way.last_mut() {
            let item = &items[*at];
            let Some(dependency) = item.depends_on.get(*looked_at) else {
                self.is_done[*at] = true;
                self.done.push(*at);
                on_the_way.remove(at);
                way.pop();
                continue;
            };
            *looked_at += 1;
            let Some(next) = index.get(dependency).copied() else {
                let (application, dependency) = (item.name.clone(), dependency.clone());
                return Err(OrderError::Unknown { application, dependency });
            };
            if on_the_way.contains(&next) {
                let circle = way.iter().map(|(at, _)| *at).skip_while(|at| *at != next);
                return Err(OrderError::Cycle(circle.map(|at| items[at].name.clone()).collect()));
            }
            if !self.is_done[next] {
                on_the_way.insert(next);
                way.push((next, 0));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::{String, ToString};

    type Row = (&'static str, &'static [&'static str]);

    fn items(rows: &[Row]) -> Vec<Item<&'static str>> {
        rows.iter().map(|(name, needs)| Item { name: *name, depends_on: needs.to_vec() }).collect()
    }

    fn names(rows: &[Row], order: &[usize]) -> String {
        order.iter().map(|at| rows[*at].0).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn each_starts_after_what_it_depends_on() {
        let rows: &[(&[Row], &str)] = &[
            (&[], ""),
            (&[("a", &[])], "a"),
            (&[("c", &[]), ("a", &[]), ("b", &[])], "c a b"),
            (&[("a", &["b"]), ("b", &["c"]), ("c", &[])], "c b a"),
            (&[("a", &["c", "b"]), ("b", &[]), ("c", &[])], "c b a"),
            (&[("a", &["b", "b"]), ("b", &[])], "b a"),
            (
                &[("d", &["b", "c"]), ("b", &["a"]), ("c", &["a"]), ("a", &[]), ("e", &[])],
                "a b c d e",
            ),
        ];
        for (applications, expected) in rows {
            let order = start_order(&items(applications)).expect("there is an order");
            assert_eq!(names(applications, &order), *expected, "{applications:?}");
        }
    }

    #[test]
    fn only_what_is_needed_starts() {
        let applications: &[Row] =
            &[("web", &["cache", "db"]), ("db", &[]), ("mail", &["db"]), ("cache", &["db"])];
        let rows = [
            ("web", Some("db cache web")),
            ("mail", Some("db mail")),
            ("db", Some("db")),
            ("x", None),
        ];
        for (wanted, expected) in rows {
            let order = start_order_of(&wanted, &items(applications)).expect("there is an order");
            assert_eq!(order.map(|order| names(applications, &order)).as_deref(), expected);
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let rows: &[(&[Row], &str)] = &[
            (&[("a", &[]), ("b", &[]), ("a", &["b"])], "there are two named `a`"),
            (&[("a", &["x"])], "`a` depends on `x`, which is not there"),
            (&[("a", &["a"])], "each depends on the next: `a` → `a`"),
            (
                &[("s", &["a"]), ("a", &["b"]), ("b", &["c"]), ("c", &["a"])],
                "each depends on the next: `a` → `b` → `c` → `a`",
            ),
            (
                &[("ok", &[]), ("a", &["b"]), ("b", &["a"])],
                "each depends on the next: `a` → `b` → `a`",
            ),
        ];
        for (applications, expected) in rows {
            let error = start_order(&items(applications)).expect_err("there is no order");
            assert_eq!(error.to_string(), format!("order applications: {expected}"));
        }
    }

    #[test]
    fn a_chain_may_be_as_long_as_it_likes() {
        const LENGTH: u32 = 20_000;
        let chain = |needs: &dyn Fn(u32) -> Vec<u32>| -> Vec<Item<u32>> {
            (0..LENGTH).map(|name| Item { name, depends_on: needs(name) }).collect()
        };
        let straight = chain(&|name| (name + 1 < LENGTH).then_some(name + 1).into_iter().collect());
        let order = start_order(&straight).expect("there is an order");
        assert!(order.iter().rev().copied().eq(0..LENGTH as usize));
        let circle = chain(&|name| alloc::vec![(name + 1) % LENGTH]);
        let Err(OrderError::Cycle(names)) = start_order(&circle) else { panic!("it is a circle") };
        assert_eq!(names.len(), LENGTH as usize);
    }
}
