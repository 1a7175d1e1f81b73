//! What planted bugs do instead of the code beside which they are called; compiled only with the feature `mutants`.
//!
//! Not here: their catalogue (`sim/bugs/README.md`).

use std::collections::VecDeque;

use super::{Options, SECTOR};
use crate::mutants::Bug;
use crate::process::DiskOp;

/// D02: frames without term and vote are not synced. D09: nor is the last one of a segment.
pub(super) fn write(op: DiskOp, options: &Options, has_hard_state: bool, end: u64) -> DiskOp {
    let skips_sync = match options.bug {
        Some(Bug::D02) => !has_hard_state,
        Some(Bug::D09) => end + 2 * SECTOR > options.segment_bytes,
        _ => false,
    };
    match op {
        DiskOp::WriteSync { file, offset, bytes } if skips_sync => DiskOp::Write { file, offset, bytes },
        op => op,
    }
}

/// D07: a segment is made under its own name. D08: the folder is not synced then.
pub(super) fn make(ops: VecDeque<DiskOp>, options: &Options) -> VecDeque<DiskOp> {
    match options.bug {
        Some(Bug::D08) => ops.into_iter().filter(|op| *op != DiskOp::SyncDir).collect(),
        Some(Bug::D07) => {
            let name = ops.iter().find_map(|op| if let DiskOp::Rename { to, .. } = op { Some(to.clone()) } else { None });
            let named = |op| match (op, name.clone()) {
                (DiskOp::Create { .. }, Some(file)) => Some(DiskOp::Create { file }),
                (DiskOp::Allocate { len, .. }, Some(file)) => Some(DiskOp::Allocate { file, len }),
                (DiskOp::WriteSync { file: new, offset, bytes }, Some(file)) if new.0.ends_with(".new") => {
                    Some(DiskOp::WriteSync { file, offset, bytes })
                }
                (DiskOp::Rename { .. }, _) => None,
                (op, _) => Some(op),
            };
            ops.into_iter().filter_map(named).collect()
        }
        _ => ops,
    }
}
