//! Where panics stop: user code runs inside [`catch`], and what it threw becomes a [`PanicReport`].

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::{Deref, DerefMut};
use std::panic::{self, AssertUnwindSafe, Location, PanicHookInfo};
use std::pin::Pin;
use std::sync::{Arc, Once};
use std::task::{Context, Poll};

use fauxtp_logic::ExitReason;
use fauxtp_logic::reason::{Failure, PanicReport};
use pin_project_lite::pin_project;

use crate::executor;
use crate::payload;

// sync: the panic hook reads them, and must not meet a model checker there.
thread_local! {
    /// Values whose drop would have come in the middle of an unwinding.
    static ASIDE: RefCell<Vec<Box<dyn Any + Send>>> = const { RefCell::new(Vec::new()) };
    /// How many [`catch`] calls are on this thread's stack.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// Where the last panic began; written by the hook, read by `catch`.
    static PLACE: RefCell<Option<Place>> = const { RefCell::new(None) };
}

/// Where a panic began.
struct Place {
    location: String,
    backtrace: Option<String>,
    /// Of what it said: user code may have caught that panic, and thrown another one the hook did not hear of.
    mark: u64,
}

/// Runs user code; a panic becomes a value.
pub(crate) fn catch<T>(code: impl FnOnce() -> T) -> Result<T, PanicReport> {
    DEPTH.with(|depth| depth.set(depth.get() + 1));
    let outcome = catch_inside(code);
    DEPTH.with(|depth| depth.set(depth.get() - 1));
    outcome
}

/// The same within code that is guarded already: the hook knows that it is inside.
#[inline]
fn catch_inside<T>(code: impl FnOnce() -> T) -> Result<T, PanicReport> {
    panic::catch_unwind(AssertUnwindSafe(code)).map_err(|payload| {
        let report = report(payload);
        drop_put_aside();
        report
    })
}

/// Drops a value of the user's; a destructor that panics is heard of, and harms nobody.
pub(crate) fn drop_caught<T>(value: T) -> Option<PanicReport> {
    catch(|| drop(value)).err()
}

/// Drops values of the user's one by one, even in the middle of an unwinding: none of their panics gets out,
/// so that no two ever meet.
#[inline]
pub(crate) fn drop_each<T>(values: impl IntoIterator<Item = T>) {
    let values = values.into_iter();
    if values.size_hint().1 != Some(0) {
        drop_each_of_some(values);
    }
}

fn drop_each_of_some<T>(values: impl Iterator<Item = T>) {
    let unwinding_from = PLACE.try_with(RefCell::take).ok().flatten();
    for value in values {
        let _reported_nowhere = drop_caught(value);
    }
    let _gone_with_its_thread = PLACE.try_with(|place| place.replace(unwinding_from));
}

/// The exit reason of a panic.
pub(crate) fn panicked(report: PanicReport) -> ExitReason {
    ExitReason::Error(Failure::Panic(Arc::new(report)))
}

/// Turns a panic's payload into text at once; the payload's own destructor may panic, too.
fn report(payload: Box<dyn Any + Send>) -> PanicReport {
    let message = words(&*payload).to_owned();
    let place = PLACE.try_with(RefCell::take).ok().flatten();
    let place = place.filter(|place| place.mark == mark(&message));
    let (location, backtrace) =
        place.map_or((None, None), |place| (Some(place.location), place.backtrace));
    payload::discard(payload);
    PanicReport { message, location, backtrace }
}

/// What a panic said.
fn words(payload: &(dyn Any + Send)) -> &str {
    payload::words(payload).unwrap_or("(no message)")
}

/// By what two messages are told apart.
fn mark(message: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    message.hash(&mut hasher);
    hasher.finish()
}

/// The same as displaying it, in a fraction of the time: programs that crash do so often.
fn text(location: &Location<'_>) -> String {
    let mut text = String::with_capacity(location.file().len() + 12);
    text.push_str(location.file());
    for number in [location.line(), location.column()] {
        text.push(':');
        let digits = number.checked_ilog10().unwrap_or(0);
        for place in (0..=digits).rev() {
            let digit = number / 10_u32.pow(place) % 10;
            text.extend(char::from_digit(digit, 10));
        }
    }
    text
}

/// Puts the hook in place that notes where a panic began. The hook that was there before still runs for
/// panics outside of processes, and inside as long as nobody listens to crash reports.
pub(crate) fn install_hook() {
    static ONCE: Once = Once::new();
    if ONCE.is_completed() || std::thread::panicking() {
        return;
    }
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let inside = DEPTH.try_with(Cell::get).unwrap_or(0) > 0;
            if inside {
                note_place(info);
            }
            let is_told = crate::instrument::somebody_listens() || executor::is_quiet();
            if !inside || !is_told {
                before(info);
            }
        }));
    });
}

fn note_place(info: &PanicHookInfo<'_>) {
    let location = info.location().map_or_else(|| "unknown".to_owned(), text);
    // Nobody reads those of a simulation, and each costs as much as a hundred steps.
    let stack = if executor::is_quiet() { Backtrace::disabled() } else { Backtrace::capture() };
    let backtrace = (stack.status() == BacktraceStatus::Captured).then(|| stack.to_string());
    let place = Place { location, backtrace, mark: mark(words(info.payload())) };
    let _gone_with_its_thread = PLACE.try_with(|kept| kept.replace(Some(place)));
}

/// A value of the user's that is never dropped while something else of theirs unwinds: there, a second panic
/// would abort the program. It is put aside instead, and dropped by [`catch`] when the unwinding is over.
pub(crate) struct Kept<T: Send + 'static>(Option<T>);

impl<T: Send + 'static> Kept<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(Some(value))
    }

    /// Drops the value, and tells of its panic.
    pub(crate) fn end(mut self) -> Option<PanicReport> {
        self.0.take().and_then(drop_caught)
    }
}

impl<T: Send + 'static> Deref for Kept<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect("only `end` and `drop` take the value")
    }
}

impl<T: Send + 'static> DerefMut for Kept<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_mut().expect("only `end` and `drop` take the value")
    }
}

impl<T: Send + 'static> Drop for Kept<T> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        if let Some(value) = self.0.take() {
            let _thread_is_ending =
                ASIDE.try_with(|aside| aside.borrow_mut().push(Box::new(value)));
        }
    }
}

/// A value of the user's whose destructor harms nobody, wherever it runs.
pub(crate) struct Harmless<T>(Option<T>);

impl<T> Harmless<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(Some(value))
    }
}

impl<T> Deref for Harmless<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect("only `drop` takes the value")
    }
}

impl<T> Drop for Harmless<T> {
    fn drop(&mut self) {
        drop_each(self.0.take());
    }
}

/// Drops what was put aside while something unwound.
fn drop_put_aside() {
    while let Some(value) = ASIDE.try_with(|aside| aside.borrow_mut().pop()).ok().flatten() {
        let thrown = panic::catch_unwind(AssertUnwindSafe(|| drop(value)));
        let _one_report_is_enough = thrown.map_err(report);
    }
}

pin_project! {
    /// A future of the user's whose panic is a value.
    pub(crate) struct Guarded<F> {
        #[pin]
        future: F,
    }
}

/// Guards one callback of a process, inside the guard around its whole poll. What the callback borrows, the
/// state above all, outlives its unwinding.
pub(crate) fn guarded<F: Future>(future: F) -> Guarded<F> {
    Guarded { future }
}

impl<F: Future> Future for Guarded<F> {
    type Output = Result<F::Output, PanicReport>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let future = self.project().future;
        match catch_inside(|| future.poll(cx)) {
            Ok(poll) => poll.map(Ok),
            Err(report) => Poll::Ready(Err(report)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_reads_as_ever() {
        let here = Location::caller();
        assert_eq!(text(here), here.to_string());
    }
}
