//! Damage to any byte of a log: recovered, or reported; never silence about what was durable.

use bytes::Bytes;
use proptest::prelude::*;
use squall_raft::entry::{Entry, HardState, Payload, Persist};
use squall_raft::log_view::View;
use squall_raft::process::FileName;
use squall_raft::store::format::{Cursor, FileHeader, SECTOR_BYTES, SegmentId};
use squall_raft::store::reader::{Frame, Reader, Record, Run, Step, Summed};
use squall_raft::store::writer::FrameWriter;
use squall_raft::store::{Identity, Options, Recovered, StoreError, StoreEvent, wal::Wal};
use squall_raft::types::{BootNumber, IoId, LogId, LogIndex, NodeId, Term};

use crate::store::disk::{Disk, Draws};

const SEGMENT: SegmentId = SegmentId { base: LogIndex(1), unique: 1 << 32 | 1 };

/// Boots on a file with this content. Also says what the file holds afterwards.
fn recover(content: &[u8]) -> (Result<Recovered, StoreError>, Vec<u8>) {
    let mut disk = Disk::holding([(&SEGMENT.file_name(), content.to_vec())]);
    let mut out = Vec::new();
    let mut wal = Wal::boot(Options::new(Identity::default()), BootNumber(9), &mut out);
    for _ in 0..1_000 {
        let (op, what) = out.pop().expect("an operation is under way until the end");
        let result = disk.carry_out(&what);
        match wal.disk_done(op, result, &mut out) {
            None => {}
            Some(StoreEvent::Recovered(recovered)) => return (Ok(recovered), disk.only().1),
            Some(StoreEvent::Failed(error)) => return (Err(error), disk.only().1),
            Some(StoreEvent::Durable(_) | StoreEvent::Fetched(_)) => panic!("nothing was asked for"),
        }
    }
    panic!("recovery does not end");
}

fn small(number: u64) -> usize {
    usize::try_from(number).expect("files in tests fit into memory")
}

fn command(term: u64, index: u64, size: usize) -> Entry {
    let fill = u8::try_from(index).expect("a short log");
    Entry { id: LogId::new(term, index), payload: Payload::Command(Bytes::from(vec![fill; size])) }
}

/// A log of four frames: the second spans sectors, the third holds zeros where sectors end.
fn sample() -> (Vec<u8>, Vec<Frame>) {
    let zeros = Entry { id: LogId::new(2, 4), payload: Payload::Command(Bytes::from(vec![0; 1_100])) };
    let last = [command(2, 5, 700), command(2, 6, 9)];
    let frames: [Vec<Persist>; 4] = [
        vec![Persist::HardState(HardState { term: Term(2), vote: Some(NodeId(1)) })],
        vec![Persist::Append([command(1, 1, 20), command(1, 2, 900), command(2, 3, 300)].into())],
        vec![Persist::Append([zeros].into()), Persist::HardState(HardState { term: Term(3), vote: None })],
        vec![Persist::Append(last.into())],
    ];
    let header = FileHeader::first(Identity::default(), SEGMENT);
    let (mut at, mut reader, mut writer) = (Cursor::first(&header), Reader::new(&header), FrameWriter::default());
    let mut content = header.encode().to_vec();
    let mut read = Vec::new();
    for (seq, items) in (1..).zip(&frames) {
        let bytes = writer.encode(&mut at, IoId { boot: BootNumber(1), seq }, items.iter());
        let Step::Complete(frame) = reader.next(&bytes) else { panic!("intact") };
        read.push(frame);
        content.extend_from_slice(&bytes);
    }
    (content, read)
}

fn ids(recovered: &Recovered) -> Vec<LogId> {
    recovered.log.iter().map(|(id, _)| id).collect()
}

type Found<'a> = (LogId, View<&'a Payload>);

fn damaged(recovered: &Recovered) -> Vec<LogId> {
    recovered.log.iter().filter(|(_, payload)| matches!(payload, View::Damaged(_))).map(|(id, _)| id).collect()
}

/// Whether nothing that was durable is missing without a word.
fn loses_nothing(outcome: &Result<Recovered, StoreError>, whole: &Recovered) -> bool {
    match outcome {
        Err(_) => true,
        Ok(found) => {
            let same = |(found, whole): (Found<'_>, Found<'_>)| matches!(found.1, View::Damaged(_)) || found.1 == whole.1;
            found.hard_state == whole.hard_state && ids(found) == ids(whole) && found.log.iter().zip(whole.log.iter()).all(same)
        }
    }
}

/// Every step of a reader, up to the first that it cannot go behind.
fn steps(content: &[u8], mut step: impl FnMut(&mut Reader, &[u8]) -> Step) -> Vec<Step> {
    let mut reader = Reader::new(&FileHeader::first(Identity::default(), SEGMENT));
    let mut steps = Vec::new();
    loop {
        let rest = &content[small(reader.offset())..];
        let taken = step(&mut reader, rest);
        if let Step::Damaged(frame) = &taken {
            reader.skip(frame);
        }
        let goes_on = matches!(taken, Step::Complete(_) | Step::Damaged(_));
        steps.push(taken);
        if !goes_on {
            return steps;
        }
    }
}

/// What [`Reader::check`] makes of the same bytes.
fn without_payloads(mut step: Step) -> Step {
    if let Step::Complete(frame) | Step::Damaged(frame) = &mut step {
        frame.headers.clear();
        let mut records: Vec<Record> = Vec::new();
        for record in frame.records.drain(..) {
            match record {
                Record::Entry(Entry { id, payload: payload @ Payload::Command(_) }) => {
                    let payload_bytes = u32::try_from(payload.len_bytes()).expect("small");
                    let summed = Summed { payload_bytes, digest: payload.digest() };
                    match records.last_mut() {
                        Some(Record::Intact(Run { first, commands }))
                            if (first.term, first.index.0 + commands.len() as u64) == (id.term, id.index.0) =>
                        {
                            commands.push(summed);
                        }
                        _ => records.push(Record::Intact(Run { first: id, commands: vec![summed] })),
                    }
                }
                other => records.push(other),
            }
        }
        frame.records = records;
    }
    step
}

#[test]
fn checking_sees_whatever_reading_does() {
    let (content, _) = sample();
    for at in SECTOR_BYTES..content.len() {
        for bit in 0..8 {
            let mut flipped = content.clone();
            flipped[at] ^= 1 << bit;
            let read: Vec<_> = steps(&flipped, Reader::next).into_iter().map(without_payloads).collect();
            assert_eq!(steps(&flipped, Reader::check), read, "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn a_flipped_bit_is_reported_or_harmless() {
    let (content, _) = sample();
    let (whole, _) = recover(&content);
    let whole = whole.unwrap();
    let (mut refused, mut damaged, mut harmless) = (0, 0, 0);
    for at in 0..content.len() {
        for bit in 0..8 {
            let mut flipped = content.clone();
            flipped[at] ^= 1 << bit;
            let (outcome, after) = recover(&flipped);
            assert!(loses_nothing(&outcome, &whole), "bit {bit} of byte {at}: {outcome:?}");
            assert_eq!(after, flipped, "what is damaged is left as it is");
            match outcome {
                Err(StoreError::Damaged { offset, .. }) => {
                    assert!(offset <= at as u64, "byte {at} is in the frame that is named");
                    refused += 1;
                }
                Err(other) => panic!("byte {at}: {other}"),
                Ok(found) if found == whole => harmless += 1,
                Ok(_) => damaged += 1,
            }
        }
    }
    // Headers; payloads; stamps and padding.
    let payloads = 20 + 900 + 300 + 1_100 + 700 + 9;
    let headers = SECTOR_BYTES + 4 * 64 + 8 * 32;
    assert_eq!((refused / 8, damaged / 8), (headers, payloads));
    assert_eq!(harmless / 8, content.len() - headers - payloads);
}

/// Where no space is reserved, as in this sample, a file may end anywhere.
#[test]
fn a_cut_leaves_the_whole_frames_before_it() {
    let (content, frames) = sample();
    for len in SECTOR_BYTES..=content.len() {
        let (outcome, after) = recover(&content[..len]);
        let found = outcome.unwrap_or_else(|error| panic!("cut at {len}: {error}"));
        let whole = frames.iter().take_while(|frame| frame.offset + frame.len <= len as u64).count();
        assert_eq!(found.frames, whole as u64, "cut at {len}");
        let end = whole.checked_sub(1).map_or(SECTOR_BYTES, |last| small(frames[last].offset + frames[last].len));
        let torn = content[end..len].iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        assert_eq!(found.torn_bytes, torn as u64, "cut at {len}");
        assert_eq!(after.len(), len);
        assert!(after[end..].iter().all(|byte| *byte == 0), "nothing of it can be found again");
    }
}

/// Every sector lost, as zeros and as garbage: only the last frame may be taken for torn.
#[test]
fn a_lost_sector_is_reported_unless_only_the_last_frame_lost_one() {
    let (content, frames) = sample();
    let (whole, _) = recover(&content);
    let whole = whole.unwrap();
    let last = usize::try_from(frames[3].offset).unwrap();
    let mut draws = Draws(5);
    for at in (0..content.len()).step_by(SECTOR_BYTES) {
        for garbage in [false, true] {
            let mut lost = content.clone();
            lost[at..at + SECTOR_BYTES].fill_with(|| if garbage { draws.next().to_le_bytes()[0] } else { 0 });
            let (outcome, _) = recover(&lost);
            if at < last {
                assert!(loses_nothing(&outcome, &whole), "sector at {at}: {outcome:?}");
                continue;
            }
            let found = outcome.unwrap();
            assert_eq!(ids(&found), ids(&whole)[..4], "the last frame is cut off whole");
            assert!(found.torn_bytes > 0 && found.torn_bytes <= frames[3].len);
        }
    }
}

#[test]
fn a_rotten_payload_costs_one_entry() {
    let (content, frames) = sample();
    let mut rotten = content;
    let payload = usize::try_from(frames[1].offset).unwrap() + 64 + 3 * 32 + 20 + 5; // in the second entry
    rotten[payload] ^= 4;
    let found = recover(&rotten).0.unwrap();
    assert_eq!(damaged(&found), [LogId::new(1, 2)]);
    assert_eq!(found.whole_entries(), Err(LogId::new(1, 2)));
    assert_eq!((found.log.len(), found.frames, found.torn_bytes), (6, 4, 0));
}

/// Frames that are intact, and in the wrong place: one is left out, or two change places.
#[test]
fn a_frame_in_the_wrong_place_is_reported() {
    let (content, frames) = sample();
    let (first, second) = (usize::try_from(frames[0].offset).unwrap(), usize::try_from(frames[1].offset).unwrap());
    let without_the_first = [&content[..first], &content[second..]].concat();
    let twice_the_first = [&content[..second], &content[first..]].concat();
    for misplaced in [without_the_first, twice_the_first] {
        let (outcome, after) = recover(&misplaced);
        assert!(matches!(outcome, Err(StoreError::Damaged { .. })), "{outcome:?}");
        assert_eq!(after, misplaced);
    }
}

/// A client stored a copy of this very log, and the frame with it is torn: it does not vouch for itself.
#[test]
fn a_payload_that_looks_like_a_log_is_only_a_payload() {
    let (content, frames) = sample();
    let header = FileHeader::first(Identity::default(), SEGMENT);
    let mut reader = Reader::new(&header);
    frames.iter().for_each(|frame| reader.skip(frame));
    let copy = Entry { id: LogId::new(3, 7), payload: Payload::Command(Bytes::from(content.clone())) };
    let mut at = reader.cursor();
    let mut torn = content;
    let start = torn.len();
    torn.extend_from_slice(&FrameWriter::default().encode(&mut at, IoId::default(), [Persist::Append([copy].into())].iter()));
    torn[start..start + SECTOR_BYTES].fill(0);
    let found = recover(&torn).0.unwrap();
    let left = torn[start..].iter().rposition(|byte| *byte != 0).expect("a copy") + 1;
    assert_eq!((found.frames, found.torn_bytes), (4, left as u64));
}

/// Larger than what is read at once: frames lie across the reads, one is larger than a read.
#[test]
fn a_long_log_is_read_in_pieces() {
    let header = FileHeader::first(Identity::default(), SEGMENT);
    let (mut at, mut writer) = (Cursor::first(&header), FrameWriter::default());
    let mut content = header.encode().to_vec();
    let mut entries = Vec::new();
    for index in 1..=40 {
        let size = if index == 20 { 700_000 } else { 30_000 };
        entries.push(command(1, index, size));
        let item = Persist::Append(entries[entries.len() - 1..].into());
        content.extend_from_slice(&writer.encode(&mut at, IoId { boot: BootNumber(1), seq: index }, [item].iter()));
    }
    let found = recover(&content).0.unwrap();
    assert_eq!((found.frames, found.torn_bytes), (40, 0));
    assert_eq!(found.whole_entries(), Ok(entries));

    let rotten_from = 300_000;
    content[rotten_from..rotten_from + 2 * SECTOR_BYTES].fill(0); // in a payload, far from the last frame
    let found = recover(&content).0.unwrap();
    assert_eq!((found.frames, damaged(&found).len()), (40, 1), "what follows was found by reading on");
}

proptest! {
    #[test]
    fn any_damage_before_the_last_frame_is_noticed(
        edits in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>(), 1..1_300_usize), 1..6),
    ) {
        let (mut content, frames) = sample();
        let whole = recover(&content).0.unwrap();
        let last = usize::try_from(frames[3].offset).unwrap();
        for (start, fill, len) in edits {
            let start = start.index(last);
            content[start..(start + len).min(last)].fill(fill);
        }
        let (outcome, _) = recover(&content);
        prop_assert!(loses_nothing(&outcome, &whole), "{outcome:?}");
    }

    #[test]
    fn any_bytes_are_recovered_or_refused(content in proptest::collection::vec(any::<u8>(), 0..3_000), behind_a_log in any::<bool>()) {
        let content = if behind_a_log { [sample().0, content].concat() } else { content };
        let (outcome, _) = recover(&content);
        if behind_a_log {
            prop_assert_eq!(outcome.unwrap().frames, 4);
        }
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        let mut reader = Reader::new(&FileHeader::first(Identity::default(), SEGMENT));
        let before = reader;
        prop_assert!(!matches!(reader.next(&bytes), Step::Complete(_)));
        prop_assert_eq!(reader, before, "only an intact frame moves the position");
        prop_assert_eq!(SegmentId::parse(&FileName::from(String::from_utf8_lossy(&bytes).as_ref())), None);
    }
}
