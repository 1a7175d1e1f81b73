//! A cluster of cores driven by hand: every message, sync and timer moves only on command.
//!
//! A *story* is a file of such commands ([`interpreter`]); random schedules are made of
//! the same commands, so that a failing one can be kept as a story. Not here: time and
//! chance of a simulated world (`squall-sim`). Read next, as declared: from the disk up.

pub mod disk;

pub mod event;

pub mod invariants;

pub mod cluster;

pub mod interpreter;

mod commands;

mod expectations;

mod render;

mod goldens;
