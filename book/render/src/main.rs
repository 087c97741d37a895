//! Renders the book, and fails if a link inside of it leads nowhere: `cargo xtask book`.

mod links;

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use mdbook_driver::MDBook;

fn main() -> Result<()> {
    let mut folders = std::env::args_os().skip(1).map(PathBuf::from);
    let source = folders.next().context("usage: fauxtp-book-render <book> <output>")?;
    let output = folders.next().context("usage: fauxtp-book-render <book> <output>")?;

    let mut book = MDBook::load(source)?;
    book.config.build.build_dir.clone_from(&output);
    book.build()?;

    let pages = links::pages(&output)?;
    let dead = links::dead(&pages);
    for link in &dead {
        eprintln!("{link}");
    }
    if !dead.is_empty() {
        bail!("links that lead nowhere: {}", dead.len());
    }
    println!("{} pages in {}", pages.len(), output.display());
    Ok(())
}
