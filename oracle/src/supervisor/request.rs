//! What is asked of our supervisors, and what they answer.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use fauxtp::process::StopError;
use fauxtp::supervisor::{
    ChildInfo, ChildKind, ChildState, Counts, DeleteChildError, Described, DynamicSupervisorHandle,
    ManageError, PoolStartError, Restart, RestartChildError, Shutdown, SimpleSupervisorHandle,
    StartChildError, SupervisorHandle, TerminateChildError,
};
use fauxtp::{CallError, ExitReason, Pid, PidExt};

use super::child::{Maker, Path};
use super::history::{Act, Spec, Start};
use super::reasons::{Refusal, lost, refusal};
use super::replay::People;
use crate::term::{Term, atom, int, list, tuple};

/// A supervisor that is asked.
#[derive(Clone)]
pub(super) enum Tree {
    Static(SupervisorHandle),
    Simple(SimpleSupervisorHandle<(u8, Vec<Start>)>),
    /// One that is a child: with us it has no template, so its children are made of it here.
    Dynamic {
        handle: DynamicSupervisorHandle,
        template: Spec,
        maker: Maker,
        path: Path,
    },
}

impl Tree {
    pub(super) fn pid(&self) -> Pid {
        match self {
            Self::Static(handle) => handle.pid(),
            Self::Simple(handle) => handle.pid(),
            Self::Dynamic { handle, .. } => handle.pid(),
        }
    }

    pub(super) async fn wait(&self) -> ExitReason {
        match self {
            Self::Static(handle) => handle.wait().await,
            Self::Simple(handle) => handle.wait().await,
            Self::Dynamic { handle, .. } => handle.wait().await,
        }
    }

    async fn stop(&self) -> Result<(), StopError> {
        match self {
            Self::Static(handle) => handle.stop().await,
            Self::Simple(handle) => handle.stop().await,
            Self::Dynamic { handle, .. } => handle.stop().await,
        }
    }
}

/// An answer as it comes.
enum Raw {
    StartChild(Result<Option<Pid>, ManageError<StartChildError>>),
    StartDynamic(Result<Option<Pid>, ManageError<PoolStartError>>),
    RestartChild(Result<Option<Pid>, ManageError<RestartChildError>>),
    TerminateChild(Result<(), ManageError<TerminateChildError>>),
    DeleteChild(Result<(), ManageError<DeleteChildError>>),
    GetChildSpec(Result<Option<Described<()>>, CallError>),
    WhichChildren(Result<Vec<ChildInfo>, CallError>),
    CountChildren(Result<Counts, CallError>),
    /// A stop is no request on the other side.
    Stopped,
}

/// A request, and its answer once that has come.
pub(super) struct Asked {
    verb: &'static str,
    /// Whether the children of the supervisor have no ids.
    is_simple: bool,
    pending: Pin<Box<dyn Future<Output = Raw>>>,
    raw: Option<Raw>,
}

impl Asked {
    /// A request that is not sent yet.
    pub(super) fn new(
        maker: &Maker,
        target: &Tree,
        above: &[u8],
        act: &Act,
        old: Option<Pid>,
    ) -> Self {
        let tree = target.clone();
        let is_simple = !matches!(tree, Tree::Static(_));
        let (verb, _) = verb_and_id(act);
        let pending: Pin<Box<dyn Future<Output = Raw>>> = match tree {
            Tree::Static(handle) => ask_static(handle, maker, above, act.clone()),
            Tree::Simple(handle) => ask_simple(handle, act.clone(), old),
            Tree::Dynamic { .. } => ask_dynamic(tree, act.clone(), old),
        };
        Self { verb, is_simple, pending, raw: None }
    }

    /// Sends it, or looks whether the answer has come.
    pub(super) async fn ask(&mut self) {
        if self.raw.is_none() {
            let poll = poll_fn(|cx| Poll::Ready(self.pending.as_mut().poll(cx))).await;
            if let Poll::Ready(raw) = poll {
                self.raw = Some(raw);
            }
        }
    }

    /// Waits for the answer.
    pub(super) async fn finish(&mut self) {
        if self.raw.is_none() {
            let raw = self.pending.as_mut().await;
            self.raw = Some(raw);
        }
    }
}

fn verb_and_id(act: &Act) -> (&'static str, u8) {
    match act {
        Act::StartChild(spec) => ("start_child", spec.id),
        Act::StartDynamic(id, _) => ("start_child", *id),
        Act::TerminateChild(id) | Act::TerminateDynamic(id) => ("terminate_child", *id),
        Act::RestartChild(id) => ("restart_child", *id),
        Act::DeleteChild(id) => ("delete_child", *id),
        Act::GetChildSpec(id) => ("get_childspec", *id),
        Act::WhichChildren => ("which_children", 0),
        Act::CountChildren => ("count_children", 0),
        Act::Stop | Act::Kill | Act::Die(..) | Act::Advance(_) => ("stop", 0),
    }
}

fn ask_static(
    handle: SupervisorHandle,
    maker: &Maker,
    above: &[u8],
    act: Act,
) -> Pin<Box<dyn Future<Output = Raw>>> {
    match act {
        Act::StartChild(spec) => {
            let child = maker.child(above, &spec);
            Box::pin(async move { Raw::StartChild(handle.start_child(child).await) })
        }
        act => Box::pin(async move {
            let name = verb_and_id(&act).1.to_string();
            match act {
                Act::TerminateChild(_) => Raw::TerminateChild(handle.terminate_child(&name).await),
                Act::RestartChild(_) => Raw::RestartChild(handle.restart_child(&name).await),
                Act::DeleteChild(_) => Raw::DeleteChild(handle.delete_child(&name).await),
                Act::GetChildSpec(_) => Raw::GetChildSpec(handle.child_spec(&name).await),
                Act::WhichChildren => Raw::WhichChildren(handle.which_children().await),
                Act::CountChildren => Raw::CountChildren(handle.count_children().await),
                _ => {
                    let _told_by_the_end = Tree::Static(handle).stop().await;
                    Raw::Stopped
                }
            }
        }),
    }
}

fn ask_simple(
    handle: SimpleSupervisorHandle<(u8, Vec<Start>)>,
    act: Act,
    old: Option<Pid>,
) -> Pin<Box<dyn Future<Output = Raw>>> {
    Box::pin(async move {
        match (act, old) {
            (Act::StartDynamic(id, plan), _) => {
                Raw::StartDynamic(handle.start_child((id, plan)).await)
            }
            (Act::TerminateDynamic(_), Some(pid)) => {
                Raw::TerminateChild(handle.terminate_child(pid).await)
            }
            (Act::WhichChildren, _) => Raw::WhichChildren(handle.which_children().await),
            (Act::CountChildren, _) => Raw::CountChildren(handle.count_children().await),
            _ => {
                let _told_by_the_end = Tree::Simple(handle).stop().await;
                Raw::Stopped
            }
        }
    })
}

fn ask_dynamic(tree: Tree, act: Act, old: Option<Pid>) -> Pin<Box<dyn Future<Output = Raw>>> {
    Box::pin(async move {
        let Tree::Dynamic { handle, template, maker, path } = tree else {
            unreachable!("only those without a template of their own are asked this way")
        };
        match (act, old) {
            (Act::StartDynamic(id, plan), _) => {
                let child = maker.child_as(&path, id, &template, &plan);
                Raw::StartDynamic(handle.start_child(child).await)
            }
            (Act::TerminateDynamic(_), Some(pid)) => {
                let alive = pid.is_alive();
                match handle.terminate_child(pid).await {
                    // Whoever is dead may be terminated only with a template (SUP-111, DYN-006).
                    Err(ManageError::Refused(TerminateChildError::NotFound)) if !alive => {
                        Raw::TerminateChild(Ok(()))
                    }
                    other => Raw::TerminateChild(other),
                }
            }
            (Act::WhichChildren, _) => Raw::WhichChildren(handle.which_children().await),
            (Act::CountChildren, _) => {
                // Each has a specification of its own (DYN-011).
                let one = |counts: Counts| Counts { specs: 1, ..counts };
                Raw::CountChildren(handle.count_children().await.map(one))
            }
            _ => {
                let _told_by_the_end = handle.stop().await;
                Raw::Stopped
            }
        }
    })
}

/// The answer as the trace has it; nothing for what is no request.
pub(super) fn answer(asked: Asked, people: &People) -> Option<Term> {
    let Asked { verb, is_simple, raw, .. } = asked;
    let said = match raw {
        None if verb == "stop" => return None,
        None => atom("none"),
        Some(Raw::Stopped) => return None,
        Some(Raw::StartChild(outcome)) => started(outcome, people),
        Some(Raw::StartDynamic(outcome)) => started(outcome, people),
        Some(Raw::RestartChild(outcome)) => started(outcome, people),
        Some(Raw::TerminateChild(outcome)) => done(outcome, people),
        Some(Raw::DeleteChild(outcome)) => done(outcome, people),
        Some(Raw::GetChildSpec(Ok(Some(spec)))) => described(&spec),
        Some(Raw::GetChildSpec(Ok(None))) => tuple([atom("error"), atom("not_found")]),
        Some(Raw::WhichChildren(Ok(children))) => {
            list(children.iter().map(|child| listed(child, is_simple, people)))
        }
        Some(Raw::CountChildren(Ok(counts))) => {
            let Counts { specs, active, supervisors, workers } = counts;
            // Of a template there is one (SUP-112).
            tuple([atom("counts"), int(specs), int(active), int(supervisors), int(workers)])
        }
        Some(
            Raw::GetChildSpec(Err(error))
            | Raw::WhichChildren(Err(error))
            | Raw::CountChildren(Err(error)),
        ) => lost(&error),
    };
    Some(tuple([atom("answer"), atom(verb), said]))
}

fn started<E: Refusal>(outcome: Result<Option<Pid>, ManageError<E>>, people: &People) -> Term {
    match outcome {
        Ok(None) => tuple([atom("ok"), atom("undefined")]),
        Ok(Some(pid)) => tuple([atom("ok"), people.name(pid)]),
        Err(error) => refusal(&error, &|pid| people.name(pid)),
    }
}

fn done<E: Refusal>(outcome: Result<(), ManageError<E>>, people: &People) -> Term {
    match outcome {
        Ok(()) => atom("ok"),
        Err(error) => refusal(&error, &|pid| people.name(pid)),
    }
}

fn listed(child: &ChildInfo, is_simple: bool, people: &People) -> Term {
    let id = child.id.parse::<u8>().unwrap_or(u8::MAX);
    let state = match child.state {
        ChildState::Running(pid) => people.name(pid),
        ChildState::Restarting => atom("restarting"),
        ChildState::Stopped => atom("undefined"),
    };
    let id = if is_simple { atom("undefined") } else { int(id) };
    tuple([id, state, kind(child.kind)])
}

fn described(spec: &Described<()>) -> Term {
    let restart = match spec.restart {
        Restart::Permanent => "permanent",
        Restart::Transient => "transient",
        Restart::Temporary => "temporary",
        Restart::OnError => "on_error",
    };
    let shutdown = match spec.shutdown {
        Shutdown::BrutalKill => "brutal_kill",
        Shutdown::Timeout(_) => "timeout",
        Shutdown::Infinity => "infinity",
    };
    let significant = if spec.significant { "true" } else { "false" };
    tuple([atom("spec"), atom(restart), atom(shutdown), atom(significant), kind(spec.kind)])
}

const fn kind(kind: ChildKind) -> Term {
    atom(match kind {
        ChildKind::Worker => "worker",
        ChildKind::Supervisor => "supervisor",
    })
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked").field("verb", &self.verb).finish_non_exhaustive()
    }
}
