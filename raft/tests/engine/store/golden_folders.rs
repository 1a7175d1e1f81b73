//! Folders of version 1 with several segments, as they lie in `testdata`. They are read for ever, and written the same to the byte.
//!
//! `UPDATE=1` writes a folder that is missing. Nothing overwrites one that is there: another layout is another version.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use squall_raft::entry::{Entry, HardState, Payload, Persist};
use squall_raft::log_view::View;
use squall_raft::membership::Configuration;
use squall_raft::process::{DiskOp, FileName, OpId};
use squall_raft::store::format::{FileHeader, SECTOR_BYTES};
use squall_raft::store::reader::{Frame, Reader, Step};
use squall_raft::store::{Identity, Options, Recovered, StoreEvent, wal::Wal};
use squall_raft::types::{BootNumber, ClusterId, Incarnation, IoId, LogId, LogIndex, NodeId, Peer, Term};

use crate::store::disk::Disk;

type Files = Vec<(FileName, Vec<u8>)>;

const BOOT: BootNumber = BootNumber(3);

fn options(preallocate: bool) -> Options {
    let me = Peer { node: NodeId(2), incarnation: Incarnation(1) };
    let identity = Identity { cluster: ClusterId(0x5175_616c_6c00_0007), me };
    Options { segment_bytes: 4096, preallocate, ..Options::new(identity) }
}

/// A store on a disk, one batch after the other.
struct Store {
    disk: Disk,
    wal: Wal,
    out: Vec<(OpId, DiskOp)>,
    seq: u64,
}

impl Store {
    fn boot(disk: Disk, options: Options, boot: BootNumber) -> (Self, Recovered) {
        let mut out = Vec::new();
        let wal = Wal::boot(options, boot, &mut out);
        let mut store = Self { disk, wal, out, seq: 0 };
        match store.run() {
            Some(StoreEvent::Recovered(recovered)) => (store, recovered),
            other => panic!("found {other:?}, expected a recovered log"),
        }
    }

    /// Until nothing is under way; what it said last.
    fn run(&mut self) -> Option<StoreEvent> {
        let mut said = None;
        while let Some((op, what)) = self.out.pop() {
            let result = self.disk.carry_out(&what);
            said = self.wal.disk_done(op, result, &mut self.out).or(said);
        }
        said
    }

    fn next_io(&mut self) -> IoId {
        self.seq += 1;
        IoId { boot: BOOT, seq: self.seq }
    }

    fn persist(&mut self, items: impl IntoIterator<Item = Persist>) {
        for item in items {
            let io = self.next_io();
            self.wal.persist(io, item);
        }
        self.wal.flush(&mut self.out);
    }

    fn write(&mut self, items: impl IntoIterator<Item = Persist>) {
        self.persist(items);
        self.run();
    }

    fn purge(&mut self, through: LogId) {
        let io = self.next_io();
        self.wal.purge(io, through);
        self.wal.flush(&mut self.out);
        self.run();
        self.wal.flush(&mut self.out);
        self.run();
    }
}

fn command(term: u64, index: u64, size: usize) -> Entry {
    let bytes: Vec<u8> = (0..=255).cycle().skip(usize::try_from(index).expect("a short log")).take(size).collect();
    Entry { id: LogId::new(term, index), payload: Payload::Command(Bytes::from(bytes)) }
}

fn append(entries: impl IntoIterator<Item = Entry>) -> Persist {
    Persist::Append(entries.into_iter().collect::<Vec<_>>().into())
}

fn voted(term: u64, vote: Option<u64>) -> Persist {
    Persist::HardState(HardState { term: Term(term), vote: vote.map(NodeId) })
}

/// Every kind of record; rotations, a truncation to before the segment that it lies in, a purge after which the first ones are gone.
fn written(preallocate: bool) -> Store {
    let (mut store, _) = Store::boot(Disk::default(), options(preallocate), BOOT);
    let voters = Configuration::of_voters([1, 2, 3].map(NodeId)).expect("three voters");
    let first = Entry { id: LogId::new(1, 1), payload: Payload::Configuration(Arc::new(voters)) };
    let noop = |term, index| Entry { id: LogId::new(term, index), payload: Payload::Noop };
    store.write([voted(1, Some(2)), append([first, noop(1, 2)])]);
    store.write([append([command(1, 3, 900), command(1, 4, 900)])]);
    store.write([append([command(1, 5, 1_500)])]);
    store.write([append([command(1, 6, 1_000)])]);
    store.write([voted(2, None), append([command(2, 7, 700)])]);
    store.write([append([command(2, 8, 10), command(2, 9, 1_200)])]);
    store.write([Persist::Truncate { last: LogIndex(4) }, append([command(2, 5, 30)])]);
    store.write([voted(3, Some(1)), append([command(3, 6, 1_600)])]);
    store.purge(LogId::new(1, 4));
    store.write([append([command(3, 7, 600)])]);
    store.write([append([noop(3, 8)])]);
    store
}

/// An entry's id, and what it carries if that is not damaged.
type Found = (LogId, Option<Payload>);

/// What [`written`] leaves, read.
fn expected() -> (HardState, LogId, Vec<Found>) {
    let noop = Entry { id: LogId::new(3, 8), payload: Payload::Noop };
    let entries = [command(2, 5, 30), command(3, 6, 1_600), command(3, 7, 600), noop];
    let hard_state = HardState { term: Term(3), vote: Some(NodeId(1)) };
    (hard_state, LogId::new(1, 4), entries.map(|entry| (entry.id, Some(entry.payload))).into())
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)
}

/// The folder's files; writes them first if there are none and that is asked for.
fn golden(name: &str, written: &Files) -> Files {
    let path = folder(name);
    if !path.exists() && std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(&path).expect("a folder of goldens");
        for (file, content) in written {
            fs::write(path.join(&*file.0), content).expect("a golden");
        }
    }
    let entries = fs::read_dir(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut files: Files = entries
        .map(|entry| {
            let entry = entry.expect("it can be listed");
            let name = entry.file_name().into_string().expect("a plain name");
            (FileName::from(name.as_str()), fs::read(entry.path()).expect("it can be read"))
        })
        .collect();
    files.sort();
    files
}

/// Reads a golden folder, and checks that it is what is written today.
fn read(name: &str, written: &Files) -> (Recovered, Files) {
    let files = golden(name, written);
    let names = |files: &Files| files.iter().map(|(name, content)| (name.clone(), content.len())).collect::<Vec<_>>();
    assert_eq!(names(&files), names(written), "{name}");
    assert!(files == *written, "{name}: version 1 has changed: add a version instead");
    let disk = Disk::holding(files.iter().map(|(name, content)| (name, content.clone())));
    let options = Options { initialize: false, ..options(false) };
    let (store, recovered) = Store::boot(disk, options, BootNumber(9));
    (recovered, store.disk.contents())
}

fn content(recovered: &Recovered) -> (HardState, LogId, Vec<Found>) {
    let found = recovered.log.iter().map(|(id, payload)| match payload {
        View::Ready(payload) => (id, Some(payload.clone())),
        View::Damaged(damaged) if damaged == id => (id, None),
        other => panic!("{id} is {other:?}"),
    });
    (recovered.hard_state, recovered.purged, found.collect())
}

fn frames(content: &[u8]) -> Vec<Frame> {
    let header = FileHeader::decode(content.first_chunk::<SECTOR_BYTES>().expect("a header")).expect("an intact header");
    let (mut reader, mut frames) = (Reader::new(&header), Vec::new());
    let at = |reader: &Reader| usize::try_from(reader.offset()).expect("a small file").min(content.len());
    while let Step::Complete(frame) = reader.next(&content[at(&reader)..]) {
        frames.push(frame);
    }
    frames
}

#[test]
fn several_segments_are_read_and_written() {
    for (name, preallocate) in [("wal-v1-segments", false), ("wal-v1-preallocated", true)] {
        let written = written(preallocate).disk.contents();
        let (recovered, after) = read(name, &written);
        assert_eq!((recovered.segments, recovered.frames, recovered.torn_bytes), (written.len() as u64, 6, 0), "{name}");
        assert!(written.len() >= 3, "{name} has {} segments", written.len());
        assert_eq!(content(&recovered), expected(), "{name}");
        assert!(after == written, "{name}: nothing had to be repaired");
    }
}

/// The power failed while a frame of three sectors was written: its second sector is missing.
#[test]
fn a_torn_tail_is_read_and_cut_off() {
    let mut store = written(true);
    store.persist([voted(4, Some(2)), append([command(4, 9, 1_000)])]);
    let whole = store.disk.contents();
    let (_, DiskOp::WriteSync { file, offset, bytes }) = store.out[0].clone() else { panic!("a frame is on its way") };
    let mut torn = bytes.to_vec();
    torn[SECTOR_BYTES..2 * SECTOR_BYTES].fill(0);
    let mut written = whole.clone();
    let (_, newest) = written.iter_mut().find(|(name, _)| *name == file).expect("the newest segment");
    let offset = usize::try_from(offset).expect("a small file");
    newest[offset..offset + torn.len()].copy_from_slice(&torn);
    let (recovered, after) = read("wal-v1-torn-tail", &written);
    assert_eq!(recovered.torn_bytes, torn.len() as u64);
    assert_eq!(content(&recovered), expected());
    assert!(after == whole, "zeros as if it had never been written");
}

/// One byte of one entry is another.
#[test]
fn a_damaged_payload_is_read_and_left() {
    let mut written = written(false).disk.contents();
    let holds = |frame: &Frame| frame.records.iter().any(|record| format!("{record:?}").contains("index: LogIndex(6)"));
    let newest_first = written.iter_mut().rev();
    let found = newest_first.flat_map(|(_, content)| {
        let at = frames(content).iter().find(|frame| holds(frame)).map(|frame| frame.offset);
        at.map(|at| (content, usize::try_from(at).expect("a small file")))
    });
    let (content_of, at) = found.into_iter().next().expect("entry 6 lies somewhere");
    content_of[at + 700] ^= 0x20;
    let (recovered, after) = read("wal-v1-damaged-payload", &written);
    let (hard_state, purged, mut entries) = expected();
    entries[1] = (LogId::new(3, 6), None);
    assert_eq!(content(&recovered), (hard_state, purged, entries));
    assert!(after == written, "what is damaged is left as it is");
}
