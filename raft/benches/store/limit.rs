//! The limit: plain writes of as many bytes as the store writes, one behind the other, each followed by an `fdatasync`.
//!
//! They go to a file that a store has made, so that as much is reserved and initialized; it has room for a whole round, because
//! a log writes no byte twice, and the operating system already has memory for what is. There are no checksums, no second file
//! and no rotation. Who writes batches one at a time and makes each
//! durable cannot be faster.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use bytes::Bytes;
use squall_raft::store::Options;

use super::contest::{Contender, Log, Shape, noise};
use super::squall::{Store, frame_bytes, options};

/// Behind whatever header.
const FIRST_OFFSET: u64 = 4_096;

pub const fn contender() -> Contender {
    Contender { name: "limit", only_synced: false, open: |folder, shape| Box::new(Plain::open(folder, shape, false)) }
}

/// The same where every byte was written before: the file system has nothing to remember but the data.
pub const fn overwriting() -> Contender {
    Contender { name: "overwriting", only_synced: true, open: |folder, shape| Box::new(Plain::open(folder, shape, true)) }
}

struct Plain {
    file: File,
    frame: Bytes,
    offset: u64,
    /// Where it begins again; a file that nothing is reserved for grows.
    end: Option<u64>,
    syncs: bool,
}

impl Plain {
    fn open(folder: &Path, shape: &Shape, overwrites: bool) -> Self {
        let frame = noise(frame_bytes(shape));
        let round_bytes = FIRST_OFFSET + (frame.len() * (shape.warm_up() + shape.appends)) as u64;
        let options = options();
        let segment_bytes = options.segment_bytes.max(round_bytes);
        drop(Store::boot(folder, Options { segment_bytes, ..options }));
        let mut files = fs::read_dir(folder.join("log")).expect("a folder of benches");
        let path = files.next().expect("the store has made a file").expect("it can be listed").path();
        let file = File::options().write(true).open(path).expect("a file of benches");
        let mut len = file.metadata().expect("a file of benches").len();
        if overwrites {
            let zeros = vec![0; frame.len() * (shape.appends * 2).min(64)];
            len = FIRST_OFFSET + zeros.len() as u64;
            file.write_all_at(&zeros, FIRST_OFFSET).expect("a file of benches");
            file.sync_all().expect("a file of benches");
        }
        let end = (len > FIRST_OFFSET + frame.len() as u64).then_some(len);
        Self { file, frame, offset: FIRST_OFFSET, end, syncs: shape.syncs }
    }
}

impl Log for Plain {
    fn prepare(&mut self, _payloads: &[Bytes]) {
        if self.end.is_some_and(|end| self.offset + self.frame.len() as u64 > end) {
            self.offset = FIRST_OFFSET;
        }
    }

    fn append(&mut self) {
        self.file.write_all_at(&self.frame, self.offset).expect("a file of benches");
        self.offset += self.frame.len() as u64;
        if self.syncs {
            self.file.sync_data().expect("a file of benches");
        }
    }
}
