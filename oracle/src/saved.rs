//! Regressions: histories on which the two sides once disagreed, one readable file each.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::explained::Rule;
use crate::oracle::Verdict;
use crate::term::Term;

/// A saved history, and the file it is in.
#[derive(Debug)]
pub(crate) struct Saved {
    pub(crate) path: PathBuf,
    /// How its traces are to compare, as a [verdict](Verdict::to_term) is written.
    pub(crate) verdict: Term,
    pub(crate) history: Term,
}

/// All histories saved for the oracle with this name, in the order of their names.
pub(crate) fn load(oracle: &str) -> Result<Vec<Saved>> {
    let folder = folder_of(oracle);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut paths = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("could not list {folder:?}"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            paths.push(path);
        }
    }
    paths.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).with_context(|| format!("could not read {path:?}"))?;
        let saved = Term::parse(&text).with_context(|| format!("could not parse {path:?}"))?;
        let [verdict, history] = saved.as_tuple().with_context(|| format!("in {path:?}"))?;
        check(verdict).with_context(|| format!("no verdict stands in front in {path:?}"))?;
        Ok(Saved { verdict: verdict.clone(), history: history.clone(), path })
    };
    paths.into_iter().map(read).collect()
}

/// Saves a history with the verdict it is to have, and lines of text that say what became of it. The same history gets
/// the same file.
pub(crate) fn save(
    oracle: &str,
    verdict: &Verdict,
    history: &Term,
    notes: &[String],
) -> Result<PathBuf> {
    let folder = folder_of(oracle);
    fs::create_dir_all(&folder).with_context(|| format!("could not create {folder:?}"))?;
    let mut hasher = DefaultHasher::new();
    history.hash(&mut hasher);
    let path = folder.join(format!("{:016x}.txt", hasher.finish()));
    let lines = notes.iter().flat_map(|note| note.lines());
    let comment: String = lines.map(|line| format!("% {line}\n")).collect();
    fs::write(&path, format!("{comment}{{{},{history}}}.\n", verdict.to_term()))
        .with_context(|| format!("could not write {path:?}"))?;
    Ok(path)
}

/// Whether this is a verdict that may be expected.
fn check(verdict: &Term) -> Result<()> {
    if *verdict != Verdict::Same.to_term() {
        for rule in verdict.as_list()? {
            Rule::parse(rule)?;
        }
    }
    Ok(())
}

fn folder_of(oracle: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions").join(oracle)
}
