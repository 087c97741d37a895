//! Streams that a server reads along with its mailbox.

use std::pin::Pin;
use std::task::{Context, Poll};

use fauxtp_logic::Ref;
use fauxtp_logic::reason::PanicReport;
use futures_core::Stream;

use crate::guard::{catch, drop_each};
use crate::signal::fresh_ref;

/// A stream that is attached to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(Ref);

/// A stream of messages for a server.
type Attached<M> = Pin<Box<dyn Stream<Item = M> + Send>>;

/// The streams of one server, and whose turn it is.
pub(super) struct Streams<M> {
    /// The one that has given last is the last one.
    attached: Vec<(StreamId, Attached<M>)>,
    /// Whether the mailbox was served last.
    pub(super) first: bool,
}

impl<M> Streams<M> {
    pub(super) const fn new() -> Self {
        Self { attached: Vec::new(), first: false }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.attached.is_empty()
    }

    pub(super) fn attach(&mut self, stream: impl Stream<Item = M> + Send + 'static) -> StreamId {
        let id = StreamId(fresh_ref());
        self.attached.push((id, Box::pin(stream)));
        id
    }

    /// Takes a stream out; its destructor is for the caller.
    pub(super) fn detach(&mut self, id: StreamId) -> Option<Attached<M>> {
        let index = self.attached.iter().position(|(attached, _)| *attached == id)?;
        Some(self.attached.remove(index).1)
    }

    /// The next message of any stream. One that is at its end is dropped; one that panics, or whose destructor does, is
    /// so, too, and its panic comes out.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<M, PanicReport>> {
        let mut index = 0;
        while let Some((_, stream)) = self.attached.get_mut(index) {
            match catch(|| stream.as_mut().poll_next(cx)) {
                Ok(Poll::Pending) => index += 1,
                Ok(Poll::Ready(Some(message))) => {
                    // Behind all others, which are asked before it the next time.
                    self.attached[index..].rotate_left(1);
                    return Poll::Ready(Ok(message));
                }
                Ok(Poll::Ready(None)) => {
                    let (_, ended) = self.attached.remove(index);
                    if let Err(report) = catch(|| drop(ended)) {
                        return Poll::Ready(Err(report));
                    }
                }
                Err(report) => {
                    drop_each(Some(self.attached.remove(index)));
                    return Poll::Ready(Err(report));
                }
            }
        }
        Poll::Pending
    }
}

/// Streams are the user's, and so are their destructors.
impl<M> Drop for Streams<M> {
    fn drop(&mut self) {
        drop_each(self.attached.drain(..));
    }
}
