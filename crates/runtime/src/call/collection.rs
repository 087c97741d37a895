//! Many requests, and whichever is answered first.

use std::collections::BTreeMap;
use std::fmt;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use fauxtp_logic::Time;

use super::ready::Ready;
use super::{CallError, Request};
use crate::clock;
use crate::cycle;
use crate::waiting::Patience;

/// Requests whose answers have not been taken, each with a label of the caller's (GS-061).
///
/// As OTP's `request_id_collection`. There a request may be added twice, which is an error; here it moves in. An answer
/// takes its request out. However many there are, only those are looked at that something has happened to.
///
/// While a process waits for the one request that is left, whoever calls it and is waited for is
/// [refused](CallError::Deadlock); as long as there are several, any of them will do, and that is no wait for one.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use fauxtp::call::{Collected, Deadline, RequestCollection};
/// use fauxtp::prelude::*;
/// use fauxtp::process::{self, Context, Received};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result {
/// let mut requests = RequestCollection::new();
/// for shard in 0..3_u64 {
///     let shard_process = process::spawn(async move |mut ctx: Context<Reply<u64>>| {
///         let Received::Message(from) = ctx.recv().await else { return };
///         from.send(shard * 100);
///     })?;
///     requests.add(shard_process.send_request(|from| from), shard);
/// }
/// // One deadline for all of them.
/// let deadline = Deadline::after(Duration::from_secs(1));
/// let mut sum = 0;
/// while let Collected::Response(answer, shard) = requests.receive_response(deadline).await {
///     assert_eq!(answer, Ok(shard * 100));
///     sum += shard;
/// }
/// assert_eq!((sum, requests.len()), (3, 0));
/// # Ok(()) }
/// ```
#[must_use = "dropping requests abandons them"]
pub struct RequestCollection<T, L> {
    /// By number, which is the order in which they were added.
    entries: BTreeMap<u64, Entry<T, L>>,
    /// The number of the next one.
    next: u64,
    ready: Ready,
}

struct Entry<T, L> {
    request: Request<T>,
    label: L,
    /// Without an end of its own; it watches over the callee.
    patience: Patience,
    waker: Waker,
}

/// What a wait for many requests has come to.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "an answer comes once"]
pub enum Collected<T, L> {
    /// A request was answered, or never will be; it has this label, and has left the collection.
    Response(Result<T, CallError>, L),
    /// There is nothing to wait for.
    NoRequest,
    /// The deadline has passed; or that of the request which the caller is handling.
    Timeout,
}

/// When a wait ends: a point in time, for several waits that are to end at the same time. A duration is as good where
/// there is but one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Time);

impl Deadline {
    /// So far from now.
    #[must_use]
    pub fn after(timeout: Duration) -> Self {
        Self(clock::now().plus(timeout))
    }

    /// How long that is from now; nothing if it has passed.
    #[must_use]
    pub fn left(self) -> Duration {
        self.0.since(clock::now())
    }
}

impl From<Duration> for Deadline {
    fn from(timeout: Duration) -> Self {
        Self::after(timeout)
    }
}

impl<T: Send + 'static, L> RequestCollection<T, L> {
    /// A collection without requests.
    pub fn new() -> Self {
        Self { entries: BTreeMap::new(), next: 0, ready: Ready::default() }
    }

    /// Adds a request. Labels need not differ.
    pub fn add(&mut self, request: Request<T>, label: L) {
        let (number, waker) = (self.next, self.ready.waker(self.next));
        self.next += 1;
        self.entries.insert(number, Entry { request, label, patience: Patience::new(None), waker });
    }

    /// How many requests there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The labels of the requests that are left, in the order in which they were added.
    pub fn labels(&self) -> impl Iterator<Item = &L> + '_ {
        self.entries.values().map(|entry| &entry.label)
    }

    /// Waits until some request is answered, as long as it takes; nothing if none is left. To be used like a stream.
    /// Those that have been answered come in the order in which they were. When the deadline of the request passes which
    /// the caller is handling, all that are left come as [timed out](CallError::Timeout).
    ///
    /// # Cancel safety
    /// Strict.
    pub async fn next(&mut self) -> Option<(Result<T, CallError>, L)> {
        match self.collect(None).await {
            Collected::Response(response, label) => Some((response, label)),
            Collected::NoRequest => None,
            Collected::Timeout => {
                let (_, late) = self.entries.pop_first()?;
                late.request.expire();
                Some((Err(CallError::Timeout), late.label))
            }
        }
    }

    /// Waits until some request is answered. If the deadline passes first, all requests stay alive (GS-061). With
    /// [`Duration::ZERO`] it only looks.
    ///
    /// # Cancel safety
    /// Strict.
    pub async fn wait_response(&mut self, until: impl Into<Deadline>) -> Collected<T, L> {
        let left = until.into().left();
        self.collect(Some(left)).await
    }

    /// Waits until some request is answered. If the deadline passes first, all requests are abandoned: late answers are
    /// dropped, and callees that have not begun to handle them drop them unhandled (GS-061). The collection is empty
    /// then.
    ///
    /// # Cancel safety
    /// Strict: nothing is abandoned.
    pub async fn receive_response(&mut self, until: impl Into<Deadline>) -> Collected<T, L> {
        let collected = self.wait_response(until).await;
        if matches!(collected, Collected::Timeout) {
            for entry in std::mem::take(&mut self.entries).into_values() {
                entry.request.expire();
            }
        }
        collected
    }

    async fn collect(&mut self, timeout: Option<Duration>) -> Collected<T, L> {
        let (mut patience, mut waiting) = (Patience::new(timeout), None);
        std::future::poll_fn(move |cx| {
            if self.is_empty() {
                return Poll::Ready(Collected::NoRequest);
            }
            if let Some((response, label)) = self.look(cx) {
                return Poll::Ready(Collected::Response(response, label));
            }
            let mut requests = self.entries.values().map(|entry| &entry.request);
            let elsewhere = || requests.clone().find_map(Request::callee);
            let elsewhere = || elsewhere().map(|callee| callee.core().executor.clone());
            // What is done for a request ends with it.
            if patience.is_over(elsewhere, cx) || cycle::is_overdue() {
                return Poll::Ready(Collected::Timeout);
            }
            if let (None, Some(request), None) = (&waiting, requests.next(), requests.next()) {
                waiting = request.watching();
            }
            waiting.as_ref().inspect(|waiting| waiting.goes_on());
            Poll::Pending
        })
        .await
    }

    /// Looks at those requests that something has happened to.
    fn look(&mut self, cx: &Context<'_>) -> Option<(Result<T, CallError>, L)> {
        for _ in 0..self.ready.listen(cx) {
            let number = self.ready.next()?;
            // It may be gone, and something else have woken it.
            let Some(entry) = self.entries.get_mut(&number) else { continue };
            let mut cx = Context::from_waker(&entry.waker);
            if let Poll::Ready(answer) = entry.request.poll_answer(&mut entry.patience, &mut cx) {
                let entry = self.entries.remove(&number)?;
                return Some((answer.unwrap_or(Err(CallError::Timeout)), entry.label));
            }
        }
        None
    }
}

impl<T: Send + 'static, L> Default for RequestCollection<T, L> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Send + 'static, L> Extend<(Request<T>, L)> for RequestCollection<T, L> {
    fn extend<I: IntoIterator<Item = (Request<T>, L)>>(&mut self, requests: I) {
        requests.into_iter().for_each(|(request, label)| self.add(request, label));
    }
}

impl<T: Send + 'static, L> FromIterator<(Request<T>, L)> for RequestCollection<T, L> {
    fn from_iter<I: IntoIterator<Item = (Request<T>, L)>>(requests: I) -> Self {
        let mut collection = Self::new();
        collection.extend(requests);
        collection
    }
}

/// The requests that are left with their labels, in the order in which they were added.
impl<T: Send + 'static, L> IntoIterator for RequestCollection<T, L> {
    type Item = (Request<T>, L);
    type IntoIter = std::vec::IntoIter<(Request<T>, L)>;

    fn into_iter(self) -> Self::IntoIter {
        let requests = self.entries.into_values().map(|entry| (entry.request, entry.label));
        requests.collect::<Vec<_>>().into_iter()
    }
}

impl<T, L: fmt::Debug> fmt::Debug for RequestCollection<T, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.entries.values().map(|entry| &entry.label)).finish()
    }
}
