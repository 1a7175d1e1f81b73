//! Arbitrary bytes on a connection: never a panic, the same however they are cut, and what is heard can be said again.
//!
//! The properties are those of `raft/tests/engine/wire/hostile.rs`, which `cargo test` checks with fewer inputs.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/engine/wire/hostile.rs"]
mod hostile;

fuzz_target!(|data: &[u8]| hostile::check(data));
