//! Makes random histories of supervisors.

use super::history::{
    Act, Auto, Batch, Body, End, History, How, Restart, Shutdown, Spec, Start, Strategy, Sup,
};
use crate::random::Random;

/// A history.
pub(crate) fn history(random: &mut Random) -> History {
    let stubborn = random.percent(6);
    let mut maker = Maker { random, stubborn, begun: 0 };
    let root = maker.sup(0);
    let batches = (0..maker.random.within(1..9)).map(|_| maker.batch(&root)).collect();
    let end = maker.end();
    // The children of a template start side by side, in any order (ADR 7).
    let draws = !root.has_template() && random.percent(50);
    let schedule = if draws { random.within(1..1_000_000) as u32 } else { 0 };
    History { root, batches, end, schedule }
}

struct Maker<'a> {
    random: &'a mut Random,
    /// Whether some do not end when told to. Then no supervisor is killed: they would outlive it.
    stubborn: bool,
    /// How many supervisors are to begin as children of templates. Each has a number of its own, for those below it are
    /// known by its place.
    begun: u8,
}

impl Maker<'_> {
    fn sup(&mut self, depth: usize) -> Sup {
        let strategies = [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne];
        let is_simple = self.random.percent(18);
        let strategy = if is_simple { Strategy::Simple } else { self.random.one_of(&strategies) };
        // Ours have no template below the top, and do not end by themselves (DYN-010).
        let never = is_simple && depth > 0 || self.random.percent(65);
        let auto = if never { Auto::Never } else { self.random.one_of(Auto::ALL) };
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
        let plan = self.plan_of(&body, true);
        Spec { id, restart, shutdown, significant, body, plan }
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

    /// A plan for such a child. Supervisors with a template do not ask to be ignored with us; and a restart that is ignored
    /// has OTP's supervisor of a template fail in the end, which is compared at the top, where nobody is above it.
    fn plan_of(&mut self, body: &Body, may_ignore: bool) -> Vec<Start> {
        let mut plan = self.plan();
        let is_template = matches!(body, Body::Sup(sup) if sup.strategy == Strategy::Simple);
        if is_template || !may_ignore {
            plan.retain(|start| *start != Start::Ignore);
        }
        plan
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
            Strategy::Simple => self.dynamic_acts(sup, path.is_empty()),
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

    /// Deaths in any number, and requests behind them. Supervisors one at a time: ours start side by side.
    fn dynamic_acts(&mut self, sup: &Sup, is_root: bool) -> Vec<Act> {
        let template_is_sup =
            matches!(sup.specs.first().map(|spec| &spec.body), Some(Body::Sup(_)));
        if template_is_sup {
            return vec![self.act_on_supervisor(sup, is_root)];
        }
        let deaths = if self.random.percent(40) { self.random.within(1..4) } else { 0 };
        let mut acts: Vec<_> = (0..deaths)
            .map(|_| Act::Die(self.random.within(0..4) as u8, self.random.one_of(How::ALL)))
            .collect();
        let requests = if deaths == 0 { [0, 80, 20] } else { [70, 20, 10] };
        for _ in 0..self.random.weighted(&requests) {
            // Whoever has died may not be terminated in the same batch: with us that cancels his restart, which is still
            // under way (SUP-115, ADR 7); with OTP it comes too late.
            let has_died =
                |id: &u8| acts.iter().any(|act| matches!(act, Act::Die(dead, _) if dead == id));
            let alive: Vec<u8> = (0..4).filter(|id| !has_died(id)).collect();
            let id = self.random.one_of(&alive);
            acts.push(match self.random.weighted(&[60, 15, 8, 8, 15]) {
                0 => Act::StartDynamic(id, self.plan_of(&sup.specs[0].body, is_root)),
                1 => Act::TerminateDynamic(id),
                2 => Act::WhichChildren,
                3 => Act::CountChildren,
                _ => Act::Advance(self.random.within(1..5) as u64),
            });
        }
        acts
    }

    /// What is done to a supervisor whose template is one.
    fn act_on_supervisor(&mut self, sup: &Sup, is_root: bool) -> Act {
        let id = self.random.within(0..usize::from(self.begun) + 1) as u8;
        match self.random.weighted(&[40, 30, 10, 5, 5, 10]) {
            0 => {
                self.begun += 1;
                Act::StartDynamic(self.begun - 1, self.plan_of(&sup.specs[0].body, is_root))
            }
            1 if self.stubborn => Act::TerminateDynamic(id),
            1 => Act::Die(id, How::Killed),
            2 => Act::TerminateDynamic(id),
            3 => Act::WhichChildren,
            4 => Act::CountChildren,
            _ => Act::Advance(self.random.within(1..5) as u64),
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
