//! Calls: answered later, handed on, chained, in circles, to many.

use std::collections::VecDeque;

use fauxtp::call::multi_call;
use fauxtp::prelude::*;
use fauxtp::testing::Sim;

use crate::explore;
use crate::outside::{Outside, insist, latency};

static COUNTER: Name<Desk> = Name::new("desk");
static OFFICE: Name<BackOffice> = Name::new("back office");

/// Answers some at once, some later, and has others answered by somebody else.
struct Desk {
    waiting: VecDeque<Reply<u32>>,
    answered: u32,
    /// How many requests were handled for which nobody waited any more.
    in_vain: Outside<u32>,
}

#[gen_server]
impl Desk {
    fn init(in_vain: Outside<u32>) -> Self {
        Self { waiting: VecDeque::new(), answered: 0, in_vain }
    }

    /// Answered at the next chime.
    #[call]
    fn ticket(&mut self, from: Reply<u32>) {
        self.in_vain.with(|in_vain| *in_vain += u32::from(from.is_abandoned()));
        self.waiting.push_back(from);
    }

    /// Answered by the back office.
    #[call]
    fn complain(&mut self, from: Reply<u32>) {
        OFFICE.file(Complaint(from.hand_on()));
    }

    /// Never answered, and forgotten at once.
    #[call]
    fn whistle(&mut self, from: Reply<u32>) {
        drop(from);
    }

    /// Is busy for a while.
    #[cast]
    async fn nap(&self) {
        // sleep: virtual, and what is asked for.
        tokio::time::sleep(Duration::from_secs(1)).await;
    }

    #[tick(every = Duration::from_secs(1))]
    fn chime(&mut self) {
        for from in self.waiting.drain(..) {
            self.answered += 1;
            from.send(self.answered);
        }
    }
}

/// Somebody waits for an answer to it.
struct Complaint(Reply<u32>);

struct BackOffice;

#[gen_server]
impl BackOffice {
    fn init() -> Self {
        Self
    }

    #[cast]
    async fn file(&mut self, complaint: Complaint) {
        latency().await;
        complaint.0.send(0);
    }
}

/// Whoever calls gets an answer, or learns why not, and at once if nobody is left who could answer.
pub async fn deferred_replies(sim: Sim) {
    let office = BackOffice::spec(()).name(&OFFICE).restart(Restart::Permanent);
    let in_vain = Outside::new(0);
    let desk = Desk::spec(in_vain.clone()).name(&COUNTER).restart(Restart::Permanent);
    sim.start(Supervisor::new([office, desk])).await;
    for _ in 0..2 {
        let begun = sim.world().now();
        let (ticket, complaint, whistle) =
            tokio::join!(COUNTER.ticket(), COUNTER.complain(), COUNTER.whistle());
        assert!(!matches!(ticket, Err(CallError::Timeout | CallError::NoReply)), "{ticket:?}");
        assert!(!matches!(complaint, Err(CallError::Timeout)), "{complaint:?}");
        assert!(whistle.is_err() && whistle != Err(CallError::Timeout), "{whistle:?}");
        assert!(sim.world().now() - begun <= Duration::from_millis(1_500), "nobody waits for long");
    }
    sim.heal();
    insist(&sim, async || COUNTER.ticket().await).await;
    in_vain.with(|in_vain| *in_vain = 0);
    COUNTER.nap();
    let hasty = COUNTER.ticket().timeout(Duration::from_millis(500)).await;
    assert!(hasty.is_err(), "{hasty:?}");
    sim.advance(Duration::from_secs(1)).await;
    assert_eq!(in_vain.get(), 0, "what has waited for too long is not handled");
    assert_eq!(insist(&sim, async || COUNTER.complain().await).await, 0);
    assert_eq!(COUNTER.whistle().await, Err(CallError::NoReply));
    sim.no_leaks().await;
}

/// Passes a call on to the next link, and takes its time.
struct Link(usize);

static CHAIN: [Name<Link>; 4] =
    [Name::new("link-1"), Name::new("link-2"), Name::new("link-3"), Name::new("link-4")];

#[gen_server]
impl Link {
    fn init(place: usize) -> Self {
        Self(place)
    }

    /// How many links there are from here on.
    #[call]
    async fn length(&self) -> Result<usize, CallError> {
        latency().await;
        let Some(next) = CHAIN.get(self.0 + 1) else { return Ok(1) };
        match next.length().await {
            Ok(length) => Ok(length + 1),
            Err(CallError::Failed(error)) => Err(error),
            Err(CallError::Timeout) => Err(CallError::Timeout),
            Err(CallError::Exited(reason)) => Err(CallError::Exited(reason)),
            Err(_) => Err(CallError::NoProc),
        }
    }

    /// Asks the first one, who may be waiting for this one.
    #[call]
    async fn round(&self) -> Result<usize, CallError> {
        let next = CHAIN.get(self.0 + 1).unwrap_or(&CHAIN[0]);
        match next.round().await {
            Ok(length) => Ok(length),
            Err(CallError::Deadlock(cycle)) => Err(CallError::Deadlock(cycle)),
            Err(CallError::Failed(error)) => Err(error),
            Err(_) => Err(CallError::NoProc),
        }
    }
}

fn chain() -> Supervisor {
    let links = (0..4).map(|place| {
        let id = CHAIN[place].as_str();
        Link::spec(place).name(&CHAIN[place]).id(id).restart(Restart::Permanent)
    });
    Supervisor::new(links)
}

/// Four servers, each of which calls the next: an answer, or the reason of whoever has ended, and never a wait for nothing.
pub async fn chain_of_calls(sim: Sim) {
    CHAIN.iter().for_each(|link| sim.always_one(link));
    sim.start(chain()).await;
    for _ in 0..4 {
        let begun = sim.world().now();
        match CHAIN[0].length().await {
            Ok(length) => assert_eq!(length, 4),
            Err(error) => assert!(!matches!(error, CallError::Timeout), "{error}"),
        }
        assert_eq!(sim.world().now(), begun, "the end of a callee is told at once");
    }
    sim.heal();
    assert_eq!(insist(&sim, async || CHAIN[0].length().await).await, 4);
    sim.no_leaks().await;
}

/// How long a circle of calls may last: no time at all. But nobody knows where a message lies that is late; so a circle of
/// such ends with the first deadline.
fn patience() -> Duration {
    if explore::are_messages_late() { Duration::from_secs(6) } else { Duration::ZERO }
}

/// Four servers in a circle: whoever would close it is refused, and nobody waits for a deadline.
pub async fn circle_of_calls(sim: Sim) {
    sim.start(chain()).await;
    for _ in 0..2 {
        let begun = sim.world().now();
        let (one, two) = tokio::join!(CHAIN[0].round(), CHAIN[2].round());
        assert!(one.is_err() && two.is_err(), "{one:?} {two:?}");
        let took = sim.world().now() - begun;
        assert!(took <= patience(), "{took:?} {one:?} {two:?}");
    }
    sim.heal();
    // What is left of such circles.
    sim.advance(patience()).await;
    let begun = sim.world().now();
    let refused = CHAIN[0].round().await;
    assert_eq!(sim.world().now(), begun, "whoever would wait for himself is refused at once");
    let is_deadlock = matches!(refused, Err(CallError::Failed(CallError::Deadlock(_))));
    assert!(is_deadlock, "{refused:?}");
    assert_eq!(insist(&sim, async || CHAIN[0].length().await).await, 4);
    sim.no_leaks().await;
}

/// One of a group that is asked as a whole.
struct Voter(u32);

#[gen_server]
impl Voter {
    fn init(vote: u32) -> Self {
        Self(vote)
    }

    #[call]
    async fn vote(&self) -> u32 {
        latency().await;
        self.0
    }

    /// Asks all the others, itself as well.
    #[call]
    async fn poll(&self) -> (usize, usize) {
        let asked = multi_call(&VOTERS, VoterMessage::Vote, Duration::from_secs(1)).await;
        (asked.replies.len(), asked.bad.len())
    }
}

static VOTERS: [Name<Voter>; 3] =
    [Name::new("voter-1"), Name::new("voter-2"), Name::new("voter-3")];

/// A group is asked from outside and from inside; everybody has answered or is named, once.
pub async fn survey(sim: Sim) {
    let voter =
        |place: usize| Voter::spec(1 << place).name(&VOTERS[place]).restart(Restart::Permanent);
    sim.start(Supervisor::new([voter(0), voter(1), voter(2)])).await;
    for _ in 0..3 {
        let survey = multi_call(&VOTERS, VoterMessage::Vote, Duration::from_secs(1)).await;
        assert_eq!(survey.replies.len() + survey.bad.len(), 3);
        for (voter, vote) in &survey.replies {
            let place = VOTERS.iter().position(|one| one.as_str() == voter.as_str());
            assert_eq!(place.map(|place| 1 << place), Some(*vote));
        }
        if let Ok((replies, bad)) = VOTERS[0].poll().await {
            assert!(replies + bad == 3 && bad >= 1, "nobody can ask himself: {replies} {bad}");
        }
    }
    sim.heal();
    sim.settle().await;
    assert_eq!(insist(&sim, async || VOTERS[1].poll().await).await, (2, 1));
    sim.no_leaks().await;
}
