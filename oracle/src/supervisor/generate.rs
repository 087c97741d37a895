//! Makes random histories of supervisors.

use super::history::{
    Act, Auto, Batch, Body, End, History, How, Restart, Shutdown, Spec, Start, Strategy, Sup,
};
use crate::random::Random;

/// A history.
pub(crate) fn history(random: &mut Random) -> History {
    let stubborn = random.percent(6);
    let mut maker = Maker { random, stubborn };
    let root = maker.sup(0);
    let batches = (0..maker.random.within(1..9)).map(|_| maker.batch(&root)).collect();
    let end = maker.end();
    // The children of a template start side by side, in any order (ADR 7).
    let draws = root.strategy != Strategy::Simple && random.percent(50);
    let schedule = if draws { random.within(1..1_000_000) as u32 } else { 0 };
    History { root, batches, end, schedule }
}

struct Maker<'a> {
    random: &'a mut Random,
    /// Whether some do not end when told to. Then no supervisor is killed: they would outlive it.
    stubborn: bool,
}

impl Maker<'_> {
    fn sup(&mut self, depth: usize) -> Sup {
        let strategies = [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne];
        // Ours have no template unless they are the top.
        let is_simple = depth == 0 && self.random.percent(18);
        let strategy = if is_simple { Strategy::Simple } else { self.random.one_of(&strategies) };
        let auto =
            if self.random.percent(65) { Auto::Never } else { self.random.one_of(Auto::ALL) };
        let mut sup = Sup {
            strategy,
            intensity: self.random.within(0..6) as u32,
            // Once in a while one that is refused.
            period: if self.random.percent(1) { 0 } else { self.random.within(1..5) as u64 },
            auto,
            specs: Vec::new(),
        };
        let count = if strategy == Strategy::Simple { 1 } else { self.random.within(0..5) };
        for id in 0..count {
            // Once in a while the id of another.
            let id = if self.random.percent(1) { 0 } else { id as u8 };
            let spec = self.spec(id, auto, strategy, depth);
            sup.specs.push(spec);
        }
        sup
    }

    fn spec(&mut self, id: u8, auto: Auto, strategy: Strategy, depth: usize) -> Spec {
        let restart = self.random.one_of(Restart::ALL);
        // Once in a while one that is refused; not as a template, which ours do not look at before it is used.
        let refused = if strategy == Strategy::Simple { 0 } else { 1 };
        let may_be_significant = auto != Auto::Never && restart != Restart::Permanent;
        let significant = self.random.percent(if may_be_significant { 50 } else { refused });
        let body = self.body(depth);
        let shutdown = match &body {
            Body::Stubborn => self.random.one_of(&[Shutdown::Brutal, Shutdown::Timeout]),
            Body::Sup(_) if self.stubborn => Shutdown::Infinity,
            _ => self.random.one_of(Shutdown::ALL),
        };
        Spec { id, restart, shutdown, significant, body, plan: self.plan() }
    }

    fn body(&mut self, depth: usize) -> Body {
        let nested = if depth < 2 { 12 } else { 0 };
        let stubborn = if self.stubborn { 30 } else { 0 };
        match self.random.weighted(&[18, 60, 8, stubborn, nested]) {
            0 => Body::Plain,
            1 => Body::Graceful,
            2 => Body::Clumsy,
            3 => Body::Stubborn,
            _ => Body::Sup(Box::new(self.sup(depth + 1))),
        }
    }

    /// Mostly starts that succeed, for otherwise nothing would ever run.
    fn plan(&mut self) -> Vec<Start> {
        if self.random.percent(55) {
            return Vec::new();
        }
        let kinds = [Start::Ok, Start::Error, Start::Ignore, Start::Panic];
        let mut one = |weights: &[usize; 4]| kinds[self.random.weighted(weights)];
        let first = one(&[92, 3, 4, 1]);
        let later = (0..self.random.within(1..5)).map(|_| {
            let weights = [45, 35, 12, 8];
            kinds[self.random.weighted(&weights)]
        });
        std::iter::once(first).chain(later).collect()
    }

    fn batch(&mut self, root: &Sup) -> Batch {
        let (path, sup) = self.target(root);
        let acts = match sup.strategy {
            Strategy::Simple => self.dynamic_acts(sup),
            _ => (0..self.random.within(1..5)).map(|_| self.act(sup, path.is_empty())).collect(),
        };
        // Nothing can be done to the children of a supervisor that is being killed: they are ending.
        let acts = match acts.iter().position(|act| *act == Act::Kill) {
            Some(last) => acts[..=last].to_vec(),
            None => acts,
        };
        Batch { path, acts }
    }

    /// Some supervisor of the tree, more often the top.
    fn target<'s>(&mut self, root: &'s Sup) -> (Vec<u8>, &'s Sup) {
        let (mut path, mut sup) = (Vec::new(), root);
        loop {
            let below = sup.specs.iter().filter_map(|spec| match &spec.body {
                Body::Sup(below) => Some((spec.id, below)),
                _ => None,
            });
            let below: Vec<_> = below.collect();
            // Children of a template have no path that is known beforehand.
            if sup.strategy == Strategy::Simple || below.is_empty() || self.random.percent(40) {
                return (path, sup);
            }
            let (id, next) = self.random.one_of(&below);
            path.push(id);
            sup = next;
        }
    }

    fn act(&mut self, sup: &Sup, is_root: bool) -> Act {
        let last = if is_root { 2 } else { 0 };
        let id = self.id(sup);
        match self.random.weighted(&[46, 7, 8, 9, 6, 2, 5, 5, 8, last, last]) {
            0 if self.stubborn && is_sup(sup, id) => Act::TerminateChild(id),
            0 => Act::Die(id, self.how(sup, id)),
            1 => Act::StartChild(self.spec(id, sup.auto, sup.strategy, 2)),
            2 => Act::TerminateChild(id),
            3 => Act::RestartChild(id),
            4 => Act::DeleteChild(id),
            5 => Act::GetChildSpec(id),
            6 => Act::WhichChildren,
            7 => Act::CountChildren,
            8 => Act::Advance(self.random.within(1..5) as u64),
            9 => Act::Stop,
            _ if self.stubborn => Act::Stop,
            _ => Act::Kill,
        }
    }

    /// A child of the supervisor, or one that is not.
    fn id(&mut self, sup: &Sup) -> u8 {
        self.random.within(0..sup.specs.len() + 1) as u8
    }

    /// A supervisor among the children ends only by being killed, or by its own rules.
    fn how(&mut self, sup: &Sup, id: u8) -> How {
        if is_sup(sup, id) { How::Killed } else { self.random.one_of(How::ALL) }
    }

    /// Deaths in any number, or one request: dynamic supervisors of ours do not wait for a start, so what is asked
    /// behind another request sees another moment than OTP's.
    fn dynamic_acts(&mut self, sup: &Sup) -> Vec<Act> {
        let template_is_sup =
            matches!(sup.specs.first().map(|spec| &spec.body), Some(Body::Sup(_)));
        let id = self.random.within(0..4) as u8;
        match self.random.weighted(&[40, 30, 10, 5, 5, 10]) {
            1 if self.stubborn && template_is_sup => vec![Act::TerminateDynamic(id)],
            0 => {
                let plan = self.plan();
                vec![Act::StartDynamic(id, plan)]
            }
            // Supervisors one at a time: ours start side by side.
            1 if template_is_sup => vec![Act::Die(id, How::Killed)],
            1 => (0..self.random.within(1..4))
                .map(|_| Act::Die(self.random.within(0..4) as u8, self.random.one_of(How::ALL)))
                .collect(),
            2 => vec![Act::TerminateDynamic(id)],
            3 => vec![Act::WhichChildren],
            4 => vec![Act::CountChildren],
            _ => vec![Act::Advance(self.random.within(1..5) as u64)],
        }
    }

    fn end(&mut self) -> End {
        let end = self.random.one_of(End::ALL);
        if end == End::Kill && self.stubborn { End::Stop } else { end }
    }
}

/// Whether the child with this id is a supervisor at first.
fn is_sup(sup: &Sup, id: u8) -> bool {
    sup.specs.iter().any(|spec| spec.id == id && matches!(spec.body, Body::Sup(_)))
}
