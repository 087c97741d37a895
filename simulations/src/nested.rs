//! Supervisors below supervisors: every strategy, giving up, and ending when the work is done.

use fauxtp::prelude::*;
use fauxtp::supervisor::{
    AutoShutdown, ManageError, RestartChildError, SupervisorHandle, SupervisorName,
};
use fauxtp::testing::Sim;

use crate::outside::{Entered, Gauge, Outside, insist, latency};

/// A leaf of the tree; asked, it tells which incarnation it is.
struct Leaf(u32);

#[gen_server]
impl Leaf {
    async fn init(lives: Outside<u32>) -> Self {
        latency().await;
        Self(lives.with(|lives| {
            *lives += 1;
            *lives
        }))
    }

    #[call]
    fn life(&self) -> u32 {
        self.0
    }

    #[cast]
    fn fail(&self) -> Result {
        Err(Stop::error("as it was told"))
    }
}

static LEAVES: [Name<Leaf>; 6] = [
    Name::new("leaf-1"),
    Name::new("leaf-2"),
    Name::new("leaf-3"),
    Name::new("leaf-4"),
    Name::new("leaf-5"),
    Name::new("leaf-6"),
];

fn leaf(number: usize) -> ChildSpec {
    Leaf::spec(Outside::new(0)).name(&LEAVES[number]).restart(Restart::Permanent)
}

/// Twice three leaves, one group for all, the other one for the rest, below one for one.
pub async fn strategies(sim: Sim) {
    LEAVES.iter().for_each(|leaf| sim.always_one(leaf));
    let all = || Supervisor::new([leaf(0), leaf(1), leaf(2)]).strategy(RestartStrategy::OneForAll);
    let rest =
        || Supervisor::new([leaf(3), leaf(4), leaf(5)]).strategy(RestartStrategy::RestForOne);
    let tree = [ChildSpec::supervisor("all", all), ChildSpec::supervisor("rest", rest)];
    sim.start(Supervisor::new(tree).intensity(5, Duration::from_secs(5))).await;
    LEAVES[1].cast(LeafMessage::Fail);
    LEAVES[4].cast(LeafMessage::Fail);
    sim.settle().await;
    sim.heal();
    for leaf in &LEAVES {
        insist(&sim, async || leaf.life().await).await;
    }
    sim.eventually("six leaves", |world| world.count::<Leaf>() == 6).await;
    sim.no_leaks().await;
}

/// Counts who belongs to which generation.
struct Member {
    generation: u32,
    _present: Entered,
}

static MEMBERS: [Name<Member>; 3] = [Name::new("first"), Name::new("second"), Name::new("third")];

#[gen_server]
impl Member {
    async fn init(generations: Outside<u32>, present: Gauge, is_first: bool) -> Result<Self> {
        let present = present.enter();
        latency().await;
        let generation = if is_first {
            generations.with(|last| {
                *last += 1;
                *last
            })
        } else {
            MEMBERS[0].generation().await?
        };
        Ok(Self { generation, _present: present })
    }

    #[call]
    fn generation(&self) -> u32 {
        self.generation
    }

    /// Asks the one before it.
    #[call]
    async fn agrees(&self) -> bool {
        let first = MEMBERS[0].generation().timeout(Duration::from_secs(1)).await;
        first.is_ok_and(|generation| generation == self.generation)
    }
}

/// One for all: nobody of an old generation is left when somebody of a new one runs.
pub async fn generations(sim: Sim) {
    let (generations, present) = (Outside::new(0), Gauge::default());
    let seen = present.clone();
    sim.invariant("no more than three are present", move |_| seen.count() <= 3);
    let member = |number: usize| {
        let args = (generations.clone(), present.clone(), number == 0);
        Member::spec(args).name(&MEMBERS[number]).restart(Restart::Permanent)
    };
    let tree = Supervisor::new([member(0), member(1), member(2)]);
    sim.start(tree.strategy(RestartStrategy::OneForAll).intensity(6, Duration::from_secs(5))).await;
    for _ in 0..4 {
        let (second, third) = tokio::join!(MEMBERS[1].agrees(), MEMBERS[2].agrees());
        let _struck_perhaps = (second, third);
    }
    sim.heal();
    sim.settle().await;
    for member in &MEMBERS[1..] {
        assert!(insist(&sim, async || member.agrees().await).await, "all are of one generation");
    }
    sim.no_leaks().await;
    assert_eq!(present.count(), 0);
}

/// An inner supervisor that gives up at the second failure, which its own supervisor answers with a new one.
pub async fn giving_up_inside(sim: Sim) {
    let lives = Outside::new(0);
    let inner = {
        let lives = lives.clone();
        move || {
            let leaf = Leaf::spec(lives.clone()).name(&LEAVES[0]).restart(Restart::Permanent);
            Supervisor::new([leaf]).intensity(1, Duration::from_secs(5)).name(&INNER)
        }
    };
    sim.always_one(&LEAVES[0]);
    sim.always_one(&INNER);
    let tree = Supervisor::new([ChildSpec::supervisor("inner", inner)]);
    sim.start(tree.intensity(10, Duration::from_secs(5))).await;
    let inner = INNER.whereis().map(|inner| inner.pid());
    for _ in 0..3 {
        LEAVES[0].cast(LeafMessage::Fail);
        sim.settle().await;
    }
    sim.heal();
    insist(&sim, async || LEAVES[0].life().await).await;
    assert!(lives.get() >= 3, "{} lives", lives.get());
    let former = inner.expect("nobody is struck before the tree is up");
    sim.eventually("another inner supervisor", |world| {
        world.whereis(&INNER).is_some_and(|inner| inner.pid() != former)
    })
    .await;
    sim.no_leaks().await;
}

static INNER: Name<SupervisorName> = Name::new("inner");

/// Two jobs that end by themselves; when both are done, so is their supervisor.
pub async fn done_when_all_are_done(sim: Sim) {
    let done = Outside::new(0_u32);
    let job = |id: &str| {
        let done = done.clone();
        let work = move || {
            let done = done.clone();
            async move {
                // sleep: virtual; nobody is struck before the tree is up, and there is work left then.
                tokio::time::sleep(Duration::from_secs(1)).await;
                latency().await;
                done.with(|done| *done += 1);
            }
        };
        ChildSpec::task(id, work).restart(Restart::Transient).significant()
    };
    let helper = || Leaf::spec(Outside::new(0)).name(&LEAVES[0]).restart(Restart::Permanent);
    let jobs = [job("one"), job("two")];
    let batch = move || {
        let children = [helper()].into_iter().chain(jobs.clone());
        Supervisor::new(children).auto_shutdown(AutoShutdown::AllSignificant)
    };
    let batch = ChildSpec::supervisor("batch", batch).restart(Restart::Transient);
    let other = Leaf::spec(Outside::new(0)).name(&LEAVES[1]).restart(Restart::Permanent);
    let tree = sim.start(Supervisor::new([batch, other])).await;
    sim.advance(Duration::from_secs(1)).await;
    sim.heal();
    sim.eventually("the helper is gone with the batch", |world| {
        world.whereis(&LEAVES[0]).is_none()
    })
    .await;
    assert!(done.get() >= 2, "each job at least once");
    sim.settle().await;
    assert!(insist(&sim, async || LEAVES[1].life().await).await >= 1);
    let children = tree.count_children().await.expect("it is never struck");
    assert_eq!((children.specs, children.active), (2, 1));
    sim.no_leaks().await;
}

/// Stops the second leaf and starts it again: it is another one then, or was struck.
async fn stop_and_start_again(sim: &Sim, tree: &SupervisorHandle) {
    let name = LEAVES[1].as_str();
    let before = LEAVES[1].whereis().map(|leaf| leaf.pid());
    let terminated = tree.terminate_child(name).await;
    assert!(terminated.is_err() || LEAVES[1].whereis().is_none(), "{terminated:?}");
    let again = tree.restart_child(name).await;
    if let Ok(again) = again {
        let again = again.expect("no leaf ignores its start");
        assert!(Some(again) != before, "{again} was there before");
        let holder = LEAVES[1].whereis().map(|leaf| leaf.pid());
        assert!(holder == Some(again) || !sim.world().is_alive(again), "{holder:?}, not {again}");
    } else if terminated.is_ok() {
        let struck = matches!(again, Err(ManageError::Refused(RestartChildError::Failed(_))));
        assert!(struck, "{again:?}");
    }
}

/// An operator who starts, stops, starts again and deletes children, while they crash.
pub async fn children_by_request(sim: Sim) {
    let tree = sim.start(Supervisor::new([leaf(0)]).intensity(6, Duration::from_secs(5))).await;
    for number in 1..4 {
        match tree.start_child(leaf(number)).await {
            Ok(pid) => assert!(pid.is_some()),
            Err(error) => assert!(matches!(error, ManageError::Refused(_)), "{error}"),
        }
    }
    stop_and_start_again(&sim, &tree).await;
    let _not_there_perhaps = tree.terminate_child(LEAVES[2].as_str()).await;
    let deleted = tree.delete_child(LEAVES[2].as_str()).await;
    assert!(deleted.is_err() || LEAVES[2].whereis().is_none());
    sim.heal();
    sim.settle().await;
    let counts = tree.count_children().await.expect("it is never struck");
    assert_eq!(counts.specs, tree.which_children().await.map_or(0, |children| children.len()));
    insist(&sim, async || LEAVES[0].life().await).await;
    sim.eventually("as many leaves as are counted", |world| world.count::<Leaf>() == counts.active)
        .await;
    sim.no_leaks().await;
}
