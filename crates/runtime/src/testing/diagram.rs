//! A picture of one run: a line for each process, an arrow for each message, time going down.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::timeline::{Line, Timeline, What};

const COLUMN: usize = 170;
const ROW: usize = 26;
const LEFT: usize = 110;
const TOP: usize = 70;

/// A page that stands alone, with the picture in it.
pub(super) fn page(title: &str, problem: &str, replay: &str, timeline: &Timeline) -> String {
    let who = cast(timeline);
    let width = LEFT + who.len() * COLUMN;
    let height = TOP + (timeline.lines.len() + 2) * ROW;
    let mut svg = String::new();
    for (index, name) in who.iter().enumerate() {
        let x = LEFT + index * COLUMN;
        let (name, pid) = name.split_at(name.find('<').unwrap_or(name.len()));
        let (begin, end) = life(who[index], timeline);
        let (begin, end) = (begin.map_or(56, y_of), end.map_or(height, y_of));
        let _infallible = write!(
            svg,
            "<text class=\"name\" x=\"{x}\" y=\"30\">{}</text><text class=\"pid\" x=\"{x}\" y=\"46\">{}</text>\
             <line class=\"life\" x1=\"{x}\" y1=\"{begin}\" x2=\"{x}\" y2=\"{end}\"/>",
            escaped(name),
            escaped(pid)
        );
    }
    for (row, line) in timeline.lines.iter().enumerate() {
        svg += &drawn(line, &who, y_of(row));
    }
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title>\n<style>{STYLE}</style>\
         </head>\n<body><h1>{0}</h1>\n<p class=\"problem\">{1}</p>\n<p>Replay: <code>{2}</code></p>\n\
         <svg width=\"{width}\" height=\"{height}\" role=\"img\" aria-label=\"sequence of what happened\">{ARROW}{svg}\
         </svg></body></html>\n",
        escaped(title),
        escaped(problem),
        escaped(replay),
    )
}

const STYLE: &str = "body{font:14px system-ui,sans-serif;margin:24px;color:#1c2733;background:#fff}\
h1{font-size:20px}.problem{color:#b00020;font-weight:600}code{background:#f1f3f5;padding:2px 6px;border-radius:4px}\
svg{display:block}text{font-size:12px;fill:#1c2733}.name{font-weight:600;text-anchor:middle}.pid{fill:#7a8794;text-anchor:middle}\
.life{stroke:#c9d1d9}.time{fill:#7a8794;font-size:11px}.sent{stroke:#2f6feb;marker-end:url(#tip)}\
.note{fill:#57606a}.struck{fill:#b00020;font-weight:600}.end{stroke:#b00020;stroke-width:2}\
@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}text{fill:#e6edf3}code{background:#21262d}\
.life{stroke:#30363d}.note{fill:#9aa7b4}}";

const ARROW: &str = "<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" \
markerHeight=\"7\" orient=\"auto-start-reverse\"><path d=\"M0 0 8 4 0 8z\" fill=\"#2f6feb\"/></marker></defs>";

fn y_of(row: usize) -> usize {
    TOP + row * ROW
}

/// The rows in which somebody appears and ends, if they are in the picture.
fn life(name: &str, timeline: &Timeline) -> (Option<usize>, Option<usize>) {
    let is_row = |is: fn(&What) -> bool| {
        timeline.lines.iter().position(|line| line.who == name && is(&line.what))
    };
    (
        is_row(|what| matches!(what, What::Starts { .. })),
        is_row(|what| matches!(what, What::Ends(_))),
    )
}

/// Everybody who takes part, in order of appearance.
fn cast(timeline: &Timeline) -> Vec<&str> {
    let mut who: Vec<&str> = Vec::new();
    for line in &timeline.lines {
        let other = match &line.what {
            What::Sends { to, .. } => Some(to),
            What::Starts { by } => Some(by),
            _ => None,
        };
        for name in other.into_iter().chain([&line.who]) {
            if !who.contains(&name.as_str()) {
                who.push(name);
            }
        }
    }
    who
}

fn drawn(line: &Line, who: &[&str], y: usize) -> String {
    let place = |name: &str| {
        LEFT + who.iter().position(|known| *known == name).unwrap_or_default() * COLUMN
    };
    let x = place(&line.who);
    let at =
        format!("<text class=\"time\" x=\"4\" y=\"{y}\">{:.3} s</text>", line.at.as_secs_f64());
    let note = |class: &str| {
        let text = line.what.to_string();
        let text = escaped(text.lines().next().unwrap_or_default());
        format!("<text class=\"{class}\" x=\"{}\" y=\"{}\">{text}</text>", x + 8, y + 4)
    };
    let arrow = |from: usize, to: usize, text: &str| {
        let middle = from.min(to) + 8;
        format!(
            "<line class=\"sent\" x1=\"{from}\" y1=\"{y}\" x2=\"{to}\" y2=\"{y}\"/>\
             <text class=\"note\" x=\"{middle}\" y=\"{}\">{}</text>",
            y - 4,
            escaped(text)
        )
    };
    at + &match &line.what {
        What::Sends { to, message } if *to != line.who => arrow(x, place(to), message),
        What::Starts { by } => arrow(place(by), x, "starts"),
        What::IsStruck(_) => note("struck"),
        What::Ends(_) => {
            let (left, right) = (x - 6, x + 6);
            format!(
                "<line class=\"end\" x1=\"{left}\" y1=\"{y}\" x2=\"{right}\" y2=\"{y}\"/>{}",
                note("note")
            )
        }
        _ => note("note"),
    }
}

/// Text as HTML has it.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '&' => escaped += "&amp;",
            '"' => escaped += "&quot;",
            other => escaped.push(other),
        }
    }
    escaped
}

/// Where pictures are put: beside what cargo builds, or among what is temporary.
pub(super) fn folder() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    let target = program.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file());
    target.map_or_else(std::env::temp_dir, Into::into).join("fauxtp-sim")
}
