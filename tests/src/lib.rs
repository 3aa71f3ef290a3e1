//! End to end tests, the demo and the benchmarks: the pieces that they share.

pub mod apache;
mod balancer;
pub mod benchmark;
pub mod card_table;
pub mod clinic;
pub mod deployed;
pub mod desktop;
pub mod elsewhere;
pub mod faults;
pub mod installed;
pub mod process;
pub mod shop;
pub mod show;
pub mod site;
pub mod stage;
