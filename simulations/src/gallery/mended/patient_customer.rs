//! The shop may be struck between what it writes and what it answers; then the customer's second try is a second order. So
//! an order carries a number of the customer's own, and what is written already is not written again.

use fauxtp::prelude::*;
use fauxtp::testing::Sim;

use crate::outside::{Outside, latency};

static SHOP: Name<Shop> = Name::new("shop");

struct Shop(Outside<Vec<u32>>);

#[gen_server]
impl Shop {
    fn init(orders: Outside<Vec<u32>>) -> Self {
        Self(orders)
    }

    #[call]
    async fn order(&mut self, number: u32) -> bool {
        self.0.with(|orders| {
            if !orders.contains(&number) {
                orders.push(number);
            }
        });
        // The receipt is printed.
        latency().await;
        true
    }
}

/// How many books are paid for.
pub async fn patient_customer(sim: Sim) {
    let orders = Outside::new(Vec::new());
    let shop = Shop::spec(orders.clone()).name(&SHOP).restart(Restart::Permanent);
    sim.start(Supervisor::new([shop])).await;
    for number in 0..3 {
        while SHOP.order(number).await.is_err() {
            sim.advance(Duration::from_secs(1)).await;
        }
    }
    sim.heal();
    assert_eq!(orders.get().len(), 3, "books are paid for");
    sim.no_leaks().await;
}
