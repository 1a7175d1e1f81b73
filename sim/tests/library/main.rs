//! The library from outside, a module per subject. One binary, since each is compiled with engine, world and checkers
//! anew, which takes longer than its tests.
//!
//! Not here: the `squall` binary (`cli/`), scenarios and records as tests (`scenarios.rs`, `bundled_runs.rs`,
//! `seeds.rs`), what needs a process of its own (`panics.rs`).

mod arena_madsim;
mod campaign;
mod clone;
mod crashpoints;
mod determinism;
mod disk_conformance;
mod liveness;
mod records;
mod recoverability;
mod scenario_bundled;
mod scenario_errors;
mod scenario_guide;
mod scenario_plan;
mod world;
