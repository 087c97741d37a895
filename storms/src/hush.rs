//! The panic hook: says nothing of the panics that the storms make themselves.

use std::panic;

/// What such a panic says.
pub(crate) const CRASH: &str = "storm: a crash on purpose";

/// To be installed before the first process starts. All other panics speak as before.
pub(crate) fn install() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let payload = info.payload();
        let said = payload.downcast_ref::<&'static str>().copied();
        if said.or_else(|| payload.downcast_ref().map(String::as_str)) != Some(CRASH) {
            before(info);
        }
    }));
}
