//! tikv's raft-engine with one group, as it comes and without compression.
//!
//! Its batch is what it calls one: entries of one group, encoded by rust-protobuf when they are added, written and synced by
//! one call. Entries are made beforehand, as Squall's are; adding them counts, because that encodes them.

use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use raft::eraftpb::Entry;
use raft_engine::{Config, Engine, LogBatch, MessageExt, ReadableSize};

use super::contest::{Contender, Log, Shape};
use super::recovery::Recoverer;

const GROUP: u64 = 1;

pub const fn contender() -> Contender {
    Contender { name: "raft-engine", only_synced: false, open: |folder, shape| Box::new(Peer::open(folder, shape, true)) }
}

/// The payloads of these benches cannot be compressed.
pub const fn uncompressed() -> Contender {
    let open = |folder: &Path, shape: &Shape| -> Box<dyn Log> { Box::new(Peer::open(folder, shape, false)) };
    Contender { name: "raft-engine, plain", only_synced: false, open }
}

/// Opened, and every entry read: Squall has them in memory, too.
pub const fn recoverer() -> Recoverer {
    Recoverer { name: uncompressed().name, log: uncompressed(), recover }
}

/// Opened before, and every entry read, as much at once as Squall reads back.
pub const fn reader() -> Recoverer {
    Recoverer { recover: read, ..recoverer() }
}

/// How raft-engine looks into entries.
struct Extension;

impl MessageExt for Extension {
    type Entry = Entry;

    fn index(entry: &Entry) -> u64 {
        entry.index
    }
}

struct Peer {
    engine: Engine,
    batch: LogBatch,
    entries: Vec<Entry>,
    index: u64,
    syncs: bool,
}

impl Peer {
    fn open(folder: &Path, shape: &Shape, compresses: bool) -> Self {
        let engine = Engine::open(config(folder, compresses)).expect("a folder of benches");
        let entries = Vec::with_capacity(shape.batch);
        Self { engine, batch: LogBatch::default(), entries, index: 0, syncs: shape.syncs }
    }
}

impl Log for Peer {
    fn prepare(&mut self, payloads: &[Bytes]) {
        self.entries.clear();
        for payload in payloads {
            self.index += 1;
            self.entries.push(Entry { term: 1, index: self.index, data: payload.clone(), ..Entry::default() });
        }
    }

    fn append(&mut self) {
        self.batch.add_entries::<Extension>(GROUP, &self.entries).expect("entries that follow each other");
        self.engine.write(&mut self.batch, self.syncs).expect("a folder of benches");
    }
}

fn config(folder: &Path, compresses: bool) -> Config {
    let mut config = Config { dir: folder.display().to_string(), ..Config::default() };
    if !compresses {
        config.batch_compression_threshold = ReadableSize(0);
    }
    config
}

fn recover(folder: &Path, count: usize) -> Duration {
    let began = Instant::now();
    let engine = Engine::open(config(folder, false)).expect("a folder of benches");
    let mut entries = Vec::with_capacity(count);
    engine.fetch_entries_to::<Extension>(GROUP, 1, count as u64 + 1, None, &mut entries).expect("all are there");
    let elapsed = began.elapsed();
    assert_eq!(entries.len(), count);
    elapsed
}

fn read(folder: &Path, count: usize) -> Duration {
    let engine = Engine::open(config(folder, false)).expect("a folder of benches");
    let began = Instant::now();
    let mut next = 1;
    while next <= count as u64 {
        let mut entries = Vec::new();
        engine.fetch_entries_to::<Extension>(GROUP, next, count as u64 + 1, Some(1 << 20), &mut entries).expect("all are there");
        next += entries.len() as u64;
    }
    began.elapsed()
}
