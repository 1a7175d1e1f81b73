//! Faults of disks, from what a plan says of them to what a disk is told.
//!
//! Not here: whether they may happen ([`super::atlas`]), what they do ([`crate::disk`]).

use squall_raft::process::DiskError;

use crate::disk::{DiskFault, Kinds};
use crate::plan::Fault;
use crate::scenario::{DiskFailure, OpKind, What};

/// What the disk of a target is told; none if the fault is of another kind.
pub(super) fn of(fault: &Fault) -> Option<DiskFault> {
    let outside_atlas = fault.outside_atlas;
    Some(match &fault.what {
        What::DiskErrors { on, error, times, .. } => {
            DiskFault::Errors { on: kinds(on), error: failure(*error), times: times.map(|times| times.low), outside_atlas }
        }
        What::FullDisk { free, .. } => DiskFault::Full { free_bytes: free.low },
        What::LyingFsync(_) => DiskFault::Lying { outside_atlas },
        What::BitRot { bits, within_ppm, .. } => {
            DiskFault::Rot { key: fault.key(), bits: bits.low, within_ppm: (within_ppm.low, within_ppm.high), outside_atlas }
        }
        What::Misdirect { reads, writes, .. } => DiskFault::Misdirect { reads: reads.low, writes: writes.low, outside_atlas },
        What::WipeDisk(_) => DiskFault::Wipe,
        What::ReorderDisk(_) => DiskFault::Reorder,
        _ => return None,
    })
}

fn kinds(on: &[OpKind]) -> Kinds {
    if on.is_empty() {
        return Kinds::ALL;
    }
    let has = |kind| on.contains(&kind);
    Kinds { write: has(OpKind::Write), sync: has(OpKind::Sync), read: has(OpKind::Read), meta: has(OpKind::Meta) }
}

const fn failure(failure: DiskFailure) -> DiskError {
    match failure {
        DiskFailure::Io => DiskError::Io,
        DiskFailure::NoSpace => DiskError::NoSpace,
    }
}
