//! The storm: worlds in which consensus systems run under simulated clocks, networks and disks.
//!
//! One seed decides everything that happens in a run. Modules stand in the order in which they build on each other.

pub mod entropy;
pub mod plan;
pub mod scenario;
