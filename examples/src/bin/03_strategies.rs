//! Supervision strategies: one of three children crashes; who shares its fate, and in which order?

#![allow(clippy::print_stdout, reason = "this program shows what happens")]

use fauxtp::prelude::*;
use fauxtp::process::Trap;

/// Writes down what happens to the others, in the order in which it happens.
#[derive(Default)]
struct Journal(Vec<String>);

#[gen_server]
impl Journal {
    fn init() -> Self {
        Self::default()
    }

    #[cast]
    fn note(&mut self, what: String) {
        self.0.push(what);
    }

    #[call]
    fn take(&mut self) -> String {
        std::mem::take(&mut self.0).join(" ")
    }
}

static JOURNAL: Name<Journal> = Name::new("journal");

/// A child with a letter; `+b` says that it has started, `-b` that it has ended.
struct Letter(char);

#[gen_server]
impl Letter {
    fn init(letter: char, ctx: &mut Context<Self>) -> Self {
        // A supervisor stops its children by exit signals; trapped, they leave time for `terminate`.
        ctx.trap_exits(Trap::On);
        JOURNAL.note(format!("+{letter}"));
        Self(letter)
    }

    #[cast]
    fn crash(&self) {
        panic!("{} crashes", self.0);
    }

    fn terminate(&mut self, _: &ExitReason) {
        JOURNAL.note(format!("-{}", self.0));
    }
}

async fn crash_the_middle_one(strategy: RestartStrategy) -> Result<String> {
    let children = ['a', 'b', 'c'].map(|letter| Letter::spec(letter).id(letter));
    let sup = Supervisor::new(children).strategy(strategy).start().await?;
    assert_eq!(JOURNAL.take().await?, "+a +b +c");

    let b = sup.child::<Letter>("b");
    b.crash();
    b.await_restart().await?;
    // A supervisor answers when it is through with what it is doing: when everybody is back.
    assert_eq!(sup.count_children().await?.active, 3);
    let restart = JOURNAL.take().await?;

    sup.stop().await?;
    assert_eq!(JOURNAL.take().await?, "-c -b -a");
    Ok(restart)
}

#[tokio::main]
async fn main() -> Result {
    Journal::start(()).name(&JOURNAL).await?;
    for (strategy, restart) in [
        (RestartStrategy::OneForOne, "-b +b"),
        (RestartStrategy::RestForOne, "-b -c +b +c"),
        (RestartStrategy::OneForAll, "-b -c -a +a +b +c"),
    ] {
        let seen = crash_the_middle_one(strategy).await?;
        assert_eq!(seen, restart);
        println!("{strategy:?}: {seen}");
    }
    Ok(())
}
