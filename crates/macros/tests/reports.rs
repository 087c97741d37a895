//! A crash report names the handler.

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex, PoisonError};

use fauxtp::prelude::*;
use fauxtp::process;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context as LayerContext, Layer, SubscriberExt};

struct Fragile;

#[gen_server]
impl Fragile {
    fn init() -> Self {
        Self
    }
    #[cast]
    fn break_down(&mut self) {
        panic!("boom")
    }
    #[call]
    fn watch(&mut self, pid: Pid, ctx: &mut Context<Self>) {
        ctx.monitor(pid);
    }
    #[exit]
    fn broken(&mut self, _: fauxtp::Exit) {}
}

/// Keeps what is reported, as text.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Log {
    fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<S: tracing::Subscriber> Layer<S> for Log {
    fn on_event(&self, event: &tracing::Event<'_>, _: LayerContext<'_, S>) {
        let mut line = event.metadata().target().to_owned();
        event.record(&mut Line(&mut line));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_str(&(line + "\n"));
    }
}

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").expect("a string can be written to");
    }
}

#[tokio::test]
async fn a_crash_report_names_the_handler() -> Result {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(log.clone()));
    let fragile = Fragile::start(()).await?;
    fragile.break_down();
    process::join(&fragile).await;
    assert!(log.text().contains("Fragile::break_down"), "{}", log.text());
    Ok(())
}

#[tokio::test]
async fn what_no_handler_takes_is_logged() -> Result {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(log.clone()));
    let (one, other) = (Fragile::start(()).await?, Fragile::start(()).await?);
    one.watch(other.pid()).await?;
    other.pid().stop(ExitReason::Normal, None).await?;
    one.watch(other.pid()).await?;
    assert!(log.text().contains("Down"), "{}", log.text());
    assert!(one.is_alive());
    Ok(())
}
