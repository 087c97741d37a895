//! The live picture: the tree of processes, the counters, and the latest incidents.

use std::collections::VecDeque;
use std::io::{BufWriter, Result, Write, stdout};
use std::time::Duration;

use crossterm::cursor::MoveTo;
use crossterm::queue;
use crossterm::style::{Attribute, Color, Print, ResetColor, SetAttribute, SetForegroundColor};
use crossterm::terminal::{self, BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate};
use fauxtp::supervisor::ChildState;

use super::curtain::{self, Curtain};
use super::words;
use crate::drive::CLIENTS;
use crate::figures::{brief, thousands};
use crate::harm::Harm;
use crate::ledger::{Incident, Ledger, Midwife};
use crate::stage::{Act, Stage};
use crate::system::{DOCUMENTED, NAMES};

/// The time between two pictures.
pub(super) const TICK: Duration = Duration::from_millis(100);

pub(super) struct Live<'a> {
    stage: &'a Stage,
    length: Duration,
    _curtain: Curtain,
    /// When and how many calls were answered at the last pictures, the newest last.
    history: VecDeque<(Duration, u64)>,
    /// Calls per second, one for each bar of the graph.
    rates: VecDeque<u64>,
}

impl<'a> Live<'a> {
    pub(super) fn new(stage: &'a Stage, length: Duration) -> Result<Self> {
        let _curtain = Curtain::raise()?;
        Ok(Self { stage, length, _curtain, history: VecDeque::new(), rates: VecDeque::new() })
    }

    pub(super) async fn tick(&mut self) -> Result<()> {
        let census = self.stage.system.census().await;
        let now = self.stage.tally.now();
        self.note(now);
        let (columns, rows) = terminal::size().unwrap_or((80, 24));
        let mut lines = vec![self.title(now, columns.into()), Line::default()];
        let ledger = self.stage.tally.ledger();
        self.tree(&mut lines, &ledger, &census, now);
        lines.push(Line::default());
        self.counters(&mut lines, &ledger);
        lines.push(Line::default());
        let room = usize::from(rows).saturating_sub(lines.len());
        let latest = ledger.incidents.len().saturating_sub(room);
        lines.extend(ledger.incidents[latest..].iter().rev().map(|incident| event(incident, now)));
        drop(ledger);
        paint(&lines, columns.into(), rows.into())
    }

    fn note(&mut self, now: Duration) {
        let answered = self.stage.tally.answered();
        if let Some((then, before)) = self.history.back() {
            let seconds = (now - *then).as_secs_f64().max(1e-3);
            self.rates.push_back(((answered - before) as f64 / seconds) as u64);
        }
        self.history.push_back((now, answered));
        if self.history.len() > PICTURES_PER_RATE {
            self.history.pop_front();
        }
        if self.rates.len() > BARS {
            self.rates.pop_front();
        }
    }

    /// Calls per second, over about the last second.
    fn rate(&self) -> u64 {
        let (Some(first), Some(last)) = (self.history.front(), self.history.back()) else {
            return 0;
        };
        ((last.1 - first.1) as f64 / (last.0 - first.0).as_secs_f64().max(1e-3)) as u64
    }

    fn title(&self, now: Duration, columns: usize) -> Line {
        let length = self.length.as_secs_f64();
        let done = (now.as_secs_f64() / length).min(1.0);
        let act = match self.stage.act() {
            Act::Storm => format!("{:>4.1} of {length} s ", now.as_secs_f64().min(length)),
            Act::Calm | Act::Over => "all come back ".to_owned(),
        };
        let width = 24;
        let bar = (done * width as f64) as usize;
        let mut line =
            Line::default().with(Look::Strong, " fauxtp tour").with(Look::Faint, "  seed ");
        line = line.with(Look::Faint, self.stage.seed.to_string());
        let gap = columns.min(WIDTH).saturating_sub(line.width() + act.len() + width + 1);
        line.with(Look::Plain, " ".repeat(gap))
            .with(Look::Plain, act)
            .with(Look::Good, "━".repeat(bar))
            .with(Look::Faint, "─".repeat(width - bar))
    }

    fn tree(
        &self,
        lines: &mut Vec<Line>,
        ledger: &Ledger,
        census: &[Option<ChildState>; NAMES.len()],
        now: Duration,
    ) {
        let system = &self.stage.system;
        let registry = system.registry.pid().map_or_else(String::new, |pid| pid.to_string());
        let names = format!("{} names", system.registry.count());
        lines.push(parent("registry", &registry, &names));
        let policy = "one_for_one, restarts after errors only";
        lines.push(parent("supervisor", &system.supervisor.pid().to_string(), policy));
        for (place, state) in census.iter().enumerate() {
            if place == DOCUMENTED {
                let policy = "dynamic, restarts always";
                lines.push(parent("pool", &system.pool.pid().to_string(), policy));
            }
            let last = place + 1 == DOCUMENTED || place + 1 == NAMES.len();
            let branch = if last { " └─ " } else { " ├─ " };
            let line = Line::default().with(Look::Faint, branch);
            lines.push(self.worker(line, ledger, place, *state, now));
        }
    }

    fn worker(
        &self,
        line: Line,
        ledger: &Ledger,
        place: usize,
        state: Option<ChildState>,
        now: Duration,
    ) -> Line {
        let incident = ledger.last(place);
        let harm = incident.map_or("", |incident| incident.blow.harm.done());
        let age = incident.map_or(Duration::MAX, |incident| now.saturating_sub(incident.struck));
        let pid = state
            .and_then(|state| state.pid())
            .map_or_else(|| "–".to_owned(), |pid| pid.to_string());
        let (look, word) = match state {
            Some(ChildState::Running(_)) if age < FRESH => (Look::Warm, format!("● {harm}, back")),
            Some(ChildState::Running(_)) => (Look::Good, "● running".to_owned()),
            Some(ChildState::Restarting) => (Look::Warm, "◐ restarting".to_owned()),
            Some(ChildState::Stopped) => (Look::Bad, format!("○ {harm}, down")),
            None => (Look::Bad, "○ unknown".to_owned()),
        };
        let restarts = ledger.careers[place].starts.saturating_sub(1);
        line.with(Look::Plain, format!("{:<10}", NAMES[place]))
            .with(Look::Faint, format!("{pid:<12}"))
            .with(look, format!("{word:<20}"))
            .with(Look::Plain, format!("{restarts:>4}"))
            .with(Look::Faint, " restarts")
            .with(Look::Plain, format!("{:>11}", thousands(self.stage.tally.answered_by(place))))
            .with(Look::Faint, " calls")
    }

    fn counters(&self, lines: &mut Vec<Line>, ledger: &Ledger) {
        let tally = &self.stage.tally;
        let head = |name: &str| Line::default().with(Look::Faint, format!(" {name:<9}"));
        let number = |number: u64| format!("{:>11}  ", thousands(number));
        let clients = format!("  {CLIENTS} clients");
        lines.push(
            head("calls/s")
                .with(Look::Strong, number(self.rate()))
                .with(Look::Cool, format!("{:<BARS$}", bars(&self.rates)))
                .with(Look::Faint, clients),
        );
        let slowest = format!("slowest call {}", brief(tally.slowest()));
        lines.push(
            head("answered").with(Look::Good, number(tally.answered())).with(Look::Faint, slowest),
        );
        let failures = words::failures(ledger);
        let failed = ledger.failed_total();
        lines.push(head("failed").with(Look::Warm, number(failed)).with(Look::Plain, failures));
        let crashes = Harm::ALL.iter().map(|harm| ledger.ends_by(*harm)).sum();
        let by_kind = words::crashes(ledger);
        lines.push(head("crashes").with(Look::Bad, number(crashes)).with(Look::Plain, by_kind));
        let by_supervisor = ledger.successors_by(Midwife::Supervisor);
        let by_hand = ledger.successors_by(Midwife::Hand);
        let by = format!("supervisors {by_supervisor}, by hand {by_hand}");
        lines.push(
            head("restarts")
                .with(Look::Good, number(by_supervisor + by_hand))
                .with(Look::Plain, by),
        );
        if let Some(oddity) = ledger.oddities.first() {
            lines.push(head("WRONG").with(Look::Bad, oddity.clone()));
        }
    }
}

fn parent(name: &str, pid: &str, what: &str) -> Line {
    Line::default()
        .with(Look::Strong, format!(" {name:<13}"))
        .with(Look::Faint, format!("{pid:<12}"))
        .with(Look::Faint, what)
}

/// One incident; it pales with time.
fn event(incident: &Incident, now: Duration) -> Line {
    let fresh = now.saturating_sub(incident.struck) < FRESH;
    let calm = if fresh { Look::Plain } else { Look::Faint };
    let look = match incident.blow.harm {
        _ if !fresh => Look::Faint,
        Harm::Panic | Harm::Error => Look::Bad,
        Harm::Kill | Harm::Cancel => Look::Warm,
    };
    Line::default()
        .with(Look::Faint, format!(" {:>5.2} s  ", incident.struck.as_secs_f64()))
        .with(calm, format!("{:<10}", words::name(incident)))
        .with(Look::Faint, format!("{:<12}", incident.blow.victim.to_string()))
        .with(look, format!("{:<11}", incident.blow.harm.done()))
        .with(calm, format!("{:<44}", words::consequence(incident)))
        .with(Look::Faint, words::toll(incident))
}

fn bars(rates: &VecDeque<u64>) -> String {
    let most = rates.iter().copied().max().unwrap_or(0).max(1);
    let bar = |rate: &u64| LEVELS[(rate * (LEVELS.len() as u64 - 1) / most) as usize];
    rates.iter().map(bar).collect()
}

/// How a piece of text looks.
#[derive(Clone, Copy, Debug)]
enum Look {
    Plain,
    Strong,
    Faint,
    Good,
    Warm,
    Bad,
    Cool,
}

/// One line of the picture.
#[derive(Debug, Default)]
struct Line(Vec<(Look, String)>);

impl Line {
    fn with(mut self, look: Look, text: impl Into<String>) -> Self {
        self.0.push((look, text.into()));
        self
    }

    /// All characters used here are one column wide.
    fn width(&self) -> usize {
        self.0.iter().map(|(_, text)| text.chars().count()).sum()
    }

    fn paint(&self, out: &mut impl Write, columns: usize) -> Result<()> {
        let mut room = columns;
        for (look, text) in &self.0 {
            let text: String = text.chars().take(room).collect();
            room -= text.chars().count();
            match look {
                Look::Plain => queue!(out, Print(text))?,
                Look::Strong => queue!(out, SetAttribute(Attribute::Bold), Print(text))?,
                Look::Faint => queue!(out, SetAttribute(Attribute::Dim), Print(text))?,
                Look::Good => queue!(out, SetForegroundColor(Color::DarkGreen), Print(text))?,
                Look::Warm => queue!(out, SetForegroundColor(Color::DarkYellow), Print(text))?,
                Look::Bad => queue!(out, SetForegroundColor(Color::DarkRed), Print(text))?,
                Look::Cool => queue!(out, SetForegroundColor(Color::DarkCyan), Print(text))?,
            }
            queue!(out, ResetColor, SetAttribute(Attribute::Reset))?;
        }
        queue!(out, Clear(ClearType::UntilNewLine))
    }
}

/// Paints over the last picture, at once.
fn paint(lines: &[Line], columns: usize, rows: usize) -> Result<()> {
    if !curtain::is_up() {
        return Ok(());
    }
    let mut out = BufWriter::with_capacity(1 << 14, stdout());
    queue!(out, BeginSynchronizedUpdate)?;
    for (row, line) in lines.iter().take(rows).enumerate() {
        queue!(out, MoveTo(0, row as u16))?;
        line.paint(&mut out, columns)?;
    }
    queue!(out, Clear(ClearType::FromCursorDown), EndSynchronizedUpdate)?;
    out.flush()
}

/// How long an incident is news.
const FRESH: Duration = Duration::from_millis(900);
/// Over how many pictures the rate is taken.
const PICTURES_PER_RATE: usize = 11;
const BARS: usize = 40;
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// The picture is no wider than this.
const WIDTH: usize = 78;
