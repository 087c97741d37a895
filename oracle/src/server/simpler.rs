//! Makes histories of servers simpler: fewer steps, and requests that ask for less.

use super::history::{Before, History, Init, Next, Plan, Request, Step, Then};
use crate::shrink::shorter;

impl History {
    pub(crate) fn simpler(&self) -> Vec<Self> {
        let with = |steps| Self { callers: self.callers, steps };
        let mut all: Vec<Self> = shorter(&self.steps).into_iter().map(with).collect();
        for (place, step) in self.steps.iter().enumerate() {
            for simpler in step.simpler() {
                let mut steps = self.steps.clone();
                steps[place] = simpler;
                all.push(with(steps));
            }
        }
        all
    }
}

impl Step {
    fn simpler(&self) -> Vec<Self> {
        match self {
            Self::Start { linked, named, patient, init } => {
                let patient = *patient;
                let with = |linked, named, init| Self::Start { linked, named, patient, init };
                let mut all: Vec<Self> =
                    init.simpler().into_iter().map(|init| with(*linked, *named, init)).collect();
                if *linked {
                    all.push(with(false, *named, init.clone()));
                }
                if *named {
                    all.push(with(*linked, false, init.clone()));
                }
                all
            }
            Self::Call { caller, by, patient, request } => {
                let (caller, by, patient) = (*caller, *by, *patient);
                let with = |request| Self::Call { caller, by, patient, request };
                request.simpler().into_iter().map(with).collect()
            }
            Self::Cast { caller, by, request } => {
                let (caller, by) = (*caller, *by);
                let with = |request| Self::Cast { caller, by, request };
                request.simpler().into_iter().map(with).collect()
            }
            Self::Info { caller, request } => {
                let caller = *caller;
                let with = |request| Self::Info { caller, request };
                request.simpler().into_iter().map(with).collect()
            }
            _ => Vec::new(),
        }
    }
}

impl Init {
    fn simpler(&self) -> Vec<Self> {
        let with = |plan| Self { plan, ..self.clone() };
        let mut all: Vec<Self> = self.plan.simpler().into_iter().map(with).collect();
        if self.trapping {
            all.push(Self { trapping: false, ..self.clone() });
        }
        if self.told != Then::Reply {
            all.push(Self { told: Then::Reply, ..self.clone() });
        }
        if self.terminate_fails {
            all.push(Self { terminate_fails: false, ..self.clone() });
        }
        if self.terminate_blocks {
            all.push(Self { terminate_blocks: false, ..self.clone() });
        }
        all
    }
}

impl Request {
    fn simpler(&self) -> Vec<Self> {
        self.plan.simpler().into_iter().map(|plan| Self { tag: self.tag, plan }).collect()
    }
}

impl Plan {
    fn simpler(&self) -> Vec<Self> {
        let mut all = Vec::new();
        if self.next != Next::None {
            all.push(Self { next: Next::None, ..self.clone() });
        }
        all.extend(shorter(&self.before).into_iter().map(|before| Self { before, ..self.clone() }));
        if self.block {
            all.push(Self { block: false, ..self.clone() });
        }
        if self.then != Then::Reply {
            all.push(Self { then: Then::Reply, ..self.clone() });
        }
        for (place, before) in self.before.iter().enumerate() {
            let Before::SelfCast(request) = before else { continue };
            for simpler in request.simpler() {
                let mut plan = self.clone();
                plan.before[place] = Before::SelfCast(simpler);
                all.push(plan);
            }
        }
        let nexts: Vec<Next> = match &self.next {
            Next::Timeout { zero, plan } => {
                let with = |plan| Next::Timeout { zero: *zero, plan: Box::new(plan) };
                plan.simpler().into_iter().map(with).collect()
            }
            Next::Continue(request) => {
                let with = |request| Next::Continue(Box::new(request));
                request.simpler().into_iter().map(with).collect()
            }
            Next::None | Next::Hibernate => Vec::new(),
        };
        all.extend(nexts.into_iter().map(|next| Self { next, ..self.clone() }));
        all
    }
}
