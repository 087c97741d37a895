//! What people read of calls, requests and tasks: the words of every error, and how things look in a log.

use crate::support::{Job, actor, check_words, end};

use std::pin::Pin;
use std::task as polling;

use fauxtp::call::RequestCollection;
use fauxtp::prelude::*;
use fauxtp::supervisor::Shutdown;
use fauxtp::task::{self, Task, TaskError, ZeroConcurrency};
use fauxtp::{Cycle, NoRuntime};
use tokio::sync::oneshot;

struct Echo;

impl GenServer for Echo {
    type Args = ();
    type Message = Question;
    async fn init((): (), _: &mut Context<Self>) -> Result<Self> {
        Ok(Self)
    }
    async fn handle(&mut self, message: Question, ctx: &mut Context<Self>) -> Result {
        match message {
            Question::Shown(from) => from.send(format!("{ctx:?}")),
            Question::Checked(from, number) => from.send(number),
            Question::Dropped(from) => drop(from),
            Question::Circle(from, me) => {
                let error = me.call(Question::Shown).await.expect_err("it asks itself");
                from.send(error);
            }
        }
        Ok(())
    }
}

type Number = std::result::Result<u8, std::num::ParseIntError>;

enum Question {
    Shown(Reply<String>),
    Checked(Reply<Number>, Number),
    Dropped(Reply<Number>),
    Circle(Reply<CallError>, Address<Self>),
}

/// The cycle of a process that calls itself.
async fn circle(echo: &Address<Question>) -> Cycle {
    let me = echo.clone();
    match echo.call(|from| Question::Circle(from, me)).await.expect("answers") {
        CallError::Deadlock(cycle) => cycle,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_words_of_calls() {
    let echo = Echo::start(()).await.expect("starts");
    let cycle = circle(&echo).await;
    let circular = format!("call server: would wait for itself: {cycle}");
    assert!(circular.contains(&format!("Echo {}", echo.pid())), "{circular}");
    check_words(&[
        (&CallError::<std::fmt::Error>::NoProc, "call server: no such process"),
        (
            &CallError::<std::fmt::Error>::Exited(ExitReason::error("boom")),
            "call server: it ended first: error: boom",
        ),
        (&CallError::<std::fmt::Error>::Timeout, "call server: not answered in time"),
        (&CallError::<std::fmt::Error>::NoReply, "call server: the reply was dropped unanswered"),
        (&CallError::<std::fmt::Error>::Deadlock(cycle), &circular),
        (&CallError::<std::fmt::Error>::Full, "call server: mailbox is full"),
        // An answer that is an error speaks for itself, and so do its causes.
        (&CallError::Failed(TaskError::Timeout), "join task: it had not ended in time"),
        (
            &CallError::Failed(fauxtp::supervisor::StartChildError::Spec(
                fauxtp::supervisor::SpecError::EmptyId,
            )),
            "start child: the spec is wrong: check specs: a child has an empty id",
        ),
    ]);
}

/// A call whose answer may be an error has one kind of error for both; what had come to nothing is told as it was.
#[tokio::test]
async fn gs_011_an_error_that_is_no_answer_stays_what_it_was() {
    let echo = Echo::start(()).await.expect("starts");
    let wide = |error: CallError| error.widen::<std::num::ParseIntError>();
    let cycle = circle(&echo).await;
    let reason = ExitReason::error("boom");
    let rows = [
        (wide(CallError::NoProc), CallError::NoProc),
        (wide(CallError::Exited(reason.clone())), CallError::Exited(reason)),
        (wide(CallError::Timeout), CallError::Timeout),
        (wide(CallError::NoReply), CallError::NoReply),
        (wide(CallError::Deadlock(cycle.clone())), CallError::Deadlock(cycle)),
        (wide(CallError::Full), CallError::Full),
    ];
    for (widened, same) in rows {
        assert_eq!(widened, same);
    }
    let ask = |number: Number| echo.try_call(|from| Question::Checked(from, number));
    let wrong = "x".parse::<u8>();
    assert_eq!(ask(Ok(7)).await, Ok(7));
    assert_eq!(ask(wrong.clone()).await, wrong.map_err(CallError::Failed));
    assert_eq!(echo.try_call(Question::Dropped).await, Err(CallError::NoReply));
    end(echo.pid()).await;
    assert_eq!(ask(Ok(7)).await, Err(CallError::NoProc));
}

#[tokio::test]
async fn what_is_shown_of_servers_and_calls() {
    let start = Echo::start(());
    assert!(format!("{start:?}").ends_with("Echo)"), "{start:?}");
    let starting = start.into_future();
    let shown = format!("{starting:?}");
    let echo = starting.await.expect("starts");
    let pid = echo.pid();
    assert_eq!(shown, format!("StartFuture(Some(Address({pid})))"));
    assert_eq!(echo.call(Question::Shown).await, Ok(format!("Context({pid})")));

    let someone = actor();
    let (take, taken) = oneshot::channel::<Reply<u8>>();
    let call = someone.call(|from| Job::new(move |_| drop(take.send(from))));
    let mut call = call.timeout(Duration::from_secs(9));
    assert_eq!(format!("{call:?}"), "Call { timeout: Some(9s), sent: false }");
    let polled =
        Pin::new(&mut call).poll(&mut polling::Context::from_waker(polling::Waker::noop()));
    assert!(polled.is_pending());
    assert_eq!(format!("{call:?}"), "Call { timeout: Some(9s), sent: true }");
    taken.await.expect("it is sent").send(7);
    assert_eq!(call.await, Ok(7));
    let call = echo.try_call(|from| Question::Checked(from, Ok(1))).no_timeout();
    assert_eq!(format!("{call:?}"), "Call { timeout: None, sent: false }");
    call.await.expect("answers");

    let mut requests = RequestCollection::default();
    assert!(requests.is_empty());
    let request = echo.send_request(Question::Shown);
    assert_eq!(format!("{request:?}"), format!("Request {{ callee: Some({pid}) }}"));
    requests.add(request, "a");
    requests.add(echo.send_request(Question::Shown), "b");
    assert_eq!(format!("{requests:?}"), "[\"a\", \"b\"]");
    end(pid).await;
    let refused = echo.send_request(Question::Shown);
    assert_eq!(format!("{refused:?}"), "Request { callee: None }");
    assert_eq!(refused.receive_response(Duration::ZERO).await, Err(CallError::NoProc));
}

#[test]
fn the_words_of_tasks() {
    check_words(&[
        (
            &TaskError::Exited(ExitReason::error("boom")),
            "join task: it ended without a value: error: boom",
        ),
        (&TaskError::Timeout, "join task: it had not ended in time"),
        (&TaskError::NoRuntime(NoRuntime::Absent), &NoRuntime::Absent.to_string()),
    ]);
    let _one_kind_only: ZeroConcurrency = task::async_stream([1], async |n: i32| n)
        .max_concurrency(0)
        .expect_err("nothing would ever run");
}

#[tokio::test]
async fn what_is_shown_of_tasks() {
    let mut task = Task::spawn(async { 1 }).expect("there is a runtime");
    let pid = task.pid().expect("it runs");
    let shown = |state| format!("Task {{ pid: Some({pid}), state: \"{state}\" }}");
    assert_eq!(format!("{task:?}"), shown("running"));
    let many = std::slice::from_mut(&mut task);
    let waiting = task::yield_many(many).timeout(Duration::from_secs(1)).limit(3);
    assert_eq!(
        format!("{waiting:?}"),
        format!(
            "YieldMany {{ tasks: [{}], limit: 3, timeout: 1s, unfinished: Keep }}",
            shown("running")
        )
    );
    assert_eq!(waiting.await, [Some(Ok(1))]);
    assert_eq!(format!("{task:?}"), shown("consumed"));
    let join = task.join();
    assert_eq!(format!("{join:?}"), format!("Join({})", shown("consumed")));
    assert_eq!(join.await, Err(TaskError::Exited(ExitReason::no_proc())));

    let endless = Task::spawn(std::future::pending::<()>()).expect("there is a runtime");
    let shown = format!("{endless:?}");
    let halt = endless.shutdown(Shutdown::BrutalKill);
    assert_eq!(format!("{halt:?}"), format!("Halt {{ task: {shown}, killed: true }}"));
    assert_eq!(halt.await, None, "as asked");

    let done = Task::completed(1);
    assert_eq!(format!("{done:?}"), "Task { pid: None, state: \"completed\" }");
    assert_eq!(done.await, Ok(1));

    let mut stream = task::async_stream([1, 2], async |n: i32| n);
    let shown = |running| format!("running: {running}, .. }}");
    assert!(format!("{stream:?}").ends_with(&shown(0)), "{stream:?}");
    assert_eq!(stream.next().await, Some(Ok(1)));
    assert!(format!("{stream:?}").starts_with("AsyncStream { options: "), "{stream:?}");
    stream.close().await;
}
