//! Which links of rendered pages lead nowhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, Result};

/// What is looked at of a file: nothing but that it is there, or the text of a page.
pub(crate) type Pages = BTreeMap<PathBuf, Option<String>>;

/// Every file below `root`, by its path from there.
pub(crate) fn pages(root: &Path) -> Result<Pages> {
    let mut pages = Pages::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("listing {folder:?}"))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let is_page = path.extension().is_some_and(|extension| extension == "html");
            let text = is_page.then(|| fs::read_to_string(&path)).transpose()?;
            pages.insert(path.strip_prefix(root)?.to_path_buf(), text);
        }
    }
    Ok(pages)
}

/// The links that lead to no page, or to no place on it, one line each.
pub(crate) fn dead(pages: &Pages) -> Vec<String> {
    let mut dead = Vec::new();
    for (path, text) in pages {
        let Some(text) = text else { continue };
        // It is the first chapter over again, with a base of its own.
        if path.ends_with("404.html") {
            continue;
        }
        let targets: BTreeSet<_> = values(text, "href").chain(values(text, "src")).collect();
        for target in targets.into_iter().filter(|target| !leads_out(target)) {
            let (file, place) = target.split_once('#').unwrap_or((target, ""));
            let page = if file.is_empty() { path.clone() } else { join(path, file) };
            let fault = match pages.get(&page) {
                None => "no such page",
                Some(Some(text)) if !place.is_empty() && !has_place(text, place) => "no such place",
                Some(_) => continue,
            };
            dead.push(format!("{}: {target}: {fault}", path.display()));
        }
    }
    dead
}

/// The values of an attribute.
fn values<'a>(text: &'a str, attribute: &str) -> impl Iterator<Item = &'a str> {
    let begin = format!(" {attribute}=\"");
    text.match_indices(&begin)
        .map(|(at, begin)| &text[at + begin.len()..])
        .filter_map(|rest| rest.split('"').next())
        .collect::<Vec<_>>()
        .into_iter()
}

fn leads_out(target: &str) -> bool {
    target.contains("://") || target.starts_with("data:") || target.starts_with("mailto:")
}

fn has_place(text: &str, place: &str) -> bool {
    text.contains(&format!("id=\"{place}\""))
}

/// Where `target` leads to from a page.
fn join(page: &Path, target: &str) -> PathBuf {
    let mut path = page.parent().map(Path::to_path_buf).unwrap_or_default();
    for part in Path::new(target).components() {
        match part {
            Component::ParentDir => {
                path.pop();
            }
            Component::Normal(name) => path.push(name),
            _ => {}
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(files: &[(&str, &str)]) -> Pages {
        let page = |(path, text): &(&str, &str)| (PathBuf::from(path), Some((*text).to_owned()));
        files.iter().map(page).collect()
    }

    #[test]
    fn what_leads_nowhere_is_named() {
        let text = r#"<a href="b.html#there"></a><a href="b.html#gone"></a><a href="c.html"></a>"#;
        let book = pages(&[("x/a.html", text), ("x/b.html", r#"<h2 id="there"></h2>"#)]);
        assert_eq!(
            dead(&book),
            ["x/a.html: b.html#gone: no such place", "x/a.html: c.html: no such page"]
        );
    }

    #[test]
    fn what_leads_out_or_up_is_fine() {
        let text = r#"<a href="https://example.org/x"></a><a href="../b.html"></a>"#;
        assert_eq!(dead(&pages(&[("x/a.html", text), ("b.html", "")])), Vec::<String>::new());
    }
}
