//! What the macro makes of the shapes an impl block can have: generics, conditions, visibility, names, lints.
#![deny(
    warnings,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    unused_qualifications,
    elided_lifetimes_in_paths,
    clippy::pedantic
)]
#![allow(
    clippy::unused_async,
    clippy::needless_pass_by_value,
    clippy::unused_self,
    reason = "the handlers of these servers do little"
)]

use std::collections::BTreeMap;
use std::fmt::Debug;

use fauxtp::prelude::*;

struct Cache<K, V, const N: usize>(BTreeMap<K, V>);

#[gen_server]
impl<K: Ord + Send + 'static, V, const N: usize> Cache<K, V, N>
where
    V: Clone + Send + 'static,
{
    fn init() -> Self {
        Self(BTreeMap::new())
    }
    #[cast]
    fn insert(&mut self, key: K, value: V) {
        if self.0.len() < N {
            self.0.insert(key, value);
        }
    }
    #[call]
    fn get(&self, key: K) -> Option<V> {
        self.0.get(&key).cloned()
    }
    #[call]
    fn take(&mut self, key: K) -> Result<V, Missing<K>> {
        self.0.remove(&key).ok_or(Missing(key))
    }
    #[call]
    fn snapshot(&self, _: [u8; Cache::<u8, u8, 0>::WIDTH]) -> Self {
        Self(BTreeMap::new())
    }
    #[call]
    fn has_room(&self, _not_yet_used: bool) -> bool {
        self.0.len() < N
    }
}

impl Cache<u8, u8, 0> {
    const WIDTH: usize = 2;
}

#[derive(Debug, PartialEq, Eq)]
struct Missing<K>(K);

#[tokio::test]
async fn servers_may_be_generic() -> Result {
    let cache = Cache::<String, u32, 2>::start(()).await?;
    for key in ["a", "b", "c"] {
        cache.insert(key.to_owned(), 1);
    }
    assert_eq!(cache.get("a".to_owned()).await?, Some(1));
    assert_eq!(cache.get("c".to_owned()).await?, None);
    assert_eq!(cache.take("b".to_owned()).await, Ok(1));
    let missing = Missing("b".to_owned());
    assert_eq!(cache.take("b".to_owned()).await, Err(CallError::Failed(missing)));
    assert!(cache.has_room(true).await?);
    assert!(cache.snapshot([1, 2]).await?.0.is_empty());
    Ok(())
}

struct Only<const N: usize>;

#[gen_server]
impl Only<3> {
    fn init() -> Self {
        Self
    }
    #[call]
    fn others(&self, others: Vec<Self>) -> usize {
        others.len()
    }
}

#[tokio::test]
async fn one_instance_of_a_generic_type_may_be_a_server() -> Result {
    let only = Only::<3>::start(()).await?;
    assert_eq!(only.others(vec![Only, Only]).await?, 2);
    Ok(())
}

struct Conditional;

#[gen_server]
impl Conditional {
    fn init() -> Self {
        Self
    }
    #[cfg(test)]
    #[call]
    fn answer(&self) -> u8 {
        1
    }
    #[cfg(any())]
    #[call]
    fn answer(&self) -> u16 {
        2
    }
    #[call]
    #[cfg(any())]
    fn gone(&self, never: NoSuchType) -> u8 {
        3
    }
    #[cfg(any())]
    #[down]
    fn down(&mut self, down: fauxtp::Down) {}
    #[cfg(any())]
    #[tick(every = NO_SUCH_PERIOD)]
    fn tick(&mut self) {}
    #[cfg(any())]
    fn terminate(&mut self, reason: &ExitReason) {}
}

#[tokio::test]
async fn conditions_hold_for_everything_that_is_made_of_a_handler() -> Result {
    let conditional = Conditional::start(()).await?;
    assert_eq!(conditional.answer().await?, 1_u8);
    Ok(())
}

struct Nothing;

#[gen_server]
impl Nothing {
    fn init() -> Self {
        Self
    }
    #[cfg(any())]
    #[cast]
    fn never(&mut self) {}
}

struct Mute;

#[gen_server]
impl Mute {
    fn init() -> Self {
        Self
    }
}

#[tokio::test]
async fn servers_without_messages_are_servers() -> Result {
    let (nothing, mute) = (Nothing::start(()).await?, Mute::start(()).await?);
    assert!(nothing.is_alive() && mute.is_alive());
    Ok(())
}

/// A server in a room of its own.
mod even {
    use fauxtp::prelude::*;

    /// All handlers are seen equally far.
    pub(crate) struct Even;

    #[gen_server]
    impl Even {
        fn init() -> Self {
            Self
        }
        #[call]
        pub(crate) fn one(&self) -> u8 {
            1
        }
        #[call]
        pub(crate) fn two(&self) -> u8 {
            2
        }
    }
}

/// A server whose handlers are seen by different people.
mod uneven {
    #![allow(unreachable_pub, reason = "these are, and what is made of them too")]

    use fauxtp::prelude::*;

    /// Handlers are seen by different people.
    #[derive(Debug)]
    pub struct Uneven(u8);

    #[gen_server]
    impl Uneven {
        fn init(secret: u8) -> Self {
            Self(secret)
        }
        /// For everybody.
        #[call]
        #[must_use]
        pub fn open(&self) -> u8 {
            self.0
        }
        #[cast]
        pub(super) fn inner(&mut self) {
            self.0 += 1;
        }
        #[cast]
        fn secret(&mut self, by: Secret) {
            self.0 += by.0;
        }
        #[info]
        fn own(&mut self) {}
    }

    struct Secret(u8);

    pub(super) fn tell_secret(uneven: &Address<UnevenMessage>) {
        uneven.secret(Secret(10));
        uneven.cast(UnevenMessage::Own);
    }
}

#[tokio::test]
async fn clients_are_as_visible_as_their_handlers() -> Result {
    use even::{Even, EvenClient};
    use uneven::{Uneven, UnevenClient, UnevenInnerClient};

    let even = Even::start(()).await?;
    assert_eq!(even.one().await? + even.two().await?, 3);
    let address = Uneven::start(5).await?;
    address.inner();
    uneven::tell_secret(&address);
    assert_eq!(address.open().await?, 16);
    Ok(())
}

/// Names that the expansion uses as well.
struct Clash;

#[gen_server]
impl Clash {
    async fn init(ctx: u8, server: u8, from: u8) -> Self {
        assert_eq!((ctx, server, from), (1, 2, 3));
        Self
    }
    #[call]
    fn sum(&self, from: u8, ctx: u8, message: u8, other: &mut Context<Self>) -> u8 {
        assert!(other.pid().is_alive());
        from + ctx * 10 + message * 100
    }
    #[call]
    fn pattern(&self, (a, b): (u8, u8), mut c: u8, [_, d]: [u8; 2]) -> u8 {
        c += d;
        a + b + c
    }
    #[call]
    fn handle(&self) -> u8 {
        4
    }
    #[call]
    #[expect(clippy::too_many_arguments, reason = "that is what this is about")]
    fn many(&self, a1: u8, a2: u8, a3: u8, a4: u8, a5: u8, a6: u8, a7: u8) -> u8 {
        a1 + a2 + a3 + a4 + a5 + a6 + a7
    }
    /// Is old.
    #[deprecated = "it is old"]
    #[call]
    fn old(&self) -> u8 {
        self.hidden()
    }
    fn hidden(&self) -> u8 {
        5
    }
}

#[tokio::test]
async fn names_of_the_expansion_may_be_the_users() -> Result {
    let clash = Clash::start((1, 2, 3)).await?;
    assert_eq!(clash.sum(1, 2, 1).await?, 121);
    assert_eq!(clash.pattern((1, 2), 3, [0, 4]).await?, 10);
    assert_eq!(clash.handle().await?, 4);
    assert_eq!(clash.many(1, 1, 1, 1, 1, 1, 1).await?, 7);
    #[allow(deprecated, reason = "the warning is passed on")]
    let old = clash.old().await?;
    assert_eq!(old, 5);
    Ok(())
}

#[test]
fn messages_say_what_they_are() {
    fn text(message: &impl Debug) -> String {
        format!("{message:?}")
    }
    assert_eq!(text(&CacheMessage::<String, u8, 1>::Insert("a".to_owned(), 1)), "Cache::insert");
}
