//! Encoded messages into a core: never a panic, what is refused changes nothing, what is committed stays.
//!
//! The properties are those of `raft/tests/engine/wire/fed.rs`, which `cargo test` checks with fewer inputs.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/engine/wire/fed.rs"]
mod fed;

fuzz_target!(|data: &[u8]| {
    fed::check(data);
});
