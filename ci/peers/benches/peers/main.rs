//! Squall's arenas beside raft-rs in a bare event loop and on madsim: `cargo bench -p squall-peers`.
//!
//! All contenders of a row take turns in one process, one at a time, and what counts is the CPU time of
//! the thread that works. Read next: `rows`, which says what is measured; `peer` and `ours`, which
//! do it; `report`.

#[path = "../../../../sim/benches/world/load.rs"]
mod load;
mod ours;
mod peer;
mod report;
mod rows;
mod sample;
mod trio;

use densa_alloc::CountingAllocator;
use mimalloc::MiMalloc;

/// How often each contender has its turn: enough for a median that a busy neighbour does not move.
const ROUNDS: usize = 15;

/// One for all contenders; it counts, which is one addition in memory of the thread.
#[global_allocator]
static ALLOCATOR: CountingAllocator<MiMalloc> = CountingAllocator::new(MiMalloc);

fn main() {
    assert!(densa_alloc::is_active(), "allocations are counted");
    // Cargo passes options of its own; a word is a row to run, and none are all.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let wants = |row: &rows::Row| wanted.is_empty() || wanted.iter().any(|word| word == row.name);
    let measured: Vec<_> = rows::all().into_iter().filter(wants).map(|row| row.measure(ROUNDS)).collect();
    report::print(&measured);
    report::write(&measured);
}
