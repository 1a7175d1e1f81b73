//! Many runs: a scenario over seeds, several scenarios over several workers, and what they add up to.
//!
//! The result of a seed does not depend on the number of workers or on what runs beside
//! it. Not here: one run ([`crate::run`]); records of failures ([`crate::seeds`]).

mod apart;
pub mod crashpoints;
pub mod determinism;
#[cfg(feature = "mutants")]
pub mod hunt;
pub mod panics;
pub mod single;
pub mod sweep;
pub mod verdict;
