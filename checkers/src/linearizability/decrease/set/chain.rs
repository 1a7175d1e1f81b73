//! Reads of a whole set that only grows: which saw more than which.
//!
//! Of two reads one must have seen all that the other one saw. So they form a chain, and
//! each element has a rank: that of the first read in the chain that saw it.
//! Not here: real time (`growing`).

use super::super::super::partition::{Event, Partition};
use super::{Call, Calls};
use crate::model::Model;
use crate::mutants::Bug;
use std::collections::BTreeMap;
use std::ops::Bound;

/// The rank of what no read saw.
pub(super) const UNSEEN: u32 = u32::MAX;

pub(super) struct Chain {
    /// How many events there are until the first read returned that breaks the chain.
    pub breaks_after: u32,
    /// Elements by rank, ranks in ascending order.
    pub elements: Vec<(u32, u32)>,
    /// Reads that returned before that, as places of operations, in the same way.
    pub reads: Vec<(u32, u32)>,
}

impl Chain {
    pub(super) fn new<M: Model>(calls: &Calls, partition: &Partition<'_, M>) -> Self {
        let mut breaks_after = u32::MAX;
        // By how many they saw: what they saw, and which they are.
        let mut links: BTreeMap<usize, (&[u32], Vec<u32>)> = BTreeMap::new();
        for (at, event) in (1..).zip(&partition.events) {
            let Event::Return(operation) = *event else { continue };
            let Call::All(read) = calls.calls[operation as usize] else { continue };
            let seen = &calls.reads[read as usize][..];
            if !fits(&links, seen) {
                breaks_after = at;
                break;
            }
            links.entry(seen.len()).or_insert((seen, Vec::new())).1.push(operation);
        }
        let mut rank_of = vec![UNSEEN; calls.elements];
        let mut reads = Vec::new();
        for (rank, (seen, operations)) in (0..).zip(links.values()) {
            for element in *seen {
                rank_of[*element as usize] = rank.min(rank_of[*element as usize]);
            }
            reads.extend(operations.iter().map(|operation| (rank, *operation)));
        }
        let mut elements: Vec<(u32, u32)> = (0..).zip(rank_of).map(|(element, rank)| (rank, element)).collect();
        elements.sort_unstable();
        Self { breaks_after, elements, reads }
    }
}

/// Whether this has a place between those that saw less and those that saw more.
fn fits(links: &BTreeMap<usize, (&[u32], Vec<u32>)>, seen: &[u32]) -> bool {
    let less = links.range(..=seen.len()).next_back();
    let more = links.range((Bound::Excluded(seen.len()), Bound::Unbounded)).next();
    let more = more.filter(|_| !Bug::ReadsThatSawMoreAreForgotten.is_planted());
    less.is_none_or(|(_, (less, _))| is_within(less, seen)) && more.is_none_or(|(_, (more, _))| is_within(seen, more))
}

/// Whether all of the former are among the latter; both ascend.
fn is_within(few: &[u32], many: &[u32]) -> bool {
    let mut many = many.iter();
    few.iter().all(|element| many.any(|other| other == element))
}
