//! Two actors that throw a ball to and fro.

use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};

struct Player;

/// What the one who serves has to know.
struct Game {
    other: ActorRef<Ball>,
    round_trips: u64,
    seen: u64,
    done: RpcReplyPort<u64>,
}

enum Ball {
    Serve(Game),
    Ping(ActorRef<Self>),
    Pong,
}

impl Actor for Player {
    type Msg = Ball;
    type State = Option<Game>;
    type Arguments = ();

    async fn pre_start(
        &self,
        _: ActorRef<Ball>,
        (): (),
    ) -> Result<Option<Game>, ActorProcessingErr> {
        Ok(None)
    }

    async fn handle(
        &self,
        me: ActorRef<Ball>,
        ball: Ball,
        state: &mut Option<Game>,
    ) -> Result<(), ActorProcessingErr> {
        match ball {
            Ball::Serve(game) => {
                game.other.cast(Ball::Ping(me))?;
                *state = Some(game);
            }
            Ball::Ping(other) => other.cast(Ball::Pong)?,
            Ball::Pong => {
                let mut game = state.take().ok_or("nobody serves")?;
                game.seen += 1;
                if game.seen == game.round_trips {
                    game.done.send(game.seen)?;
                } else {
                    game.other.cast(Ball::Ping(me))?;
                    *state = Some(game);
                }
            }
        }
        Ok(())
    }
}

pub(crate) async fn play(round_trips: u64) -> u64 {
    let (one, _) = Actor::spawn(None, Player, ()).await.expect("its start cannot fail");
    let (other, _) = Actor::spawn(None, Player, ()).await.expect("its start cannot fail");
    let opponent = other.clone();
    let serve = |done| Ball::Serve(Game { other: opponent, round_trips, seen: 0, done });
    let seen = ractor::call!(one, serve).expect("they play to the end");
    one.stop(None);
    other.stop(None);
    seen
}
