//! Rules about what documentation must say.

use super::violation::Violation;
use crate::source::Source;

/// Every public async function of the runtime says what is lost when its future is dropped.
pub(crate) fn cancel_safety(source: &Source) -> Vec<Violation> {
    let advice = "add a section `# Cancel safety` to its docs: *Strict*, or what is lost";
    source.flag("cancel safety", advice, |index, line| {
        source.path.starts_with("crates/runtime/src/")
            && !line.in_tests
            && line.code.trim_start().starts_with("pub async fn ")
            && !documentation_above(source, index).any(|text| text.contains("# Cancel safety"))
    })
}

/// So does every public type that can be awaited.
pub(crate) fn cancel_safety_of_types(source: &Source) -> Vec<Violation> {
    let advice = "this can be awaited: add a section `# Cancel safety` to its docs: *Strict*, or what is lost";
    let awaited: Vec<&str> = source.lines.iter().filter_map(|line| awaited(&line.code)).collect();
    source.flag("cancel safety", advice, |index, line| {
        source.path.starts_with("crates/runtime/src/")
            && !line.in_tests
            && line.code.strip_prefix("pub struct ").is_some_and(|rest| {
                awaited.contains(&rest.split(NO_NAME).next().unwrap_or_default())
            })
            && !documentation_above(source, index).any(|text| text.contains("# Cancel safety"))
    })
}

/// The name of the type that this line makes a future of.
fn awaited(code: &str) -> Option<&str> {
    let (_, rest) = code.split_once("Future for ")?;
    rest.split(NO_NAME).next().filter(|_| code.starts_with("impl"))
}

/// What ends a name.
const NO_NAME: fn(char) -> bool = |character| !character.is_alphanumeric() && character != '_';

/// The doc comments of the item in line `index`, last line first; attributes may stand between.
fn documentation_above(source: &Source, index: usize) -> impl Iterator<Item = &str> {
    let above = source.lines[..index].iter().rev();
    above
        .take_while(|line| {
            let code = line.code.trim();
            line.comment.trim_start().starts_with("///") || (!code.is_empty() && !ends_item(code))
        })
        .map(|line| line.comment.as_str())
}

/// Whether another item, or the block around this one, ends or begins with this line.
fn ends_item(code: &str) -> bool {
    code.ends_with([';', '}', '{'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Vec<Violation> {
        cancel_safety(&Source::parse("crates/runtime/src/x.rs", text))
    }

    #[test]
    fn public_futures_say_what_is_lost() {
        let good = "/// Calls.\n///\n/// # Cancel safety\n///\n/// *Strict*.\n#[must_use]\npub async fn call() {}";
        assert!(check(good).is_empty());
        assert!(check("pub(crate) async fn call() {}\nasync fn f() {}").is_empty());
        let next = format!("{good}\n/// Calls again.\npub async fn again() {{}}");
        assert_eq!(check(&next).len(), 1);
        assert_eq!(check("impl A {\n    pub async fn call() {}\n}")[0].line, 2);
    }

    #[test]
    fn types_that_can_be_awaited_say_what_is_lost() {
        let check = |text: &str| {
            cancel_safety_of_types(&Source::parse("crates/runtime/src/x.rs", text)).len()
        };
        let future = "impl<T> Future for Join<T> {}";
        assert_eq!(check(&format!("/// Joins.\npub struct Join<T>(T);\n{future}")), 1);
        let told = "/// Joins.\n///\n/// # Cancel safety\n/// *Strict*.\n#[must_use]\npub struct Join<T>(T);";
        assert_eq!(check(&format!("{told}\n{future}")), 0);
        assert_eq!(check("/// Other.\npub struct Joined;\nimpl Future for Join {}"), 0);
    }
}
