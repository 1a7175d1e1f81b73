//! Folders that are not this node's log: refused by name, with what was found and expected, unchanged.

use squall_raft::process::{DiskError, DiskReply, FileName};
use squall_raft::store::format::{FileHeader, SegmentId};
use squall_raft::store::{Fault, Identity, Options, StoreError, StoreEvent, wal::Wal};
use squall_raft::types::{BootNumber, ClusterId, Incarnation, LogId, LogIndex, NodeId, Peer};

use crate::store::disk::Disk;

const ME: Identity = Identity { cluster: ClusterId(7), me: Peer { node: NodeId(2), incarnation: Incarnation(1) } };

const SEGMENT: SegmentId = SegmentId { base: LogIndex(1), unique: 5 };

fn boot(disk: &mut Disk) -> StoreEvent {
    let mut out = Vec::new();
    let mut wal = Wal::boot(Options { segment_bytes: 4096, ..Options::new(ME) }, BootNumber(3), &mut out);
    loop {
        let (op, what) = out.pop().expect("an operation is under way until the end");
        if let Some(event) = wal.disk_done(op, disk.carry_out(&what), &mut out) {
            return event;
        }
    }
}

/// The error that a folder with these files ends in, and its text.
fn refusal(files: &[(&FileName, Vec<u8>)]) -> (StoreError, String) {
    let mut disk = Disk::holding(files.iter().cloned());
    let before = disk.contents();
    let StoreEvent::Failed(error) = boot(&mut disk) else { panic!("not refused") };
    assert_eq!(disk.contents(), before, "a folder that is refused is left as it is");
    let text = error.to_string();
    (error, text)
}

fn header_of(identity: Identity) -> Vec<u8> {
    FileHeader::first(identity, SEGMENT).encode().to_vec()
}

#[test]
fn the_log_of_another_cluster_is_refused() {
    let file = SEGMENT.file_name();
    let other = Identity { cluster: ClusterId(8), ..ME };
    let (error, text) = refusal(&[(&file, header_of(other))]);
    assert_eq!(error, StoreError::WrongCluster { file, found: ClusterId(8), expected: ClusterId(7) });
    assert!(text.ends_with("found a log of cluster 8, expected cluster 7"), "{text}");
}

#[test]
fn the_log_of_another_node_or_life_is_refused() {
    let file = SEGMENT.file_name();
    for found in [Peer { node: NodeId(3), ..ME.me }, Peer { incarnation: Incarnation(0), ..ME.me }] {
        let (error, _) = refusal(&[(&file, header_of(Identity { me: found, ..ME }))]);
        assert_eq!(error, StoreError::WrongNode { file: file.clone(), found, expected: ME.me });
    }
}

#[test]
fn a_newer_version_is_refused() {
    let file = SEGMENT.file_name();
    let mut newer = header_of(ME);
    newer[8] = 2;
    let checksum = crc32c::crc32c(&newer[..508]);
    newer[508..].copy_from_slice(&checksum.to_le_bytes());
    let (error, text) = refusal(&[(&file, newer)]);
    assert_eq!(error, StoreError::NewerVersion { file, found: 2, supported: 1 });
    assert!(text.ends_with("found format version 2, expected at most 1"), "{text}");
}

#[test]
fn an_unknown_file_is_refused() {
    for name in
        ["notes.txt", "wal-1-5.log", "wal-0000000000000001-000000000000000A.log", "wal-+000000000000001-0000000000000005.log"]
    {
        let file = FileName::from(name);
        let (error, _) = refusal(&[(&SEGMENT.file_name(), header_of(ME)), (&file, Vec::new())]);
        assert_eq!(error, StoreError::UnknownFile { file });
    }
}

#[test]
fn a_second_log_is_refused() {
    let first = SEGMENT.file_name();
    for base in [1, 9] {
        let other = SegmentId { base: LogIndex(base), unique: 6 };
        let second = other.file_name();
        let header = FileHeader::first(ME, other).encode().to_vec();
        let (error, text) = refusal(&[(&first, header_of(ME)), (&second, header)]);
        assert_eq!(error, StoreError::StraySegment { file: first.clone(), before: 0, behind: second.clone() });
        assert!(text.contains("found a segment between 0000000000000000 and"), "{text}");
    }
    let twin = SegmentId { base: LogIndex(2), ..SEGMENT }.file_name();
    let (error, _) = refusal(&[(&first, header_of(ME)), (&twin, header_of(ME))]);
    assert_eq!(error, StoreError::StraySegment { file: first, before: 5, behind: twin });
}

#[test]
fn a_renamed_segment_is_refused() {
    let file = SegmentId { unique: 6, ..SEGMENT }.file_name();
    let (error, _) = refusal(&[(&file, header_of(ME))]);
    assert_eq!(error, StoreError::WrongName { file, found: SEGMENT.file_name() });
}

#[test]
fn a_log_that_does_not_begin_at_its_beginning_is_refused() {
    let segment = SegmentId { base: LogIndex(10), unique: 6 };
    let header = FileHeader { previous: 5, ..FileHeader::first(ME, segment) };
    let (error, text) = refusal(&[(&segment.file_name(), header.encode().to_vec())]);
    assert_eq!(error, StoreError::MissingSegment { file: segment.file_name(), what: "follows", missing: 5 });
    assert!(text.ends_with("follows segment 0000000000000005, expected it in the folder"), "{text}");
    // Unless what is not there was purged.
    let purged = FileHeader { purged: LogId::new(1, 9), ..header };
    let mut disk = Disk::holding([(&segment.file_name(), purged.encode().to_vec())]);
    assert!(matches!(boot(&mut disk), StoreEvent::Recovered(found) if found.purged == LogId::new(1, 9)));
}

/// It has its name only when it is whole, so this is not what a crash leaves.
#[test]
fn a_segment_without_a_whole_header_is_refused() {
    for content in [Vec::new(), vec![0; 100], vec![0; 512], vec![0; 4096], header_of(ME)[..300].to_vec()] {
        let file = SEGMENT.file_name();
        let (error, _) = refusal(&[(&file, content)]);
        assert_eq!(error, StoreError::Damaged { file, offset: 0, fault: Fault::FileHeader });
    }
}

#[test]
fn a_segment_that_is_shorter_than_it_was_made_is_refused() {
    let file = SEGMENT.file_name();
    let mut content = FileHeader { file_bytes: 4096, ..FileHeader::first(ME, SEGMENT) }.encode().to_vec();
    for len in [512, 1024, 4095] {
        content.resize(len, 0);
        let (error, text) = refusal(&[(&file, content.clone())]);
        assert_eq!(error, StoreError::Cut { file: file.clone(), found: len as u64, expected: 4096 });
        assert!(text.contains("expected at least 4096"), "{text}");
    }
}

#[test]
fn a_segment_that_was_never_finished_is_removed() {
    let unfinished = SEGMENT.unfinished_name();
    for content in [Vec::new(), vec![0; 100], header_of(ME)] {
        let mut disk = Disk::holding([(&unfinished, content)]);
        assert!(matches!(boot(&mut disk), StoreEvent::Recovered(found) if found.log.is_empty()));
        let (file, content) = disk.only();
        assert_eq!(file, SegmentId { base: LogIndex(1), unique: 3 << 32 | 1 }.file_name(), "made by this boot");
        assert_eq!(content.len(), 4096);
    }
}

#[test]
fn a_folder_without_a_log_is_refused_unless_one_begins_here() {
    let unfinished = SEGMENT.unfinished_name();
    for files in [vec![], vec![(&unfinished, header_of(ME))]] {
        let mut disk = Disk::holding(files);
        let before = disk.contents();
        let mut out = Vec::new();
        let options = Options { initialize: false, ..Options::new(ME) };
        let mut wal = Wal::boot(options, BootNumber(3), &mut out);
        let (op, what) = out.pop().unwrap();
        let event = wal.disk_done(op, disk.carry_out(&what), &mut out);
        let Some(StoreEvent::Failed(error)) = event else { panic!("found {event:?}, expected a refusal") };
        assert_eq!(error, StoreError::NoLog { cluster: ClusterId(7), me: ME.me });
        assert!(error.to_string().contains("say `initialize`"), "{error}");
        assert_eq!((disk.contents(), out.len()), (before, 0));
    }
}

#[test]
fn a_file_that_shrinks_under_the_reader_is_reported() {
    let mut disk = Disk::holding([(&SEGMENT.file_name(), header_of(ME))]);
    let mut out = Vec::new();
    let mut wal = Wal::boot(Options::new(ME), BootNumber(3), &mut out);
    let (list, what) = out.pop().unwrap();
    assert_eq!(wal.disk_done(list, disk.carry_out(&what), &mut out), None);
    let (read, _) = out.pop().unwrap();
    let event = wal.disk_done(read, Ok(DiskReply::Bytes(bytes::Bytes::new())), &mut out);
    let expected = StoreError::ShortRead { file: SEGMENT.file_name(), offset: 0, found: 0, expected: 512 };
    assert_eq!(event, Some(StoreEvent::Failed(expected)));
}

#[test]
fn errors_of_the_disk_and_of_the_driver_are_told_apart() {
    let refused = |result| {
        let mut out = Vec::new();
        let mut wal = Wal::boot(Options::new(ME), BootNumber(3), &mut out);
        wal.disk_done(out[0].0, result, &mut Vec::new())
    };
    let doing = "listing the folder";
    let failed = |error| Some(StoreEvent::Failed(error));
    assert_eq!(refused(Ok(DiskReply::Done)), failed(StoreError::UnexpectedReply { doing }));
    assert_eq!(refused(Err(DiskError::Io)), failed(StoreError::Disk { doing, error: DiskError::Io }));
}
