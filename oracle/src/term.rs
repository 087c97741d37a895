//! Erlang terms, as far as histories and traces need them; written and read in Erlang's own notation.

use std::borrow::Cow;
use std::fmt;

use anyhow::{Result, bail, ensure};

/// A term.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Term {
    Int(i64),
    Atom(Cow<'static, str>),
    Tuple(Vec<Self>),
    List(Vec<Self>),
}

/// An atom.
pub(crate) const fn atom(text: &'static str) -> Term {
    Term::Atom(Cow::Borrowed(text))
}

/// A number.
pub(crate) fn int(number: impl TryInto<i64>) -> Term {
    Term::Int(number.try_into().unwrap_or(i64::MAX))
}

/// A tuple.
pub(crate) fn tuple<const N: usize>(elements: [Term; N]) -> Term {
    Term::Tuple(Vec::from(elements))
}

/// A list.
pub(crate) fn list(elements: impl IntoIterator<Item = Term>) -> Term {
    Term::List(elements.into_iter().collect())
}

/// Looks into a term whose shape is expected; the error says what was found instead.
impl Term {
    pub(crate) fn as_int(&self) -> Result<i64> {
        let Self::Int(number) = self else { bail!("{self} is no number") };
        Ok(*number)
    }

    pub(crate) fn as_atom(&self) -> Result<&str> {
        let Self::Atom(text) = self else { bail!("{self} is no atom") };
        Ok(text)
    }

    pub(crate) fn as_list(&self) -> Result<&[Self]> {
        let Self::List(elements) = self else { bail!("{self} is no list") };
        Ok(elements)
    }

    /// The elements of a tuple that has so many.
    pub(crate) fn as_tuple<const N: usize>(&self) -> Result<&[Self; N]> {
        let Self::Tuple(elements) = self else { bail!("{self} is no tuple") };
        let Ok(elements) = elements.as_slice().try_into() else {
            bail!("{self} has not {N} elements")
        };
        Ok(elements)
    }

    /// The first element of a tuple, an atom that says what it is, and the others. An atom stands for itself.
    pub(crate) fn as_tagged(&self) -> Result<(&str, &[Self])> {
        match self {
            Self::Atom(tag) => Ok((tag, &[])),
            Self::Tuple(elements) => match elements.split_first() {
                Some((Self::Atom(tag), others)) => Ok((tag, others)),
                _ => bail!("{self} does not begin with an atom"),
            },
            _ => bail!("{self} is no tuple"),
        }
    }

    /// Reads a term in Erlang's notation; whitespace and comments are skipped.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let mut reader = Reader { rest: text };
        let term = reader.term()?;
        reader.skip(".");
        ensure!(reader.rest.is_empty(), "something follows the term: {:.40}", reader.rest);
        Ok(term)
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join = |f: &mut fmt::Formatter<'_>, elements: &[Self]| {
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    f.write_str(",")?;
                }
                element.fmt(f)?;
            }
            Ok(())
        };
        match self {
            Self::Int(number) => write!(f, "{number}"),
            Self::Atom(text) => f.write_str(text),
            Self::Tuple(elements) => {
                f.write_str("{")?;
                join(f, elements)?;
                f.write_str("}")
            }
            Self::List(elements) => {
                f.write_str("[")?;
                join(f, elements)?;
                f.write_str("]")
            }
        }
    }
}

/// What is left of a text that is read.
struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    /// Recursion ends with the text; the texts are our own regression files.
    fn term(&mut self) -> Result<Term> {
        if self.skip("{") {
            return Ok(Term::Tuple(self.elements("}")?));
        }
        if self.skip("[") {
            return Ok(Term::List(self.elements("]")?));
        }
        let word = self.word();
        if let Ok(number) = word.parse() {
            return Ok(Term::Int(number));
        }
        ensure!(
            word.starts_with(|c: char| c.is_ascii_lowercase()),
            "a term is expected before {:.40}",
            self.rest
        );
        Ok(Term::Atom(Cow::Owned(word.to_owned())))
    }

    fn elements(&mut self, end: &str) -> Result<Vec<Term>> {
        let mut elements = Vec::new();
        if self.skip(end) {
            return Ok(elements);
        }
        loop {
            elements.push(self.term()?);
            if self.skip(end) {
                return Ok(elements);
            }
            ensure!(self.skip(","), "a comma or {end} is expected before {:.40}", self.rest);
        }
    }

    fn word(&mut self) -> &'a str {
        let ends = |c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-';
        let (word, rest) = self.rest.split_at(self.rest.find(ends).unwrap_or(self.rest.len()));
        self.rest = rest;
        self.blank();
        word
    }

    /// Skips this, and the blanks around it, if it is what comes next.
    fn skip(&mut self, sign: &str) -> bool {
        self.blank();
        let found = self.rest.strip_prefix(sign);
        self.rest = found.unwrap_or(self.rest);
        self.blank();
        found.is_some()
    }

    fn blank(&mut self) {
        loop {
            self.rest = self.rest.trim_start();
            let Some(comment) = self.rest.strip_prefix('%') else { return };
            self.rest = comment.split_once('\n').map_or("", |(_, rest)| rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let term = tuple([
            atom("history"),
            list([int(-3), int(1_i64 << 40), list([])]),
            tuple([atom("a_1")]),
        ]);
        assert_eq!(term.to_string(), "{history,[-3,1099511627776,[]],{a_1}}");
        assert_eq!(Term::parse(&term.to_string()).expect("we wrote it"), term);
        let spaced = "% why\n{ history , [ -3,\n 1099511627776, [ ] ], % here\n {a_1} }.\n";
        assert_eq!(Term::parse(spaced).expect("it is the same"), term);
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "{a", "[a b]", "{a} b", "Variable", "{,}"] {
            assert!(Term::parse(text).is_err(), "{text}");
        }
    }
}
