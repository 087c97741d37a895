//! The same to many: one call to each, all at the same time.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::ready::Ready;
use super::{Call, CallError, Dest, Reply};
use crate::cycle;
use crate::executor::Executor;

/// What many have answered, and which have not (GS-062). Both in the order in which they were asked.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MultiReply<D, T> {
    /// Who has answered, and what.
    pub replies: Vec<(D, T)>,
    /// Who has not, and why.
    pub bad: Vec<(D, CallError)>,
}

/// Calls all of these at the same time, with one deadline, and tells who has answered what, and who has not (GS-062).
/// As OTP's `multi_call`, for destinations instead of nodes, and with a reason for each that is silent.
///
/// It is a [call](Dest::call) to each of them. So it takes no longer than `timeout`, late answers go nowhere, requests
/// that were not begun by then are dropped unhandled, and those are [refused](CallError::Deadlock) that wait for the
/// caller. Callees run beside each other, and never on the caller's stack.
///
/// # Panics
/// If `message` does.
///
/// # Cancel safety
/// As [`Dest::call`]: dropped before it was polled, nothing is sent; later, callees may still do the work.
///
/// # Examples
/// Members of a group are found by a key of a registry, or as children of a supervisor, and are asked by address:
///
/// ```
/// use std::time::Duration;
/// use fauxtp::call::{abcast, multi_call};
/// use fauxtp::prelude::*;
/// # #[derive(Clone)] struct Shard(u64);
/// enum Message { Count(Reply<u64>), Clear }
/// # impl GenServer for Shard {
/// #     type Args = u64;
/// #     type Message = Message;
/// #     async fn init(size: u64, _: &mut Context<Self>) -> Result<Self> { Ok(Shard(size)) }
/// #     async fn handle(&mut self, message: Message, _: &mut Context<Self>) -> Result {
/// #         match message { Message::Count(from) => from.send(self.0), Message::Clear => self.0 = 0 }
/// #         Ok(())
/// #     }
/// # }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result {
/// let sup = Supervisor::new([
///     ChildSpec::new::<Shard>("shard-1", 10),
///     ChildSpec::new::<Shard>("shard-2", 20),
/// ])
/// .start()
/// .await?;
/// let pids = sup.which_children().await?.into_iter().filter_map(|child| child.state.pid());
/// let shards: Vec<Address<Message>> = pids.filter_map(Address::of).collect();
/// let counted = multi_call(&shards, Message::Count, Duration::from_secs(1)).await;
/// assert_eq!(counted.replies.iter().map(|(_, size)| size).sum::<u64>(), 30);
///
/// abcast(&shards, || Message::Clear);
/// shards[0].pid().kill();
/// let counted = multi_call(&shards, Message::Count, Duration::from_secs(1)).await;
/// assert_eq!(counted.replies, [(&shards[1], 0)]);
/// assert_eq!(counted.bad, [(&shards[0], CallError::NoProc)]);
/// # Ok(()) }
/// ```
pub async fn multi_call<D, T>(
    destinations: impl IntoIterator<Item = D>,
    message: impl Fn(Reply<T>) -> D::Message,
    timeout: Duration,
) -> MultiReply<D, T>
where
    D: Dest,
    T: Send + 'static,
{
    let destinations: Vec<D> = destinations.into_iter().collect();
    let answers = answers(&destinations, &message, timeout).await;
    let (mut replies, mut bad) = (Vec::new(), Vec::new());
    for (destination, answer) in destinations.into_iter().zip(answers) {
        match answer {
            Ok(answer) => replies.push((destination, answer)),
            Err(error) => bad.push((destination, error)),
        }
    }
    MultiReply { replies, bad }
}

/// Casts to all of these: whether anybody is there makes no difference (GS-062).
///
/// # Panics
/// If `message` does.
///
/// # Examples
/// See [`multi_call`].
pub fn abcast<D: Dest>(
    destinations: impl IntoIterator<Item = D>,
    mut message: impl FnMut() -> D::Message,
) {
    destinations.into_iter().for_each(|destination| destination.cast(message()));
}

/// The answers, in the order of the destinations.
async fn answers<D, T, F>(
    destinations: &[D],
    message: &F,
    timeout: Duration,
) -> Vec<Result<T, CallError>>
where
    D: Dest,
    T: Send + 'static,
    F: Fn(Reply<T>) -> D::Message,
{
    let ready = Ready::default();
    let start = |(number, destination): (usize, _)| Calling {
        call: Some(Call::new(destination, message).timeout(timeout)),
        waker: ready.waker(number as u64),
        answer: None,
    };
    let mut calls: Vec<_> = destinations.iter().enumerate().map(start).collect();
    let mut left = calls.len();
    std::future::poll_fn(|cx| {
        let before = left;
        for _ in 0..ready.listen(cx) {
            let Some(number) = ready.next() else { break };
            let look = || calls[number as usize].look();
            left -= usize::from(Executor::apart(look));
        }
        if left < before {
            // Whoever has answered may have been the one the caller was on record as waiting for.
            if let Some(waits) = calls.iter_mut().find(|calling| calling.call.is_some()) {
                left -= usize::from(waits.look());
            }
        }
        if left == 0 {
            return Poll::Ready(());
        }
        cycle::waits_on();
        Poll::Pending
    })
    .await;
    calls.into_iter().map(|calling| calling.answer.unwrap_or(Err(CallError::NoReply))).collect()
}

/// One of the calls.
struct Calling<'a, D: Dest, T, F> {
    /// Until it is over.
    call: Option<Call<'a, D, T, F>>,
    waker: Waker,
    /// Once it is.
    answer: Option<Result<T, CallError>>,
}

impl<D, T, F> Calling<'_, D, T, F>
where
    D: Dest,
    T: Send + 'static,
    F: FnOnce(Reply<T>) -> D::Message,
{
    /// Whether it is over now, and was not before.
    fn look(&mut self) -> bool {
        let Some(call) = &mut self.call else { return false };
        let mut cx = Context::from_waker(&self.waker);
        let Poll::Ready(answer) = Pin::new(call).poll(&mut cx) else { return false };
        self.call = None;
        self.answer = Some(answer);
        true
    }
}
