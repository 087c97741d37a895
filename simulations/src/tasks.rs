//! Tasks: work that is done beside a server, for one answer.

use fauxtp::prelude::*;
use fauxtp::process::{self, OwnedTask};
use fauxtp::supervisor::DynamicSupervisorName;
use fauxtp::task::{TaskSupervisor, TaskSupervisorHandle};
use fauxtp::testing::Sim;

use crate::outside::{Gauge, insist, latency};

static REPORTS: Name<Reports> = Name::new("reports");

/// Has reports made beside itself; who asks anew while one is being made gets that one's place.
struct Reports {
    at_work: Gauge,
    current: Option<(u32, OwnedTask, Reply<String>)>,
}

#[gen_server]
impl Reports {
    fn init(at_work: Gauge) -> Self {
        Self { at_work, current: None }
    }

    #[call]
    fn make(&mut self, year: u32, from: Reply<String>, ctx: &mut Context<Self>) {
        if let Some((_, former, _unanswered)) = self.current.take() {
            assert!(ctx.cancel_task(former), "what has come already would not be current any more");
        }
        let at_work = self.at_work.clone();
        let work = async move {
            let _at_work = at_work.enter();
            latency().await;
            latency().await;
            format!("report of {year}")
        };
        if let Ok(task) = ctx.spawn_task(work, move |made| ReportsMessage::Made(year, made)) {
            self.current = Some((year, task, from));
        }
    }

    #[info]
    fn made(&mut self, year: u32, made: Result<String, ExitReason>) {
        let current = self.current.take();
        assert_eq!(current.as_ref().map(|current| current.0), Some(year), "cancelled, and came");
        if let (Some((_, _, from)), Ok(report)) = (current, made) {
            from.send(report);
        }
    }
}

/// A server whose work is done beside it: what was cancelled never comes, and nothing outlives the server.
pub async fn work_beside(sim: Sim) {
    let at_work = Gauge::default();
    let reports = Reports::spec(at_work.clone()).name(&REPORTS).restart(Restart::Permanent);
    sim.start(Supervisor::new([reports])).await;
    for year in [1, 3] {
        let (one, two) = tokio::join!(REPORTS.make(year), REPORTS.make(year + 1));
        for (answer, year) in [(one, year), (two, year + 1)] {
            assert!(answer.is_err() || answer == Ok(format!("report of {year}")), "{answer:?}");
        }
    }
    sim.heal();
    let last = insist(&sim, async || REPORTS.make(9).await).await;
    assert_eq!(last, "report of 9");
    sim.settle().await;
    assert_eq!(at_work.count(), 0);
    sim.no_leaks().await;
}

static WORKERS: Name<DynamicSupervisorName> = Name::new("workers");

/// Has a number doubled by a supervised task.
async fn double(at_work: Gauge, number: u32) -> Result<u32, ()> {
    let workers = WORKERS.whereis().ok_or(())?.pid();
    let workers = TaskSupervisorHandle::of(workers).ok_or(())?;
    let work = async move {
        let _at_work = at_work.enter();
        latency().await;
        number * 2
    };
    let task = workers.spawn_nolink(work).await.map_err(|_| ())?;
    task.await.map_err(|_| ())
}

/// Tasks below a supervisor of their own: their callers hear of every end, and none is left when they are stopped.
pub async fn supervised_tasks(sim: Sim) -> Result {
    let at_work = Gauge::default();
    let workers = || TaskSupervisor::new().max_children(6).name(&WORKERS);
    sim.start(Supervisor::new([ChildSpec::task_supervisor("workers", workers)])).await;
    let mut callers = Vec::new();
    for number in 0..3 {
        callers.push(process::spawn({
            let at_work = at_work.clone();
            async move |_: process::Context<()>| {
                let doubled = double(at_work, number).await;
                assert!(doubled.is_err() || doubled == Ok(number * 2));
            }
        })?);
    }
    for number in 3..6 {
        let doubled = double(at_work.clone(), number).await;
        assert!(doubled.is_err() || doubled == Ok(number * 2));
    }
    for caller in callers {
        process::join(&caller).await;
    }
    sim.heal();
    assert_eq!(insist(&sim, async || double(at_work.clone(), 21).await).await, 42);
    sim.settle().await;
    assert_eq!(at_work.count(), 0);
    sim.no_leaks().await;
    Ok(())
}
