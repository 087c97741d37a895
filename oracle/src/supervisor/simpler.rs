//! Histories a little simpler than a given one.

use super::history::{
    Act, Auto, Batch, Body, End, History, Restart, Shutdown, Spec, Strategy, Sup,
};
use crate::shrink::shorter;

/// The boldest first. Each has less of something, or something plainer.
pub(super) fn simpler(history: &History) -> Vec<History> {
    let mut all = Vec::new();
    all.extend(
        shorter(&history.batches).into_iter().map(|batches| History { batches, ..history.clone() }),
    );
    for (index, batch) in history.batches.iter().enumerate() {
        for simpler in simpler_batches(batch) {
            let mut batches = history.batches.clone();
            batches[index] = simpler;
            all.push(History { batches, ..history.clone() });
        }
    }
    all.extend(
        simpler_sups(&history.root).into_iter().map(|root| History { root, ..history.clone() }),
    );
    if history.schedule != 0 {
        all.push(History { schedule: 0, ..history.clone() });
    }
    if history.end != End::Leave {
        all.push(History { end: End::Leave, ..history.clone() });
    }
    all
}

fn simpler_batches(batch: &Batch) -> Vec<Batch> {
    let mut all: Vec<_> =
        shorter(&batch.acts).into_iter().map(|acts| Batch { acts, ..batch.clone() }).collect();
    for (index, act) in batch.acts.iter().enumerate() {
        let simpler = match act {
            Act::StartChild(spec) => simpler_specs(spec).into_iter().map(Act::StartChild).collect(),
            Act::StartDynamic(id, plan) => {
                shorter(plan).into_iter().map(|plan| Act::StartDynamic(*id, plan)).collect()
            }
            Act::Advance(seconds) if *seconds > 1 => vec![Act::Advance(seconds - 1)],
            _ => Vec::new(),
        };
        for act in simpler {
            let mut acts = batch.acts.clone();
            acts[index] = act;
            all.push(Batch { acts, ..batch.clone() });
        }
    }
    all
}

fn simpler_sups(sup: &Sup) -> Vec<Sup> {
    let mut all = Vec::new();
    if sup.strategy != Strategy::Simple {
        all.extend(shorter(&sup.specs).into_iter().map(|specs| Sup { specs, ..sup.clone() }));
        if sup.strategy != Strategy::OneForOne {
            all.push(Sup { strategy: Strategy::OneForOne, ..sup.clone() });
        }
    }
    for (index, spec) in sup.specs.iter().enumerate() {
        for simpler in simpler_specs(spec) {
            let mut specs = sup.specs.clone();
            specs[index] = simpler;
            all.push(Sup { specs, ..sup.clone() });
        }
    }
    if sup.auto != Auto::Never && !sup.specs.iter().any(|spec| spec.significant) {
        all.push(Sup { auto: Auto::Never, ..sup.clone() });
    }
    if sup.intensity > 0 {
        all.push(Sup { intensity: sup.intensity - 1, ..sup.clone() });
    }
    if sup.period > 1 {
        all.push(Sup { period: sup.period - 1, ..sup.clone() });
    }
    all
}

fn simpler_specs(spec: &Spec) -> Vec<Spec> {
    let mut all = Vec::new();
    all.extend(shorter(&spec.plan).into_iter().map(|plan| Spec { plan, ..spec.clone() }));
    if spec.significant {
        all.push(Spec { significant: false, ..spec.clone() });
    }
    match &spec.body {
        Body::Plain => {}
        Body::Sup(sup) => {
            all.push(Spec { body: Body::Plain, ..spec.clone() });
            let sups = simpler_sups(sup).into_iter().map(|sup| Body::Sup(Box::new(sup)));
            all.extend(sups.map(|body| Spec { body, ..spec.clone() }));
        }
        Body::Graceful | Body::Clumsy | Body::Stubborn => {
            all.push(Spec { body: Body::Plain, ..spec.clone() });
        }
    }
    if spec.restart != Restart::Permanent && !spec.significant {
        all.push(Spec { restart: Restart::Permanent, ..spec.clone() });
    }
    if spec.shutdown != Shutdown::Infinity && !spec.has_stubborn() {
        all.push(Spec { shutdown: Shutdown::Infinity, ..spec.clone() });
    }
    all
}
