//! A round of commands: each shard's part of it goes out as one call, the answers come back in order.

use bytes::Bytes;
use redis_protocol::resp2::types::BytesFrame as Frame;

use super::command::Command;
use super::counters::Counters;
use super::operation::Operation;
use super::outbox::Outbox;
use super::shards::{ShardError, Shards};
use super::store::ok;

/// Commands that wait to be run together. A shard sees those that concern it in their order; what several
/// shards have to say to one command is put together, but is no snapshot of all of them.
#[derive(Debug)]
pub struct Pipeline {
    shards: Shards,
    counters: Counters,
    /// What each shard is to do.
    work: Vec<Vec<Operation>>,
    /// How each command is answered, in order.
    steps: Vec<Step>,
}

/// What must be done before the next command is pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Next {
    /// Nothing.
    More,
    /// This round must be run.
    Run,
    /// This round must be run, and then there is no next command.
    Close,
}

/// Where the answer to one command comes from. What a shard has done is taken from its answers in order.
#[derive(Debug)]
enum Step {
    Ready(Frame),
    /// The next answer of this shard.
    One(usize),
    /// The sum of the next answers of these.
    Sum(Vec<usize>),
    /// The next answers of these, as a list.
    List(Vec<usize>),
    /// OK, if all shards say so.
    Flush,
    /// The counters and the sum of all shards.
    Info,
    /// Crashes a shard. The last one in its round: what comes before must not be hit.
    Panic(usize),
}

/// What the shards have answered, and nobody has taken yet.
type Answers = Vec<Result<std::vec::IntoIter<Frame>, ShardError>>;

impl Pipeline {
    /// An empty round.
    #[must_use]
    pub fn new(shards: &Shards, counters: &Counters) -> Self {
        let work = vec![Vec::new(); shards.count()];
        Self { shards: shards.clone(), counters: counters.clone(), work, steps: Vec::new() }
    }

    /// Answers a request that is no command.
    pub fn push_error(&mut self, error: &impl std::fmt::Display) -> Next {
        self.step(Step::Ready(Frame::Error(error.to_string().into())))
    }

    /// Adds a command.
    pub fn push(&mut self, command: Command) -> Next {
        let step = match command {
            Command::Ping(None) => Step::Ready(Frame::SimpleString(Bytes::from_static(b"PONG"))),
            Command::Ping(Some(message)) | Command::Echo(message) => {
                Step::Ready(Frame::BulkString(message))
            }
            Command::Set(assignment) => {
                let owner = self.shards.owner(&assignment.key);
                self.one(owner, Operation::Set(assignment))
            }
            Command::Get(key) => self.one_by_key(key, Operation::Get),
            Command::Increment(key) => self.one_by_key(key, Operation::Increment),
            Command::TimeToLive(key) => self.one_by_key(key, Operation::TimeToLive),
            Command::Expire(key, time) => self.one_by_key(key, |key| Operation::Expire(key, time)),
            Command::Delete(keys) => Step::Sum(self.many(keys, Operation::Delete)),
            Command::Exists(keys) => Step::Sum(self.many(keys, Operation::Exists)),
            Command::GetMany(keys) => Step::List(self.many(keys, Operation::Get)),
            Command::Size => Step::Sum(self.all(&Operation::Size)),
            Command::Info => {
                self.all(&Operation::Size);
                Step::Info
            }
            Command::Flush => {
                self.all(&Operation::Flush);
                Step::Flush
            }
            Command::Describe => Step::Ready(Frame::Array(Vec::new())),
            Command::Count => Step::Ready(Frame::Integer(0)),
            Command::Config(patterns) => Step::Ready(config(&patterns)),
            Command::Select => Step::Ready(ok()),
            Command::Quit => {
                self.steps.push(Step::Ready(ok()));
                return Next::Close;
            }
            Command::Panic(shard) => {
                self.steps.push(Step::Panic(shard));
                return Next::Run;
            }
        };
        self.step(step)
    }

    /// Runs all commands and puts their answers into `outbox`; the next round begins empty.
    ///
    /// # Cancel safety
    /// The commands may be done all the same; their answers are lost.
    pub async fn run(&mut self, outbox: &mut Outbox) {
        if self.steps.is_empty() {
            return;
        }
        let empty = vec![Vec::new(); self.shards.count()];
        let work = std::mem::replace(&mut self.work, empty);
        let answers = self.shards.run(work).await;
        let mut answers = answers.into_iter().map(|outcome| outcome.map(Vec::into_iter)).collect();
        let mut steps = std::mem::take(&mut self.steps);
        self.counters.answered(steps.len());
        for step in steps.drain(..) {
            outbox.push(&self.answer(step, &mut answers).await);
        }
        // Kept for its memory.
        self.steps = steps;
    }

    fn step(&mut self, step: Step) -> Next {
        self.steps.push(step);
        if self.steps.len() < ROUND_MAX { Next::More } else { Next::Run }
    }

    fn one(&mut self, owner: usize, operation: Operation) -> Step {
        self.work[owner].push(operation);
        Step::One(owner)
    }

    fn one_by_key(&mut self, key: Bytes, operation: impl FnOnce(Bytes) -> Operation) -> Step {
        let owner = self.shards.owner(&key);
        self.one(owner, operation(key))
    }

    /// The same for many keys; the owner of each.
    fn many(&mut self, keys: Vec<Bytes>, operation: impl Fn(Bytes) -> Operation) -> Vec<usize> {
        let each = |key: Bytes| {
            let owner = self.shards.owner(&key);
            self.work[owner].push(operation(key));
            owner
        };
        keys.into_iter().map(each).collect()
    }

    /// The same for every shard.
    fn all(&mut self, operation: &Operation) -> Vec<usize> {
        self.work.iter_mut().for_each(|work| work.push(operation.clone()));
        (0..self.shards.count()).collect()
    }

    async fn answer(&self, step: Step, answers: &mut Answers) -> Frame {
        let everybody = || 0..self.shards.count();
        let answer = match step {
            Step::Ready(answer) => Ok(answer),
            Step::One(owner) => take(answers, owner),
            Step::Sum(owners) => sum(answers, owners).map(Frame::Integer),
            Step::List(owners) => gather(answers, owners).map(Frame::Array),
            Step::Flush => gather(answers, everybody()).map(|_| ok()),
            Step::Info => sum(answers, everybody()).map(|keys| self.info(keys)),
            Step::Panic(shard) => self.shards.crash(shard).await.map(|()| ok()),
        };
        answer.unwrap_or_else(|error| Frame::Error(error.to_string().into()))
    }

    fn info(&self, keys: i64) -> Frame {
        let text = format!("{}\r\n# Keyspace\r\ndb0:keys={keys}\r\n", self.counters);
        Frame::BulkString(text.into())
    }
}

/// The next answer of a shard.
fn take(answers: &mut Answers, shard: usize) -> Result<Frame, ShardError> {
    match &mut answers[shard] {
        Ok(answers) => Ok(answers.next().expect("a shard answers every operation")),
        Err(error) => Err(error.clone()),
    }
}

/// The next answers of these shards. Takes them even if one of them is an error: later commands rely on it.
fn gather(
    answers: &mut Answers,
    shards: impl IntoIterator<Item = usize>,
) -> Result<Vec<Frame>, ShardError> {
    let taken: Vec<_> = shards.into_iter().map(|shard| take(answers, shard)).collect();
    taken.into_iter().collect()
}

fn sum(answers: &mut Answers, shards: impl IntoIterator<Item = usize>) -> Result<i64, ShardError> {
    let number = |answer: Frame| if let Frame::Integer(number) = answer { number } else { 0 };
    gather(answers, shards).map(|answers| answers.into_iter().map(number).sum())
}

/// The settings that clients ask for; none of the others is there.
fn config(patterns: &[Bytes]) -> Frame {
    let settings = [("save", ""), ("appendonly", "no")];
    let wanted = |name: &str| {
        let matches = |pattern: &Bytes| {
            pattern.as_ref() == b"*" || pattern.eq_ignore_ascii_case(name.as_bytes())
        };
        patterns.iter().any(matches)
    };
    let found = settings.into_iter().filter(|(name, _)| wanted(name));
    let texts = found.flat_map(|(name, value)| [name, value]);
    Frame::Array(texts.map(|text| Frame::BulkString(Bytes::from_static(text.as_bytes()))).collect())
}

/// The most commands in one round: a bound for what a round takes of memory and of the shards' time.
const ROUND_MAX: usize = 1024;
