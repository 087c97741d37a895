//! What a server, its parent, its callers and whoever drives them share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fauxtp::{Address, ExitReason, Pid, Reply};
use tokio::sync::oneshot;

use super::history::Who;
use super::others::Command;
use super::scripted::Message;
use crate::reasons::class;
use crate::term::{Term, atom, int, tuple};

/// What everybody shares.
#[derive(Clone, Default)]
pub(crate) struct World(Arc<Mutex<Inside>>);

#[derive(Default)]
pub(crate) struct Inside {
    pub(crate) parent: Option<Address<Command>>,
    pub(crate) callers: Vec<Address<Command>>,
    /// Servers that have begun, the last one last.
    pub(crate) servers: Vec<Address<Message>>,
    /// Lets the callback go on that is blocked.
    pub(crate) blocked: Option<oneshot::Sender<()>>,
    /// Replies that were handed on, each with its server, by the number of the call.
    pub(crate) handed: BTreeMap<usize, (Pid, Reply<usize>)>,
    /// Who has come to the end of what he was told.
    pub(crate) done: Vec<Who>,
    /// What was told, by whom; in the order in which those stand who tell.
    pub(crate) events: Vec<(usize, Term)>,
}

impl World {
    pub(crate) fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn begin(&self, server: Address<Message>) {
        self.inside().servers.push(server);
    }

    pub(crate) fn caller(&self, number: usize) -> Pid {
        self.inside().callers[number].pid()
    }

    /// The server tells something.
    pub(crate) fn tell(&self, event: Term) {
        self.inside().events.push((SERVER, tuple([atom("server"), event])));
    }

    /// The parent tells something.
    pub(crate) fn tell_by_parent(&self, event: Term) {
        self.inside().events.push((PARENT, tuple([atom("parent"), event])));
    }

    /// A caller tells something.
    pub(crate) fn tell_by_caller(&self, caller: usize, event: Term) {
        let mut inside = self.inside();
        inside.done.push(Who::Caller(caller));
        inside.events.push((CALLERS + caller, tuple([int(caller), event])));
    }

    /// The server tells of somebody's end.
    pub(crate) fn tell_of_end(&self, how: &'static str, pid: Pid, reason: &ExitReason) {
        let who = self.inside().name(pid);
        self.tell(tuple([atom(how), who, class(reason)]));
    }

    /// The server hands a reply on.
    pub(crate) fn hand(&self, tag: usize, server: Pid, from: Reply<usize>) {
        self.inside().handed.insert(tag, (server, from));
    }

    /// The server is blocked until this is used.
    pub(crate) fn block(&self, go_on: oneshot::Sender<()>) {
        self.inside().blocked = Some(go_on);
        self.tell(atom("blocked"));
    }
}

impl Inside {
    fn name(&self, pid: Pid) -> Term {
        if self.parent.as_ref().is_some_and(|parent| parent.pid() == pid) {
            return atom("parent");
        }
        let caller = self.callers.iter().position(|caller| caller.pid() == pid);
        caller.map_or(atom("unknown"), int)
    }
}

/// In which order those who tell stand in a trace.
pub(crate) const PARENT: usize = 0;
pub(crate) const SERVER: usize = 1;
const CALLERS: usize = 2;
