//! Two actors that throw a ball to and fro.

use actix::prelude::*;
use tokio::sync::oneshot;

#[derive(Default)]
struct Player {
    game: Option<Game>,
}

/// What the one who serves has to know.
struct Game {
    other: Addr<Player>,
    round_trips: u64,
    seen: u64,
    done: oneshot::Sender<u64>,
}

#[derive(Message)]
#[rtype(result = "()")]
struct Serve(Game);

#[derive(Message)]
#[rtype(result = "()")]
struct Ping(Addr<Player>);

#[derive(Message)]
#[rtype(result = "()")]
struct Pong;

impl Actor for Player {
    type Context = Context<Self>;
}

impl Handler<Serve> for Player {
    type Result = ();

    fn handle(&mut self, Serve(game): Serve, ctx: &mut Context<Self>) {
        game.other.do_send(Ping(ctx.address()));
        self.game = Some(game);
    }
}

impl Handler<Ping> for Player {
    type Result = ();

    fn handle(&mut self, Ping(other): Ping, _: &mut Context<Self>) {
        other.do_send(Pong);
    }
}

impl Handler<Pong> for Player {
    type Result = ();

    fn handle(&mut self, Pong: Pong, ctx: &mut Context<Self>) {
        let Some(mut game) = self.game.take() else { return };
        game.seen += 1;
        if game.seen == game.round_trips {
            let _nobody_waits = game.done.send(game.seen);
        } else {
            game.other.do_send(Ping(ctx.address()));
            self.game = Some(game);
        }
    }
}

pub(crate) async fn play(round_trips: u64) -> u64 {
    let one = Player::default().start();
    let other = Player::default().start();
    let (done, over) = oneshot::channel();
    one.do_send(Serve(Game { other, round_trips, seen: 0, done }));
    over.await.expect("they play to the end")
}
