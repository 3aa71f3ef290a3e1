//! End to end tests, the demo and the benchmarks: the pieces that they share.

pub mod process;
pub mod stage;
