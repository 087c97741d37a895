//! Pictures: how cost grows, on logarithmic axes.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;

use crate::results::{Point, Results};
use crate::subjects::{OURS, TOKIO};

/// A picture that was drawn.
#[derive(Debug)]
pub(crate) struct Plot {
    pub(crate) file: String,
    pub(crate) title: String,
    /// What is to be seen in it.
    pub(crate) says: String,
}

/// What may be plotted: as figures call it, what it costs, and among what.
const PLOTS: [(&str, &str, &str); 8] = [
    ("cast", "a cast to one of", "idle processes"),
    ("call", "a call to one of", "idle processes"),
    ("spawn", "the start of a process among", "idle processes"),
    ("restart", "a restart among", "idle processes"),
    ("lookup", "the look-up of a name among", "names"),
    ("start of a supervisor", "the start of a supervisor with", "children"),
    ("stop of a supervisor", "the stop of a supervisor with", "children"),
    ("restart of a child", "a restart under a supervisor with", "children"),
];

const SUBJECTS: [(&str, RGBColor); 2] =
    [(OURS, RGBColor(0, 90, 160)), (TOKIO, RGBColor(200, 90, 20))];

const SIZE: (u32, u32) = (760, 440);

/// Draws what there are points for.
pub(crate) fn draw_all(results: &Results, folder: &Path) -> Result<Vec<Plot>> {
    let mut drawn = Vec::new();
    for (name, what, among) in PLOTS {
        let points: Vec<_> = results.growth.iter().filter(|point| point.plot == name).collect();
        let numbers: BTreeSet<_> = points.iter().map(|point| point.among).collect();
        if numbers.len() < 2 {
            continue;
        }
        let file = format!("{}.svg", name.replace(' ', "-"));
        let says = format!("What {what} so many {among} costs, one thread.");
        let title = format!("{what} n {among}");
        let path = folder.join(&file);
        let area = SVGBackend::new(&path, SIZE).into_drawing_area();
        draw(&area, &title, among, &points).map_err(|error| anyhow!("draw {file}: {error}"))?;
        area.present().with_context(|| format!("write {file}"))?;
        drawn.push(Plot { file, title, says });
    }
    Ok(drawn)
}

#[expect(clippy::cast_precision_loss, reason = "nobody starts 2^52 processes")]
fn draw(
    area: &DrawingArea<SVGBackend<'_>, Shift>,
    title: &str,
    among: &str,
    points: &[&Point],
) -> Result<(), Box<dyn std::error::Error>> {
    let most = points.iter().map(|point| point.among as f64).fold(1.0, f64::max);
    let costs = || points.iter().map(|point| point.nanoseconds);
    // Whole decades, three at the least, so that a flat line is seen to be flat.
    let low = 10_f64.powf(costs().fold(f64::MAX, f64::min).max(1.0).log10().floor());
    let high = 10_f64.powf(costs().fold(low * 1e3, f64::max).log10().ceil());

    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 20))
        .margin(14)
        .x_label_area_size(44)
        .y_label_area_size(72)
        .build_cartesian_2d((1.0..most).log_scale(), (low..high).log_scale())?;
    chart
        .configure_mesh()
        .x_desc(format!("n {among}"))
        .y_desc("cost of one")
        .x_label_formatter(&|number| count(*number))
        .y_label_formatter(&|nanoseconds| time(*nanoseconds))
        .light_line_style(RGBColor(240, 240, 240))
        .bold_line_style(RGBColor(215, 215, 215))
        .label_style(("sans-serif", 14))
        .draw()?;
    for (name, color) in SUBJECTS {
        let line: Vec<_> = points
            .iter()
            .filter(|point| point.subject == name)
            .map(|point| (point.among as f64, point.nanoseconds))
            .collect();
        let series = LineSeries::new(line, color.stroke_width(2)).point_size(4);
        chart
            .draw_series(series)?
            .label(label(name))
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], color.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .border_style(RGBColor(215, 215, 215))
        .label_font(("sans-serif", 14))
        .draw()?;
    Ok(())
}

fn label(subject: &str) -> String {
    if subject == TOKIO { "tokio by hand".to_owned() } else { subject.to_owned() }
}

/// 1, 10, 100, 1 k …
fn count(number: f64) -> String {
    match number {
        millions if millions >= 1e6 => format!("{:.0} M", millions / 1e6),
        thousands if thousands >= 1e3 => format!("{:.0} k", thousands / 1e3),
        few => format!("{few:.0}"),
    }
}

/// In the unit that fits.
fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        s if s >= 1e9 => format!("{:.0} s", s / 1e9),
        ms if ms >= 1e6 => format!("{:.0} ms", ms / 1e6),
        us if us >= 1e3 => format!("{:.0} µs", us / 1e3),
        ns => format!("{ns:.0} ns"),
    }
}
