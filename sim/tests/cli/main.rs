//! The `squall` binary from outside: arguments and files in; exit code, messages and JSON out.
//!
//! Not here: what the library does with many runs (`campaign.rs`). Read next: [`support`].

#![cfg(not(feature = "unordered"))] // With planted nondeterminism every run of the command fails, as it should.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bad_input;
mod binary;
mod bystanders;
mod check;
#[cfg(feature = "mutants")]
mod hunts;
mod interrupt;
mod records;
mod run;
mod support;
mod traces;
mod wal;
