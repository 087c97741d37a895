//! Requests, alone, many at a time, and the same to many (GS-060 … GS-062).

mod robot;
mod support;

use std::sync::Arc;

use fauxtp::prelude::*;
use robot::{Handle, Log, Message, robot, tell};
use support::everywhere;
use tokio::sync::{Notify, oneshot};

/// A request whose reply the robot keeps.
fn hold(from: Reply<u64>) -> Message {
    Message::Call(
        from,
        Box::new(|robot, _, from| {
            robot.held.push(from);
            Ok(())
        }),
    )
}

/// A request that is answered at once.
fn answer(number: u64) -> impl Fn(Reply<u64>) -> Message {
    move |from| {
        Message::Call(
            from,
            Box::new(move |robot, _, from| {
                robot.count += 1;
                from.send(number);
                Ok(())
            }),
        )
    }
}

/// Has the robot work until it is told to stop; ready when it has begun.
async fn occupy(robot: &Handle) -> Arc<Notify> {
    let (begun, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (begins, going) = (begun.clone(), go.clone());
    robot.cast(Message::Work(Box::pin(async move {
        begins.notify_one();
        going.notified().await;
    })));
    begun.notified().await;
    go
}

/// Has the robot do this in the midst of a message, and tells what it gave.
fn busy<T: Send + 'static>(
    robot: &Handle,
    work: impl Future<Output = T> + Send + 'static,
) -> oneshot::Receiver<T> {
    let (tell, told) = oneshot::channel();
    robot.cast(Message::Work(Box::pin(async move {
        let _nobody_listens = tell.send(work.await);
    })));
    told
}

/// How many requests the robot has handled, and how many it has dropped unhandled.
async fn counts(robot: &Handle) -> (u64, usize) {
    let (tell, told) = oneshot::channel();
    self::tell(robot, |robot, _| {
        let _the_test_listens = tell.send(robot.count);
        Ok(())
    });
    let expired = robot.pid().info().await.expect("it lives").requests_expired;
    (told.await.expect("it lives"), expired)
}

const SHORT: Duration = Duration::from_millis(2);
const LONG: Duration = Duration::from_secs(60);

#[test]
fn gs_060_an_abandoned_request_is_dropped_unhandled_and_counted() {
    everywhere(50, async |_| {
        let robot = robot(&Log::default()).await;
        let go = occupy(&robot).await;
        let given_up = robot.send_request(answer(1)).receive_response(SHORT).await;
        assert_eq!(given_up, Err(CallError::Timeout));
        let at_once = robot.send_request(answer(2)).receive_response(Duration::ZERO).await;
        assert_eq!(at_once, Err(CallError::Timeout));
        // Neither a wait that ends nor a request that is dropped says anything about a deadline.
        let mut waits = robot.send_request(answer(3));
        assert_eq!(waits.wait_response(SHORT).await, None);
        drop(robot.send_request(answer(4)));
        go.notify_one();
        assert_eq!(waits.wait_response(LONG).await, Some(Ok(3)));
        assert_eq!(waits.wait_response(LONG).await, Some(Err(CallError::NoReply)), "it was taken");
        assert_eq!(counts(&robot).await, (2, 2));
    });
}

/// The one waits for the other, which calls it back instead of answering.
#[test]
fn gs_060_whoever_calls_back_a_process_that_waits_for_its_response_is_refused() {
    everywhere(50, async |_| {
        let (first, second) = (robot(&Log::default()).await, robot(&Log::default()).await);
        let (asks, back) = (second.clone(), first.clone());
        let (tell, told) = oneshot::channel();
        let waits = busy(&first, async move {
            let request = asks.send_request(|from| {
                Message::Work(Box::pin(async move {
                    // Answered by whoever is through with his turn: now it waits.
                    back.pid().info().await;
                    let call = back.call(answer(1)).no_timeout().await;
                    let _the_test_listens = tell.send(call);
                    from.send(5);
                }))
            });
            request.receive_response(LONG).await
        });
        let refused = told.await.expect("it is told");
        let Err(CallError::Deadlock(cycle)) = refused else { panic!("{refused:?}") };
        assert_eq!(cycle.pids().collect::<Vec<_>>(), [second.pid(), first.pid()]);
        assert_eq!(waits.await.expect("it goes on"), Ok(5));
    });
}

/// A request that nobody waits for is no wait.
#[test]
fn gs_060_a_request_that_is_not_waited_for_refuses_nobody() {
    everywhere(50, async |_| {
        let (first, second) = (robot(&Log::default()).await, robot(&Log::default()).await);
        let (asks, back) = (second.clone(), first.clone());
        let (tell, told) = oneshot::channel();
        let (begun, begins) = oneshot::channel();
        let done = busy(&first, async move {
            let request: fauxtp::Request<u64> = asks.send_request(|from| {
                Message::Work(Box::pin(async move {
                    let _it_listens = begun.send(());
                    let call = back.call(answer(1)).no_timeout().await;
                    let _the_test_listens = tell.send(call);
                    drop(from);
                }))
            });
            let begins = begins.await;
            // Long enough for the call to be made.
            tokio::task::yield_now().await;
            drop(request);
            begins
        });
        assert_eq!(done.await.expect("it goes on"), Ok(()));
        assert_eq!(told.await.expect("it is told"), Ok(1));
    });
}

/// Who waits for a reply that is kept does not wait for whoever has kept it.
#[test]
fn gs_060_a_request_that_was_handled_refuses_nobody() {
    everywhere(50, async |_| {
        let (first, second) = (robot(&Log::default()).await, robot(&Log::default()).await);
        let asks = second.clone();
        let waits = busy(&first, async move {
            let request = asks.send_request(hold);
            request.receive_response(LONG).await
        });
        let (give, given) = oneshot::channel();
        let mut give = Some(give);
        while let Some(hand_over) = give.take() {
            let (back, came) = oneshot::channel();
            tell(&second, move |robot, _| {
                let _the_test_listens = match robot.held.pop() {
                    Some(reply) => back.send(Err(hand_over.send(reply).is_ok())),
                    None => back.send(Ok(hand_over)),
                };
                Ok(())
            });
            give = came.await.expect("it is told").ok();
        }
        let back = first.clone();
        let call = busy(&second, async move { back.call(answer(1)).no_timeout().await });
        first.pid().info().await.expect("it lives");
        given.await.expect("it was handed over").send(9);
        assert_eq!(waits.await.expect("it goes on"), Ok(9));
        assert_eq!(call.await.expect("it is answered"), Ok(1));
    });
}
