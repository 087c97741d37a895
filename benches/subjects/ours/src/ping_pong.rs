//! Two servers that throw a ball to and fro.

use fauxtp::prelude::*;

struct Player {
    seen: u64,
    game: Option<Game>,
}

/// What the one who serves has to know.
struct Game {
    other: Address<Ball>,
    round_trips: u64,
    done: Reply<u64>,
}

enum Ball {
    Serve(Game),
    Ping(Address<Self>),
    Pong,
}

impl GenServer for Player {
    type Args = ();
    type Message = Ball;

    async fn init((): (), _: &mut Context<Self>) -> Result<Self> {
        Ok(Self { seen: 0, game: None })
    }

    async fn handle(&mut self, ball: Ball, ctx: &mut Context<Self>) -> Result {
        match ball {
            Ball::Serve(game) => {
                game.other.cast(Ball::Ping(ctx.address()));
                self.game = Some(game);
            }
            Ball::Ping(other) => other.cast(Ball::Pong),
            Ball::Pong => {
                self.seen += 1;
                match self.game.take_if(|game| game.round_trips == self.seen) {
                    Some(game) => game.done.send(self.seen),
                    None => self.serve_again(ctx),
                }
            }
        }
        Ok(())
    }
}

impl Player {
    fn serve_again(&self, ctx: &Context<Self>) {
        if let Some(game) = &self.game {
            game.other.cast(Ball::Ping(ctx.address()));
        }
    }
}

pub(crate) async fn play(round_trips: u64) -> u64 {
    let one = Player::start(()).await.expect("its init cannot fail");
    let other = Player::start(()).await.expect("its init cannot fail");
    let serve = |done| Ball::Serve(Game { other: other.clone(), round_trips, done });
    let seen = one.call(serve).no_timeout().await.expect("they play to the end");
    for player in [one, other] {
        player.pid().stop(ExitReason::Normal, None).await.expect("it lives until here");
    }
    seen
}
