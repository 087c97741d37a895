//! The rule that imports look down: the order of `mod` lines is the order of dependency.

use super::violation::Violation;
use crate::source::Source;

/// A module refers by `crate::` only to itself and to modules declared before it in lib.rs.
///
/// Tests are free to use everything, and so is lib.rs.
pub(crate) fn modules(crate_folder: &str, sources: &[Source]) -> Vec<Violation> {
    let folder = format!("{crate_folder}/src/");
    let Some(root) = sources.iter().find(|source| source.path == format!("{folder}lib.rs")) else {
        return Vec::new();
    };
    let order = declared_modules(root);
    let rank = |module: &str| order.iter().position(|declared| declared == module);
    let mut violations = Vec::new();
    for source in sources {
        let Some(inside) = source.path.strip_prefix(&folder) else { continue };
        let module = inside.split('/').next().unwrap_or_default().trim_end_matches(".rs");
        let Some(own) = rank(module) else { continue };
        for (index, other) in crate_references(source, inside) {
            if rank(&other).is_some_and(|other| other > own) {
                let advice = format!(
                    "`{module}` may not use `{other}`, which lib.rs declares after it: move the \
                     code, or the `mod` line"
                );
                violations.push(source.violation(index, "mod order", &advice));
            }
        }
    }
    violations
}

/// The modules of a lib.rs, in order.
fn declared_modules(root: &Source) -> Vec<String> {
    let codes = root.lines.iter().map(|line| line.code.trim());
    let names = codes.filter_map(|code| {
        let (before, rest) = code.split_once("mod ")?;
        let is_declaration =
            before.is_empty() || before.starts_with("pub") || before.ends_with(' ');
        let name = rest.split([';', '{', ' ']).next()?;
        (is_declaration && !name.is_empty()).then(|| name.to_owned())
    });
    names.collect()
}

/// What a file refers to by `crate::name`, or by as many `super::` as lead to the same place, with
/// the index of the line.
fn crate_references(source: &Source, inside: &str) -> Vec<(usize, String)> {
    // One text, because a group of imports may stretch over lines. Tests are blanked.
    let lines = source.lines.iter();
    let codes = lines.map(|line| if line.in_tests { "" } else { line.code.as_str() });
    let text = codes.collect::<Vec<_>>().join("\n");
    let depth = inside.matches('/').count() + 1;
    let climb = "super::".repeat(depth);

    let mut found = Vec::new();
    for prefix in ["crate::", climb.as_str()] {
        let starts = text.match_indices(prefix).map(|(at, _)| at);
        // `$crate` belongs to whoever uses the macro; a longer climb was counted already.
        let starts = starts.filter(|&at| {
            !text[..at].ends_with(|c: char| c.is_alphanumeric() || "_$:".contains(c))
        });
        for at in starts {
            let after = at + prefix.len();
            for (offset, name) in first_names(&text[after..]) {
                found.push((text[..after + offset].matches('\n').count(), name));
            }
        }
    }
    found
}

/// The first name of a path, or of each path of a group in braces, with where it begins.
fn first_names(path: &str) -> Vec<(usize, String)> {
    let name_at = |at: usize| {
        let name = path[at..].split(|c: char| !c.is_alphanumeric() && c != '_').next();
        name.filter(|name| !name.is_empty()).map(|name| (at, name.to_owned()))
    };
    if !path.starts_with('{') {
        return name_at(0).into_iter().collect();
    }
    let mut names = Vec::new();
    let mut depth = 0;
    let mut expects_name = false;
    for (at, character) in path.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        if depth == 1 && (character == '{' || character == ',') {
            expects_name = true;
        } else if expects_name && !character.is_whitespace() {
            names.extend(name_at(at));
            expects_name = false;
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str =
        "//! Docs.\npub mod pid;\nmod signal;\npub(crate) mod tray;\npub use pid::Pid;";

    fn check(path: &str, text: &str) -> Vec<Violation> {
        let sources = [Source::parse("crates/logic/src/lib.rs", ROOT), Source::parse(path, text)];
        modules("crates/logic", &sources)
    }

    #[test]
    fn the_order_is_read_from_lib() {
        assert_eq!(declared_modules(&Source::parse("lib.rs", ROOT)), ["pid", "signal", "tray"]);
    }

    #[test]
    fn looking_down_is_fine() {
        assert!(check("crates/logic/src/tray.rs", "use crate::{pid::Pid, signal};").is_empty());
        assert!(check("crates/logic/src/signal/table.rs", "use crate::signal::x;").is_empty());
        assert!(check("crates/logic/src/pid.rs", "// crate::tray\nuse crate::Time;").is_empty());
        let test = "#[cfg(test)]\nmod tests {\n use crate::tray;\n}";
        assert!(check("crates/logic/src/pid.rs", test).is_empty());
    }

    #[test]
    fn looking_up_is_found_where_it_stands() {
        let found = check("crates/logic/src/pid.rs", "\nfn f() { crate::tray::g() }");
        assert_eq!((found.len(), found[0].line), (1, 2));
        let group = "use crate::{\n    pid::{A, B},\n    tray::Tray,\n};";
        assert_eq!(check("crates/logic/src/signal/table.rs", group)[0].line, 3);
        assert_eq!(check("crates/logic/src/pid.rs", "use super::signal::X;").len(), 1);
        assert_eq!(check("crates/logic/src/pid/node.rs", "use super::super::tray;").len(), 1);
        assert!(check("crates/logic/src/pid/node.rs", "use super::tray;").is_empty());
    }
}
