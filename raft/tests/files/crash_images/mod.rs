//! The store on real files, and everything that a power loss can leave of them.
//!
//! A store lives in a folder, over a few boots, and every operation on its files is recorded. From the record the folders are
//! built that a power loss at any moment of it can leave (`image`), each is put on real files, and the real code recovers it.
//! What was acknowledged must be there, what was not is there by whole batches or not at all, and the log can be continued.
//!
//! Not here: a simulated disk that loses power (`store/crash.rs`), processes that are killed (`kill.rs`).
//! Read next: the modules in the order of their declaration.

mod tear;

mod image;

mod image_tests;

mod disk;

mod life;

mod judge;

use crate::draws::Draws;
use disk::Lie;
use judge::{Arena, Count, Judge};
use life::{Act, Life, options};
use squall_raft::store::Options;

/// Appends, votes and truncations in batches of one sector to many, over several boots.
const PROGRAM: [Act; 40] = [
    Act::Vote,
    Act::Settle,
    Act::Append(&[10, 1_900, 0]),
    Act::Settle,
    Act::Append(&[600]),
    Act::Vote,
    Act::Append(&[1]),
    Act::Step, // these are a batch
    Act::Append(&[1]),
    Act::Append(&[900]),
    Act::Settle, // and these are none before the first one is durable
    Act::Truncate(2),
    Act::Settle,
    Act::Append(&[20, 20]),
    Act::Kill { ops: 0 }, // amid its write
    Act::Append(&[3_000]),
    Act::Kill { ops: 1 }, // behind it
    Act::Truncate(1),
    Act::Append(&[0, 400]),
    Act::Kill { ops: 0 },
    Act::Append(&[7_000, 20]),
    Act::Vote,
    Act::Settle,
    Act::Truncate(3),
    Act::Vote,
    Act::Append(&[1, 2, 3]),
    Act::Settle,
    Act::Append(&[40]),
    Act::Purge(2),
    Act::Settle,
    Act::Append(&[1_500]),
    Act::Fail { ops: 0 },
    Act::Vote,
    Act::Fail { ops: 0 },
    Act::Append(&[700]),
    Act::Settle,
    Act::Append(&[900]),
    Act::Purge(0),
    Act::Append(&[1]),
    Act::Settle,
];

/// Steps of a program that is drawn.
const DRAWN_STEPS: usize = 24;

fn drawn(draws: &mut Draws) -> Vec<Act> {
    let act = |draws: &mut Draws| match draws.below(14) {
        0 => Act::Vote,
        1 | 2 => Act::Append(&[1]),
        3 => Act::Append(&[300, 0]),
        4 => Act::Append(&[900, 20, 20]),
        5 => Act::Append(&[5_000]),
        6 => Act::Truncate(draws.below(4)),
        7 => Act::Step,
        8 => Act::Kill { ops: draws.below(9) },
        9 => Act::Purge(draws.below(4)),
        10 => Act::Fail { ops: draws.below(9) },
        _ => Act::Settle,
    };
    (0..DRAWN_STEPS).map(|_| act(draws)).collect()
}

/// Lives through a program, and has its record judged.
fn judge(test: &str, program: &[Act], options: Options, lie: Lie, draws: &mut Draws) -> Result<Count, String> {
    let arena = Arena::new(test);
    let mut life = Life::first_boot(arena.path(), options, lie)?;
    program.iter().try_for_each(|act| life.act(act))?;
    let mut judge = Judge { arena: &arena, options, draws, count: Count::default() };
    judge.judge(&life.into_record())?;
    Ok(judge.count)
}

/// Batches that have a segment each, segments of a few batches, and one segment for all; with space reserved, and zeroed ahead, and without.
fn layouts() -> [Options; 8] {
    let zeroed = |zero_ahead_bytes, segment_bytes| Options { zero_ahead_bytes, ..options(segment_bytes, true) };
    [
        options(2_048, true),
        options(2_048, false),
        options(8_192, true),
        options(8_192, false),
        options(1 << 16, true),
        zeroed(64 << 10, 2_048),  // ahead of batches of one sector
        zeroed(256 << 10, 4_096), // of up to four
        zeroed(1 << 20, 8_192),   // and all
    ]
}

#[test]
fn what_was_acknowledged_survives_every_power_loss() {
    let mut draws = Draws::of_this_run("survives");
    let mut images = 0;
    for options in layouts() {
        let count = judge("survives", &PROGRAM, options, Lie::None, &mut draws).unwrap();
        println!("segments of {} bytes: {count:?}", options.segment_bytes);
        assert!(count.images > 1_000 && count.nested > 100 && count.exhaustive_points > count.points / 2, "{count:?}");
        images += count.images;
    }
    for options in layouts() {
        let program = drawn(&mut draws);
        match judge("survives", &program, options, Lie::None, &mut draws) {
            Ok(count) => images += count.images,
            Err(error) => panic!("segments of {} bytes, {program:?}: {error}", options.segment_bytes),
        }
    }
    println!("{images} images");
}

fn objection(test: &str, lie: Lie) -> String {
    judge(test, &PROGRAM, options(8_192, true), lie, &mut Draws::of_this_run(test)).expect_err("the disk lies")
}

/// It lost what it had acknowledged, or left a mess that is not that of one torn write.
fn is_of_the_disk(objection: &str) -> bool {
    objection.contains("recovered term") || objection.contains("the store failed: wal-")
}

#[test]
fn a_sync_that_is_skipped_is_noticed() {
    let objection = objection("no-sync", Lie::Sync);
    assert!(is_of_the_disk(&objection), "{objection}");
}

#[test]
fn a_folder_that_is_not_synced_is_noticed() {
    let objection = objection("no-sync-dir", Lie::SyncDir);
    assert!(objection.contains("recovered term 0 vote None, 0 entries"), "the whole log is gone: {objection}");
}

/// The page cache shows it to the next boot, whose syncs succeed and make nothing of it durable.
#[test]
fn a_batch_whose_sync_failed_and_that_is_not_taken_back_is_noticed() {
    let objection = objection("not-taken-back", Lie::NothingTakenBack);
    assert!(is_of_the_disk(&objection), "{objection}");
}

#[test]
fn a_segment_whose_name_is_not_synced_is_noticed() {
    let objection = objection("no-sync-dir-later", Lie::SyncDirLater);
    assert!(is_of_the_disk(&objection), "{objection}");
}

#[test]
fn a_recovery_that_trusts_the_page_cache_is_noticed() {
    let objection = objection("no-sync-at-boot", Lie::SyncAtBoot);
    assert!(is_of_the_disk(&objection), "{objection}");
}
