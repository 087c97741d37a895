//! Work beside a server: a stream and a clock that it reads, and tasks, whose crash is one more message.

#![allow(clippy::print_stdout, reason = "this program shows what happens")]

use fauxtp::prelude::*;
use futures_util::stream::{self, StreamExt};

#[derive(Default)]
struct Station {
    ticks: u32,
    measured: Vec<i32>,
    waiting: Vec<Reply<Vec<i32>>>,
}

#[gen_server]
impl Station {
    fn init(ctx: &mut Context<Self>) -> Self {
        // Any stream of messages: a socket, a channel, a file. It is read along with the mailbox.
        ctx.attach(stream::iter([17, 19, 18]).map(StationMessage::Measured));
        Self::default()
    }

    #[info]
    fn measured(&mut self, degrees: i32) {
        self.measured.push(degrees);
        self.answer();
    }

    #[tick(every = Duration::from_millis(10))]
    fn tick(&mut self) {
        self.ticks += 1;
        self.answer();
    }

    /// What has been measured, after three ticks.
    #[call]
    fn measurements(&mut self, from: Reply<Vec<i32>>) {
        self.waiting.push(from);
        self.answer();
    }

    /// Takes long, so a task does it, and the server goes on meanwhile.
    #[call]
    fn forecast(&self, day: usize, from: Reply<String>, ctx: &mut Context<Self>) {
        let measured = self.measured.clone();
        let work = async move { degrees_at(&measured, day).await };
        let made = |outcome| StationMessage::Forecasted(from, outcome);
        // Dropping what this returns changes nothing.
        let _task = ctx.spawn_task(work, made);
    }

    /// The task has ended, in this way or that.
    #[info]
    fn forecasted(&self, from: Reply<String>, outcome: Result<i32, ExitReason>) {
        from.send(match outcome {
            Ok(degrees) => format!("{degrees} degrees"),
            Err(reason) => format!("no forecast, {reason}"),
        });
    }
}

impl Station {
    fn answer(&mut self) {
        if self.ticks >= 3 && self.measured.len() == 3 {
            self.waiting.drain(..).for_each(|from| from.send(self.measured.clone()));
        }
    }
}

/// Tomorrow will be as one day was. That is slow to find out, and for next year it takes for ever.
async fn degrees_at(measured: &[i32], day: usize) -> i32 {
    if day == 365 {
        std::future::pending().await
    }
    measured[day]
}

#[tokio::main]
async fn main() -> Result {
    let station = Station::start(()).await?;
    let measured = station.measurements().await?;
    assert_eq!(measured, [17, 19, 18]);
    println!("measured: {measured:?}");

    // A slow forecast holds nobody up.
    let slow = station.send_request(|from| StationMessage::Forecast(365, from));
    let tomorrow = station.forecast(1).await?;
    assert_eq!(tomorrow, "19 degrees");
    println!("tomorrow: {tomorrow}");

    // A task crashes: for the server that is a message.
    let in_a_week = station.forecast(7).await?;
    assert!(in_a_week.starts_with("no forecast"));
    println!("in a week: {in_a_week}");

    // The server is killed: what it has beside itself ends with it, and nobody waits for a year.
    station.pid().kill();
    let outcome = slow.receive_response(Duration::from_secs(1)).await;
    assert_eq!(outcome, Err(CallError::Exited(ExitReason::killed())));
    println!("in a year: {outcome:?}");
    Ok(())
}
