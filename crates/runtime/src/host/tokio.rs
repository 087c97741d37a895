//! What programs get.

pub(crate) use tokio::runtime::{Handle, Id, RuntimeFlavor};
pub(crate) use tokio::time::{Instant, Sleep, sleep_until};
