//! Some of what COMPARE.md says of others: calls to oneself, and requests whose callers have left.
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

const SOON: Duration = Duration::from_millis(50);

/// How many requests were handled whose callers had left.
static HANDLED: AtomicU32 = AtomicU32::new(0);

mod with_ractor {
    use super::*;
    use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, call, call_t};

    struct Echo;

    enum Message {
        AskYourself(RpcReplyPort<bool>),
        Slow(RpcReplyPort<()>),
        IsThere(RpcReplyPort<bool>),
    }

    impl Actor for Echo {
        type Msg = Message;
        type State = ();
        type Arguments = ();

        async fn pre_start(&self, _: ActorRef<Message>, (): ()) -> Result<(), ActorProcessingErr> {
            Ok(())
        }

        async fn handle(
            &self,
            me: ActorRef<Message>,
            message: Message,
            (): &mut (),
        ) -> Result<(), ActorProcessingErr> {
            match message {
                Message::AskYourself(reply) => {
                    let waits = call_t!(me, Message::IsThere, 50).is_err();
                    reply.send(waits)?;
                }
                Message::Slow(reply) => {
                    HANDLED.fetch_add(1, Ordering::SeqCst);
                    tokio::time::sleep(SOON).await;
                    drop(reply);
                }
                Message::IsThere(reply) => {
                    let _nobody_waits = reply.send(true);
                }
            }
            Ok(())
        }
    }

    pub async fn check() {
        let (echo, _handle) = Actor::spawn(None, Echo, ()).await.expect("it starts");
        assert!(call!(echo, Message::AskYourself).expect("it answers"), "ractor: waits for itself");
        for _ in 0..2 {
            let left = tokio::time::timeout(SOON / 5, async { call!(echo, Message::Slow) }).await;
            assert!(left.is_err());
        }
        assert!(call!(echo, Message::IsThere).expect("it answers"));
        assert_eq!(HANDLED.swap(0, Ordering::SeqCst), 2, "ractor: handled all the same");
    }
}

mod with_kameo {
    use super::*;
    use kameo::prelude::*;

    #[derive(Actor)]
    struct Echo;

    #[messages]
    impl Echo {
        #[message(ctx)]
        async fn ask_yourself(&self, ctx: &mut Context<Self, bool>) -> bool {
            ctx.actor_ref().ask(IsThere).reply_timeout(SOON).await.is_err()
        }

        #[message]
        async fn slow(&self) {
            HANDLED.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(SOON).await;
        }

        #[message]
        fn is_there(&self) -> bool {
            true
        }
    }

    pub async fn check() {
        let echo = Echo::spawn(Echo);
        assert!(echo.ask(AskYourself).await.expect("it answers"), "kameo: waits for itself");
        for _ in 0..2 {
            assert!(tokio::time::timeout(SOON / 5, echo.ask(Slow).send()).await.is_err());
        }
        assert!(echo.ask(IsThere).await.expect("it answers"));
        assert_eq!(HANDLED.swap(0, Ordering::SeqCst), 2, "kameo: handled all the same");
    }
}

mod with_actix {
    use super::*;
    use actix::prelude::*;

    struct Echo;

    impl Actor for Echo {
        type Context = Context<Self>;
    }

    #[derive(Message)]
    #[rtype(result = "bool")]
    struct AskYourself;

    #[derive(Message)]
    #[rtype(result = "bool")]
    struct IsThere;

    impl Handler<IsThere> for Echo {
        type Result = bool;

        fn handle(&mut self, _: IsThere, _: &mut Context<Self>) -> bool {
            true
        }
    }

    impl Handler<AskYourself> for Echo {
        type Result = ResponseFuture<bool>;

        fn handle(&mut self, _: AskYourself, ctx: &mut Context<Self>) -> ResponseFuture<bool> {
            let me = ctx.address();
            Box::pin(async move { me.send(IsThere).timeout(SOON).await.is_ok() })
        }
    }

    pub async fn check() {
        let answered = Echo.start().send(AskYourself).await.expect("it answers");
        assert!(answered, "actix: a handler's future runs beside the actor");
    }
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("there are threads");
    runtime.block_on(with_ractor::check());
    runtime.block_on(with_kameo::check());
    actix::System::new().block_on(with_actix::check());
}
