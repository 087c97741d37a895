//! What every subject of the benchmarks is made to do, and how that is timed and verified.
//!
//! A subject implements [`Subject`] and is a program of its own: its `main` is [`program::run`]. The driver starts these
//! programs in turns, one for each sample, and reads the [`Figure`]s they print.

pub mod flavor;
pub mod row;
pub mod workload;
pub mod figure;
pub mod subject;
mod memory;
mod load;
mod grow;
pub mod program;

pub use figure::Figure;
pub use flavor::Flavor;
pub use subject::{Cannot, Ending, Names, Pool, Shepherd, Subject, Total};
pub use workload::Workload;
