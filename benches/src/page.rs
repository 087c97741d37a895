//! What is kept of a run: `RESULTS.md`, `results.json` and plots.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use fauxtp_bench_workloads::Flavor;
use fauxtp_bench_workloads::row::Row;

use crate::plot::{self, Plot};
use crate::results::{Results, Spread};
use crate::subjects::{OURS, TOKIO};
use crate::text;

/// Writes everything into a folder.
pub(crate) fn write(results: &Results, folder: &Path) -> Result<()> {
    let plots = folder.join("plots");
    fs::create_dir_all(&plots).with_context(|| format!("make {plots:?}"))?;
    let drawn = plot::draw_all(results, &plots)?;
    let put = |name: &str, text: String| {
        fs::write(folder.join(name), text).with_context(|| format!("write {name}"))
    };
    put("RESULTS.md", page(results, &drawn)?)?;
    put("results.json", serde_json::to_string_pretty(results)? + "\n")
}

fn page(results: &Results, plots: &[Plot]) -> Result<String> {
    let mut page = String::new();
    writeln!(page, "# Results of the benchmarks\n")?;
    writeln!(
        page,
        "Written by `cargo xtask bench`; `README.md` says what is measured, and how.\n"
    )?;
    for line in text::conditions(results).lines() {
        writeln!(page, "- {line}")?;
    }
    writeln!(
        page,
        "\n*ct* is one thread, *mt* two workers. × is the ratio to the hand-written actor; above 1 is better."
    )?;
    overview(&mut page, results)?;
    for row in results.rows() {
        section(&mut page, results, row)?;
    }
    if !plots.is_empty() {
        writeln!(page, "\n## Plots")?;
        for plot in plots {
            writeln!(page, "\n{}\n\n![{}](plots/{})", plot.says, plot.title, plot.file)?;
        }
    }
    failures(&mut page, results)?;
    Ok(page)
}

/// Ours, and whether it is good enough.
fn overview(page: &mut String, results: &Results) -> Result<()> {
    writeln!(page, "\n## {OURS}\n")?;
    writeln!(page, "| workload | | {OURS} | × {TOKIO} | floor | goal | |")?;
    writeln!(page, "| --- | --- | --- | --- | --- | --- | --- |")?;
    for row in results.rows() {
        for flavor in Flavor::ALL {
            let Some(spread) = results.spread(row, flavor, OURS) else { continue };
            writeln!(
                page,
                "| {} {} | {} | {} | {} | {} | {} | {} |",
                row.id.to_uppercase(),
                row.title,
                flavor.name(),
                text::value(spread.median, row.unit),
                ratio(results, row, flavor, OURS),
                text::mark(row.floor(flavor), row.unit),
                text::mark(row.goal(flavor), row.unit),
                text::verdict(results, row, flavor),
            )?;
        }
    }
    Ok(())
}

/// All subjects in one row.
fn section(page: &mut String, results: &Results, row: &Row) -> Result<()> {
    writeln!(page, "\n## {}: {}\n", row.id.to_uppercase(), row.title)?;
    writeln!(page, "| | ct | × | mt | × |")?;
    writeln!(page, "| --- | --- | --- | --- | --- |")?;
    let mut reasons = BTreeSet::new();
    for subject in &results.subjects {
        write!(page, "| {} |", subject.name)?;
        for flavor in Flavor::ALL {
            let cell = results.cell(row, flavor, subject.name);
            let spread = cell.and_then(|cell| Spread::of(&cell.samples));
            let mark = if cell.is_some_and(|cell| cell.is_disturbed) { " ~" } else { "" };
            let value = spread.map_or_else(
                || "–".to_owned(),
                |spread| format!("{}{mark}", text::spread_of(spread, row.unit)),
            );
            write!(page, " {value} | {} |", ratio(results, row, flavor, subject.name))?;
            let reason = cell.and_then(|cell| cell.cannot.as_deref());
            reasons.extend(reason.map(|reason| format!("{}: {reason}.", subject.name)));
        }
        writeln!(page)?;
    }
    for reason in reasons {
        writeln!(page, "\n{reason}")?;
    }
    Ok(())
}

fn ratio(results: &Results, row: &Row, flavor: Flavor, subject: &str) -> String {
    let ratio = results.ratio(row, flavor, subject, TOKIO);
    ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"))
}

fn failures(page: &mut String, results: &Results) -> Result<()> {
    if !results.failures.is_empty() {
        writeln!(page, "\n## What failed\n")?;
        for failure in &results.failures {
            writeln!(page, "- {}", failure.replace('\n', " "))?;
        }
    }
    Ok(())
}
