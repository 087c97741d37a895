//! A conformance test: a function named after the promise it checks.

use anyhow::{Result, bail, ensure};

use super::outcome::Outcomes;
use super::promise::Promises;
use crate::source::{Source, words};

/// A conformance test and the promises it counts for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Test {
    /// As in `sup_071_one_for_all_revives_all`.
    pub(crate) name: String,
    /// As in `SUP-071`; the one of the name first.
    pub(crate) ids: Vec<String>,
}

impl Test {
    /// Finds the tests of the given files, and checks that they name promises we make.
    pub(crate) fn find(sources: &[Source], promises: &Promises) -> Result<Vec<Self>> {
        let mut tests = Vec::new();
        for source in sources {
            // What stands above a function: its attributes and doc comments.
            let mut above = Vec::new();
            for (index, line) in source.lines.iter().enumerate() {
                let code = line.code.trim();
                let Some(name) = function_name(code) else {
                    if code.is_empty() || !code.ends_with([';', '}', '{']) {
                        above.push(line);
                    } else {
                        above.clear();
                    }
                    continue;
                };
                let is_test = above.iter().any(|line| is_test_attribute(&line.code));
                let also = above.iter().flat_map(|line| also(&line.comment));
                let also: Vec<_> = also.collect();
                above.clear();
                let place = format!("{}:{}", source.path, index + 1);
                let Some(id) = id_in(name) else {
                    ensure!(
                        also.is_empty(),
                        "{place}: `{name}` counts for {} by a line `also:`, but has no id in its name",
                        also.join(", ")
                    );
                    continue;
                };
                let group = id.split('-').next().unwrap_or_default();
                if !is_test && !promises.has_group(group) {
                    continue;
                }
                let ids: Vec<_> = std::iter::once(id).chain(also).collect();
                if let Some(unknown) = ids.iter().find(|id| !promises.has_id(id)) {
                    bail!("{place}: `{name}` is for {unknown}, which is not in promises.tsv");
                }
                tests.push(Self { name: name.to_owned(), ids });
            }
        }
        tests.sort();
        tests.dedup();
        Ok(tests)
    }

    /// Adds the tests that ran but are written by a macro, so that no function was found.
    pub(crate) fn with_those_that_ran(
        mut tests: Vec<Self>,
        outcomes: &Outcomes,
        promises: &Promises,
    ) -> Result<Vec<Self>> {
        for name in outcomes.names() {
            let Some(id) = id_in(name) else { continue };
            ensure!(
                promises.has_id(&id),
                "the test `{name}` is for {id}, which is not in promises.tsv"
            );
            if tests.iter().all(|test| test.name != name) {
                tests.push(Self { name: name.to_owned(), ids: vec![id] });
            }
        }
        tests.sort();
        Ok(tests)
    }
}

/// The id in the name of a test: `sup_071_one_for_all` is for `SUP-071`.
pub(crate) fn id_in(name: &str) -> Option<String> {
    let mut parts = name.split('_');
    let (group, number) = (parts.next()?, parts.next()?);
    let shaped = !group.is_empty()
        && group.chars().all(|character| character.is_ascii_lowercase())
        && (2..=4).contains(&number.len())
        && number.chars().all(|character| character.is_ascii_digit());
    shaped.then(|| format!("{}-{number}", group.to_uppercase()))
}

/// The name of the function that this line of code declares.
fn function_name(code: &str) -> Option<&str> {
    let at = words(code, "fn").next()?;
    let rest = code[at + 2..].trim_start();
    let name =
        rest.split(|character: char| !character.is_alphanumeric() && character != '_').next()?;
    (!name.is_empty()).then_some(name)
}

fn is_test_attribute(code: &str) -> bool {
    let code = code.trim_start();
    code.starts_with("#[") && words(code, "test").next().is_some() && !code.starts_with("#[cfg")
}

/// The ids of a line `/// also: SUP-070, SUP-053`.
fn also(comment: &str) -> Vec<String> {
    let Some(ids) = comment.trim().strip_prefix("///").map(str::trim) else { return Vec::new() };
    let Some(ids) = ids.strip_prefix("also:") else { return Vec::new() };
    ids.split(',').map(|id| id.trim().trim_end_matches('.').to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(text: &str) -> Result<Vec<Test>> {
        let list = "SUP\tgroup\tS\nSUP-053\tP0\tx\nSUP-070\tP0\tx\nSUP-071\tP0\tx\n";
        let promises = Promises::parse(list).expect("the list is in order");
        Test::find(&[Source::parse("conformance/tests/sup.rs", text)], &promises)
    }

    #[test]
    fn a_name_has_an_id() {
        assert_eq!(id_in("sup_071_revives").as_deref(), Some("SUP-071"));
        assert_eq!(id_in("con_01").as_deref(), Some("CON-01"));
        for name in ["revives", "start_all", "sup_71x_y", "sup_7_x", "Sup_071_x"] {
            assert_eq!(id_in(name), None, "{name}");
        }
    }

    #[test]
    fn a_test_counts_for_its_name_and_for_others_it_mentions() {
        let text = "/// Says.\n/// also: SUP-070, SUP-053\n#[tokio::test(start_paused = true)]\n\
                    async fn sup_071_revives() {\n}\nfn helper() {}\n#[test]\nfn sup_070_one() {}";
        let tests = find(text).expect("the ids are known");
        assert_eq!(tests[0].ids, ["SUP-070"]);
        assert_eq!(tests[1].ids, ["SUP-071", "SUP-070", "SUP-053"]);
        assert_eq!(tests.len(), 2);
    }

    #[test]
    fn an_unknown_id_is_an_error() {
        for text in [
            "#[test]\nfn sup_999_x() {}",
            "#[test]\nfn soup_071_x() {}",
            "/// also: SUP-999\n#[test]\nfn sup_071_x() {}",
        ] {
            let error = find(text).expect_err(text);
            assert!(error.to_string().contains("not in promises.tsv"), "{error}");
        }
        assert!(find("fn utf_16_helper() {}").expect("it is no test").is_empty());
        find("/// also: SUP-071\n#[test]\nfn nameless() {}").expect_err("its name has no id");
    }
}
