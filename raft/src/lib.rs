//! A Raft engine whose every decision is a deterministic state machine.
//!
//! Inputs, local time and randomness come in as arguments; what must be sent, persisted
//! or answered goes out as values. There is no async, thread, clock, socket or file in
//! them, so the code that serves in production is the code that runs in simulation. What
//! acts is a thin driver around them (`server`, a feature).
//!
//! Not here: simulated worlds (`squall-sim`) and judges of histories (`squall-checkers`).
//! Read next, in this order: the modules as they are declared below.

pub mod types;

pub mod entry;

pub mod wire;

pub mod digest;

mod checksum;

pub mod shared;

pub mod process;

pub mod membership;

pub mod config;

pub mod limit;

pub mod message;

pub mod observation;

pub mod log_view;

pub mod store;

pub mod core;

pub mod applier;

pub mod node;

pub mod compat;

#[cfg(feature = "server")]
pub mod server;

#[cfg(feature = "mutants")]
pub mod mutants;
