//! What stands between a program and something that fails: a breaker, a limit, patience.

use std::collections::VecDeque;

use fauxtp::prelude::*;
use fauxtp::supervisor::Backoff;
use fauxtp::testing::Sim;

use crate::outside::{Outside, insist, latency};

static BREAKER: Name<Breaker> = Name::new("breaker");

/// A service that fails for a while.
#[derive(Clone, Debug, Default)]
struct Service {
    fails: Outside<bool>,
    requests: Outside<u32>,
    /// How many breakers there have been.
    lives: Outside<u32>,
}

impl Service {
    async fn request(&self) -> Result<u32, ()> {
        latency().await;
        self.requests.with(|requests| *requests += 1);
        if self.fails.get() { Err(()) } else { Ok(200) }
    }
}

/// Lets requests through until three have failed in a row; then none for a while, then one.
struct Breaker {
    service: Service,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open,
    HalfOpen,
}

const OPEN_FOR: Duration = Duration::from_secs(10);
/// How often the service is asked for while it is down, three times each, with as much time in between.
const ROUNDS: u32 = 6;

#[gen_server]
impl Breaker {
    fn init(service: Service) -> Self {
        service.lives.with(|lives| *lives += 1);
        Self { service, state: State::Closed { failures: 0 } }
    }

    /// Nothing if the service fails, or is not asked at all.
    #[call]
    async fn request(&mut self, ctx: &mut Context<Self>) -> Option<u32> {
        let failures = match self.state {
            State::Open => return None,
            State::Closed { failures } => failures,
            State::HalfOpen => 2,
        };
        let outcome = self.service.request().await;
        self.state = match outcome {
            Ok(_) => State::Closed { failures: 0 },
            Err(()) if failures < 2 => State::Closed { failures: failures + 1 },
            Err(()) => {
                ctx.send_after(OPEN_FOR, BreakerMessage::TryAgain);
                State::Open
            }
        };
        outcome.ok()
    }

    #[info]
    fn try_again(&mut self) {
        self.state = State::HalfOpen;
    }
}

/// A breaker in front of a service that is down for a minute: few requests reach it meanwhile, and it is found again.
pub async fn circuit_breaker(sim: Sim) {
    let service = Service::default();
    let breaker = Breaker::spec(service.clone()).name(&BREAKER).restart(Restart::Permanent);
    sim.start(Supervisor::new([breaker])).await;
    let _struck_perhaps = BREAKER.request().await;
    service.fails.with(|fails| *fails = true);
    service.requests.with(|requests| *requests = 0);
    let lives = service.lives.get();
    for _ in 0..ROUNDS {
        for _ in 0..3 {
            let answer = BREAKER.request().await;
            assert!(!matches!(answer, Ok(Some(_))), "{answer:?}");
        }
        sim.advance(OPEN_FOR).await;
    }
    // Three until it opens, and again for each life lost, then one for each time it tries again.
    let (requests, lost) = (service.requests.get(), service.lives.get() - lives);
    let requests_max = 3 * (1 + lost) + (ROUNDS - 1);
    assert!((3..=requests_max).contains(&requests), "{requests} requests, {lost} lives lost");
    service.fails.with(|fails| *fails = false);
    sim.heal();
    sim.advance(OPEN_FOR).await;
    assert_eq!(insist(&sim, async || BREAKER.request().await).await, Some(200));
    sim.no_leaks().await;
}

static LIMITER: Name<Limiter> = Name::new("limiter");

const RATE: u32 = 3;

/// Grants three a second; what it has granted it forgets with its life, so it begins with none.
struct Limiter {
    left: u32,
    waiting: VecDeque<Reply<()>>,
}

#[gen_server]
impl Limiter {
    fn init() -> Self {
        Self { left: 0, waiting: VecDeque::new() }
    }

    /// Answered when it is one's turn.
    #[call]
    fn admit(&mut self, from: Reply<()>) {
        self.waiting.push_back(from);
        self.grant();
    }

    #[tick(every = Duration::from_secs(1))]
    fn refill(&mut self) {
        self.left = RATE;
        self.grant();
    }

    fn grant(&mut self) {
        while self.left > 0 {
            let Some(from) = self.waiting.pop_front() else { return };
            // A grant that nobody waits for is not one.
            if from.try_send(()).is_ok() {
                self.left -= 1;
            }
        }
    }
}

/// Six who want to be admitted; never more than three in a second, whatever becomes of the one who counts.
pub async fn rate_limit(sim: Sim) {
    let limiter = Limiter::spec(()).name(&LIMITER).restart(Restart::Permanent);
    sim.start(Supervisor::new([limiter])).await;
    let mut admitted: VecDeque<Duration> = VecDeque::new();
    for _ in 0..3 {
        let ask = || LIMITER.admit().timeout(Duration::from_millis(2_500));
        let answers = tokio::join!(ask(), ask(), ask(), ask());
        let answers = [answers.0, answers.1, answers.2, answers.3];
        let now = sim.world().now();
        admitted.extend(answers.iter().filter(|answer| answer.is_ok()).map(|_| now));
    }
    // All four are waited for, so some were admitted a little before; but not more than these in all.
    let seconds = sim.world().now().as_secs() as usize;
    assert!(admitted.len() <= RATE as usize * seconds.max(1), "{admitted:?}");
    sim.heal();
    insist(&sim, async || LIMITER.admit().await).await;
    sim.no_leaks().await;
}

static GATEWAY: Name<Gateway> = Name::new("gateway");

/// Starts only if the other side is there.
struct Gateway;

#[gen_server]
impl Gateway {
    async fn init(
        is_up: Outside<bool>,
        attempts: Outside<Vec<Duration>>,
        sim: Sim,
    ) -> Result<Self> {
        attempts.with(|attempts| attempts.push(sim.world().now()));
        latency().await;
        if is_up.get() { Ok(Self) } else { Err(Stop::error("nobody is there")) }
    }

    #[call]
    fn ping(&self) -> bool {
        true
    }

    #[cast]
    fn lose_connection(&self) -> Result {
        Err(Stop::error("connection lost"))
    }
}

/// A child that cannot start for a while: tried again with growing patience, while its neighbour works.
pub async fn backoff(sim: Sim) {
    let (is_up, attempts) = (Outside::new(true), Outside::new(Vec::new()));
    let patience = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
    let gateway = Gateway::spec((is_up.clone(), attempts.clone(), sim.clone()))
        .name(&GATEWAY)
        .restart(Restart::Permanent)
        .backoff(patience);
    let limiter = Limiter::spec(()).name(&LIMITER).restart(Restart::Permanent);
    let tree = Supervisor::new([gateway, limiter]).intensity(30, Duration::from_secs(60));
    let tree = sim.start(tree).await;
    is_up.with(|is_up| *is_up = false);
    GATEWAY.cast(GatewayMessage::LoseConnection);
    sim.advance(Duration::from_secs(20)).await;
    let tried = attempts.with(|attempts| attempts.len());
    assert!((3..=30).contains(&tried), "{tried} attempts");
    assert!(tree.count_children().await.is_ok(), "the supervisor is never held up");
    sim.heal();
    insist(&sim, async || LIMITER.admit().await).await;
    is_up.with(|is_up| *is_up = true);
    sim.advance(Duration::from_secs(5)).await;
    assert!(insist(&sim, async || GATEWAY.ping().await).await);
    sim.no_leaks().await;
}
