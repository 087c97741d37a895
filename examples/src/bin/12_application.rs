//! A program like a service: applications start after what they depend on, and SIGTERM or Ctrl-C drains them in reverse.

#![allow(clippy::print_stdout, reason = "this program shows what happens")]

use fauxtp::application::{Application, Ended, StartType, System};
use fauxtp::prelude::*;
use fauxtp::process::Trap;

/// Keeps what the shop has sold.
struct Store {
    sold: u32,
}

#[gen_server]
impl Store {
    fn init(ctx: &mut Context<Self>) -> Self {
        ctx.trap_exits(Trap::On); // so that `terminate` runs
        println!("store: open");
        Self { sold: 0 }
    }

    #[call]
    fn sell(&mut self) -> u32 {
        self.sold += 1;
        self.sold
    }

    fn terminate(&mut self, _: &ExitReason) {
        println!("store: closed, {} sold", self.sold);
    }
}

static STORE: Name<Store> = Name::new("store");

/// Sells, and crashes once.
struct Shop;

#[gen_server]
impl Shop {
    fn init(ctx: &mut Context<Self>) -> Self {
        ctx.trap_exits(Trap::On);
        println!("shop: open");
        Self
    }

    #[tick(every = Duration::from_millis(10))]
    async fn sell(&mut self) -> Result {
        match STORE.sell().await? {
            2 => panic!("the till is broken"),
            4 => println!("running; `kill {}` or Ctrl-C ends it", std::process::id()),
            _ => {}
        }
        Ok(())
    }

    /// What a shop needs is there until it has ended.
    async fn terminate(&mut self, reason: &ExitReason) {
        match STORE.sell().await {
            Ok(_) => println!("shop: closed, one last sale at {reason:?}"),
            Err(error) => println!("shop: closed, {error}"),
        }
    }
}

#[tokio::main]
async fn main() -> Ended {
    let shop = Application::new("shop", || Supervisor::new([Shop::spec(())]))
        .depends_on(["store"])
        // What the program is there for: if it gives up, the program ends, and says so.
        .start_type(StartType::Permanent);
    let store = Application::new("store", || Supervisor::new([Store::spec(()).name(&STORE)]));
    System::new([shop, store]).drain_within(Duration::from_secs(5)).run_until_shutdown().await
}
