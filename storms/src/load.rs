//! A mixed load: servers that tick, note, call, start tasks, processes and children, monitor, set timers, and crash.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use fauxtp::prelude::*;
use fauxtp::process;
use fauxtp::supervisor::{DynamicSupervisorHandle, SupervisorHandle};

use crate::hush::CRASH;
use crate::ledger::{Asked, Childhood, Ledger, Note};
use crate::scene::Scene;

/// How much of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) workers: u64,
    pub(crate) period: Duration,
    /// Every so many ticks a worker crashes.
    pub(crate) crash_every: u64,
}

/// A load under way.
#[derive(Debug)]
pub(crate) struct Load {
    workers: SupervisorHandle,
    children: DynamicSupervisorHandle,
    registry: Registry,
    ledger: Arc<Ledger>,
}

impl Load {
    pub(crate) async fn start(size: Size) -> anyhow::Result<Self> {
        let ledger = Arc::new(Ledger::new(size.workers));
        let registry = Registry::start().await?;
        let children = DynamicSupervisor::new().start().await?;
        let worker = |number| {
            let place = Place {
                number,
                size,
                registry: registry.clone(),
                children: children.clone(),
                ledger: ledger.clone(),
            };
            ChildSpec::new::<Worker>(name(number), place)
        };
        let counting = ledger.clone();
        let workers = Supervisor::new((0..size.workers).map(worker))
            .unlimited()
            .registry(&registry)
            .on_exit(move |_, reason| {
                if reason.is_error() {
                    counting.crashed();
                }
            })
            .start()
            .await?;
        Ok(Self { workers, children, registry, ledger })
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Ends it, and sees to it that the sums are right.
    pub(crate) async fn stop(self, scene: &mut Scene) -> anyhow::Result<Arc<Ledger>> {
        self.ledger.begin_to_end();
        self.workers.stop().await.context("stopping the workers")?;
        // The last children are just ending by themselves.
        while self.children.count_children().await?.active > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        self.children.stop().await.context("stopping the children")?;
        scene.check(self.registry.count() == 0, || "names are left in the registry".to_owned());
        self.registry.stop().await;
        self.ledger.check(scene);
        Ok(self.ledger)
    }
}

fn name(number: u64) -> String {
    format!("worker-{number}")
}

/// What a worker starts from.
#[derive(Clone)]
struct Place {
    number: u64,
    size: Size,
    registry: Registry,
    children: DynamicSupervisorHandle,
    ledger: Arc<Ledger>,
}

struct Worker {
    place: Place,
    ticks: u64,
    /// To be stopped before it fires.
    timer: Option<process::Timer>,
}

#[derive(Debug)]
enum Message {
    Tick,
    /// Of a timer that is always stopped.
    Never,
    Note(Note),
    Ask(Reply<u64>),
    Told(std::result::Result<u64, ExitReason>),
}

impl GenServer for Worker {
    type Args = Place;
    type Message = Message;

    async fn init(place: Place, ctx: &mut Context<Self>) -> Result<Self> {
        // Not all at once, and not all at the same point.
        let part = (place.number + 1) as f64 / place.size.workers as f64;
        ctx.send_after(place.size.period.mul_f64(part), Message::Tick);
        place.ledger.starts.one_more();
        place.ledger.crew.enters(place.number, ctx.pid());
        let ticks = place.number;
        Ok(Self { place, ticks, timer: None })
    }

    async fn handle(&mut self, message: Message, ctx: &mut Context<Self>) -> Result {
        match message {
            Message::Tick => self.tick(ctx).await?,
            Message::Never => unreachable!("that timer is stopped before"),
            Message::Note(note) => note.handle(),
            Message::Ask(from) => {
                self.place.ledger.calls_served.one_more();
                from.send(self.ticks);
            }
            Message::Told(outcome) => {
                assert_eq!(outcome, Ok(self.place.number), "a task tells what it has computed");
                self.place.ledger.tasks_told.one_more();
            }
        }
        Ok(())
    }

    async fn handle_info(&mut self, info: Info, _: &mut Context<Self>) -> Result {
        if let Info::Down(down) = info {
            assert_eq!(down.reason, ExitReason::Normal, "it ends by itself");
            self.place.ledger.downs.one_more();
        }
        Ok(())
    }
}

impl Worker {
    async fn tick(&mut self, ctx: &mut Context<Self>) -> Result {
        let Place { size, ledger, .. } = &self.place;
        self.ticks += 1;
        ledger.ticks.one_more();
        assert!(self.ticks % size.crash_every != 0, "{CRASH}");
        ctx.send_after(size.period, Message::Tick);
        match self.ticks % 12 {
            0 => self.compute(ctx)?,
            1 | 4 | 7 | 10 => self.note(),
            2 | 5 | 8 | 11 => self.ask().await,
            3 => self.watch(ctx)?,
            6 => self.set_timer(ctx),
            _ => self.have_child().await?,
        }
        Ok(())
    }

    /// Has something computed beside it.
    fn compute(&self, ctx: &mut Context<Self>) -> Result {
        let number = self.place.number;
        self.place.ledger.tasks_begun.one_more();
        ctx.spawn_task(async move { number }, Message::Told)?;
        Ok(())
    }

    /// The next one in the ring.
    fn note(&self) {
        let Place { number, size, registry, ledger, .. } = &self.place;
        let next = (number + 1) % size.workers;
        let Some(peer) = registry.get(&name(next)).and_then(Address::of) else {
            ledger.unaddressed.one_more();
            return;
        };
        peer.send(Message::Note(Note::send(ledger, (next, peer.pid()))));
    }

    /// Asks one whose number is smaller, so that nobody waits in a circle.
    async fn ask(&self) {
        let Place { number, registry, ledger, .. } = &self.place;
        if *number == 0 {
            return;
        }
        let smaller = self.ticks % number;
        let Some(peer) = registry.get(&name(smaller)).and_then(Address::of) else {
            ledger.unaddressed.one_more();
            return;
        };
        let asked = Asked::begin(ledger, (smaller, peer.pid()));
        let answered = peer.call(Message::Ask).await.is_ok();
        asked.ends(answered);
    }

    /// Monitors a process that ends at once, and another one only for a moment.
    fn watch(&self, ctx: &mut Context<Self>) -> Result {
        let Place { registry, ledger, number, size, .. } = &self.place;
        ctx.spawn_monitor(async |_: process::Context<()>| {})?;
        ledger.monitors_set.one_more();
        if let Some(peer) = registry.get(&name((number + 2) % size.workers)) {
            let monitor = ctx.monitor(peer);
            ctx.demonitor_flush(monitor);
        }
        Ok(())
    }

    fn set_timer(&mut self, ctx: &mut Context<Self>) {
        if let Some(timer) = self.timer.take() {
            ctx.cancel_timer(timer);
        }
        self.timer = Some(ctx.send_after(Duration::from_secs(3_600), Message::Never));
    }

    async fn have_child(&self) -> Result {
        let ledger = self.place.ledger.clone();
        let child = ChildSpec::task("child", move || {
            let childhood = Childhood::begin(&ledger);
            async move { drop(childhood) }
        });
        self.place.children.start_child(child).await?;
        Ok(())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.place.ledger.crew.leaves(self.place.number);
        self.place.ledger.ends.one_more();
    }
}
