//! Looking at a folder: what a walk finds in its segments, and that a rehearsal says what a recovery then does.

use proptest::prelude::*;
use squall_raft::log_view::View;
use squall_raft::process::{DiskOp, DiskReply};
use squall_raft::store::inspect::{Found, Walk};
use squall_raft::store::recovery::{Forecast, Rehearsal};
use squall_raft::store::{Identity, StoreError};

use crate::store::disk::Disk;
use crate::store::folders::random::{any_harm, any_step};
use crate::store::folders::sample::{Files, Sample, frames, recover, small};
use crate::store::folders::{program, samples};

/// Walks a file, a few bytes at a time at most.
fn walk(content: &[u8]) -> Vec<Found> {
    let (mut walk, mut found) = (Walk::of(content.len() as u64), Vec::new());
    for _ in 0..10_000 {
        let Some((offset, len)) = walk.wants() else { return found };
        walk.take(&content[small(offset)..small(offset + len)], |what| found.push(what));
    }
    panic!("the walk does not end");
}

/// What a boot would do, and what was read for it.
pub fn rehearse(files: &Files) -> Result<Forecast, StoreError> {
    let mut disk = Disk::holding(files.iter().map(|(name, content)| (name, content.clone())));
    let (mut rehearsal, mut op) = Rehearsal::start(Identity::default());
    for _ in 0..10_000 {
        assert!(matches!(op, DiskOp::List | DiskOp::Read { .. }), "{op:?} is no look");
        match rehearsal.step(disk.carry_out(&op).expect("a healthy disk"))? {
            Ok(next) => op = next,
            Err(forecast) => return Ok(forecast),
        }
    }
    panic!("the rehearsal does not end");
}

#[test]
fn an_intact_segment_is_a_header_and_its_frames() {
    for sample in samples() {
        for (name, content) in sample.files() {
            let found = walk(content);
            let expected: Vec<_> = frames(content).into_iter().map(Found::Frame).collect();
            assert!(matches!(found[0], Found::Header(header) if header.segment.file_name() == *name));
            assert_eq!(found[1..], expected, "{name}");
        }
    }
}

/// Wherever a sector is lost, everything else is still seen.
#[test]
fn frames_behind_a_lost_sector_are_found() {
    let sample = Sample::live(true, &program());
    for (name, content) in sample.files() {
        let whole = frames(content);
        for frame in &whole {
            for fill in [0, 0xa5] {
                let mut lost = content.clone();
                let at = small(frame.offset);
                lost[at..at + 512].fill(fill);
                let found = walk(&lost);
                let seen: Vec<_> =
                    found.iter().filter_map(|what| if let Found::Frame(frame) = what { Some(frame) } else { None }).collect();
                let rest: Vec<_> = whole.iter().filter(|other| other.offset != frame.offset).collect();
                assert_eq!(seen, rest, "{name} at {at}");
                let places: Vec<_> =
                    found.iter().filter(|what| matches!(what, Found::Bytes(place) if place.offset == frame.offset)).collect();
                let is_last = frame.offset == whole[whole.len() - 1].offset;
                assert_eq!(places.len(), usize::from(!(is_last && fill == 0 && frame.len == 512)), "{name} at {at}: {found:?}");
            }
        }
    }
}

#[test]
fn a_file_that_became_shorter_ends_there() {
    let sample = Sample::live(false, &program());
    let (_, content, whole) = sample.newest();
    let (mut walk, mut found) = (Walk::of(content.len() as u64 + 5_000_000), Vec::new());
    while let Some((offset, len)) = walk.wants() {
        let end = small(offset + len).min(content.len());
        walk.take(&content[small(offset).min(end)..end], |what| found.push(what));
    }
    assert_eq!(found.len(), 1 + whole.len());
}

/// What a recovery does is what was foretold, and so is why it does nothing.
fn compare(files: &Files) -> Result<(), TestCaseError> {
    let (recovered, after) = recover(files);
    let (found, forecast) = match (recovered, rehearse(files)) {
        (Err(error), Err(foretold)) => {
            prop_assert_eq!(error, foretold);
            return Ok(());
        }
        (Ok(found), Ok(forecast)) => (found, forecast),
        (found, forecast) => return Err(TestCaseError::fail(format!("found {found:?}, foretold {forecast:?}"))),
    };
    let damaged: Vec<_> = found.log.iter().filter(|(_, payload)| matches!(payload, View::Damaged(_))).map(|(id, _)| id).collect();
    prop_assert_eq!((found.hard_state, found.purged, damaged), (forecast.hard_state, forecast.purged, forecast.damaged));
    prop_assert_eq!(
        (found.log.len() as u64, found.frames, found.torn_bytes),
        (forecast.entries, forecast.frames, forecast.torn_bytes)
    );
    prop_assert_eq!(found.segments, forecast.segments.len() as u64);
    prop_assert_eq!(forecast.last.0, found.log.last().index.0);
    let mut disk = Disk::holding(files.iter().map(|(name, content)| (name, content.clone())));
    for op in &forecast.ops {
        prop_assert_eq!(disk.carry_out(op), Ok(DiskReply::Done));
    }
    prop_assert!(disk.contents() == after, "what was foretold leaves another folder");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_rehearsal_foretells_every_recovery(
        program in proptest::collection::vec(any_step(), 1..40),
        preallocate in any::<bool>(),
        harms in proptest::collection::vec(proptest::collection::vec(any_harm(), 0..3), 24),
    ) {
        let sample = Sample::live(preallocate, &program);
        for harm in harms {
            let changed = harm.iter().fold(sample.files().clone(), |files, harm| harm.strike(&files, &sample));
            compare(&changed)?;
            changed.iter().for_each(|(_, content)| _ = walk(content));
        }
    }

    #[test]
    fn any_bytes_are_walked_through(content in proptest::collection::vec(any::<u8>(), 0..5_000), behind_a_log in any::<bool>()) {
        let content = if behind_a_log { [Sample::live(false, &program()).newest().1, &content[..]].concat() } else { content };
        walk(&content);
    }
}
