//! What a world promises, shown with a process that is not Raft.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails as the test itself does")]

mod clocks;
mod crashes;
mod determinism;
mod disks;
mod draws;
mod links;
mod pauses;
mod support;
mod toy;
mod versions;
