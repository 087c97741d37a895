//! Ten seconds of crashes, and nothing falls over.

mod figures;
mod harm;
mod ledger;
mod tally;
mod worker;
mod system;
mod stage;
mod drive;
mod sabotage;
mod attendant;
mod sums;
mod show;
mod hook;
mod play;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use fauxtp::{ExitReason, Stop};

use show::Manner;

/// Calls a supervised system while its workers are crashed, killed and cancelled, and checks that the sums agree.
#[derive(Debug, Parser)]
#[command(version, after_help = AFTER_HELP)]
struct Args {
    /// How long the sabotage lasts, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    seconds: Duration,

    /// Decides who calls whom and who is struck how; random unless given.
    #[arg(long)]
    seed: Option<u64>,

    /// Prints lines even on a terminal.
    #[arg(long)]
    plain: bool,

    /// Prints the summary only.
    #[arg(long, conflicts_with = "plain")]
    quiet: bool,
}

const AFTER_HELP: &str = "\
Ctrl-C ends the tour early, with its summary; a second one ends it at once.

Exit codes:
  0    the sums agree
  1    they do not, or the tour could not be run
  2    wrong arguments
  130  interrupted twice";

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    if !(SECONDS_MIN..=SECONDS_MAX).contains(&seconds) {
        return Err(format!("must be from {SECONDS_MIN} to {SECONDS_MAX}"));
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// Shorter, and nothing happens.
const SECONDS_MIN: f64 = 0.1;
/// Longer, and the book of incidents grows too large.
const SECONDS_MAX: f64 = 86_400.0;

/// How long everything besides the sabotage may take.
const PATIENCE: Duration = Duration::from_secs(30);
const HANGS: &str = "something hangs: the tour did not end in time";

fn main() -> ExitCode {
    let args = Args::parse();
    let manner = match (args.quiet, args.plain) {
        (true, _) => Manner::Quiet,
        (_, true) => Manner::Plain,
        _ => Manner::fitting(),
    };
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
    let play = play::Play { length: args.seconds, seed, manner };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = runtime.map_err(Stop::from).and_then(|runtime| {
        let outcome = runtime.block_on(async {
            let performance = tokio::time::timeout(args.seconds + PATIENCE, play.perform());
            performance.await.unwrap_or_else(|_| Err(Stop::because(ExitReason::error(HANGS))))
        });
        // What hangs must not keep the program from ending.
        runtime.shutdown_background();
        outcome
    });
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        // Whoever read this has had enough: no error, but no proof either.
        Err(stop) if is_broken_pipe(&stop) => ExitCode::FAILURE,
        Err(stop) => {
            complain(&stop);
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(stop: &Stop) -> bool {
    let error = stop.reason().downcast_error::<std::io::Error>();
    error.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

#[allow(clippy::print_stderr, reason = "the last words of a program")]
fn complain(stop: &Stop) {
    eprintln!("fauxtp-tour: {:#}", stop.reason());
}
