//! Histories in which every written value is unique: an order in polynomial time.
//!
//! If each value is written once, a read says which write it followed. A write with its reads
//! must come in one piece, and so must what grew out of it: a read of `ab` says that `b` was
//! appended right after `a` was put, and a compare-and-set that succeeded came right after
//! what it expected. Such a piece is a *block*. A history has an order exactly if each block
//! has one inside, and the blocks have one among each other, which their *zones* tell
//! (Gibbons and Korach, Testing shared memories, 1997, section 4).
//!
//! Compare-and-sets that failed say what the value was *not*. They are left out at first:
//! what has no order without them has none with them. Then they are put where they fit
//! (`refused`). If one does not fit, this says nothing, and the search decides.
//!
//! Not here: the search; histories in which a value is written twice.
//! Read next: `pieces`, `calls`, `blocks`, `refused`.

mod blocks;
mod calls;
mod pieces;
mod refused;

use super::partition::Partition;
use crate::model::Model;
use crate::mutants::Bug;
use blocks::Blocks;
use calls::Calls;

/// An order of the operations, or the one that has no place in any; `None` if this is not
/// the way to find out.
pub(super) fn judge<M: Model>(model: &M, partition: &Partition<'_, M>) -> Option<Result<Vec<u32>, u32>> {
    let calls = Calls::new(model, partition)?;
    let end = u32::try_from(partition.events.len()).ok()?;
    match Blocks::new(&calls, end) {
        Some(blocks) => Some(Ok(refused::order(&calls, partition, end, blocks)?)),
        None => Some(Err(first_death(&calls, partition)?)),
    }
}

/// The first return after which there is no order; `None` if it might have been an earlier one.
fn first_death<M: Model>(calls: &Calls, partition: &Partition<'_, M>) -> Option<u32> {
    let (at, operation) = partition.first_death(|end| Blocks::new(calls, end).is_some())?;
    // Blocks ignore what failed, so without it there may have been no order even earlier.
    let before = refused::order(calls, partition, at, Blocks::new(calls, at)?);
    (before.is_some() || Bug::BlameForgetsRefused.is_planted()).then_some(operation)
}
