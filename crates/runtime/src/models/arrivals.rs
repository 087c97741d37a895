//! Races of those who wait for something to be entered in a table.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::checker::{Depth, FEW, check, explore, settle, spawn};
use super::world::block_on;
use crate::sync::{Arrivals, Mutex};

/// Several wait for an entry that is made at that moment, and one gives up: nobody else's wake is lost.
#[test]
fn enter_and_wait() {
    check("enter_and_wait", Depth::All, || {
        let place = Arc::new((Arrivals::new(), Mutex::new(false)));
        let gives_up = place.0.waiter();
        gives_up.wake_me(&Context::from_waker(Waker::noop()));
        explore();
        let waiting: Vec<_> = (0..FEW)
            .map(|_| {
                let place = place.clone();
                spawn(move || {
                    let (arrivals, entered) = &*place;
                    let waiter = arrivals.waiter();
                    block_on(std::future::poll_fn(|cx| {
                        waiter.wake_me(cx);
                        if *entered.lock() { Poll::Ready(()) } else { Poll::Pending }
                    }));
                })
            })
            .collect();
        drop(gives_up);
        *place.1.lock() = true;
        place.0.announce();
        waiting.into_iter().for_each(|thread| thread.join().expect("it does not panic"));
        settle();
    });
}
