//! Rules about the shape of a file.

use super::violation::Violation;
use crate::source::{Source, has_word};

/// A file says in its first line what it is for.
pub(crate) fn header(source: &Source) -> Vec<Violation> {
    let crates = source.path.starts_with("crates/") && source.path.contains("/src/");
    let others = ["conformance/", "examples/", "oracle/", "xtask/"];
    let applies = crates || others.iter().any(|folder| source.path.starts_with(folder));
    let advice = "begin the file with `//!` and one sentence that says what it is for";
    source.flag("header", advice, |index, line| {
        applies && index == 0 && !line.comment.starts_with("//!")
    })
}

/// `cfg(feature)` stands on `mod` and `use` items only.
pub(crate) fn features(source: &Source) -> Vec<Violation> {
    let advice = "put `cfg(feature)` on a `mod` or `use` only, with a stub twin of the same names";
    source.flag("feature", advice, |index, line| {
        let code = line.code.trim_start();
        let outer = code.starts_with("#[cfg(");
        // An inner attribute stands on the module that the file is.
        let mentioned = code.contains("cfg") && has_word(code, "feature");
        mentioned && !code.starts_with("#![cfg(") && !(outer && stands_on_import(source, index))
    })
}

/// Whether the item that the attribute in line `index` belongs to is a `mod` or a `use`.
fn stands_on_import(source: &Source, index: usize) -> bool {
    let after_attribute = source.lines[index].code.split_once(")]").map_or("", |(_, rest)| rest);
    let following = source.lines[index + 1..].iter().map(|line| line.code.as_str());
    let mut codes = std::iter::once(after_attribute).chain(following).map(str::trim);
    let item = codes.find(|code| !code.is_empty() && !code.starts_with("#[")).unwrap_or_default();
    let item = match item.strip_prefix("pub") {
        Some(rest) if rest.starts_with('(') => rest.split_once(')').map_or("", |(_, rest)| rest),
        Some(rest) => rest,
        None => item,
    };
    ["mod ", "use ", "extern crate "].iter().any(|word| item.trim_start().starts_with(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Source {
        Source::parse("crates/runtime/src/x.rs", text)
    }

    #[test]
    fn a_file_begins_with_its_purpose() {
        assert!(header(&parse("//! Counts sheep.\nfn f() {}")).is_empty());
        assert_eq!(header(&parse("fn f() {}")).len(), 1);
        assert_eq!(header(&parse("// Counts sheep.")).len(), 1);
        assert!(header(&Source::parse("benches/src/main.rs", "fn f() {}")).is_empty());
    }

    #[test]
    fn features_stand_on_imports() {
        assert!(features(&parse("#[cfg(feature = \"x\")]\npub(crate) mod x;")).is_empty());
        assert!(
            features(&parse("#[cfg(feature = \"x\")]\n/// Doc.\n#[path = \"y\"]\nuse y;"))
                .is_empty()
        );
        assert!(features(&parse("// cfg(feature = \"x\")\nlet feature = 1;")).is_empty());
        assert_eq!(features(&parse("#[cfg(feature = \"x\")]\nfn f() {}")).len(), 1);
        assert_eq!(features(&parse("if cfg!(feature = \"x\") {}")).len(), 1);
        assert_eq!(features(&parse("#[cfg_attr(feature = \"x\", y)]\nmod z;")).len(), 1);
    }
}
