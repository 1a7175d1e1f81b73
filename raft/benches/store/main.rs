//! What the store costs beside the limit of its disk: `cargo bench -p squall-raft --features server`.
//!
//! Words choose rows by a part of their names (`append-256`, `recovery`); `--long` takes more rounds.
//! Not here: another engine's log, which `ci/peers` measures beside these rows.
//! Read next: `contest`, which says how contenders take turns; `squall` and `limit`, who they are; `rows`; `table`.
#![expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "a bench of the disk is on the clock on the wall")]

mod contest;
mod limit;
mod recovery;
mod rows;
mod squall;
mod table;

use std::path::Path;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_long = arguments.iter().any(|argument| argument == "--long");
    // Cargo passes options of its own.
    let words: Vec<&str> = arguments.iter().map(String::as_str).filter(|word| !word.starts_with('-')).collect();
    let wanted = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench_store");
    let rounds = if is_long { 15 } else { 5 };
    rows::appends(&folder, &[squall::contender(), limit::contender(), limit::overwriting()], rounds, &wanted);
    let rounds = if is_long { 9 } else { 3 };
    let recoverers = [recovery::squall(), recovery::rehearsing(), recovery::reading()];
    recovery::measure(&folder, "recovery", &recoverers, rounds, &wanted);
    recovery::measure(&folder, "reads", &[recovery::reading_back(), recovery::reading()], rounds, &wanted);
}
