//! Finding processes: an address means one process for ever, names and keys mean whoever holds them now.

#![allow(clippy::print_stdout, reason = "this program shows what happens")]

use fauxtp::prelude::*;

/// A room, and what was said in it.
struct Room {
    topic: &'static str,
    said: usize,
}

#[gen_server]
impl Room {
    fn init(topic: &'static str) -> Self {
        Self { topic, said: 0 }
    }

    #[call]
    fn say(&mut self, line: &'static str) -> String {
        assert!(!line.is_empty(), "nothing was said");
        self.said += 1;
        format!("{} #{}: {line}", self.topic, self.said)
    }
}

/// A name: known at compile time, one process at a time.
static LOBBY: Name<Room> = Name::new("lobby");

#[tokio::main]
async fn main() -> Result {
    // A registry: keys made at run time. Its supervisors register their children by their ids.
    let rooms = Registry::start().await?;
    let sup = Supervisor::new([
        Room::spec("lobby").name(&LOBBY),
        Room::spec("rust").id("rust"),
        Room::spec("tea").id("tea"),
    ])
    .registry(&rooms)
    .start()
    .await?;
    assert_eq!(rooms.count(), 3);

    // Four ways to one process each: by name, by key, as a child, by address.
    println!("{}", LOBBY.say("hello").await?);
    println!("{}", rooms.via::<Room>("rust").say("hello").await?);
    let tea = sup.child::<Room>("tea");
    println!("{}", tea.say("hello").await?);
    let address = tea.await_restart().await?;
    println!("{}", address.say("milk?").await?);

    // It ends. A new one has the key, and the address is stale for ever.
    assert!(matches!(tea.say("").await, Err(CallError::Exited(_))));
    let successor = tea.await_restart().await?;
    println!("{}", tea.say("a new pot").await?);
    assert_ne!(successor.pid(), address.pid());
    assert_eq!(rooms.get("tea"), Some(successor.pid()));
    let stale = address.say("still there?").await;
    assert_eq!(stale, Err(CallError::NoProc));
    println!("by the old address: {stale:?}");

    // A key is free before anybody can know that its holder is gone.
    sup.terminate_child("tea").await?;
    assert_eq!(rooms.get("tea"), None);
    assert_eq!(tea.say("anybody?").await, Err(CallError::NoProc));
    println!("without tea: {} rooms", rooms.count());

    sup.stop().await?;
    assert_eq!(rooms.count(), 0);
    Ok(())
}
