//! Makes histories of servers.

use super::history::{Before, By, History, Init, Next, Plan, Request, Step, Then, Who};
use crate::random::Random;
use crate::reasons::Reason;

impl History {
    pub(crate) fn generate(random: &mut Random) -> Self {
        let callers = random.within(1..4);
        let mut generator = Generator { callers, tags: 0, asked: Vec::new() };
        let mut steps = vec![generator.start(random)];
        for _ in 0..random.within(2..13) {
            let step = generator.step(random);
            steps.push(step);
        }
        Self { callers, steps }
    }
}

struct Generator {
    callers: usize,
    /// How many requests there are so far.
    tags: usize,
    /// Calls whose replies may be kept.
    asked: Vec<usize>,
}

impl Generator {
    fn step(&mut self, random: &mut Random) -> Step {
        let caller = random.within(0..self.callers);
        let by = if random.percent(25) { By::Name } else { By::Pid };
        match random.weighted(&[34, 16, 9, 5, 3, 7, 14, 9, 4, 7]) {
            0 => {
                let request = self.request(random, Kind::Call, 0);
                self.asked.push(request.tag);
                Step::Call { caller, by, patient: random.percent(75), request }
            }
            1 => Step::Cast { caller, by, request: self.request(random, Kind::Other, 0) },
            2 => Step::Info { caller, request: self.request(random, Kind::Other, 0) },
            3 => Step::Exit(self.who(random), Reason::any(random)),
            4 => Step::Leave(self.who(random), Reason::any(random)),
            5 => {
                let patient = random.percent(75);
                Step::Stop { caller, by, patient, reason: Reason::any(random) }
            }
            6 => Step::Unblock,
            7 => Step::Elapse,
            8 if !self.asked.is_empty() => Step::Answer(random.one_of(&self.asked)),
            _ => self.start(random),
        }
    }

    fn who(&self, random: &mut Random) -> Who {
        if random.percent(40) { Who::Parent } else { Who::Caller(random.within(0..self.callers)) }
    }

    fn start(&mut self, random: &mut Random) -> Step {
        let init = Init {
            trapping: random.percent(50),
            terminate_fails: random.percent(8),
            terminate_blocks: random.percent(8),
            told: Kind::End.then(random),
            plan: self.plan(random, Kind::Init, 0),
        };
        let (linked, named) = (random.percent(60), random.percent(50));
        Step::Start { linked, named, patient: random.percent(85), init }
    }

    fn request(&mut self, random: &mut Random, kind: Kind, depth: usize) -> Request {
        self.tags += 1;
        let tag = self.tags;
        Request { tag, plan: self.plan(random, kind, depth) }
    }

    fn plan(&mut self, random: &mut Random, kind: Kind, depth: usize) -> Plan {
        let mut before = Vec::new();
        while before.len() < 3 && random.percent(22) {
            let what = self.before(random, kind, depth);
            // Ours cannot be answered twice (GS-018).
            if what != Before::Early || !before.contains(&Before::Early) {
                before.push(what);
            }
        }
        Plan {
            before,
            block: random.percent(10),
            then: kind.then(random),
            next: self.next(random, depth),
        }
    }

    fn before(&mut self, random: &mut Random, kind: Kind, depth: usize) -> Before {
        match random.weighted(&[50, 12, 20, 5, 13]) {
            0 if !self.asked.is_empty() => Before::Answer(random.one_of(&self.asked)),
            1 if kind == Kind::Call => Before::Early,
            2 if depth < 2 => Before::SelfCast(self.request(random, Kind::Other, depth + 1)),
            3 if kind != Kind::Init => Before::SelfCall,
            _ => Before::Watch(random.within(0..self.callers)),
        }
    }

    fn next(&mut self, random: &mut Random, depth: usize) -> Next {
        if depth >= 2 {
            return Next::None;
        }
        match random.weighted(&[60, 6, 10, 12, 12]) {
            0 => Next::None,
            1 => Next::Hibernate,
            2 => Next::Timeout { zero: true, plan: self.later(random, depth) },
            3 => Next::Timeout { zero: false, plan: self.later(random, depth) },
            _ => Next::Continue(Box::new(self.request(random, Kind::Other, depth + 1))),
        }
    }

    fn later(&mut self, random: &mut Random, depth: usize) -> Box<Plan> {
        Box::new(self.plan(random, Kind::Other, depth + 1))
    }
}

/// Which callback is told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Init,
    Call,
    Other,
    /// Of somebody's end.
    End,
}

impl Kind {
    fn then(self, random: &mut Random) -> Then {
        let reason = Reason::any(random);
        match (self, random.within(0..100)) {
            (Self::Init, 0..4) => Then::Ignore,
            (Self::Init, 4..8) => Then::Stop(reason),
            (Self::Init, 8..10) => Then::Error,
            (Self::Init, 10..12) => Then::Exit(reason),
            (Self::Call, 0..50) => Then::Reply,
            (Self::Call, 50..73) => Then::Keep,
            (Self::Call, 73..76) => Then::HandOn,
            (Self::Call, 76..84) => Then::StopReply(reason),
            (Self::Call, 84..91) | (Self::Other, 0..6) => Then::Stop(reason),
            (Self::Call, 91..96) | (Self::Other, 6..9) | (Self::End, 0..10) => Then::Error,
            (Self::End, 10..16) => Then::Stop(reason),
            (Self::End, 16..20) => Then::Exit(reason),
            (Self::Call, 96..100) | (Self::Other, 9..12) => Then::Exit(reason),
            _ => Then::Reply,
        }
    }
}
