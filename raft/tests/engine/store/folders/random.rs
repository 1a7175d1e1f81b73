//! Random lives, and random damage of many bytes in many files.
//!
//! The frames of a log are ordered, over all its segments. What may be lost without a word is the end of that order, and only if the
//! damage hit what says of each lost frame that it was written: of the first one its first byte or a stamp, of all others the header.

use proptest::prelude::*;
use proptest::sample::Index;
use squall_raft::process::FileName;
use squall_raft::store::format::{FRAME_HEADER_BYTES, SECTOR_BYTES, STAMP_BYTES};
use squall_raft::store::reader::{Frame, Record};

use super::sample::{Files, Outcome, Sample, damaged_beside, frames, outcome, small};
use super::{header, with};
use crate::store::disk::Draws;
use crate::store::model::Do;

/// What happens to a folder.
#[derive(Clone, Debug)]
pub enum Harm {
    Fill {
        file: Index,
        start: Index,
        len: usize,
        fill: u8,
    },
    Garbage {
        file: Index,
        start: Index,
        len: usize,
        seed: u64,
    },
    /// From a place in the last frame of the newest segment on.
    Tail {
        frames: usize,
        within: Index,
        len: usize,
        fill: u8,
    },
    Cut {
        file: Index,
        len: Index,
    },
    Remove {
        file: Index,
    },
    RemoveNewest,
    /// The file as it was at another time.
    Older {
        file: Index,
        when: Index,
    },
}

impl Harm {
    pub fn strike(&self, files: &Files, sample: &Sample) -> Files {
        let has_frames = !sample.newest().2.is_empty();
        if files.is_empty() || (matches!(self, Self::Tail { .. }) && !has_frames) {
            return files.clone();
        }
        match self {
            Self::Fill { file, start, len, fill } => {
                edit(files, file.index(files.len()), *start, *len, |bytes| bytes.fill(*fill))
            }
            Self::Garbage { file, start, len, seed } => {
                let mut draws = Draws(*seed);
                edit(files, file.index(files.len()), *start, *len, |bytes| bytes.fill_with(|| draws.next().to_le_bytes()[0]))
            }
            Self::Tail { frames: count, within, len, fill } => {
                let at = files.len() - 1;
                let (_, _, newest) = sample.newest();
                let frame = &newest[newest.len() - 1 - count % newest.len()];
                let mut content = files[at].1.clone();
                let start = (small(frame.offset) + within.index(small(frame.len))).min(content.len());
                let end = (start + len).min(content.len());
                content[start..end].fill(*fill);
                with(files, at, content)
            }
            Self::Cut { file, len } => {
                let at = file.index(files.len());
                let content = &files[at].1;
                with(files, at, content[..len.index(content.len() + 1)].to_vec())
            }
            Self::Remove { file } => without(files, file.index(files.len())),
            Self::RemoveNewest => without(files, files.len() - 1),
            Self::Older { file, when } => {
                let at = file.index(files.len());
                let snapshot = &sample.snapshots[when.index(sample.snapshots.len())];
                let older = snapshot.files.iter().find(|(name, _)| *name == files[at].0);
                older.map_or_else(|| files.clone(), |(_, content)| with(files, at, content.clone()))
            }
        }
    }
}

fn without(files: &Files, at: usize) -> Files {
    let mut changed = files.clone();
    changed.remove(at);
    changed
}

fn edit(files: &Files, at: usize, start: Index, len: usize, mut change: impl FnMut(&mut [u8])) -> Files {
    let mut content = files[at].1.clone();
    if !content.is_empty() {
        let start = start.index(content.len());
        let end = (start + len).min(content.len());
        change(&mut content[start..end]);
    }
    with(files, at, content)
}

/// A frame, and what damage left of it.
struct Remains {
    frame: Frame,
    /// Its first byte is zero, or a stamp is not what it was.
    looks_unwritten: bool,
    /// Its header is not what it was.
    is_beheaded: bool,
}

impl Remains {
    fn of(frame: Frame, original: &[u8], changed: &[u8]) -> Self {
        let differs = |from: usize, to: usize| changed.get(from..to) != Some(&original[from..to]);
        let (start, end) = (small(frame.offset), small(frame.offset + frame.len));
        let mut sectors = (start..end).step_by(SECTOR_BYTES);
        let lacks_stamp = sectors.any(|sector| differs(sector + SECTOR_BYTES - STAMP_BYTES, sector + SECTOR_BYTES));
        let looks_unwritten = lacks_stamp || changed.get(start).is_none_or(|byte| *byte == 0);
        Self { frame, looks_unwritten, is_beheaded: differs(start, start + FRAME_HEADER_BYTES) }
    }
}

fn remains(original: &Files, changed: &Files) -> Vec<Remains> {
    let content_of = |name: &FileName| changed.iter().find(|(file, _)| file == name).map_or(&[][..], |(_, content)| &content[..]);
    let last = changed.last().map(|(name, _)| name);
    let mut remains = Vec::new();
    for (name, content) in original {
        // A seal says nothing that the segment behind it does not, as long as that is there.
        let is_seal = |frame: &Frame| matches!(frame.records[..], [Record::Sealed { .. }]);
        let counts = |frame: &Frame| !is_seal(frame) || last == Some(name);
        let of_file = frames(content).into_iter().filter(counts);
        remains.extend(of_file.map(|frame| Remains::of(frame, content, content_of(name))));
    }
    remains
}

/// The next frame's number when a snapshot was taken.
fn next_sequence(files: &Files) -> u64 {
    let newest = &files.last().expect("a log has a segment").1;
    header(newest).sequence + frames(newest).len() as u64
}

/// Refused by the name of a file, or every loss is one that a single copy cannot show.
pub fn check(sample: &Sample, changed: &Files) -> Result<Outcome, TestCaseError> {
    let found = outcome(changed, &sample.last().state);
    match &found {
        Outcome::Whole | Outcome::Damaged(_) => {}
        Outcome::Refused(error) => {
            let is_named = error.file().is_some_and(|file| sample.files().iter().any(|(name, _)| name == file));
            prop_assert!(is_named || changed.is_empty(), "{}", error);
        }
        Outcome::Other(recovered) => {
            let end = header(&sample.files()[0].1).sequence + recovered.frames;
            let then = sample.snapshots.iter().rfind(|snapshot| next_sequence(&snapshot.files) <= end);
            let then = then.expect("the log began with a frame");
            prop_assert!(damaged_beside(recovered, &then.state).is_some(), "not what the log ever was: {:?}", recovered);
            let lost: Vec<_> =
                remains(sample.files(), changed).into_iter().filter(|one| one.frame.header.sequence >= end).collect();
            prop_assert!(lost.first().is_some_and(|one| one.looks_unwritten), "frame {} was written, and is lost", end);
            for one in &lost[1..] {
                prop_assert!(one.is_beheaded, "frame {} follows what was taken for torn", one.frame.header.sequence);
            }
        }
    }
    Ok(found)
}

pub fn any_step() -> impl Strategy<Value = Do> {
    let size = prop_oneof![Just(0_usize), 1..40_usize, 300..700_usize, 1_500..2_600_usize];
    prop_oneof![
        2 => proptest::option::of(1..6_u64).prop_map(Do::Vote),
        6 => proptest::collection::vec(size, 1..5).prop_map(Do::Append),
        1 => (0..9_u64).prop_map(Do::Configure),
        2 => (0..5_u64).prop_map(Do::Truncate),
        1 => (0..6_u64).prop_map(Do::Purge),
    ]
}

pub fn any_harm() -> impl Strategy<Value = Harm> {
    let at = any::<Index>;
    let len = || prop_oneof![Just(1_usize), 2..600_usize, 600..4_000_usize];
    let fill = || prop_oneof![2 => Just(0_u8), 1 => any::<u8>()];
    prop_oneof![
        4 => (at(), at(), len(), fill()).prop_map(|(file, start, len, fill)| Harm::Fill { file, start, len, fill }),
        2 => (at(), at(), len(), any::<u64>()).prop_map(|(file, start, len, seed)| Harm::Garbage { file, start, len, seed }),
        4 => (0..3_usize, at(), len(), fill()).prop_map(|(frames, within, len, fill)| Harm::Tail { frames, within, len, fill }),
        1 => (at(), at()).prop_map(|(file, len)| Harm::Cut { file, len }),
        1 => at().prop_map(|file| Harm::Remove { file }),
        1 => Just(Harm::RemoveNewest),
        1 => (at(), at()).prop_map(|(file, when)| Harm::Older { file, when }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_harm_to_any_folder_is_reported_or_beyond_what_one_copy_shows(
        program in proptest::collection::vec(any_step(), 1..50),
        preallocate in any::<bool>(),
        harms in proptest::collection::vec(proptest::collection::vec(any_harm(), 1..5), 64),
    ) {
        let sample = Sample::live(preallocate, &program);
        prop_assert!(matches!(outcome(sample.files(), &sample.last().state), Outcome::Whole));
        for harm in harms {
            let changed = harm.iter().fold(sample.files().clone(), |files, harm| harm.strike(&files, &sample));
            check(&sample, &changed).map_err(|error| TestCaseError::fail(format!("{harm:?}: {error}")))?;
        }
    }
}

/// The property above would hold of a recovery that refuses everything.
#[test]
fn random_harm_has_every_outcome() {
    let mut draws = Draws(3);
    let sample = Sample::live(true, &super::program());
    let mut seen = [0; 4];
    for _ in 0..800 {
        let [file, start, seed] = [0; 3].map(|_| draws.next());
        let file = small(file % sample.files().len() as u64);
        let mut content = sample.files()[file].1.clone();
        let start = small(start % content.len() as u64);
        let end = (start + 1 + draws.below(300)).min(content.len());
        let mut garbage = Draws(seed);
        content[start..end].fill_with(|| garbage.next().to_le_bytes()[0]);
        seen[match check(&sample, &with(sample.files(), file, content)).expect("the property holds") {
            Outcome::Refused(_) => 0,
            Outcome::Whole => 1,
            Outcome::Damaged(_) => 2,
            Outcome::Other(_) => 3,
        }] += 1;
    }
    assert!(seen.iter().all(|count| *count > 4), "{seen:?}");
}
