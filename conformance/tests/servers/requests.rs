//! Requests, alone, many at a time, and the same to many (GS-060 … GS-062).

use crate::robot;
use crate::support;

use std::sync::Arc;

use fauxtp::call::{Collected, Deadline, RequestCollection, abcast, multi_call};
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
    let count = told.await.expect("it lives");
    (count, robot.pid().info().await.expect("it lives").requests_expired)
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

/// Robots, as many as there are in the test.
async fn robots(count: usize) -> Vec<Handle> {
    let mut robots = Vec::new();
    for _ in 0..count {
        robots.push(robot(&Log::default()).await);
    }
    robots
}

type Collection = RequestCollection<u64, &'static str>;

#[tokio::test]
async fn gs_061_an_answer_comes_with_its_label_and_takes_its_request_out() {
    static NOBODY: Name<robot::Robot> = Name::new("nobody to ask");
    let robots = robots(2).await;
    let mut all = Collection::new();
    assert_eq!((all.is_empty(), all.next().await), (true, None));
    assert_eq!(all.receive_response(LONG).await, Collected::NoRequest);
    assert_eq!(all.wait_response(Duration::ZERO).await, Collected::NoRequest);
    all.add(robots[0].send_request(hold), "held");
    all.extend([(robots[1].send_request(answer(1)), "one")]);
    all.add(NOBODY.send_request(answer(2)), "nobody");
    assert_eq!((all.len(), all.labels().copied().collect()), (3, vec!["held", "one", "nobody"]));
    let mut seen = vec![all.next().await, all.next().await];
    seen.sort_by_key(|one| one.as_ref().map(|(_, label)| *label));
    assert_eq!(seen, [Some((Err(CallError::NoProc), "nobody")), Some((Ok(1), "one"))]);
    assert_eq!(all.wait_response(SHORT).await, Collected::Timeout);
    assert_eq!(all.labels().collect::<Vec<_>>(), [&"held"]);
    robots[0].pid().kill();
    let killed = Err(CallError::Exited(ExitReason::killed()));
    assert_eq!(all.receive_response(LONG).await, Collected::Response(killed, "held"));
    assert_eq!(all.receive_response(LONG).await, Collected::NoRequest);
}

#[test]
fn gs_061_a_wait_that_times_out_keeps_them_and_a_receive_abandons_them() {
    everywhere(20, async |_| {
        let robots = robots(3).await;
        let mut busy = Vec::new();
        for robot in &robots {
            busy.push(occupy(robot).await);
        }
        let requests = robots.iter().map(|robot| (robot.send_request(answer(1)), "kept"));
        let mut all: Collection = requests.collect();
        assert_eq!(all.wait_response(Duration::ZERO).await, Collected::Timeout);
        assert_eq!(all.wait_response(SHORT).await, Collected::Timeout);
        assert_eq!(all.len(), 3);
        busy[0].notify_one();
        assert_eq!(all.receive_response(LONG).await, Collected::Response(Ok(1), "kept"));
        assert_eq!(all.receive_response(SHORT).await, Collected::Timeout);
        assert_eq!((all.len(), all.receive_response(LONG).await), (0, Collected::NoRequest));
        busy.iter().for_each(|robot| robot.notify_one());
        assert_eq!(counts(&robots[0]).await, (1, 0));
        for robot in &robots[1..] {
            assert_eq!(counts(robot).await, (0, 1), "it is dropped unhandled");
        }
    });
}

#[tokio::test(start_paused = true)]
async fn gs_061_several_waits_may_have_one_deadline() {
    let robots = robots(4).await;
    let began = tokio::time::Instant::now();
    let deadline = Deadline::after(Duration::from_millis(800));
    let requests = robots.iter().map(|robot| (robot.send_request(hold), "held"));
    let mut all: Collection = requests.collect();
    for robot in &robots[1..] {
        tokio::time::advance(Duration::from_millis(100)).await;
        tell(robot, |robot, _| {
            robot.held.drain(..).for_each(|from| from.send(1));
            Ok(())
        });
        let one = all.wait_response(deadline).await;
        assert_eq!(one, Collected::Response(Ok(1), "held"));
    }
    assert_eq!(all.wait_response(deadline).await, Collected::Timeout);
    let waited = began.elapsed();
    assert!((Duration::from_millis(800)..Duration::from_millis(950)).contains(&waited));
    assert!(deadline.left().is_zero());
    assert_eq!(all.receive_response(deadline).await, Collected::Timeout);
    assert!(all.is_empty());
}

/// Method: every wait is given up again and again, and still each answer comes once.
#[test]
fn gs_061_waits_may_be_given_up_and_nothing_is_lost() {
    everywhere(10, async |_| {
        let robots = robots(10).await;
        let mut all = RequestCollection::new();
        for number in 0..300_u64 {
            let robot = &robots[number as usize % robots.len()];
            all.add(robot.send_request(answer(number)), number);
        }
        let mut seen = Vec::new();
        while !all.is_empty() {
            tokio::select! {
                biased;
                one = all.next() => {
                    let (response, number) = one.expect("it is not empty");
                    assert_eq!(response, Ok(number));
                    seen.push(number);
                }
                () = tokio::task::yield_now() => {}
            }
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..300).collect::<Vec<_>>());
    });
}

/// What is left can be taken apart, and waited for one by one.
#[tokio::test]
async fn gs_061_a_collection_can_be_taken_apart() {
    let robots = robots(3).await;
    let requests = robots.iter().zip(0_u64..);
    let mut all: RequestCollection<u64, u64> =
        requests.map(|(robot, number)| (robot.send_request(answer(number)), number)).collect();
    let first = all.next().await.expect("there are three").1;
    let mut left = Vec::new();
    for (request, label) in all {
        assert_eq!(request.receive_response(LONG).await, Ok(label));
        left.push(label);
    }
    let expected: Vec<u64> = (0..3).filter(|number| *number != first).collect();
    assert_eq!(left, expected, "in the order in which they were added");
}

/// As long as two may answer, nobody is refused; of the last one the process is on record as waiting.
#[test]
fn gs_061_the_last_request_is_a_wait() {
    everywhere(30, async |round| {
        let is_last = round % 2 == 0;
        let robots = robots(3).await;
        let (first, second, third) = (robots[0].clone(), robots[1].clone(), robots[2].clone());
        let (tell, told) = oneshot::channel();
        let back = first.clone();
        let go = occupy(&third).await;
        let waits = busy(&first, async move {
            let mut all = RequestCollection::new();
            let calls_back = second.send_request(|from| {
                Message::Work(Box::pin(async move {
                    back.pid().info().await;
                    let call = back.call(answer(1)).no_timeout();
                    let _the_test_listens = tell.send(call.await);
                    from.send(2);
                }))
            });
            all.add(calls_back, 2);
            if !is_last {
                all.add(third.send_request(answer(3)), 3);
            }
            all.next().await
        });
        if is_last {
            assert!(matches!(told.await, Ok(Err(CallError::Deadlock(_)))));
            assert_eq!(waits.await, Ok(Some((Ok(2), 2))));
        } else {
            go.notify_one();
            assert_eq!(waits.await, Ok(Some((Ok(3), 3))));
            assert_eq!(told.await, Ok(Ok(1)));
        }
    });
}

#[tokio::test(start_paused = true)]
async fn gs_062_the_silent_ones_are_listed_and_one_deadline_does_for_all() {
    let robots = robots(6).await;
    robots[1].pid().kill();
    let mut busy = Vec::new();
    for robot in &robots[3..5] {
        busy.push(occupy(robot).await);
    }
    let began = tokio::time::Instant::now();
    let timeout = Duration::from_millis(700);
    let asked = multi_call(&robots, answer(7), timeout).await;
    assert!((timeout..timeout * 2).contains(&began.elapsed()), "{:?}", began.elapsed());
    assert_eq!(asked.replies, [0, 2, 5].map(|at| (&robots[at], 7)));
    let bad = [CallError::NoProc, CallError::Timeout, CallError::Timeout];
    let bad: Vec<_> = [1, 3, 4].map(|at| &robots[at]).into_iter().zip(bad).collect();
    assert_eq!(asked.bad, bad);
    busy.iter().for_each(|robot| robot.notify_one());
    for robot in &robots[3..5] {
        assert_eq!(counts(robot).await, (0, 1), "it is dropped unhandled");
    }
    let nobody = multi_call(Vec::<Handle>::new(), answer(1), LONG).await;
    assert!(nobody.replies.is_empty() && nobody.bad.is_empty());
}

#[test]
fn gs_062_whoever_ends_meanwhile_is_listed_with_the_reason() {
    everywhere(50, async |round| {
        let robots = robots(5).await;
        let (leaver, reason) = (robots[round % 5].clone(), ExitReason::custom("leaves"));
        let left = reason.clone();
        let asked = multi_call(
            &robots,
            |from| {
                let (leaver, reason) = (leaver.pid(), reason.clone());
                Message::Call(
                    from,
                    Box::new(move |_, ctx, from| {
                        if ctx.pid() == leaver {
                            return Err(Stop::because(reason));
                        }
                        from.send(1);
                        Ok(())
                    }),
                )
            },
            LONG,
        );
        let asked = asked.await;
        assert_eq!(asked.replies.len(), 4);
        assert_eq!(asked.bad, [(&leaver, CallError::Exited(left))]);
    });
}

/// Members of a key, whoever they are at that moment.
#[test]
fn gs_062_the_members_of_a_key_are_asked_and_told() {
    everywhere(20, async |_| {
        let group: Registry = Registry::start_duplicate().await.expect("a runtime");
        let robots = robots(4).await;
        for robot in &robots {
            let group = group.clone();
            tell(robot, move |_, ctx| {
                group.register(ctx, "group", ()).map_err(Stop::error)?;
                Ok(())
            });
            robot::sync(robot).await;
        }
        let members = || {
            let members = group.lookup("group").into_iter();
            members.filter_map(|(pid, ())| Address::<Message>::of(pid))
        };
        abcast(members(), || {
            Message::Do(robot::job(|robot, _| {
                robot.count += 10;
                Ok(())
            }))
        });
        robots[0].pid().kill();
        let asked = multi_call(members(), answer(1), LONG).await;
        assert_eq!((asked.replies.len(), asked.bad), (3, Vec::new()));
        for (robot, _) in asked.replies {
            assert_eq!(counts(&robot).await, (11, 0));
        }
        group.stop().await;
    });
}

/// A member asks all, itself included, and one of them waits for it.
#[test]
fn gs_062_whoever_waits_for_the_caller_is_refused_and_the_others_answer() {
    everywhere(30, async |_| {
        let robots = robots(4).await;
        let (asks, all) = (robots[1].clone(), robots.clone());
        let (tell, told) = oneshot::channel();
        let waits = busy(&robots[0], async move {
            let call = asks.call(|from| {
                Message::Work(Box::pin(async move {
                    let asked = multi_call(all, answer(1), LONG).await;
                    let _the_test_listens = tell.send(asked);
                    from.send(2);
                }))
            });
            call.no_timeout().await
        });
        let asked = told.await.expect("it comes through");
        assert_eq!(asked.replies, [2, 3].map(|at| (robots[at].clone(), 1)));
        let refused: Vec<Pid> = asked.bad.iter().map(|(robot, _)| robot.pid()).collect();
        assert_eq!(refused, [robots[0].pid(), robots[1].pid()]);
        assert!(asked.bad.iter().all(|(_, error)| matches!(error, CallError::Deadlock(_))));
        assert_eq!(waits.await, Ok(Ok(2)));
    });
}

/// Once the others have answered, the caller is on record as waiting for the one that has not.
#[test]
fn gs_062_whoever_calls_back_instead_of_answering_is_refused() {
    everywhere(30, async |round| {
        let robots = robots(3).await;
        let (first, all) = (robots[0].clone(), robots[1..].to_vec());
        let calls_back = all[round % 2].pid();
        let other = all[1 - round % 2].clone();
        let asked = busy(&robots[0], async move {
            let back = first.clone();
            let ask = move |from: Reply<u64>| {
                let (back, other) = (back.clone(), other.clone());
                Message::Work(Box::pin(async move {
                    // The other one has answered by then, and the caller has seen it.
                    if fauxtp::process::current_pid() == Some(calls_back) {
                        back.pid().info().await;
                        robot::sync(&other).await;
                        for _ in 0..2 {
                            back.pid().info().await;
                        }
                        let call = back.call(answer(1)).no_timeout().await;
                        assert!(matches!(call, Err(CallError::Deadlock(_))), "{call:?}");
                    }
                    from.send(1);
                }))
            };
            multi_call(all, ask, LONG).await
        });
        assert_eq!(asked.await.expect("it comes through").replies.len(), 2);
    });
}
