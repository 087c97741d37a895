//! The subject: a `GenServer` through its public API.

use fauxtp::prelude::*;

struct Sum(u64);

pub enum Message {
    Add(u64),
    Get(Reply<u64>),
}

impl GenServer for Sum {
    type Args = ();
    type Message = Message;

    async fn init((): (), _: &mut Context<Self>) -> Result<Self> {
        Ok(Self(0))
    }

    async fn handle(&mut self, message: Message, _: &mut Context<Self>) -> Result {
        match message {
            Message::Add(number) => self.0 += number,
            Message::Get(from) => from.send(self.0),
        }
        Ok(())
    }
}

pub async fn start() -> Address<Message> {
    Sum::start(()).await.expect("starts")
}

pub async fn get(server: &Address<Message>) -> u64 {
    server.call(Message::Get).await.expect("answers")
}

/// W1.
pub async fn casts(count: u64) {
    let server = start().await;
    for number in 0..count {
        server.cast(Message::Add(1));
        if number % 1024 == 0 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(server.call(Message::Get).no_timeout().await, Ok(count));
}

/// W3.
pub async fn calls(count: u64) {
    let server = start().await;
    server.cast(Message::Add(1));
    let mut sum = 0;
    for _ in 0..count {
        sum += get(&server).await;
    }
    assert_eq!(sum, count);
}

/// W7 without a supervisor.
pub async fn lives(count: u64) {
    for _ in 0..count {
        let server = start().await;
        assert_eq!(get(&server).await, 0);
        server.pid().stop(ExitReason::Normal, None).await.expect("stops");
    }
}

/// W7.
pub async fn supervised_lives(count: u64) {
    let pool = DynamicSupervisor::new().start().await.expect("starts");
    for _ in 0..count {
        let pid = pool.start_child(Sum::spec(())).await.expect("starts").expect("is not ignored");
        let server = Address::<Message>::of(pid).expect("takes these messages");
        assert_eq!(get(&server).await, 0);
        pid.stop(ExitReason::Normal, None).await.expect("stops");
    }
    assert_eq!(pool.count_children().await.expect("answers").active, 0);
}
