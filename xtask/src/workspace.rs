//! This repository: where it is, which packages and which text files it holds.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::program::Program;

/// The repository this program was started in.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
}

impl Workspace {
    /// Finds the repository through the folder of this package, which cargo tells us.
    pub(crate) fn find() -> Result<Self> {
        let here = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = here.parent().context("xtask has no parent folder")?.to_path_buf();
        Ok(Self { root })
    }

    /// The name of the package whose Cargo.toml lies in `folder`.
    pub(crate) fn package_in(&self, folder: &str) -> Result<String> {
        let (text, succeeded) = Program::cargo()
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .directory(self.root.clone())
            .output()?;
        if !succeeded {
            bail!("`cargo metadata` failed: is the Cargo.toml at the root in order?");
        }
        let metadata: Value = serde_json::from_str(&text).context("reading `cargo metadata`")?;
        let manifest = self.root.join(folder).join("Cargo.toml");
        let packages = metadata["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
        packages
            .iter()
            .find(|package| package["manifest_path"].as_str().map(Path::new) == Some(&manifest))
            .and_then(|package| package["name"].as_str())
            .map(str::to_owned)
            .with_context(|| {
                format!(
                    "{folder}/ is not a package of the workspace: add it to `members` in Cargo.toml"
                )
            })
    }

    /// Reads a file given by its path from the root.
    pub(crate) fn read(&self, path: &str) -> Result<String> {
        fs::read_to_string(self.root.join(path)).with_context(|| format!("could not read {path}"))
    }

    /// Every text file of the repository as path from the root and content, in order of path.
    ///
    /// What is built is left out: a folder called `target`, and any that cargo marked as a cache.
    pub(crate) fn text_files(&self) -> Result<Vec<(String, String)>> {
        let mut files = Vec::new();
        let mut folders = vec![self.root.clone()];
        while let Some(folder) = folders.pop() {
            let entries =
                fs::read_dir(&folder).with_context(|| format!("could not list {folder:?}"))?;
            for entry in entries {
                let entry = entry?;
                let kind = entry.file_type()?;
                if kind.is_dir() && !is_skipped(&entry.path()) {
                    folders.push(entry.path());
                } else if kind.is_file() {
                    // A file that is not UTF-8 is not text.
                    if let Ok(text) = String::from_utf8(fs::read(entry.path())?) {
                        files.push((self.seen_from_root(&entry.path()), text));
                    }
                }
            }
        }
        files.sort();
        Ok(files)
    }

    /// A path with slashes, seen from the root.
    fn seen_from_root(&self, path: &Path) -> String {
        let path = path.strip_prefix(&self.root).unwrap_or(path);
        path.iter().map(OsStr::to_string_lossy).collect::<Vec<_>>().join("/")
    }
}

fn is_skipped(folder: &Path) -> bool {
    let name = folder.file_name();
    name == Some(OsStr::new(".git"))
        || name == Some(OsStr::new("target"))
        || folder.join("CACHEDIR.TAG").exists()
}
