//! Two actors that throw a ball to and fro.

use async_trait::async_trait;
use coerce::actor::context::ActorContext;
use coerce::actor::message::{Handler, Message};
use coerce::actor::{Actor, LocalActorRef};
use tokio::sync::oneshot;

use crate::system;

#[derive(Default)]
struct Player {
    game: Option<Game>,
}

/// What the one who serves has to know.
struct Game {
    other: LocalActorRef<Player>,
    round_trips: u64,
    seen: u64,
    done: oneshot::Sender<u64>,
}

struct Serve(Game);
struct Ping(LocalActorRef<Player>);
struct Pong;

impl Message for Serve {
    type Result = ();
}

impl Message for Ping {
    type Result = ();
}

impl Message for Pong {
    type Result = ();
}

impl Actor for Player {}

#[async_trait]
impl Handler<Serve> for Player {
    async fn handle(&mut self, Serve(game): Serve, ctx: &mut ActorContext) {
        let _it_has_ended = game.other.notify(Ping(self.actor_ref(ctx)));
        self.game = Some(game);
    }
}

#[async_trait]
impl Handler<Ping> for Player {
    async fn handle(&mut self, Ping(other): Ping, _: &mut ActorContext) {
        let _it_has_ended = other.notify(Pong);
    }
}

#[async_trait]
impl Handler<Pong> for Player {
    async fn handle(&mut self, Pong: Pong, ctx: &mut ActorContext) {
        let Some(mut game) = self.game.take() else { return };
        game.seen += 1;
        if game.seen == game.round_trips {
            let _nobody_waits = game.done.send(game.seen);
        } else {
            let _it_has_ended = game.other.notify(Ping(self.actor_ref(ctx)));
            self.game = Some(game);
        }
    }
}

pub(crate) async fn play(round_trips: u64) -> u64 {
    let one = system::start(Player::default()).await;
    let other = system::start(Player::default()).await;
    let (done, over) = oneshot::channel();
    let serve = Serve(Game { other: other.clone(), round_trips, seen: 0, done });
    one.notify(serve).expect("nobody stops it");
    let seen = over.await.expect("they play to the end");
    for player in [one, other] {
        player.stop().await.expect("it lives until here");
    }
    seen
}
