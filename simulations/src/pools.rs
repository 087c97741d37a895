//! Pools: jobs, and workers that come and go.

use std::collections::{BTreeSet, VecDeque};

use fauxtp::Down;
use fauxtp::prelude::*;
use fauxtp::testing::Sim;

use crate::outside::{Gauge, Outside, latency};

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
