//! Whatever happens to the files of a folder with several segments: recovered whole, or with damaged entries that are reported as
//! such, or refused by the name of a file. What is lost without a word is exactly what `recovery` lists as the limits of one copy.

pub mod random;

pub mod sample;

mod witness;

use squall_raft::process::FileName;
use squall_raft::store::format::{FileHeader, SECTOR_BYTES, SegmentId};
use squall_raft::store::{Fault, StoreError};
use squall_raft::types::LogIndex;

use self::sample::{Files, Outcome, Sample, damaged_beside, frames, outcome, small};
use crate::store::disk::Draws;
use crate::store::model::Do;

/// Votes, entries of one and of several sectors, truncations within and over segments, a purge that removes segments.
pub fn program() -> Vec<Do> {
    vec![
        Do::Vote(Some(1)),
        Do::Append(vec![10, 300, 0]),
        Do::Append(vec![600]),
        Do::Append(vec![900]),
        Do::Configure(2),
        Do::Truncate(2),
        Do::Append(vec![20, 400]),
        Do::Purge(2),
        Do::Vote(None),
        Do::Append(vec![700]),
        Do::Append(vec![30]),
        Do::Append(vec![500, 40]),
        Do::Truncate(3),
        Do::Append(vec![60, 0]),
        Do::Vote(Some(3)),
        Do::Append(vec![80, 600]),
        Do::Append(vec![20]),
        Do::Truncate(1),
        Do::Append(vec![700]),
    ]
}

pub fn samples() -> [Sample; 2] {
    [false, true].map(|preallocate| Sample::live(preallocate, &program()))
}

fn header(content: &[u8]) -> FileHeader {
    FileHeader::decode(content.first_chunk::<SECTOR_BYTES>().expect("a header")).expect("an intact header")
}

/// The folder with another content of one file.
pub fn with(files: &Files, at: usize, content: Vec<u8>) -> Files {
    let mut changed = files.clone();
    changed[at].1 = content;
    changed
}

/// The outcome is a refusal that names one of these files.
fn assert_refused(outcome: &Outcome, names: &[&FileName], what: &str) -> StoreError {
    let Outcome::Refused(error) = outcome else { panic!("{what}: found {outcome:?}, expected a refusal") };
    assert!(error.file().is_some_and(|file| names.contains(&file)), "{what}: found {error}, expected one of {names:?}");
    error.clone()
}

/// Refused by one of these names, or nothing is lost.
fn assert_refused_or_whole(outcome: &Outcome, names: &[&FileName], what: &str) -> bool {
    let whole = matches!(outcome, Outcome::Whole);
    if !whole {
        assert_refused(outcome, names, what);
    }
    whole
}

#[test]
fn the_sample_has_what_these_tests_are_about() {
    for sample in samples() {
        let files = sample.files();
        assert!(files.len() >= 4, "{} segments", files.len());
        assert!(header(&files[0].1).previous != 0, "older segments were removed");
        assert!(sample.last().state.purged.0 > 0 && sample.last().state.hard_state.vote.is_some());
        let (_, _, newest) = sample.newest();
        assert!(newest.len() >= 2 && newest[newest.len() - 1].len > 512, "a last frame of several sectors behind others");
        assert!(matches!(outcome(files, &sample.last().state), Outcome::Whole));
    }
}

#[test]
fn a_flipped_bit_in_any_file_is_reported_or_harmless() {
    for sample in samples() {
        let (mut refused, mut damaged, mut whole) = (0, 0, 0);
        for (at, (name, content)) in sample.files().iter().enumerate() {
            for byte in 0..content.len() {
                for bit in 0..8 {
                    let mut flipped = content.clone();
                    flipped[byte] ^= 1 << bit;
                    let what = format!("bit {bit} of byte {byte} of {name}");
                    match outcome(&with(sample.files(), at, flipped), &sample.last().state) {
                        Outcome::Whole => whole += 1,
                        Outcome::Damaged(1) => damaged += 1,
                        other => {
                            assert_refused(&other, &[name], &what);
                            refused += 1;
                        }
                    }
                }
            }
        }
        assert!([refused, damaged, whole].iter().all(|count| *count > 5_000), "{refused}, {damaged}, {whole}");
    }
}

/// A cut is seen by the length that a segment was made with, by the segment that follows, or not at all: behind what was
/// reserved for the newest one.
#[test]
fn a_file_that_is_cut_anywhere_is_reported_unless_it_is_the_newest_and_not_reserved() {
    for sample in samples() {
        let (newest, _, newest_frames) = sample.newest();
        for (at, (name, content)) in sample.files().iter().enumerate() {
            let header = header(content);
            // A closed segment is needed up to its seal.
            let needed = frames(content).last().map_or(SECTOR_BYTES as u64, |seal| seal.offset);
            for len in 0..content.len() {
                let what = format!("{name} cut at {len}");
                let found = outcome(&with(sample.files(), at, content[..len].to_vec()), &sample.last().state);
                if len < SECTOR_BYTES || (len as u64) < header.file_bytes || (at != newest && (len as u64) < needed) {
                    assert_refused(&found, &[name], &what);
                } else if at == newest {
                    let whole = newest_frames.iter().take_while(|frame| frame.offset + frame.len <= len as u64).count();
                    assert_limit(&found, &sample, whole, &what);
                } else {
                    assert!(matches!(found, Outcome::Whole), "{what}: {found:?}");
                }
            }
        }
    }
}

/// Silence about a loss, where it is unavoidable: exactly the newest segment's frames behind the first so many are gone.
fn assert_limit(found: &Outcome, sample: &Sample, newest_frames: usize, what: &str) {
    let expected = sample.state_with(newest_frames);
    let same = match found {
        Outcome::Other(found) => damaged_beside(found, expected) == Some(0),
        Outcome::Whole => sample.last().state == *expected,
        Outcome::Refused(_) | Outcome::Damaged(_) => false,
    };
    assert!(same, "{what}: found {found:?}, expected the state after {newest_frames} frames: {expected:?}");
}

#[test]
fn files_that_changed_places_are_refused() {
    for sample in samples() {
        let files = sample.files();
        for one in 0..files.len() {
            for other in one + 1..files.len() {
                let mut swapped = files.clone();
                swapped[one].1.clone_from(&files[other].1);
                swapped[other].1.clone_from(&files[one].1);
                let what = format!("{} and {} swapped", files[one].0, files[other].0);
                let error = assert_refused(&outcome(&swapped, &sample.last().state), &[&files[one].0, &files[other].0], &what);
                assert!(matches!(error, StoreError::WrongName { .. }), "{error}");
            }
        }
    }
}

/// Names between any two segments, before all and behind all; with an own base index and with another.
fn other_names(files: &Files) -> Vec<SegmentId> {
    let ids: Vec<_> = files.iter().map(|(name, _)| SegmentId::parse(name).expect("a segment")).collect();
    let uniques: Vec<u64> =
        ids.iter().flat_map(|id| [id.unique & 0xffff, id.unique - 1, id.unique, id.unique + 1, id.unique + (1 << 32)]).collect();
    let bases: Vec<u64> = ids.iter().map(|id| id.base.0).chain([1, 999]).collect();
    let named = |base: u64| uniques.iter().map(move |unique| SegmentId { base: LogIndex(base), unique: *unique });
    let mut names: Vec<_> = bases.iter().flat_map(|base| named(*base).collect::<Vec<_>>()).collect();
    names.retain(|name| !ids.contains(name));
    names
}

#[test]
fn a_copy_under_another_name_is_refused_or_removed() {
    for sample in samples() {
        let files = sample.files();
        let mut removed = 0;
        for (name, content) in files {
            for other in other_names(files) {
                let copy = other.file_name();
                let mut changed = files.clone();
                changed.push((copy.clone(), content.clone()));
                let names: Vec<_> = files.iter().map(|(name, _)| name).chain([&copy]).collect();
                let found = outcome(&changed, &sample.last().state);
                removed += usize::from(assert_refused_or_whole(&found, &names, &format!("{name} also as {copy}")));
                // Instead of its own name.
                let mut renamed = files.clone();
                renamed.retain(|(kept, _)| kept != name);
                renamed.push((copy.clone(), content.clone()));
                assert_refused(&outcome(&renamed, &sample.last().state), &names, &format!("{name} as {copy}"));
            }
            let unfinished = SegmentId::parse(name).expect("a segment").unfinished_name();
            let mut changed = files.clone();
            changed.push((unfinished, content.clone()));
            assert!(matches!(outcome(&changed, &sample.last().state), Outcome::Whole), "{name} also as unfinished");
        }
        assert!(removed > 0, "what is older than the log is a rest of a removal");
    }
}

#[test]
fn a_file_that_is_gone_is_missed() {
    for sample in samples() {
        let files = sample.files();
        // Each set of files, all but the empty one.
        for gone in 1_u32..1 << files.len() {
            let mut left = files.clone();
            let mut at = 0;
            left.retain(|_| {
                at += 1;
                gone & (1 << (at - 1)) == 0
            });
            let found = outcome(&left, &sample.last().state);
            let Outcome::Refused(error) = &found else { panic!("without {gone:b}: {found:?}") };
            match error {
                StoreError::NoLog { .. } => assert!(left.is_empty()),
                StoreError::MissingSegment { file, .. } => assert!(left.iter().any(|(name, _)| name == file)),
                other => panic!("without {gone:b}: {other}"),
            }
            // A segment that only lost its ending is as good as gone, and still there when it is refused.
            let mut unfinished = files.clone();
            for (at, (name, _)) in unfinished.iter_mut().enumerate() {
                if gone & (1 << at) != 0 {
                    *name = SegmentId::parse(name).expect("a segment").unfinished_name();
                }
            }
            assert!(matches!(outcome(&unfinished, &sample.last().state), Outcome::Refused(_)), "without {gone:b}");
        }
    }
}

/// The listing of a disk shows a folder as empty; that of the operating system is tried in `files/folder.rs`.
#[test]
fn a_file_that_is_empty_or_zeroed_is_named() {
    for sample in samples() {
        for (at, (name, content)) in sample.files().iter().enumerate() {
            for emptied in [Vec::new(), vec![0; content.len()], vec![0xff; content.len()]] {
                let what = format!("{name} emptied to {} bytes", emptied.len());
                let found = outcome(&with(sample.files(), at, emptied), &sample.last().state);
                let expected = StoreError::Damaged { file: name.clone(), offset: 0, fault: Fault::FileHeader };
                assert_eq!(assert_refused(&found, &[name], &what), expected);
            }
        }
    }
}

/// One copy cannot tell that the newest segment is an older one of itself; every other file can be told by those around it.
#[test]
fn an_older_copy_of_a_file_is_reported_unless_it_is_the_newest() {
    for sample in samples() {
        let files = sample.files();
        let (newest, ..) = sample.newest();
        let (mut refused, mut lost, mut resurrected) = (0, 0, 0);
        for snapshot in &sample.snapshots {
            for (name, older) in &snapshot.files {
                let what = format!("{name} as it was with {:?}", snapshot.state.hard_state);
                let Some(at) = files.iter().position(|(file, _)| file == name) else {
                    let mut changed = files.clone();
                    changed.push((name.clone(), older.clone()));
                    let found = outcome(&changed, &sample.last().state);
                    resurrected += usize::from(assert_refused_or_whole(&found, &[name], &what));
                    continue;
                };
                let found = outcome(&with(files, at, older.clone()), &sample.last().state);
                if at == newest {
                    assert_limit(&found, &sample, frames(older).len(), &what);
                    lost += usize::from(!matches!(found, Outcome::Whole));
                } else {
                    refused += usize::from(!assert_refused_or_whole(&found, &[name], &what));
                }
            }
        }
        assert!(refused > 3 && lost > 0 && resurrected > 3, "{refused}, {lost}, {resurrected}");
    }
}

/// Whole sectors lost, in any file: silence only about the last frame of the newest segment.
#[test]
fn a_lost_sector_is_reported_unless_only_the_last_frame_of_the_newest_segment_lost_one() {
    let mut draws = Draws(11);
    for sample in samples() {
        let (newest, _, newest_frames) = sample.newest();
        let last = &newest_frames[newest_frames.len() - 1];
        for (at, (name, content)) in sample.files().iter().enumerate() {
            for start in (0..content.len()).step_by(SECTOR_BYTES) {
                for garbage in [false, true] {
                    let mut lost = content.clone();
                    let sector = start..content.len().min(start + SECTOR_BYTES);
                    lost[sector].fill_with(|| if garbage { draws.next().to_le_bytes()[0] } else { 0 });
                    let what = format!("sector {start} of {name} lost, garbage: {garbage}");
                    let found = outcome(&with(sample.files(), at, lost), &sample.last().state);
                    // Where the lost bytes are as they were, but for the stamp, nothing is lost.
                    let is_last = at == newest && (small(last.offset)..small(last.offset + last.len)).contains(&start);
                    if is_last && !matches!(found, Outcome::Whole) {
                        assert_limit(&found, &sample, newest_frames.len() - 1, &what);
                    } else if !matches!(found, Outcome::Whole | Outcome::Damaged(1..)) {
                        assert_refused(&found, &[name], &what);
                    }
                }
            }
        }
    }
}

/// Every state that a byte can have instead, where one flipped bit says least: stamps and the first bytes of frames.
#[test]
fn any_other_byte_at_the_edges_of_a_sector_is_reported_unless_it_makes_the_last_frame_look_torn() {
    for sample in samples() {
        let (newest, _, newest_frames) = sample.newest();
        let last = &newest_frames[newest_frames.len() - 1];
        for (at, (name, content)) in sample.files().iter().enumerate() {
            let edges = (0..content.len()).filter(|byte| matches!(byte % SECTOR_BYTES, 0..4 | 508..));
            for byte in edges {
                for value in 0..=255 {
                    let mut changed = content.clone();
                    changed[byte] = value;
                    let what = format!("byte {byte} of {name} became {value}");
                    let found = outcome(&with(sample.files(), at, changed), &sample.last().state);
                    if at == newest && byte as u64 == last.offset && value == 0 {
                        assert_limit(&found, &sample, newest_frames.len() - 1, &what);
                    } else if !matches!(found, Outcome::Whole | Outcome::Damaged(1)) {
                        assert_refused(&found, &[name], &what);
                    }
                }
            }
        }
    }
}

/// A file that ends within a sector still says in it that a later frame was begun.
#[test]
fn a_later_frame_whose_first_sector_was_cut_vouches_for_the_one_before() {
    let sample = Sample::live(false, &program());
    let (newest, content, frames) = sample.newest();
    let (lost, last) = (small(frames[frames.len() - 2].offset), small(frames[frames.len() - 1].offset));
    for len in [last + 64, last + 100, last + 511] {
        let mut changed = content[..len].to_vec();
        changed[lost..lost + SECTOR_BYTES].fill(0xa5);
        let found = outcome(&with(sample.files(), newest, changed), &sample.last().state);
        assert_refused(&found, &[&sample.files()[newest].0], &format!("cut at {len}"));
    }
}
