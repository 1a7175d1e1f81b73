//! The storm: worlds in which consensus systems run under simulated clocks, networks and disks.
//!
//! One seed decides everything that happens in a run. Modules stand in the order in which they build on each other:
//! randomness; what people write ([`scenario`]) and what is drawn from it ([`plan`]); what is simulated, up to a
//! [`world`], the first [`arena`]; and a [`run`] of a plan in an arena under all checkers.

pub mod entropy;

pub mod scenario;

pub mod plan;

pub mod clock;

mod events;

pub mod network;

pub mod disk;

pub mod world;

pub mod arena;

pub mod run;

pub mod campaign;

pub mod seeds;

pub mod cli;
