//! Interfaces that callers know from other Raft libraries, each a thin layer over the same core.
//!
//! None of them decides anything: there is one state machine, [`crate::core::Core`].
//! Not here: what a new program should use ([`crate::node`], or the driver in `server`).

pub mod ready;
