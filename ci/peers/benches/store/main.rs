//! Squall's store beside tikv's raft-engine: `cargo bench -p squall-peers --features raft-engine --bench store`.
//!
//! Rows, turns and limits are those of the store's own bench, whose modules are built in here.
//! Read next: `peer`, which is raft-engine; `raft/benches/store/contest.rs`, which says how contenders take turns.
#![expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "a bench of the disk is on the clock on the wall")]

#[path = "../../../../raft/benches/store/contest.rs"]
mod contest;
#[path = "../../../../raft/benches/store/limit.rs"]
mod limit;
mod peer;
#[path = "../../../../raft/benches/store/recovery.rs"]
mod recovery;
#[path = "../../../../raft/benches/store/rows.rs"]
mod rows;
#[path = "../../../../raft/benches/store/squall.rs"]
mod squall;
#[path = "../../../../raft/benches/store/table.rs"]
mod table;

use std::path::Path;

use mimalloc::MiMalloc;

/// One for all contenders, as in the other bench.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_long = arguments.iter().any(|argument| argument == "--long");
    // Cargo passes options of its own.
    let words: Vec<&str> = arguments.iter().map(String::as_str).filter(|word| !word.starts_with('-')).collect();
    let wanted = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench_store");
    let limits = [limit::contender(), limit::overwriting()];
    let contenders = [squall::contender(), limits[0], limits[1], peer::contender(), peer::uncompressed()];
    rows::appends(&folder, &contenders, if is_long { 15 } else { 5 }, &wanted);
    let rounds = if is_long { 9 } else { 3 };
    let recoverers = [recovery::squall(), recovery::rehearsing(), recovery::reading(), peer::recoverer()];
    recovery::measure(&folder, "recovery", &recoverers, rounds, &wanted);
    let readers = [recovery::reading_back(), recovery::reading(), peer::reader()];
    recovery::measure(&folder, "reads", &readers, rounds, &wanted);
}
