//! Rules against things left undone.

use super::violation::Violation;
use crate::source::{Source, has_word, words};

/// No test is switched off.
pub(crate) fn ignored_tests(source: &Source) -> Vec<Violation> {
    let advice = "assert what happens today instead of ignoring the test";
    source.flag("ignored test", advice, |_, line| line.code.contains("#[ignore"))
}

/// No code is missing.
pub(crate) fn unfinished_code(source: &Source) -> Vec<Violation> {
    let advice = "write the code, or leave the item out until it is needed";
    source.flag("unfinished", advice, |_, line| {
        ["todo!", "unimplemented!"].iter().any(|name| has_word(&line.code, name))
    })
}

/// What a comment leaves open has the number of an issue. A word in backticks is only talked about.
pub(crate) fn open_ends(source: &Source) -> Vec<Violation> {
    let advice = "add the number of the issue, as in `TODO(#12)`";
    source.flag("open end", advice, |_, line| {
        let comment = &line.comment;
        let open = |word| words(comment, word).any(|at| !comment[..at].ends_with('`'));
        (open("TODO") || open("FIXME")) && !has_issue_number(comment)
    })
}

fn has_issue_number(comment: &str) -> bool {
    let mut after_hashes = comment.split('#').skip(1);
    after_hashes.any(|rest| rest.starts_with(|character: char| character.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Source {
        Source::parse("crates/runtime/src/x.rs", text)
    }

    #[test]
    fn ignored_tests_are_found() {
        assert_eq!(ignored_tests(&parse("#[test]\n#[ignore = \"slow\"]\nfn f() {}"))[0].line, 2);
        assert!(ignored_tests(&parse("#[test]\nfn f() {} // no #[ignore]")).is_empty());
    }

    #[test]
    fn unfinished_code_is_found() {
        assert_eq!(
            unfinished_code(&parse("fn f() { todo!() }\nfn g() { unimplemented!(\"x\") }")).len(),
            2
        );
        assert!(unfinished_code(&parse("fn f() { \"todo!\" } // unimplemented!")).is_empty());
    }

    #[test]
    fn open_ends_have_an_issue() {
        assert_eq!(open_ends(&parse("f(); // TODO: later")).len(), 1);
        assert_eq!(open_ends(&parse("/* FIXME */")).len(), 1);
        assert!(
            open_ends(&parse("// FIXME(#7): the wrong one wins\n// The `TODO` rule.")).is_empty()
        );
        assert!(open_ends(&parse("let a = \"TODO\";")).is_empty());
    }
}
