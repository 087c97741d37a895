//! There are no simulations: no process has got its pid from one.

use fauxtp_logic::Pid;

use crate::shared::Handle;

pub(super) fn enter(_pid: Pid, _handle: Handle) {}

pub(super) fn leave(_pid: Pid) {}

pub(super) fn find(_pid: Pid) -> Option<Handle> {
    None
}

pub(super) fn list() -> Option<Handle> {
    None
}
