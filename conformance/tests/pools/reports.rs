//! Everything that is reported while a test runs, progress included: on its thread, or on those of nobody.
//!
//! One subscriber for all tests of a program, because `tracing` caches for all threads who is interested.

use std::cell::RefCell;
use std::fmt::Debug;
use std::sync::{Arc, LazyLock, Mutex, Once, PoisonError};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};

thread_local! {
    static HERE: RefCell<Option<Reports>> = const { RefCell::new(None) };
}

/// Of all threads that do not listen for themselves.
static ELSEWHERE: LazyLock<Reports> = LazyLock::new(Reports::default);

/// Has reports collected from now on.
pub(crate) fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let subscriber = tracing_subscriber::registry().with(Collect);
        tracing::subscriber::set_global_default(subscriber).expect("the first one");
    });
}

/// Events, each as level, target and fields: `ERROR fauxtp::supervisor message=… context="shutdown" …`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reports(Arc<Mutex<Vec<String>>>);

impl Reports {
    /// What is reported on this thread from now on.
    pub(crate) fn here() -> Self {
        install();
        let reports = Self::default();
        HERE.with(|here| here.replace(Some(reports.clone())));
        reports
    }

    /// What is reported on all threads that do not listen for themselves.
    pub(crate) fn elsewhere() -> Self {
        install();
        ELSEWHERE.clone()
    }

    /// The reports that contain all of these.
    pub(crate) fn of(&self, parts: &[&str]) -> Vec<String> {
        let reports = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = |report: &&String| parts.iter().all(|part| report.contains(part));
        reports.iter().filter(wanted).cloned().collect()
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn push(&self, line: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }
}

struct Collect;

impl<S: Subscriber> Layer<S> for Collect {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.target().starts_with("fauxtp") && *metadata.level() <= Level::INFO
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line(format!("{} {}", event.metadata().level(), event.metadata().target()));
        event.record(&mut line);
        let here = HERE.try_with(|here| here.borrow().clone()).ok().flatten();
        here.unwrap_or_else(|| ELSEWHERE.clone()).push(line.0);
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.push_str(&format!(" {}={value:?}", field.name()));
    }
}
