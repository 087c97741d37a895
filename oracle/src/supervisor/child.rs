//! The children of our supervisors, and what they tell of themselves.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use fauxtp::prelude::*;
use fauxtp::process::Trap;
use fauxtp::reason::Failure;
use fauxtp::supervisor::{
    AutoShutdown, DynamicSupervisorName, Restart as OurRestart, Shutdown as OurShutdown,
    SupervisorName,
};
use fauxtp::{DynamicSupervisor, RestartStrategy};
use std::time::Duration;

use super::history::{Auto, Body, How, Restart, Shutdown, Spec, Start, Strategy, Sup};
use super::reasons::class;
use crate::term::{Term, atom, int, list, tuple};

/// Where a child is in its tree: the ids on the way from the top.
pub(super) type Path = Vec<u8>;

/// What happens, as told by those it happens to.
#[derive(Debug, Default)]
pub(super) struct Records {
    told: Mutex<Told>,
}

#[derive(Debug, Default)]
struct Told {
    trace: Vec<Term>,
    attempts: BTreeMap<Path, u32>,
    /// Those that began to run, and what is known of their processes.
    births: Vec<Birth>,
}

/// One incarnation.
#[derive(Clone, Debug)]
pub(super) struct Birth {
    pub(super) path: Path,
    pub(super) attempt: u32,
    pub(super) known: Known,
    /// Its process; of a supervisor, not until it has taken its name.
    pub(super) pid: Option<Pid>,
}

/// What is known of the process of an incarnation.
#[derive(Clone, Debug)]
pub(super) enum Known {
    Server(Address<How>),
    /// A supervisor, which has this name as long as it lives.
    Sup(Name<SupervisorName>),
    /// The same with a template.
    Dynamic(Name<DynamicSupervisorName>),
}

impl Records {
    pub(super) fn tell(&self, entry: Term) {
        self.with(|told| told.trace.push(entry));
    }

    /// What has been told since this was asked for last.
    pub(super) fn take_trace(&self) -> Vec<Term> {
        self.with(|told| std::mem::take(&mut told.trace))
    }

    pub(super) fn take_births(&self) -> Vec<Birth> {
        self.with(|told| std::mem::take(&mut told.births))
    }

    /// A child is started; returns which attempt this is.
    fn attempt(&self, path: &[u8]) -> u32 {
        self.with(|told| {
            let attempt = told.attempts.entry(path.to_vec()).or_default();
            *attempt += 1;
            told.trace.push(tuple([atom("start"), path_term(path), int(*attempt)]));
            *attempt
        })
    }

    fn born(&self, path: &[u8], attempt: u32, known: Known) {
        let pid = match &known {
            Known::Server(address) => Some(address.pid()),
            Known::Sup(_) | Known::Dynamic(_) => None,
        };
        self.with(|told| told.births.push(Birth { path: path.to_vec(), attempt, known, pid }));
    }

    /// Looks which of those that were born have taken their name. To be called often: a name is free again as soon as
    /// its holder ends.
    pub(super) fn recognise(&self) {
        self.with(|told| {
            for birth in told.births.iter_mut().filter(|birth| birth.pid.is_none()) {
                birth.pid = match &birth.known {
                    Known::Server(address) => Some(address.pid()),
                    Known::Sup(name) => name.whereis().map(|address| address.pid()),
                    Known::Dynamic(name) => name.whereis().map(|address| address.pid()),
                };
            }
        });
    }

    fn with<T>(&self, look: impl FnOnce(&mut Told) -> T) -> T {
        look(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

pub(super) fn path_term(path: &[u8]) -> Term {
    list(path.iter().copied().map(int))
}

/// A server that ends as it is told, and tells how.
pub(super) struct Child {
    plot: Plot,
    attempt: u32,
    /// Whether it ends because it was told to die, which nobody needs to hear of.
    dying: bool,
}

/// What a child starts from.
#[derive(Clone)]
pub(super) struct Plot {
    records: Arc<Records>,
    path: Arc<[u8]>,
    manner: Manner,
    plan: Arc<[Start]>,
}

/// A body that is no supervisor.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    Plain,
    Graceful,
    Clumsy,
    Stubborn,
}

impl Plot {
    /// What becomes of the start with this number.
    fn start(&self, attempt: u32) -> Start {
        outcome(&self.plan, attempt)
    }
}

fn outcome(plan: &[Start], attempt: u32) -> Start {
    plan.get(attempt as usize - 1).copied().unwrap_or(Start::Ok)
}

impl GenServer for Child {
    type Args = Plot;
    type Message = How;

    async fn init(plot: Plot, ctx: &mut Context<Self>) -> Result<Self> {
        let attempt = plot.records.attempt(&plot.path);
        match plot.start(attempt) {
            Start::Ok => {}
            Start::Error => return Err(Stop::error("failed")),
            Start::Ignore => return Err(Stop::ignore()),
            Start::Panic => panic!("boom"),
        }
        if plot.manner != Manner::Plain {
            ctx.trap_exits(Trap::On);
        }
        plot.records.born(&plot.path, attempt, Known::Server(ctx.address()));
        Ok(Self { plot, attempt, dying: false })
    }

    async fn handle(&mut self, how: How, ctx: &mut Context<Self>) -> Result {
        self.dying = true;
        Err(match how {
            How::Normal => Stop::normal(),
            How::Shutdown => Stop::shutdown(),
            How::ShutdownWith => Stop::because(ExitReason::shutdown_with("why")),
            How::Kill => Stop::because(ExitReason::Error(Failure::Kill)),
            How::Panic => panic!("boom"),
            How::Error => Stop::error("failed"),
            How::Custom => Stop::because(ExitReason::custom(1)),
            How::NoProc => Stop::because(ExitReason::no_proc()),
            How::Killed => {
                ctx.pid().kill();
                return std::future::pending().await;
            }
        })
    }

    async fn terminate(&mut self, reason: &ExitReason, _: &mut Context<Self>) {
        if self.dying {
            return;
        }
        let Plot { records, path, manner, .. } = &self.plot;
        let what = [atom("terminate"), path_term(path), int(self.attempt), class(reason)];
        records.tell(tuple(what));
        match manner {
            Manner::Clumsy => panic!("stumbled"),
            Manner::Stubborn => std::future::pending().await,
            Manner::Plain | Manner::Graceful => {}
        }
    }
}

/// Makes our supervisors and children of those of a history.
#[derive(Clone)]
pub(super) struct Maker {
    pub(super) records: Arc<Records>,
    /// What is added to every period: more than the stubborn keep a supervisor waiting, which on the other side is not
    /// seen by the clock.
    pub(super) slack: Duration,
}

impl Maker {
    /// A static supervisor at this place.
    pub(super) fn supervisor(&self, path: &[u8], sup: &Sup) -> Supervisor {
        let strategy = match sup.strategy {
            Strategy::OneForOne | Strategy::Simple => RestartStrategy::OneForOne,
            Strategy::OneForAll => RestartStrategy::OneForAll,
            Strategy::RestForOne => RestartStrategy::RestForOne,
        };
        let children = sup.specs.iter().map(|spec| self.child(path, spec));
        Supervisor::new(children)
            .strategy(strategy)
            .intensity(sup.intensity, self.period(sup))
            .auto_shutdown(auto(sup.auto))
    }

    /// The supervisor of a template, not yet given one.
    pub(super) fn dynamic(&self, sup: &Sup) -> DynamicSupervisor {
        DynamicSupervisor::new()
            .intensity(sup.intensity, self.period(sup))
            .auto_shutdown(auto(sup.auto))
    }

    fn period(&self, sup: &Sup) -> Duration {
        let period = Duration::from_secs(sup.period);
        if period.is_zero() { period } else { period + self.slack }
    }

    /// A child of the supervisor at this place.
    pub(super) fn child(&self, above: &[u8], spec: &Spec) -> ChildSpec {
        self.child_as(above, spec.id, spec, &spec.plan)
    }

    /// A child of a template.
    pub(super) fn child_as(&self, above: &[u8], id: u8, spec: &Spec, plan: &[Start]) -> ChildSpec {
        let path: Arc<[u8]> = [above, &[id]].concat().into();
        let name = id.to_string();
        let child = match &spec.body {
            Body::Sup(sup) => self.nested(name, path, sup, plan.into()),
            body => {
                let manner = match body {
                    Body::Graceful => Manner::Graceful,
                    Body::Clumsy => Manner::Clumsy,
                    Body::Stubborn => Manner::Stubborn,
                    Body::Plain | Body::Sup(_) => Manner::Plain,
                };
                let plot = Plot { records: self.records.clone(), path, manner, plan: plan.into() };
                ChildSpec::new::<Child>(name, plot)
            }
        };
        let child = child.restart(restart(spec.restart)).shutdown(shutdown(spec));
        if spec.significant { child.significant() } else { child }
    }

    fn nested(&self, name: String, path: Arc<[u8]>, sup: &Sup, plan: Arc<[Start]>) -> ChildSpec {
        let (maker, sup) = (self.clone(), sup.clone());
        if sup.strategy == Strategy::Simple {
            return ChildSpec::dynamic_supervisor(name, move || maker.begin(&path, &sup, &plan));
        }
        ChildSpec::supervisor(name, move || {
            let attempt = maker.records.attempt(&path);
            match outcome(&plan, attempt) {
                Start::Ok => {}
                // A child without a name is refused.
                Start::Error => return Supervisor::new([maker.child(&path, &NAMELESS).id("")]),
                Start::Ignore => return Supervisor::ignore(),
                Start::Panic => panic!("boom"),
            }
            let name = Name::from_string(format!("{path:?}#{attempt}"));
            maker.records.born(&path, attempt, Known::Sup(name.clone()));
            maker.supervisor(&path, &sup).name(&name)
        })
    }
}

impl Maker {
    /// A supervisor of a template at this place.
    fn begin(&self, path: &[u8], sup: &Sup, plan: &[Start]) -> DynamicSupervisor {
        let attempt = self.records.attempt(path);
        match outcome(plan, attempt) {
            Start::Ok | Start::Ignore => {}
            // A period of nothing is refused.
            Start::Error => return DynamicSupervisor::new().intensity(1, Duration::ZERO),
            Start::Panic => panic!("boom"),
        }
        let name = Name::from_string(format!("{path:?}#{attempt}"));
        self.records.born(path, attempt, Known::Dynamic(name.clone()));
        self.dynamic(sup).name(&name)
    }
}

const NAMELESS: Spec = Spec {
    id: 0,
    restart: Restart::Temporary,
    shutdown: Shutdown::Brutal,
    significant: false,
    body: Body::Plain,
    plan: Vec::new(),
};

const fn auto(auto: Auto) -> AutoShutdown {
    match auto {
        Auto::Never => AutoShutdown::Never,
        Auto::Any => AutoShutdown::AnySignificant,
        Auto::All => AutoShutdown::AllSignificant,
    }
}

const fn restart(restart: Restart) -> OurRestart {
    match restart {
        Restart::Permanent => OurRestart::Permanent,
        Restart::Transient => OurRestart::Transient,
        Restart::Temporary => OurRestart::Temporary,
    }
}

/// The stubborn are killed after the shortest time the other side knows; nobody else ever needs his.
fn shutdown(spec: &Spec) -> OurShutdown {
    match spec.shutdown {
        Shutdown::Brutal => OurShutdown::BrutalKill,
        Shutdown::Timeout if spec.body == Body::Stubborn => {
            OurShutdown::Timeout(Duration::from_millis(1))
        }
        Shutdown::Timeout => OurShutdown::Timeout(Duration::from_secs(5)),
        Shutdown::Infinity => OurShutdown::Infinity,
    }
}
