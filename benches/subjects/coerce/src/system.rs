//! The system that all actors are of.

use std::sync::OnceLock;

use coerce::actor::system::ActorSystem;
use coerce::actor::{Actor, LocalActorRef};

pub(crate) fn system() -> &'static ActorSystem {
    static SYSTEM: OnceLock<ActorSystem> = OnceLock::new();
    SYSTEM.get_or_init(ActorSystem::new)
}

/// Starts an actor that nobody looks for.
pub(crate) async fn start<A: Actor>(actor: A) -> LocalActorRef<A> {
    system().new_anon_actor(actor).await.expect("its start cannot fail")
}
