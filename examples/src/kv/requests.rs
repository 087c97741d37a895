//! Requests: from the bytes of a connection, in pieces of any size, to words.
//!
//! `redis-protocol` decodes. It would also decode arrays in arrays by recursion, trust any length it is told,
//! and begin anew whenever a piece is missing; so what it gets to see has been measured before, piece by
//! piece: flat, complete and of bounded size.

use std::fmt;
use std::io;

use bytes::{Bytes, BytesMut};
use redis_protocol::resp2::decode::decode_range;
use redis_protocol::resp2::types::RangeFrame;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::integer;

/// Bytes that have arrived and are no request yet.
#[derive(Debug, Default)]
pub struct Requests {
    buffer: BytesMut,
    measured: Measured,
}

/// How much of the request at the front of the buffer has been looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Measured {
    #[default]
    Nothing,
    /// The next argument begins at `at`; so many are left.
    Arguments { at: usize, left: usize },
}

/// The bytes are no requests, and where the next one would begin nobody can know. Displays as Redis would
/// answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProtocolError {
    /// The number of arguments is no number, or too large.
    InvalidCount,
    /// The length of an argument is no number, or too large.
    InvalidLength,
    /// An argument begins with this byte.
    ExpectedBulk(u8),
    /// The line with the number of arguments does not end.
    CountTooLong,
    /// The line with the length of an argument does not end.
    LengthTooLong,
    /// A request without lengths does not end.
    InlineTooLong,
    /// A quote has no end.
    UnbalancedQuotes,
    /// Each argument is of a size that is allowed, all of them together are not.
    RequestTooLarge,
    /// The decoder found something else.
    Malformed,
}

impl Requests {
    /// Takes in what has arrived on `stream`; the number of bytes, 0 at its end.
    ///
    /// # Errors
    /// Those of the stream.
    ///
    /// # Cancel safety
    /// Strict: what has been taken in stays.
    pub async fn read_from(&mut self, stream: &mut (impl AsyncRead + Unpin)) -> io::Result<usize> {
        // Never by a length that somebody claims: memory grows as bytes really arrive.
        self.buffer.reserve(READ_SIZE);
        stream.read_buf(&mut self.buffer).await
    }

    /// Takes in these bytes.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The words of the next request, at least one; nothing until it has arrived as a whole.
    ///
    /// # Errors
    /// [`ProtocolError`], after which nothing sensible can follow.
    pub fn next_request(&mut self) -> Result<Option<Vec<Bytes>>, ProtocolError> {
        loop {
            let words = match (self.measured, self.buffer.first()) {
                (Measured::Nothing, None) => return Ok(None),
                (Measured::Nothing, Some(b'*')) => {
                    if !self.measure_count()? {
                        return Ok(None);
                    }
                    continue;
                }
                (Measured::Nothing, Some(_)) => self.inline()?,
                (Measured::Arguments { at, left }, _) => self.array(at, left)?,
            };
            match words {
                None => return Ok(None),
                Some(words) if words.is_empty() => {}
                Some(words) => return Ok(Some(words)),
            }
        }
    }

    /// Reads the number of arguments; false if it has not arrived yet.
    fn measure_count(&mut self) -> Result<bool, ProtocolError> {
        let Some((count, length)) = header(&self.buffer, ProtocolError::CountTooLong)? else {
            return Ok(false);
        };
        let count =
            count.filter(|count| *count <= ARGUMENTS_MAX).ok_or(ProtocolError::InvalidCount)?;
        match usize::try_from(count) {
            // Nothing is asked, nothing is answered.
            Ok(0) | Err(_) => drop(self.buffer.split_to(length)),
            Ok(left) => self.measured = Measured::Arguments { at: length, left },
        }
        Ok(true)
    }

    /// Goes on measuring; the words once all arguments are there.
    fn array(
        &mut self,
        mut at: usize,
        mut left: usize,
    ) -> Result<Option<Vec<Bytes>>, ProtocolError> {
        while left > 0 {
            match argument(&self.buffer, at)? {
                Some(end) => (at, left) = (end, left - 1),
                None => {
                    self.measured = Measured::Arguments { at, left };
                    return Ok(None);
                }
            }
        }
        self.measured = Measured::Nothing;
        let request = self.buffer.split_to(at).freeze();
        let Ok(Some((RangeFrame::Array(frames), _))) = decode_range(&request) else {
            return Err(ProtocolError::Malformed);
        };
        let word = |frame: RangeFrame| match frame {
            RangeFrame::BulkString((start, end)) => Ok(request.slice(start..end)),
            _ => Err(ProtocolError::Malformed),
        };
        frames.into_iter().map(word).collect::<Result<_, _>>().map(Some)
    }

    /// A request as people type it: words on a line.
    fn inline(&mut self) -> Result<Option<Vec<Bytes>>, ProtocolError> {
        let end = self.buffer.iter().take(LINE_MAX).position(|byte| *byte == b'\n');
        match end {
            Some(end) => words(&self.buffer.split_to(end + 1)).map(Some),
            None if self.buffer.len() >= LINE_MAX => Err(ProtocolError::InlineTooLong),
            None => Ok(None),
        }
    }
}

/// The end of the argument that begins at `at`; nothing if it has not arrived yet.
fn argument(buffer: &[u8], at: usize) -> Result<Option<usize>, ProtocolError> {
    let rest = &buffer[at..];
    match rest.first() {
        None => return Ok(None),
        Some(b'$') => {}
        Some(other) => return Err(ProtocolError::ExpectedBulk(*other)),
    }
    let Some((length, begin)) = header(rest, ProtocolError::LengthTooLong)? else {
        return Ok(None);
    };
    let length = length
        .and_then(|length| usize::try_from(length).ok())
        .filter(|length| *length <= ARGUMENT_MAX)
        .ok_or(ProtocolError::InvalidLength)?;
    let end = at + begin + length + END_OF_LINE;
    if end > REQUEST_MAX {
        return Err(ProtocolError::RequestTooLarge);
    }
    Ok((end <= buffer.len()).then_some(end))
}

/// A line that consists of one byte and a number: the number, if it is one, and the length of the line.
fn header(
    line: &[u8],
    too_long: ProtocolError,
) -> Result<Option<(Option<i64>, usize)>, ProtocolError> {
    let end = line.iter().take(LINE_MAX).position(|byte| *byte == b'\r');
    match end {
        None if line.len() >= LINE_MAX => Err(too_long),
        None => Ok(None),
        Some(end) => Ok(line.get(end + 1).map(|after| {
            let number = integer::parse(&line[1..end]).filter(|_| *after == b'\n');
            (number, end + END_OF_LINE)
        })),
    }
}

/// The words of a line: quotes keep spaces, and inside of double ones a backslash keeps the next character.
fn words(line: &[u8]) -> Result<Vec<Bytes>, ProtocolError> {
    let mut words = Vec::new();
    let mut bytes = line.iter().copied().peekable();
    loop {
        while bytes.next_if(u8::is_ascii_whitespace).is_some() {}
        if bytes.peek().is_none() {
            return Ok(words);
        }
        let mut word = Vec::new();
        while let Some(byte) = bytes.next_if(|byte| !byte.is_ascii_whitespace()) {
            if byte == b'"' || byte == b'\'' {
                quoted(&mut bytes, byte, &mut word)?;
            } else {
                word.push(byte);
            }
        }
        words.push(Bytes::from(word));
    }
}

/// The rest of a quoted piece, which must be the end of its word.
fn quoted(
    bytes: &mut std::iter::Peekable<impl Iterator<Item = u8>>,
    quote: u8,
    word: &mut Vec<u8>,
) -> Result<(), ProtocolError> {
    while let Some(byte) = bytes.next() {
        let escapes = byte == b'\\' && (quote == b'"' || bytes.peek() == Some(&quote));
        if escapes {
            word.extend(bytes.next().map(|byte| match byte {
                b'n' if quote == b'"' => b'\n',
                b'r' if quote == b'"' => b'\r',
                b't' if quote == b'"' => b'\t',
                other => other,
            }));
        } else if byte == quote {
            let ends = bytes.peek().is_none_or(u8::is_ascii_whitespace);
            return if ends { Ok(()) } else { Err(ProtocolError::UnbalancedQuotes) };
        } else {
            word.push(byte);
        }
    }
    Err(ProtocolError::UnbalancedQuotes)
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ERR Protocol error: ")?;
        f.write_str(match self {
            Self::InvalidCount => "invalid multibulk length",
            Self::InvalidLength => "invalid bulk length",
            Self::ExpectedBulk(byte) => {
                let shown = if byte.is_ascii_control() { ' ' } else { char::from(*byte) };
                return write!(f, "expected '$', got '{shown}'");
            }
            Self::CountTooLong => "too big mbulk count string",
            Self::LengthTooLong => "too big bulk count string",
            Self::InlineTooLong => "too big inline request",
            Self::UnbalancedQuotes => "unbalanced quotes in request",
            Self::RequestTooLarge => "too big request",
            Self::Malformed => "malformed request",
        })
    }
}

impl std::error::Error for ProtocolError {}

/// The largest argument, as in Redis.
pub const ARGUMENT_MAX: usize = 512 * 1024 * 1024;

/// The most arguments, as in Redis.
const ARGUMENTS_MAX: i64 = 1024 * 1024;

/// The largest request, all in all; also a bound for the memory of one connection.
const REQUEST_MAX: usize = ARGUMENT_MAX + 64 * 1024 * 1024;

/// The longest line without a length, as in Redis.
const LINE_MAX: usize = 64 * 1024;

/// How much is read at once, at least.
const READ_SIZE: usize = 16 * 1024;

const END_OF_LINE: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    fn all(requests: &mut Requests) -> Result<Vec<Vec<Bytes>>, ProtocolError> {
        let mut found = Vec::new();
        while let Some(request) = requests.next_request()? {
            found.push(request);
        }
        Ok(found)
    }

    fn split(bytes: &[u8], cut: usize) -> Result<Vec<Vec<Bytes>>, ProtocolError> {
        let mut requests = Requests::default();
        let mut found = Vec::new();
        for piece in [&bytes[..cut], &bytes[cut..]] {
            requests.extend(piece);
            found.extend(all(&mut requests)?);
        }
        Ok(found)
    }

    /// The same numbers in every run.
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, limit: usize) -> usize {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(self.0 >> 33).expect("31 bits fit") % limit
        }
    }

    const PIPELINE: &[u8] = b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\nPING\r\n*0\r\n\r\n*3\r\n$3\r\nSET\r\n$0\r\n\r\n$4\r\n\r\n*$\r\nECHO \"a b\"\r\n";

    fn pipeline() -> Vec<Vec<Bytes>> {
        let words: [&[&[u8]]; 4] =
            [&[b"GET", b"k"], &[b"PING"], &[b"SET", b"", b"\r\n*$"], &[b"ECHO", b"a b"]];
        words.map(|words| words.iter().map(|word| Bytes::from_static(word)).collect()).into()
    }

    #[test]
    fn a_pipeline_is_the_same_wherever_it_is_cut() {
        for cut in 0..=PIPELINE.len() {
            assert_eq!(split(PIPELINE, cut), Ok(pipeline()), "cut at {cut}");
        }
        let mut requests = Requests::default();
        let mut found = Vec::new();
        for byte in PIPELINE {
            requests.extend(&[*byte]);
            found.extend(all(&mut requests).expect("is right"));
        }
        assert_eq!(found, pipeline());
    }

    #[test]
    fn garbage_is_an_error_wherever_it_is_cut() {
        for (bytes, text) in [
            (&b"*x\r\n"[..], "invalid multibulk length"),
            (b"*1048577\r\n", "invalid multibulk length"),
            (b"*99999999999999999999\r\n", "invalid multibulk length"),
            (b"*1\rx", "invalid multibulk length"),
            (b"*1\r\n$-1\r\n", "invalid bulk length"),
            (b"*1\r\n$536870913\r\n", "invalid bulk length"),
            (b"*1\r\n$+1\r\n", "invalid bulk length"),
            (b"*1\r\n:1\r\n", "expected '$', got ':'"),
            (b"*1\r\n*1\r\n*1\r\n*1\r\n", "expected '$', got '*'"),
            (b"*1\r\n\n", "expected '$', got ' '"),
            (b"PING \"a\r\n", "unbalanced quotes in request"),
            (b"PING 'a'b\r\n", "unbalanced quotes in request"),
        ] {
            for cut in 0..=bytes.len() {
                let error = split(bytes, cut).map_err(|error| error.to_string());
                assert_eq!(error, Err(format!("ERR Protocol error: {text}")), "{bytes:?} at {cut}");
            }
        }
    }

    #[test]
    fn lines_without_end_are_refused() {
        for (first, text) in [
            ("*1", "mbulk count string"),
            ("*1\r\n$1", "bulk count string"),
            ("a", "inline request"),
        ] {
            let mut requests = Requests::default();
            requests.extend(first.as_bytes());
            requests.extend(&vec![b'1'; LINE_MAX]);
            let error = all(&mut requests).map_err(|error| error.to_string());
            assert_eq!(error, Err(format!("ERR Protocol error: too big {text}")));
        }
    }

    #[test]
    fn what_is_only_claimed_takes_no_memory() {
        let mut requests = Requests::default();
        requests.extend(b"*1048576\r\n$536870912\r\nabc");
        assert_eq!(requests.next_request(), Ok(None));
        assert!(requests.buffer.capacity() < 1024);
    }

    #[test]
    fn arguments_that_are_too_much_together_are_refused() {
        // The first argument ends where the second one begins, and leaves too little room for it.
        let mut bytes = vec![b'x'; REQUEST_MAX - ARGUMENT_MAX];
        let at = bytes.len();
        bytes.extend(b"$536870912\r\n");
        assert_eq!(argument(&bytes, at), Err(ProtocolError::RequestTooLarge));
        assert_eq!(argument(&bytes[at..], 0), Ok(None), "alone it is not too large");
    }

    /// Goal: no bytes whatsoever make the codec panic, or depend on how they are cut. Method: many random
    /// changes of a good pipeline, each read whole and in random pieces.
    #[test]
    fn any_bytes_are_requests_or_an_error_and_never_a_panic() {
        let mut numbers = Numbers(1);
        for _ in 0..20_000 {
            let mut bytes = PIPELINE.to_vec();
            for _ in 0..1 + numbers.below(4) {
                let at = numbers.below(bytes.len());
                let letters = b"*$\r\n0129-: \"'xG\0\xff";
                match numbers.below(3) {
                    0 => bytes[at] = letters[numbers.below(letters.len())],
                    1 => bytes.insert(at, letters[numbers.below(letters.len())]),
                    _ => drop(bytes.remove(at)),
                }
            }
            let whole = split(&bytes, 0);
            let mut requests = Requests::default();
            let mut found = Vec::new();
            let mut rest = bytes.as_slice();
            let mut error = None;
            while !rest.is_empty() && error.is_none() {
                let (piece, after) = rest.split_at(1 + numbers.below(rest.len()));
                requests.extend(piece);
                rest = after;
                loop {
                    match requests.next_request() {
                        Ok(Some(request)) => found.push(request),
                        Ok(None) => break,
                        Err(other) => {
                            error = Some(other);
                            break;
                        }
                    }
                }
            }
            assert_eq!(error.map_or(Ok(found), Err), whole, "{bytes:?}");
        }
    }
}
