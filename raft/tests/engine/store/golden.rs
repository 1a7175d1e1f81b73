//! Version 1 of the format, as it lies in `testdata/wal-v1`. These bytes are read for ever.

use std::sync::Arc;

use bytes::Bytes;
use squall_raft::entry::{Entry, HardState, Payload, Persist};
use squall_raft::membership::Configuration;
use squall_raft::process::FileName;
use squall_raft::store::Identity;
use squall_raft::store::format::{Cursor, FileHeader, SECTOR_BYTES, SegmentId};
use squall_raft::store::reader::{Frame, Reader, Record, Step};
use squall_raft::store::writer::FrameWriter;
use squall_raft::types::{BootNumber, ClusterId, Incarnation, IoId, LogId, LogIndex, NodeId, Peer, Term};

const NAME: &str = "wal-0000000000000001-0000000300000001.log";
const FILE: &[u8] = include_bytes!("../../../testdata/wal-v1/wal-0000000000000001-0000000300000001.log");

fn header() -> FileHeader {
    let me = Peer { node: NodeId(2), incarnation: Incarnation(1) };
    let segment = SegmentId { base: LogIndex(1), unique: 0x3_0000_0001 };
    FileHeader::first(Identity { cluster: ClusterId(0x5175_616c_6c00_0007), me }, segment)
}

/// What the file holds: every kind of record, a frame of one sector, one of several.
fn frames() -> Vec<(IoId, Vec<Persist>)> {
    let entry = |term, index, payload| Entry { id: LogId::new(term, index), payload };
    let voters = Configuration::of_voters([1, 2, 3].map(NodeId)).expect("three voters");
    let long: Vec<u8> = (0..=255).cycle().take(1_200).collect();
    let io = |boot, seq| IoId { boot: BootNumber(boot), seq };
    vec![
        (io(3, 1), vec![Persist::HardState(HardState { term: Term(1), vote: Some(NodeId(2)) })]),
        (
            io(3, 4),
            vec![
                Persist::Append([entry(1, 1, Payload::Configuration(Arc::new(voters))), entry(1, 2, Payload::Noop)].into()),
                Persist::Append([entry(1, 3, Payload::Command(Bytes::from_static(b"put x 1")))].into()),
                Persist::Append([entry(1, 4, Payload::Command(Bytes::from(long)))].into()),
            ],
        ),
        (
            io(4, 3),
            vec![
                Persist::HardState(HardState { term: Term(2), vote: None }),
                Persist::Truncate { last: LogIndex(3) },
                Persist::Append([entry(2, 4, Payload::Command(Bytes::new()))].into()),
            ],
        ),
    ]
}

fn encoded() -> Vec<u8> {
    let (mut at, mut writer) = (Cursor::first(&header()), FrameWriter::default());
    let mut file = header().encode().to_vec();
    for (io, items) in frames() {
        file.extend_from_slice(&writer.encode(&mut at, io, items.iter()));
    }
    file
}

fn records(items: &[Persist]) -> Vec<Record> {
    let mut records = Vec::new();
    for item in items {
        match item {
            Persist::HardState(state) => records.push(Record::HardState(*state)),
            Persist::Truncate { last } => records.push(Record::Truncate { last: *last }),
            Persist::Append(entries) => {
                records.extend(entries.iter().cloned().map(Record::Entry));
            }
        }
    }
    records
}

#[test]
fn the_golden_file_is_read() {
    let sector = FILE.first_chunk::<SECTOR_BYTES>().unwrap();
    assert_eq!(FileHeader::decode(sector), Ok(header()));
    assert_eq!(header().segment.file_name(), FileName::from(NAME));
    let mut reader = Reader::new(&header());
    let mut read: Vec<Frame> = Vec::new();
    while reader.offset() < FILE.len() as u64 {
        let rest = &FILE[usize::try_from(reader.offset()).unwrap()..];
        let Step::Complete(frame) = reader.next(rest) else { panic!("frame {} is intact", read.len()) };
        read.push(frame);
    }
    let expected = frames();
    assert_eq!(read.len(), expected.len());
    for (frame, (io, items)) in read.iter().zip(&expected) {
        assert_eq!((frame.header.io, &frame.records), (*io, &records(items)));
    }
}

#[test]
fn the_golden_file_is_written() {
    assert!(encoded() == FILE, "version 1 has changed: add a version instead");
}

/// Bytes picked out by hand, so that reader and writer cannot drift together.
#[test]
fn fields_lie_where_the_table_says() {
    assert_eq!(&FILE[..8], b"SQUALWAL");
    assert_eq!((&FILE[8..12], &FILE[12..16]), (&[1, 0, 0, 0][..], &[0, 2, 0, 0][..]), "version, sector");
    assert_eq!((FILE[24], FILE[32], FILE[40], FILE[64]), (2, 1, 1, 1), "node, incarnation, base index, first frame");
    let checksum = |bytes: &[u8]| crc32c::crc32c(bytes).to_le_bytes();
    assert_eq!(FILE[508..512], checksum(&FILE[..508]));

    let frame = &FILE[512..1024];
    let seed = u32::from_le_bytes(FILE[508..512].try_into().unwrap());
    assert_eq!((&frame[..4], frame[8], frame[20]), (&b"SQFR"[..], 1, 1), "magic, sequence number, records");
    assert_eq!(frame[4..8], crc32c::crc32c_append(seed, &frame[8..64]).to_le_bytes());
    assert_eq!(frame[48..52], checksum(&frame[64..96]), "all record headers");
    let record = &frame[64..96];
    assert_eq!((record[4], record[5], record[16], record[24]), (1, 1, 2, 1), "hard state with a vote for 2 in term 1");
    assert_eq!(record[..4], checksum(&record[4..]));
    let stamp = crc32c::crc32c_append(seed, &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).to_le_bytes();
    assert_eq!(frame[508..], stamp, "of sequence number 1 behind chain 0");

    assert_eq!(FILE[1024 + 16..1024 + 20], frame[4..8], "the second frame chains to the first");
}
