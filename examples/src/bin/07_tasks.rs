//! Tasks: processes that compute a value. One that crashes leaves a reason, and nothing else breaks.

#![allow(clippy::print_stdout, reason = "this program shows what happens")]

use fauxtp::prelude::*;
use fauxtp::supervisor::Shutdown;
use fauxtp::task::{Task, async_stream, join_many};

async fn parse(word: &str) -> u32 {
    word.parse().unwrap_or_else(|error| panic!("{word}: {error}"))
}

#[tokio::main]
async fn main() -> Result {
    // One: its value, or why there is none.
    let six = Task::spawn(parse("6"))?;
    assert_eq!(six.await?, 6);
    let error = Task::spawn(parse("six"))?.await.expect_err("six is no number");
    println!("a crash: {error}");

    // Many: all values, or the first failure, at once.
    let tasks = [Task::spawn(parse("1"))?, Task::spawn(parse("2"))?, Task::spawn(parse("3"))?];
    assert_eq!(join_many(tasks, Duration::from_secs(1)).await?, [1, 2, 3]);
    let tasks = [Task::spawn(std::future::pending())?, Task::spawn(parse("two"))?];
    let error = join_many(tasks, Duration::from_secs(60)).await.expect_err("nor is two");
    println!("many, and a crash: {error}");

    // A stream: a few at a time, in order. The one that crashes is one element, and the others go on.
    let mut numbers = async_stream(["10", "20", "thirty", "40"], parse).max_concurrency(2)?;
    let (mut sum, mut crashes) = (0, 0);
    while let Some(number) = numbers.next().await {
        match number {
            Ok(number) => sum += number,
            Err(_) => crashes += 1,
        }
    }
    assert_eq!((sum, crashes), (70, 1));
    println!("a stream: {sum}, and {crashes} crash");

    // One that would never end is killed.
    let endless = Task::spawn(std::future::pending::<()>())?;
    assert_eq!(endless.shutdown(Shutdown::BrutalKill).await, None);
    println!("an endless one: killed");
    Ok(())
}
