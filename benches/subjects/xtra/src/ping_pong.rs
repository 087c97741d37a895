//! Two actors that throw a ball to and fro.

use tokio::sync::oneshot;
use xtra::{Actor, Address, Context, Handler, Mailbox};

#[derive(Default)]
struct Player {
    game: Option<Game>,
}

/// What the one who serves has to know.
struct Game {
    me: Address<Player>,
    other: Address<Player>,
    round_trips: u64,
    seen: u64,
    done: oneshot::Sender<u64>,
}

struct Serve(Game);
struct Ping(Address<Player>);
struct Pong;

impl Actor for Player {
    type Stop = ();

    async fn stopped(self) {}
}

impl Handler<Serve> for Player {
    type Return = ();

    async fn handle(&mut self, Serve(game): Serve, _: &mut Context<Self>) {
        let _nobody_waits = game.other.send(Ping(game.me.clone())).detach().await;
        self.game = Some(game);
    }
}

impl Handler<Ping> for Player {
    type Return = ();

    async fn handle(&mut self, Ping(other): Ping, _: &mut Context<Self>) {
        let _nobody_waits = other.send(Pong).detach().await;
    }
}

impl Handler<Pong> for Player {
    type Return = ();

    async fn handle(&mut self, Pong: Pong, _: &mut Context<Self>) {
        let Some(mut game) = self.game.take() else { return };
        game.seen += 1;
        if game.seen == game.round_trips {
            let _nobody_waits = game.done.send(game.seen);
        } else {
            let _nobody_waits = game.other.send(Ping(game.me.clone())).detach().await;
            self.game = Some(game);
        }
    }
}

pub(crate) async fn play(round_trips: u64) -> u64 {
    let me = xtra::spawn_tokio(Player::default(), Mailbox::unbounded());
    let other = xtra::spawn_tokio(Player::default(), Mailbox::unbounded());
    let (done, over) = oneshot::channel();
    let serve = Serve(Game { me: me.clone(), other, round_trips, seen: 0, done });
    let _nobody_waits = me.send(serve).detach().await;
    over.await.expect("they play to the end")
}
