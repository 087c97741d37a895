//! Commands: from the words of a request to something typed, or Redis' own words on what is wrong.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

use super::integer;
use super::operation::{Assignment, Condition};

/// What a client wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `PING [message]`
    Ping(Option<Bytes>),
    /// `ECHO message`
    Echo(Bytes),
    /// `SET key value [EX seconds | PX milliseconds] [NX | XX]`
    Set(Assignment),
    /// `GET key`
    Get(Bytes),
    /// `DEL key …`
    Delete(Vec<Bytes>),
    /// `EXISTS key …`
    Exists(Vec<Bytes>),
    /// `INCR key`
    Increment(Bytes),
    /// `MGET key …`
    GetMany(Vec<Bytes>),
    /// `EXPIRE key seconds`; no time at all deletes the key
    Expire(Bytes, Option<Duration>),
    /// `TTL key`
    TimeToLive(Bytes),
    /// `DBSIZE`
    Size,
    /// `FLUSHALL [ASYNC | SYNC]`
    Flush,
    /// `INFO [section …]`; all sections whatever is asked for
    Info,
    /// `COMMAND [DOCS]`; we describe none
    Describe,
    /// `COMMAND COUNT`
    Count,
    /// `CONFIG GET pattern …`
    Config(Vec<Bytes>),
    /// `SELECT 0`
    Select,
    /// `QUIT`
    Quit,
    /// `DEBUG PANIC shard`
    Panic(usize),
}

/// Why a request is no command. Displays as Redis would answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CommandError {
    /// There is no such command; with its name and arguments.
    Unknown(Vec<Bytes>),
    /// Too few or too many words for this command.
    WrongArity(&'static str),
    /// There is no such subcommand of this command.
    UnknownSubcommand(&'static str, Bytes),
    /// An option is unknown, or does not go with another one.
    Syntax,
    /// EXPIRE takes none of its options here.
    UnsupportedOption(Bytes),
    /// Not a number, or too large.
    NotAnInteger,
    /// A lifetime that is none, for this command.
    InvalidExpire(&'static str),
    /// There is one database.
    NoSuchDatabase,
    /// RESP3 is not spoken here.
    UnsupportedProtocol,
}

impl Command {
    /// Understands the words of a request.
    ///
    /// # Errors
    /// [`CommandError`].
    pub fn parse(words: Vec<Bytes>) -> Result<Self, CommandError> {
        let rule = words.first().and_then(|name| {
            RULES.iter().find(|rule| rule.name.as_bytes().eq_ignore_ascii_case(name))
        });
        let Some(rule) = rule else { return Err(CommandError::Unknown(words)) };
        let arguments = words.len() - 1;
        if arguments < rule.least || arguments > rule.most {
            return Err(CommandError::WrongArity(rule.name));
        }
        let mut words = words.into_iter();
        words.next();
        (rule.parse)(Arguments(words))
    }
}

/// How one command is written.
struct Rule {
    name: &'static str,
    /// The fewest arguments it takes.
    least: usize,
    /// The most.
    most: usize,
    parse: fn(Arguments) -> Result<Command, CommandError>,
}

/// The words after the command's name; there are as many as its rule says.
struct Arguments(std::vec::IntoIter<Bytes>);

impl Arguments {
    /// The next word; empty if there is none, which a rule excludes.
    fn word(&mut self) -> Bytes {
        self.0.next().unwrap_or_default()
    }

    fn all(self) -> Vec<Bytes> {
        self.0.collect()
    }
}

const ANY: usize = usize::MAX;

const fn rule(
    name: &'static str,
    least: usize,
    most: usize,
    parse: fn(Arguments) -> Result<Command, CommandError>,
) -> Rule {
    Rule { name, least, most, parse }
}

/// Every command there is; the frequent ones first, as this is searched from the top.
const RULES: [Rule; 20] = [
    rule("get", 1, 1, |mut words| Ok(Command::Get(words.word()))),
    rule("set", 2, ANY, set),
    rule("incr", 1, 1, |mut words| Ok(Command::Increment(words.word()))),
    rule("mget", 1, ANY, |words| Ok(Command::GetMany(words.all()))),
    rule("del", 1, ANY, |words| Ok(Command::Delete(words.all()))),
    rule("ping", 0, 1, |mut words| Ok(Command::Ping(words.0.next()))),
    rule("echo", 1, 1, |mut words| Ok(Command::Echo(words.word()))),
    rule("exists", 1, ANY, |words| Ok(Command::Exists(words.all()))),
    rule("expire", 2, ANY, expire),
    rule("ttl", 1, 1, |mut words| Ok(Command::TimeToLive(words.word()))),
    rule("dbsize", 0, 0, |_| Ok(Command::Size)),
    rule("flushall", 0, ANY, flush_all),
    rule("info", 0, ANY, |_| Ok(Command::Info)),
    rule("command", 0, ANY, describe),
    rule("config", 1, ANY, config),
    rule("select", 1, 1, select),
    rule("quit", 0, ANY, |_| Ok(Command::Quit)),
    rule("debug", 1, ANY, debug),
    rule("client", 1, ANY, |mut words| {
        Err(CommandError::UnknownSubcommand("client", words.word()))
    }),
    rule("hello", 0, ANY, |_| Err(CommandError::UnsupportedProtocol)),
];

fn set(mut words: Arguments) -> Result<Command, CommandError> {
    let (key, value) = (words.word(), words.word());
    let (mut lifetime, mut condition) = (None, None);
    while let Some(option) = words.0.next() {
        let option = option.to_ascii_lowercase();
        match option.as_slice() {
            b"nx" if condition.is_none() => condition = Some(Condition::Absent),
            b"xx" if condition.is_none() => condition = Some(Condition::Present),
            b"ex" | b"px" if lifetime.is_none() => {
                let number = words.0.next().ok_or(CommandError::Syntax)?;
                let unit_ms = if option == b"ex" { 1000 } else { 1 };
                lifetime = Some(lifetime_of(&number, unit_ms, "set")?);
            }
            _ => return Err(CommandError::Syntax),
        }
    }
    if lifetime == Some(None) {
        return Err(CommandError::InvalidExpire("set"));
    }
    Ok(Command::Set(Assignment { key, value, lifetime: lifetime.flatten(), condition }))
}

fn expire(mut words: Arguments) -> Result<Command, CommandError> {
    let (key, seconds) = (words.word(), words.word());
    let lifetime = lifetime_of(&seconds, 1000, "expire")?;
    match words.0.next() {
        Some(option) => Err(CommandError::UnsupportedOption(option)),
        None => Ok(Command::Expire(key, lifetime)),
    }
}

/// A lifetime; nothing if it is zero or less. Longer than a million years is an error, as in Redis.
fn lifetime_of(
    number: &[u8],
    unit_ms: i64,
    command: &'static str,
) -> Result<Option<Duration>, CommandError> {
    let number = integer::parse(number).ok_or(CommandError::NotAnInteger)?;
    let invalid = CommandError::InvalidExpire(command);
    let milliseconds = number.checked_mul(unit_ms).ok_or_else(|| invalid.clone())?;
    if milliseconds > LIFETIME_MAX_MS {
        return Err(invalid);
    }
    Ok(u64::try_from(milliseconds).ok().filter(|ms| *ms > 0).map(Duration::from_millis))
}

fn flush_all(words: Arguments) -> Result<Command, CommandError> {
    let modes = words.all();
    let known =
        |word: &Bytes| word.eq_ignore_ascii_case(b"async") || word.eq_ignore_ascii_case(b"sync");
    match modes.as_slice() {
        [] => Ok(Command::Flush),
        [mode] if known(mode) => Ok(Command::Flush),
        _ => Err(CommandError::Syntax),
    }
}

fn describe(mut words: Arguments) -> Result<Command, CommandError> {
    match words.0.next() {
        None => Ok(Command::Describe),
        Some(word) if word.eq_ignore_ascii_case(b"docs") => Ok(Command::Describe),
        Some(word) if word.eq_ignore_ascii_case(b"count") => Ok(Command::Count),
        Some(word) => Err(CommandError::UnknownSubcommand("command", word)),
    }
}

fn config(mut words: Arguments) -> Result<Command, CommandError> {
    let subcommand = words.word();
    let patterns = words.all();
    match (subcommand.eq_ignore_ascii_case(b"get"), patterns.is_empty()) {
        (true, false) => Ok(Command::Config(patterns)),
        (true, true) => Err(CommandError::WrongArity("config|get")),
        (false, _) => Err(CommandError::UnknownSubcommand("config", subcommand)),
    }
}

fn select(mut words: Arguments) -> Result<Command, CommandError> {
    match integer::parse(&words.word()) {
        Some(0) => Ok(Command::Select),
        Some(_) => Err(CommandError::NoSuchDatabase),
        None => Err(CommandError::NotAnInteger),
    }
}

fn debug(mut words: Arguments) -> Result<Command, CommandError> {
    let subcommand = words.word();
    let shard = words.0.next();
    match (subcommand.eq_ignore_ascii_case(b"panic"), shard, words.0.next()) {
        (true, Some(shard), None) => {
            let shard = integer::parse(&shard).and_then(|shard| usize::try_from(shard).ok());
            shard.map(Command::Panic).ok_or(CommandError::NotAnInteger)
        }
        _ => Err(CommandError::UnknownSubcommand("debug", subcommand)),
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(words) => {
                let (name, arguments) = words
                    .split_first()
                    .map_or((&[][..], words.as_slice()), |(name, rest)| (name, rest));
                write!(f, "ERR unknown command '{}', with args beginning with: ", Quoted(name))?;
                let mut length = 0;
                let shown = arguments.iter().take_while(|word| {
                    length += word.len();
                    length <= QUOTED_MAX
                });
                shown.into_iter().try_for_each(|word| write!(f, "'{}' ", Quoted(word)))
            }
            Self::WrongArity(name) => {
                write!(f, "ERR wrong number of arguments for '{name}' command")
            }
            Self::UnknownSubcommand(name, word) => {
                let name = name.to_ascii_uppercase();
                write!(f, "ERR unknown subcommand '{}'. Try {name} HELP.", Quoted(word))
            }
            Self::Syntax => f.write_str("ERR syntax error"),
            Self::UnsupportedOption(word) => write!(f, "ERR Unsupported option {}", Quoted(word)),
            Self::NotAnInteger => f.write_str(NOT_AN_INTEGER),
            Self::InvalidExpire(name) => write!(f, "ERR invalid expire time in '{name}' command"),
            Self::NoSuchDatabase => f.write_str("ERR DB index is out of range"),
            Self::UnsupportedProtocol => f.write_str("NOPROTO unsupported protocol version"),
        }
    }
}

impl std::error::Error for CommandError {}

/// A client's bytes inside of an error, which is one line of limited length.
struct Quoted<'a>(&'a [u8]);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.0[..self.0.len().min(QUOTED_MAX)];
        let shown = String::from_utf8_lossy(shown);
        f.write_str(&shown.replace(|character: char| character.is_control(), " "))
    }
}

/// What Redis says about a number that is none.
pub const NOT_AN_INTEGER: &str = "ERR value is not an integer or out of range";

/// How much of a client's own words an error repeats.
const QUOTED_MAX: usize = 128;

/// A million years: anything more is a mistake, and no clock has to carry it.
const LIFETIME_MAX_MS: i64 = 1_000_000 * 365 * 24 * 60 * 60 * 1000;

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, CommandError> {
        Command::parse(
            line.split(' ').map(|word| Bytes::copy_from_slice(word.as_bytes())).collect(),
        )
    }

    fn key() -> Bytes {
        Bytes::from_static(b"k")
    }

    fn assignment(lifetime: Option<Duration>, condition: Option<Condition>) -> Command {
        Command::Set(Assignment {
            key: key(),
            value: Bytes::from_static(b"v"),
            lifetime,
            condition,
        })
    }

    #[test]
    fn commands_are_understood_in_any_case() {
        let second = Some(Duration::from_secs(1));
        for (line, command) in [
            ("PING", Command::Ping(None)),
            ("ping k", Command::Ping(Some(key()))),
            ("Get k", Command::Get(key())),
            ("SET k v", assignment(None, None)),
            ("set k v ex 1", assignment(second, None)),
            ("SET k v PX 1000 NX", assignment(second, Some(Condition::Absent))),
            ("SET k v xx EX 1", assignment(second, Some(Condition::Present))),
            ("DEL k k", Command::Delete(vec![key(), key()])),
            ("MGET k", Command::GetMany(vec![key()])),
            ("EXPIRE k 1", Command::Expire(key(), second)),
            ("EXPIRE k -1", Command::Expire(key(), None)),
            ("FLUSHALL ASYNC", Command::Flush),
            ("COMMAND DOCS", Command::Describe),
            ("CONFIG GET save", Command::Config(vec![Bytes::from_static(b"save")])),
            ("SELECT 0", Command::Select),
            ("DEBUG PANIC 3", Command::Panic(3)),
            ("QUIT", Command::Quit),
        ] {
            assert_eq!(parse(line), Ok(command), "{line}");
        }
    }

    #[test]
    fn errors_are_in_the_words_of_redis() {
        for (line, text) in [
            ("NOPE a b", "ERR unknown command 'NOPE', with args beginning with: 'a' 'b' "),
            ("NO\r\nPE", "ERR unknown command 'NO  PE', with args beginning with: "),
            ("get", "ERR wrong number of arguments for 'get' command"),
            ("GET a b", "ERR wrong number of arguments for 'get' command"),
            ("SET k", "ERR wrong number of arguments for 'set' command"),
            ("SET k v NX XX", "ERR syntax error"),
            ("SET k v EX", "ERR syntax error"),
            ("SET k v EX 1 PX 1", "ERR syntax error"),
            ("SET k v KEEPTTL", "ERR syntax error"),
            ("SET k v EX ten", "ERR value is not an integer or out of range"),
            ("SET k v EX 0", "ERR invalid expire time in 'set' command"),
            ("SET k v PX -5", "ERR invalid expire time in 'set' command"),
            ("SET k v EX 9223372036854775807", "ERR invalid expire time in 'set' command"),
            ("SET k v PX 9223372036854775807", "ERR invalid expire time in 'set' command"),
            ("EXPIRE k 9223372036854775807", "ERR invalid expire time in 'expire' command"),
            ("EXPIRE k 1 NX", "ERR Unsupported option NX"),
            ("EXPIRE k x", "ERR value is not an integer or out of range"),
            ("SELECT 1", "ERR DB index is out of range"),
            ("SELECT x", "ERR value is not an integer or out of range"),
            ("FLUSHALL NOW", "ERR syntax error"),
            ("CLIENT LIST", "ERR unknown subcommand 'LIST'. Try CLIENT HELP."),
            ("CONFIG SET a b", "ERR unknown subcommand 'SET'. Try CONFIG HELP."),
            ("CONFIG GET", "ERR wrong number of arguments for 'config|get' command"),
            ("DEBUG SLEEP 1", "ERR unknown subcommand 'SLEEP'. Try DEBUG HELP."),
            ("DEBUG PANIC", "ERR unknown subcommand 'PANIC'. Try DEBUG HELP."),
            ("DEBUG PANIC -1", "ERR value is not an integer or out of range"),
            ("HELLO 3", "NOPROTO unsupported protocol version"),
        ] {
            assert_eq!(
                parse(line).map_err(|error| error.to_string()),
                Err(text.to_owned()),
                "{line}"
            );
        }
    }

    #[test]
    fn an_error_repeats_no_more_than_a_line_of_what_it_was_given() {
        let words = vec![Bytes::from(vec![0xff; 100_000]); 100];
        let text = Command::parse(words).map_err(|error| error.to_string());
        assert!(text.is_err_and(|text| text.len() < 1000));
    }
}
