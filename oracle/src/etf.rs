//! Terms as bytes: Erlang's external term format, so that the other side needs no parser.

use std::borrow::Cow;

use anyhow::{Context as _, Result, bail};

use crate::term::Term;

const VERSION: u8 = 131;
const SMALL_BIG: u8 = 110;
const SMALL_INTEGER: u8 = 97;
const INTEGER: u8 = 98;
const ATOM: u8 = 100;
const SMALL_TUPLE: u8 = 104;
const LARGE_TUPLE: u8 = 105;
const NIL: u8 = 106;
const STRING: u8 = 107;
const LIST: u8 = 108;
const ATOM_UTF8: u8 = 118;
const SMALL_ATOM_UTF8: u8 = 119;

/// The bytes of a term.
pub(crate) fn encode(term: &Term) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    write(term, &mut bytes);
    bytes
}

/// The term of these bytes.
pub(crate) fn decode(bytes: &[u8]) -> Result<Term> {
    let mut reader = Reader { rest: bytes };
    match reader.byte()? {
        VERSION => reader.term(),
        other => bail!("terms of version {other} are not understood"),
    }
}

fn write(term: &Term, bytes: &mut Vec<u8>) {
    match term {
        Term::Int(number) => write_number(*number, bytes),
        Term::Atom(text) => {
            bytes.push(SMALL_ATOM_UTF8);
            bytes.push(u8::try_from(text.len()).expect("our atoms are short"));
            bytes.extend(text.as_bytes());
        }
        Term::Tuple(elements) => {
            match u8::try_from(elements.len()) {
                Ok(length) => bytes.extend([SMALL_TUPLE, length]),
                Err(_) => {
                    bytes.push(LARGE_TUPLE);
                    write_length(elements, bytes);
                }
            }
            elements.iter().for_each(|element| write(element, bytes));
        }
        Term::List(elements) => {
            if !elements.is_empty() {
                bytes.push(LIST);
                write_length(elements, bytes);
                elements.iter().for_each(|element| write(element, bytes));
            }
            bytes.push(NIL);
        }
    }
}

fn write_number(number: i64, bytes: &mut Vec<u8>) {
    if let Ok(small) = u8::try_from(number) {
        bytes.extend([SMALL_INTEGER, small]);
    } else if let Ok(number) = i32::try_from(number) {
        bytes.push(INTEGER);
        bytes.extend(number.to_be_bytes());
    } else {
        bytes.extend([SMALL_BIG, 8, u8::from(number < 0)]);
        bytes.extend(number.unsigned_abs().to_le_bytes());
    }
}

fn write_length(elements: &[Term], bytes: &mut Vec<u8>) {
    let length = u32::try_from(elements.len()).expect("our lists are short");
    bytes.extend(length.to_be_bytes());
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn term(&mut self) -> Result<Term> {
        Ok(match self.byte()? {
            SMALL_INTEGER => Term::Int(i64::from(self.byte()?)),
            INTEGER => Term::Int(i64::from(self.length()? as i32)),
            SMALL_BIG => {
                let (length, sign) = (self.byte()?, self.byte()?);
                let digits = self.take(usize::from(length))?.iter().rev();
                let value = digits.fold(0_i128, |value, digit| value << 8 | i128::from(*digit));
                Term::Int(i64::try_from(if sign == 0 { value } else { -value })?)
            }
            SMALL_ATOM_UTF8 => {
                let length = usize::from(self.byte()?);
                self.atom(length)?
            }
            ATOM | ATOM_UTF8 => {
                let length = usize::from(self.byte()?) << 8 | usize::from(self.byte()?);
                self.atom(length)?
            }
            SMALL_TUPLE => {
                let length = usize::from(self.byte()?);
                Term::Tuple(self.terms(length)?)
            }
            LARGE_TUPLE => {
                let length = self.length()? as usize;
                Term::Tuple(self.terms(length)?)
            }
            NIL => Term::List(Vec::new()),
            // How Erlang writes a list of small numbers.
            STRING => {
                let length = usize::from(self.byte()?) << 8 | usize::from(self.byte()?);
                let numbers = self.take(length)?.iter();
                Term::List(numbers.map(|number| Term::Int(i64::from(*number))).collect())
            }
            LIST => {
                let length = self.length()? as usize;
                let elements = self.terms(length)?;
                match self.byte()? {
                    NIL => Term::List(elements),
                    _ => bail!("a list does not end with the empty list"),
                }
            }
            other => bail!("terms with the tag {other} are not understood"),
        })
    }

    fn terms(&mut self, length: usize) -> Result<Vec<Term>> {
        (0..length).map(|_| self.term()).collect()
    }

    fn atom(&mut self, length: usize) -> Result<Term> {
        Ok(Term::Atom(Cow::Owned(std::str::from_utf8(self.take(length)?)?.to_owned())))
    }

    fn length(&mut self) -> Result<u32> {
        let bytes = self.take(4)?.try_into().expect("four bytes were asked for");
        Ok(u32::from_be_bytes(bytes))
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length).context("a term is cut short")?;
        self.rest = rest;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::term::{atom, int, list, tuple};

    #[test]
    fn a_term_survives_the_way_there_and_back() {
        let numbers = [0, 255, 256, -1, i64::from(i32::MIN), 1 << 40, i64::MIN, i64::MAX];
        let term = tuple([atom("a"), list(numbers.map(int)), list([]), tuple([])]);
        assert_eq!(decode(&encode(&term)).expect("we wrote it"), term);
        let long = Term::Tuple(vec![int(1); 300]);
        assert_eq!(decode(&encode(&long)).expect("we wrote it"), long);
    }

    #[test]
    fn what_is_cut_short_is_an_error() {
        let bytes = encode(&list([atom("abc"), int(70_000)]));
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length]).is_err(), "{length}");
        }
    }
}
