//! The store on real files. Appends run on one thread: operations are carried out where they are asked for. A recovery has a
//! second one for its operations, as it has in the driver, since it asks for the next piece before it looks at the last.

use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread;

use bytes::Bytes;
use squall_raft::entry::{Entry, Payload, Persist, StoredEntry};
use squall_raft::process::{DiskOp, DiskReply, OpId};
use squall_raft::server::files::{Disk as _, Files, Folder};
use squall_raft::store::wal::Wal;
use squall_raft::store::{Identity, Options, Recovered, StoreEvent};
use squall_raft::types::{BootNumber, IoId, LogId};

use super::contest::{Contender, Log, Shape};

pub const fn contender() -> Contender {
    Contender { name: "squall", only_synced: false, open: |folder, shape| Box::new(Store::open(folder, shape)) }
}

pub fn options() -> Options {
    Options::new(Identity::default())
}

pub struct Store {
    boot: BootNumber,
    files: Files,
    wal: Wal,
    under_way: Vec<(OpId, DiskOp)>,
    syncs: bool,
    seq: u64,
    index: u64,
    prepared: Option<Persist>,
}

impl Store {
    pub fn open(folder: &Path, shape: &Shape) -> Self {
        let mut options = options();
        if !shape.syncs {
            // What syncs wait for is nothing where there is none.
            options.zero_ahead_bytes = 0;
        }
        let (mut store, recovered) = Self::boot(folder, options);
        assert!(recovered.log.is_empty(), "a new folder");
        store.syncs = shape.syncs;
        store
    }

    /// Boots on what is in the folder.
    pub fn recover(folder: &Path) -> (Self, Recovered) {
        Self::boot(folder, options())
    }

    pub fn boot(folder: &Path, options: Options) -> (Self, Recovered) {
        let Folder { boot, files } = Folder::open(folder).expect("a folder of benches");
        let mut under_way = Vec::new();
        let mut wal = Wal::boot(options, boot, &mut under_way);
        let (files, recovered) = recover(files, &mut wal, &mut under_way);
        let index = recovered.log.last().index.0;
        (Self { boot, files, wal, under_way, syncs: true, seq: 0, index, prepared: None }, recovered)
    }

    /// An entry, and those that are read beside it.
    pub fn read_back(&mut self, id: LogId) -> Vec<StoredEntry> {
        self.wal.fetch(id);
        self.wal.flush(&mut self.under_way);
        match self.step() {
            Some(StoreEvent::Fetched(entries)) => entries,
            other => panic!("found {other:?}, expected entries"),
        }
    }

    fn step(&mut self) -> Option<StoreEvent> {
        let (op, what) = self.under_way.pop().expect("an operation is under way");
        let what = match what {
            DiskOp::WriteSync { file, offset, bytes } if !self.syncs => DiskOp::Write { file, offset, bytes },
            other => other,
        };
        let result = self.files.execute(&what);
        drop(what); // the buffer is free before the next batch is made, as it is in the driver
        self.wal.disk_done(op, result, &mut self.under_way)
    }
}

/// Carries operations out on a thread of their own until the log is recovered.
fn recover(mut files: Files, wal: &mut Wal, under_way: &mut Vec<(OpId, DiskOp)>) -> (Files, Recovered) {
    let (queue, asked) = mpsc::channel::<(OpId, DiskOp)>();
    let (done, ended) = mpsc::channel();
    let disk = thread::spawn(move || {
        for (op, what) in asked {
            if done.send((op, files.execute(&what))).is_err() {
                break;
            }
        }
        files
    });
    let recovered = loop {
        under_way.drain(..).for_each(|op| queue.send(op).expect("the disk waits for operations"));
        let (op, result) = ended.recv().expect("an operation is under way");
        match wal.disk_done(op, result, under_way) {
            Some(StoreEvent::Recovered(recovered)) => break recovered,
            None => {}
            Some(other) => panic!("found {other:?}, expected a recovered log"),
        }
    };
    drop(queue);
    (disk.join().expect("the disk has not panicked"), recovered)
}

impl Log for Store {
    fn prepare(&mut self, payloads: &[Bytes]) {
        self.prepared = Some(batch(self.index, payloads));
        self.index += payloads.len() as u64;
    }

    fn append(&mut self) {
        self.seq += 1;
        let id = IoId { boot: self.boot, seq: self.seq };
        self.wal.persist(id, self.prepared.take().expect("a batch was prepared"));
        self.wal.flush(&mut self.under_way);
        loop {
            match self.step() {
                Some(StoreEvent::Durable(durable)) if durable == id => return,
                Some(StoreEvent::Durable(_)) | None => {
                    if self.under_way.is_empty() {
                        self.wal.flush(&mut self.under_way);
                    }
                }
                Some(other) => panic!("found {other:?}, expected a durable batch"),
            }
        }
    }
}

/// How many bytes the store writes for a batch.
pub fn frame_bytes(shape: &Shape) -> usize {
    let mut under_way = Vec::new();
    let mut wal = Wal::boot(options(), BootNumber(1), &mut under_way);
    let carry_out = |wal: &mut Wal, under_way: &mut Vec<(OpId, DiskOp)>| {
        let mut written = 0;
        while let Some((op, what)) = under_way.pop() {
            let reply = if what == DiskOp::List { DiskReply::Files(Vec::new()) } else { DiskReply::Done };
            if let DiskOp::WriteSync { bytes, .. } = what {
                written = bytes.len();
            }
            wal.disk_done(op, Ok(reply), under_way);
        }
        written
    };
    carry_out(&mut wal, &mut under_way);
    wal.persist(IoId { boot: BootNumber(1), seq: 1 }, batch(0, &shape.payloads()));
    wal.flush(&mut under_way);
    carry_out(&mut wal, &mut under_way)
}

/// Entries behind an index.
fn batch(last: u64, payloads: &[Bytes]) -> Persist {
    let entry = |(index, payload): (u64, &Bytes)| Entry { id: LogId::new(1, index), payload: Payload::Command(payload.clone()) };
    let entries: Arc<[Entry]> = (last + 1..).zip(payloads).map(entry).collect();
    Persist::Append(entries)
}
