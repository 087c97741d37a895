//! Pools: jobs, and workers that come and go.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use fauxtp::Down;
use fauxtp::prelude::*;
use fauxtp::process;
use fauxtp::supervisor::{DynamicSupervisorHandle, DynamicSupervisorName};
use fauxtp::testing::Sim;

use crate::outside::{Gauge, Outside, insist, latency};

type Job = u32;

/// What has been done, and by how many at the same time.
#[derive(Clone, Debug, Default)]
struct Site {
    done: Outside<BTreeSet<Job>>,
    at_work: Gauge,
}

/// Gives jobs to whoever is free; those of a worker that has died go to another one.
struct Dispatcher {
    todo: VecDeque<Job>,
    free: Vec<Address<WorkerMessage>>,
    busy: Vec<(Pid, Job)>,
}

static DISPATCHER: Name<Dispatcher> = Name::new("dispatcher");

#[gen_server]
impl Dispatcher {
    fn init() -> Self {
        Self { todo: VecDeque::new(), free: Vec::new(), busy: Vec::new() }
    }

    #[cast]
    fn submit(&mut self, job: Job) {
        self.todo.push_back(job);
        self.assign();
    }

    #[cast]
    fn enrol(&mut self, worker: Address<WorkerMessage>, ctx: &mut Context<Self>) {
        ctx.monitor(worker.pid());
        self.free.push(worker);
        self.assign();
    }

    #[cast]
    fn finished(&mut self, worker: Address<WorkerMessage>) {
        self.busy.retain(|(pid, _)| *pid != worker.pid());
        self.free.push(worker);
        self.assign();
    }

    #[down]
    fn lost(&mut self, down: Down) {
        let Some(lost) = down.pid else { return };
        self.free.retain(|worker| worker.pid() != lost);
        let todo = &mut self.todo;
        self.busy.retain(|(pid, job)| {
            if *pid == lost {
                todo.push_front(*job);
            }
            *pid != lost
        });
        self.assign();
    }

    fn assign(&mut self) {
        while !self.free.is_empty() {
            let Some(job) = self.todo.pop_front() else { return };
            let Some(worker) = self.free.pop() else { return };
            self.busy.push((worker.pid(), job));
            worker.work(job);
        }
    }
}

struct Worker(Site);

#[gen_server]
impl Worker {
    fn init(site: Site, ctx: &mut Context<Self>) -> Self {
        DISPATCHER.enrol(ctx.address());
        Self(site)
    }

    #[cast]
    async fn work(&mut self, job: Job, ctx: &mut Context<Self>) {
        let _at_work = self.0.at_work.enter();
        latency().await;
        self.0.done.with(|done| done.insert(job));
        latency().await;
        DISPATCHER.finished(ctx.address());
    }
}

/// Three workers and ten jobs. If the dispatcher dies, the workers begin anew with the next one.
pub async fn workers_and_jobs(sim: Sim) {
    let site = Site::default();
    let worker = |id: &str| Worker::spec(site.clone()).id(id).restart(Restart::Permanent);
    sim.always_one(&DISPATCHER);
    let at_work = site.at_work.clone();
    sim.invariant("no more at work than there are workers", move |_| at_work.count() <= 3);
    let dispatcher = Dispatcher::spec(()).name(&DISPATCHER).restart(Restart::Permanent);
    sim.start(
        Supervisor::new([dispatcher, worker("one"), worker("two"), worker("three")])
            .strategy(RestartStrategy::RestForOne),
    )
    .await;
    for job in 0..10 {
        DISPATCHER.submit(job);
        latency().await;
    }
    sim.settle().await;
    sim.heal();
    let missing: Vec<Job> =
        (0..10).filter(|job| site.done.with(|done| !done.contains(job))).collect();
    sim.eventually("three workers", |world| world.count::<Worker>() == 3).await;
    missing.into_iter().for_each(|job| DISPATCHER.submit(job));
    sim.eventually("all is done", |_| site.done.with(|done| done.len() == 10)).await;
    sim.no_leaks().await;
}

type Connection = usize;

/// Lends connections, each to one at a time; those of clients that have died come back.
struct Lender {
    free: Vec<Connection>,
    lent: BTreeMap<Pid, Connection>,
    waiting: VecDeque<(Pid, Reply<Connection>)>,
}

static LENDER: Name<Lender> = Name::new("lender");
static CLIENTS: Name<DynamicSupervisorName> = Name::new("clients");

#[gen_server]
impl Lender {
    fn init(count: usize) -> Self {
        Self { free: (0..count).collect(), lent: BTreeMap::new(), waiting: VecDeque::new() }
    }

    #[call]
    fn borrow_one(&mut self, client: Pid, from: Reply<Connection>, ctx: &mut Context<Self>) {
        ctx.monitor(client);
        self.waiting.push_back((client, from));
        self.lend();
    }

    #[cast]
    fn give_back(&mut self, client: Pid) {
        self.free.extend(self.lent.remove(&client));
        self.lend();
    }

    #[down]
    fn lost(&mut self, down: Down) {
        let Some(lost) = down.pid else { return };
        self.waiting.retain(|(client, _)| *client != lost);
        self.give_back(lost);
    }

    fn lend(&mut self) {
        while !self.free.is_empty() {
            let Some((client, from)) = self.waiting.pop_front() else { return };
            let Some(connection) = self.free.pop() else { return };
            self.lent.insert(client, connection);
            from.send(connection);
        }
    }
}

/// Borrows a connection, uses it, gives it back.
async fn client(connections: [Gauge; 2], served: Outside<u32>) {
    let Some(me) = process::current_pid() else { return };
    let Ok(connection) = LENDER.borrow_one(me).await else { return };
    let in_use = connections[connection].enter();
    latency().await;
    latency().await;
    drop(in_use);
    served.with(|served| *served += 1);
    LENDER.give_back(me);
}

/// Two connections and eight clients.
pub async fn connections_on_loan(sim: Sim) {
    let (connections, served) = (<[Gauge; 2]>::default(), Outside::new(0));
    let seen = connections.clone();
    sim.invariant("nobody shares a connection", move |_| seen.iter().all(|one| one.count() <= 1));
    let clients = || DynamicSupervisor::new().name(&CLIENTS);
    let lender = Lender::spec(2).name(&LENDER).restart(Restart::Permanent);
    sim.start(
        Supervisor::new([lender, ChildSpec::dynamic_supervisor("clients", clients)])
            .strategy(RestartStrategy::RestForOne),
    )
    .await;
    let start = async || {
        let pid = CLIENTS.whereis().map(|clients| clients.pid());
        let clients = pid.and_then(DynamicSupervisorHandle::of).ok_or(())?;
        let (connections, served) = (connections.clone(), served.clone());
        let task = move || client(connections.clone(), served.clone());
        clients.start_child(ChildSpec::temporary_task("client", task)).await.map_err(|_| ())
    };
    for _ in 0..8 {
        let _struck_perhaps = start().await;
    }
    sim.heal();
    sim.settle().await;
    let before = served.get();
    for _ in 0..3 {
        insist(&sim, async || start().await).await;
    }
    sim.eventually("three more are served", |_| served.get() >= before + 3).await;
    sim.settle().await;
    assert!(connections.iter().all(|one| one.count() == 0));
    sim.no_leaks().await;
}
