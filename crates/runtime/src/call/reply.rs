//! The address of an answer.

use std::fmt;

use crate::current;
use crate::slot::Promise;

/// The address of an answer: good for exactly one, by anybody, at any time (GS-017).
///
/// Answering twice is impossible (GS-018):
///
/// ```compile_fail,E0382
/// fn answer(from: fauxtp::Reply<u8>) {
///     from.send(1);
///     from.send(2);
/// }
/// ```
///
/// It may be kept, or sent on to another process. Dropping it fails the call at once, which OTP does not
/// do: there the caller waits for its timeout (GS-020).
#[must_use = "a call whose reply is dropped fails"]
pub struct Reply<T: Send + 'static>(pub(super) Promise<T>);

impl<T: Send> Reply<T> {
    /// Answers. An answer that nobody waits for any more is dropped.
    pub fn send(self, value: T) {
        let _nobody_waits = self.0.keep(value);
    }

    /// Answers.
    ///
    /// # Errors
    /// The value, if nobody waits for it any more.
    pub fn try_send(self, value: T) -> Result<(), T> {
        self.0.keep(value)
    }

    /// Says that somebody else is going to answer, in place of the server that is handling this request.
    ///
    /// It need not be said, unless the server calls back whoever asked, in the very callback in which it has handed
    /// the reply on. Otherwise that looks like two processes that wait for each other, and is
    /// [refused](crate::CallError::Deadlock).
    pub fn hand_on(self) -> Self {
        current::with_borrowed(|process| process.core().progress.aside());
        self
    }

    /// Whether nobody waits for the answer any more: the call was dropped, or its deadline passed.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.0.is_abandoned()
    }
}

impl<T: Send> fmt::Debug for Reply<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("abandoned", &self.is_abandoned()).finish()
    }
}
