//! A disk that keeps what was asked of it and what came of it.
//!
//! Not here: bounds. A record grows with every operation, so it is for tests and for hunting a failure.

use super::Disk;
use crate::process::{DiskError, DiskOp, DiskReply};

/// One operation and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executed {
    /// What was asked.
    pub op: DiskOp,
    /// What came of it.
    pub result: Result<DiskReply, DiskError>,
}

/// Passes operations on to a disk and keeps each with its result, in order.
#[derive(Clone, Debug)]
pub struct Recorder<D> {
    disk: D,
    executed: Vec<Executed>,
}

impl<D> Recorder<D> {
    /// Records what is done on `disk` from now on.
    pub const fn new(disk: D) -> Self {
        Self { disk, executed: Vec::new() }
    }

    /// Everything so far, oldest first.
    #[must_use]
    pub fn executed(&self) -> &[Executed] {
        &self.executed
    }

    /// The disk and everything that was done on it.
    #[must_use]
    pub fn into_parts(self) -> (D, Vec<Executed>) {
        (self.disk, self.executed)
    }
}

impl<D: Disk> Disk for Recorder<D> {
    fn execute(&mut self, op: &DiskOp) -> Result<DiskReply, DiskError> {
        let result = self.disk.execute(op);
        self.executed.push(Executed { op: op.clone(), result: result.clone() });
        result
    }
}
