//! The panic hook: says nothing of the panics the tour makes itself.

use std::panic;

use crate::harm::is_cry;
use crate::show::curtain;

/// To be installed before the first process starts. All other panics speak as before, on a terminal that is
/// in its usual state.
pub(crate) fn install() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let payload = info.payload();
        let text = payload
            .downcast_ref::<&'static str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        if !text.is_some_and(is_cry) {
            curtain::fall();
            before(info);
        }
    }));
}
