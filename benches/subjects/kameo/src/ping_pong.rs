//! Two actors that throw a ball to and fro.

use kameo::error::Infallible;
use kameo::mailbox;
use kameo::prelude::*;
use tokio::sync::oneshot;

struct Player {
    game: Option<Game>,
}

/// What the one who serves has to know.
struct Game {
    other: ActorRef<Player>,
    round_trips: u64,
    seen: u64,
    done: oneshot::Sender<u64>,
}

struct Serve(Game);
struct Ping(ActorRef<Player>);
struct Pong;

impl Actor for Player {
    type Args = ();
    type Error = Infallible;

    async fn on_start((): (), _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(Self { game: None })
    }
}

impl Message<Serve> for Player {
    type Reply = ();

    async fn handle(&mut self, Serve(game): Serve, ctx: &mut Context<Self, ()>) {
        let _it_has_ended = game.other.tell(Ping(ctx.actor_ref().clone())).send().await;
        self.game = Some(game);
    }
}

impl Message<Ping> for Player {
    type Reply = ();

    async fn handle(&mut self, Ping(other): Ping, _: &mut Context<Self, ()>) {
        let _it_has_ended = other.tell(Pong).send().await;
    }
}

impl Message<Pong> for Player {
    type Reply = ();

    async fn handle(&mut self, Pong: Pong, ctx: &mut Context<Self, ()>) {
        let Some(mut game) = self.game.take() else { return };
        game.seen += 1;
        if game.seen == game.round_trips {
            let _nobody_waits = game.done.send(game.seen);
        } else {
            let _it_has_ended = game.other.tell(Ping(ctx.actor_ref().clone())).send().await;
            self.game = Some(game);
        }
    }
}

pub(crate) async fn play(round_trips: u64) -> u64 {
    let one = Player::spawn_with_mailbox((), mailbox::unbounded());
    let other = Player::spawn_with_mailbox((), mailbox::unbounded());
    let (done, over) = oneshot::channel();
    let serve = Serve(Game { other, round_trips, seen: 0, done });
    one.tell(serve).send().await.expect("nobody stops it");
    over.await.expect("they play to the end")
}
