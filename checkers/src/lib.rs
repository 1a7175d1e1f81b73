//! Judges of consensus systems: Raft's invariants, online, over a neutral stream of
//! observations, and what a run must have reached at its end.
//!
//! Nothing here knows the system that it judges. A violation is a value with its
//! evidence; no input makes a judge panic. Read next: [`violation`], then [`raft`].

#[cfg(feature = "format")]
pub mod format;
pub mod history;
pub mod linearizability;
pub mod liveness;
pub mod model;
pub mod raft;
pub mod violation;
