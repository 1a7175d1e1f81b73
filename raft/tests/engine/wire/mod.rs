//! The format of the wire: pinned by golden files, and told from everything that is not it.
//!
//! `SQUALL_GOLDEN=rewrite cargo test -p squall-raft --features server --test engine wire` rewrites the golden files,
//! but never in CI: peers of another release read what they hold.
//! Not here: who may say what when. Read next: `hostile` and `fed`, which the fuzzer shares.

#![cfg(feature = "server")]

mod hostile;

mod fed;

mod samples;

mod golden;

mod damage;

mod parts;

mod protobuf;

mod refused;

mod round_trip;
