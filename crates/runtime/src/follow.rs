//! Following a restart: waits until a destination means a process that lives and has handled everything sent before.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::address::Address;
use crate::call::{CallError, Dest};
use crate::current;
use crate::cycle::{Cycle, Watching};
use crate::executor::Executor;
use crate::shared::Barrier;
use crate::slot::{self, Pledge};
use crate::sync::Arrivals;
use crate::waiting::Patience;

/// Waits for somebody who is in place, as told by `arrivals`, and then until he has handled what was sent to him
/// before; if that ends him, for his successor.
///
/// In this way it makes no difference whether a crash that has been asked for is still to come, or over and done with.
pub(crate) async fn settled<D: Dest + ?Sized>(
    destination: &D,
    arrivals: &Arrivals,
    elsewhere: &Arc<Executor>,
    timeout: Duration,
) -> Result<Address<D::Message>, CallError> {
    let mut patience = Patience::new(Some(timeout));
    let mut is_over = |cx: &mut Context<'_>| patience.is_over(|| Some(elsewhere.clone()), cx);
    loop {
        let waiter = arrivals.waiter();
        let address = std::future::poll_fn(|cx| {
            waiter.wake_me(cx);
            match destination.resolve() {
                Some(address) => Poll::Ready(Ok(address)),
                None if is_over(cx) => Poll::Ready(Err(CallError::Timeout)),
                None => Poll::Pending,
            }
        })
        .await?;
        drop(waiter);
        if current::pid() == Some(address.pid()) {
            return Err(CallError::Deadlock(Cycle::through(&[])));
        }
        let waiting = Watching::begin(address.pid());
        let mut handled = barrier(&address);
        let outcome = std::future::poll_fn(|cx| {
            waiting.goes_on();
            match handled.poll(cx) {
                Poll::Ready(outcome) => Poll::Ready(Ok(outcome)),
                Poll::Pending if is_over(cx) => Poll::Ready(Err(CallError::Timeout)),
                Poll::Pending => Poll::Pending,
            }
        });
        if outcome.await?.is_ok() {
            return Ok(address);
        }
    }
}

/// Kept once the process has handled everything that lies in its inbox now.
fn barrier<M: Send + 'static>(address: &Address<M>) -> Pledge<()> {
    let (promise, pledge) = slot::promise();
    address.handle().barrier(Barrier::new(move || {
        let _gave_up = promise.keep(());
    }));
    pledge
}
