//! A frame whose payload rotted, and with it a stamp, is known to have been synced only by what follows. If that is a torn write,
//! recovery overwrites it: the first boot reported a damaged entry, and the second one had taken the frame for torn, and cut it off
//! with the vote in it. So recovery leaves a witness.

use squall_raft::process::DiskOp;
use squall_raft::store::format::SECTOR_BYTES;
use squall_raft::store::{Options, StoreEvent, wal::Wal};
use squall_raft::types::BootNumber;

use super::sample::{Files, Outcome, Sample, options, outcome, small};
use crate::store::disk::{Disk, Draws};

/// A sample whose last frame has lost its last sector, and behind it what a torn write has left: from a sector on.
fn rotten_then_torn(preallocate: bool, torn_from_sector: usize) -> (Sample, Files) {
    let sample = Sample::live(preallocate, &super::program());
    let (at, _, newest) = sample.newest();
    let mut files = sample.files().clone();
    let end = newest.last().map(|frame| small(frame.offset + frame.len)).expect("a frame");
    let content = &mut files[at].1;
    content[end - SECTOR_BYTES..end].fill(0xa5);
    let torn = end + torn_from_sector * SECTOR_BYTES;
    content.resize(content.len().max(torn + 200), 0);
    content[torn..torn + 200].fill(0x5a);
    (sample, files)
}

/// Recovers until some operation has ended; what was written meanwhile.
fn recover_until(disk: &mut Disk, ops: usize) -> (bool, Vec<DiskOp>) {
    let (mut out, mut done) = (Vec::new(), Vec::new());
    let mut wal = Wal::boot(Options { initialize: false, ..options(true) }, BootNumber(9), &mut out);
    for _ in 0..ops {
        let (op, what) = out.pop().expect("an operation is under way until the end");
        let event = wal.disk_done(op, disk.carry_out(&what), &mut out);
        done.push(what);
        if let Some(event) = event {
            assert!(matches!(event, StoreEvent::Recovered(_)), "{event:?}");
            return (true, done);
        }
    }
    (false, done)
}

#[test]
fn a_rotten_frame_before_a_torn_one_is_reported_by_every_boot() {
    for preallocate in [false, true] {
        for torn_from_sector in 0..2 {
            let (sample, files) = rotten_then_torn(preallocate, torn_from_sector);
            // Recovers twice.
            let found = outcome(&files, &sample.last().state);
            assert!(matches!(found, Outcome::Damaged(1)), "{found:?}");
        }
    }
}

#[test]
fn a_crash_while_the_witness_is_written_forgets_nothing_either() {
    for (preallocate, torn_from_sector) in [(false, 0), (false, 1), (true, 0), (true, 1)] {
        let (sample, files) = rotten_then_torn(preallocate, torn_from_sector);
        for seed in 0..20 {
            let mut draws = Draws(seed);
            for ops in 0.. {
                let mut disk = Disk::holding(files.iter().map(|(name, content)| (name, content.clone())));
                let (ended, _) = recover_until(&mut disk, ops);
                disk.lose_power(&mut draws);
                let found = outcome(&disk.contents(), &sample.last().state);
                assert!(matches!(found, Outcome::Damaged(1)), "after {ops} operations, seed {seed}: {found:?}");
                if ended {
                    break;
                }
            }
        }
    }
}

#[test]
fn no_witness_is_written_where_an_intact_frame_is_one() {
    let (_, files) = rotten_then_torn(true, 0);
    let mut disk = Disk::holding(files.iter().map(|(name, content)| (name, content.clone())));
    let frames = |ops: &[DiskOp]| ops.iter().filter(|op| matches!(op, DiskOp::WriteSync { .. })).count();
    let (ended, first) = recover_until(&mut disk, 1_000);
    let (_, second) = recover_until(&mut disk, 1_000);
    assert_eq!((ended, frames(&first), frames(&second)), (true, 1, 0));
}
