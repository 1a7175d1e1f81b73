//! The real files of a life, with what can be wrong with them: syncs that are skipped, syncs that fail.

use std::cell::Cell;
use std::rc::Rc;

use squall_raft::process::{DiskError, DiskOp, DiskReply};
use squall_raft::server::files::{Disk, Executed, Files, Recorder};

/// What a disk pretends to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    None,
    Sync,
    SyncDir,
    /// The folder is synced at boot only.
    SyncDirLater,
    /// Syncs of files do nothing until the log that an earlier boot left is recovered.
    SyncAtBoot,
    /// What is written once syncs fail is not.
    NothingTakenBack,
}

/// Fails when it is told to.
struct Faulty {
    files: Files,
    fails: Rc<Cell<bool>>,
}

impl Disk for Faulty {
    fn execute(&mut self, op: &DiskOp) -> Result<DiskReply, DiskError> {
        match op {
            DiskOp::WriteSync { file, offset, bytes } if self.fails.get() => {
                let write = DiskOp::Write { file: file.clone(), offset: *offset, bytes: bytes.clone() };
                self.files.execute(&write).and(Err(DiskError::Io))
            }
            DiskOp::Sync { .. } | DiskOp::SyncDir if self.fails.get() => Err(DiskError::Io),
            _ => self.files.execute(op),
        }
    }
}

/// Skips what it lies about, so the record does not have it.
pub struct Lying {
    disk: Recorder<Faulty>,
    fails: Rc<Cell<bool>>,
    lie: Lie,
    is_booting: bool,
    is_later_boot: bool,
}

impl Lying {
    pub fn new(files: Files, lie: Lie, is_later_boot: bool) -> Self {
        let fails = Rc::new(Cell::new(false));
        let disk = Recorder::new(Faulty { files, fails: Rc::clone(&fails) });
        Self { disk, fails, lie, is_booting: true, is_later_boot }
    }

    /// No sync succeeds from now on.
    pub fn fail(&self) {
        self.fails.set(true);
    }

    /// The boot is over.
    pub fn recovered(&mut self) {
        self.is_booting = false;
    }

    pub fn executed(&self) -> &[Executed] {
        self.disk.executed()
    }

    pub fn into_executed(self) -> Vec<Executed> {
        self.disk.into_parts().1
    }
}

impl Disk for Lying {
    fn execute(&mut self, op: &DiskOp) -> Result<DiskReply, DiskError> {
        let skips_sync = self.lie == Lie::Sync || self.lie == Lie::SyncAtBoot && self.is_booting && self.is_later_boot;
        let skips_sync_dir = self.lie == Lie::SyncDir || self.lie == Lie::SyncDirLater && !self.is_booting;
        match op {
            DiskOp::Sync { .. } if skips_sync => Ok(DiskReply::Done),
            DiskOp::SyncDir if skips_sync_dir => Ok(DiskReply::Done),
            DiskOp::Write { .. } if self.lie == Lie::NothingTakenBack && self.fails.get() => Ok(DiskReply::Done),
            DiskOp::WriteSync { file, offset, bytes } if skips_sync => {
                self.disk.execute(&DiskOp::Write { file: file.clone(), offset: *offset, bytes: bytes.clone() })
            }
            _ => self.disk.execute(op),
        }
    }
}
