//! What one process owes another, in a simulation: an answer keeps its place among messages, and is never forgotten.

use std::cell::RefCell;
use std::sync::{Arc, Weak};

use fauxtp_logic::Pid;

use super::{DIRECTOR, Director};

/// What somebody owes whoever has asked for it.
pub(crate) struct Debt(Option<Owed>);

struct Owed {
    director: Weak<Director>,
    number: u64,
    creditor: Option<Pid>,
}

impl Debt {
    /// Of whoever comes to have the promise.
    pub(crate) fn to(creditor: impl FnOnce() -> Option<Pid>) -> Self {
        let directed = |director: &RefCell<Option<_>>| {
            let director = director.try_borrow().ok()?;
            let director: &Arc<Director> = director.as_ref()?;
            let number = director.state.lock().ledger.owes();
            Some(Owed { director: Arc::downgrade(director), number, creditor: creditor() })
        };
        Self(DIRECTOR.try_with(directed).ok().flatten())
    }

    /// The promise is gone, and has not been kept: its debtor has to say so, once it yields or has ended.
    pub(crate) fn is_left(&self, debtor: impl FnOnce() -> Option<Pid>) {
        self.with(|director, owed| director.state.lock().ledger.left(owed.number, debtor()));
    }

    /// The creditor gets something for it: after what the debtor has sent him before (PROC-005).
    pub(crate) fn is_paid(&self, debtor: impl FnOnce() -> Option<Pid>) {
        self.with(|director, owed| {
            director.state.lock().ledger.paid(owed.number);
            if let Some(creditor) = owed.creditor {
                director.deliver_all(debtor(), creditor);
            }
        });
    }

    fn with(&self, tell: impl FnOnce(&Director, &Owed)) {
        if let Some(owed) = &self.0 {
            if let Some(director) = owed.director.upgrade() {
                tell(&director, owed);
            }
        }
    }
}
