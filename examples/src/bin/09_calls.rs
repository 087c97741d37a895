//! Calls that cannot hang: whatever becomes of the callee, a call ends, and says why.

#![allow(clippy::print_stdout, reason = "this program shows what happens")]

use fauxtp::prelude::*;

/// Asks the back office.
#[derive(Default)]
struct Front {
    last: Option<CallError>,
}

#[gen_server]
impl Front {
    fn init() -> Self {
        Self::default()
    }

    #[call]
    async fn pass_on(&mut self) {
        // It has 5 seconds of its own, and yet no more than whoever waits for us.
        self.last = BACK.sign().await.err();
    }

    #[call]
    fn last(&mut self) -> Option<CallError> {
        self.last.take()
    }

    #[call]
    async fn round(&self) -> String {
        BACK.ask_front().await.unwrap_or_else(|error| error.to_string())
    }
}

/// Signs when the boss comes.
#[derive(Default)]
struct Back {
    unsigned: Vec<Reply<&'static str>>,
}

#[gen_server]
impl Back {
    fn init() -> Self {
        Self::default()
    }

    /// The answer is sent later, by whoever has the reply then.
    #[call]
    fn sign(&mut self, from: Reply<&'static str>) {
        self.unsigned.push(from);
    }

    #[cast]
    fn boss_comes(&mut self) {
        self.unsigned.drain(..).for_each(|from| from.send("signed"));
    }

    #[cast]
    fn throw_away(&mut self) {
        self.unsigned.clear();
    }

    #[call]
    async fn ask_front(&self) -> String {
        FRONT.last().await.map_or_else(|error| error.to_string(), |_| "answered".into())
    }

    #[cast]
    fn crash(&self) {
        panic!("the coffee is out");
    }
}

static FRONT: Name<Front> = Name::new("front");
static BACK: Name<Back> = Name::new("back");

#[tokio::main]
async fn main() -> Result {
    let offices = [Back::spec(()).name(&BACK), Front::spec(()).name(&FRONT)];
    let sup = Supervisor::new(offices).start().await?;

    // Nobody signs. The nested call ends with the one that it is made for, and the front office is free again.
    let outcome = FRONT.pass_on().timeout(Duration::from_millis(50)).await;
    assert_eq!(outcome, Err(CallError::Timeout));
    assert_eq!(FRONT.last().timeout(Duration::from_secs(1)).await?, Some(CallError::Timeout));
    println!("a deadline: for the nested call as well");

    // The back office would ask whoever waits for it: refused, before anything is sent.
    let refused = FRONT.round().await?;
    assert!(refused.contains("would wait for itself"));
    println!("a cycle: {refused}");

    // Requests are calls that one waits for later. These are sent while nobody signs.
    let requests = [(); 2].map(|()| BACK.send_request(BackMessage::Sign));
    BACK.boss_comes();
    for request in requests {
        assert_eq!(request.receive_response(Duration::from_secs(1)).await?, "signed");
    }
    println!("a deferred reply: signed");

    // What is dropped unanswered fails at once; OTP would wait for the deadline.
    let request = BACK.send_request(BackMessage::Sign);
    BACK.throw_away();
    let outcome = request.receive_response(Duration::from_secs(1)).await;
    assert_eq!(outcome, Err(CallError::NoReply));
    println!("a dropped reply: {outcome:?}");

    // The callee dies with one request in its hands.
    let request = BACK.send_request(BackMessage::Sign);
    BACK.crash();
    let outcome = request.receive_response(Duration::from_secs(1)).await;
    assert!(matches!(&outcome, Err(CallError::Exited(reason)) if reason.panic().is_some()));
    println!("a crash: {outcome:?}");

    // Nobody is there.
    sup.stop().await?;
    let outcome = FRONT.last().await;
    assert_eq!(outcome, Err(CallError::NoProc));
    println!("nobody there: {outcome:?}");
    Ok(())
}
