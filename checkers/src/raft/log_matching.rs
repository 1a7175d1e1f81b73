//! Log matching (paper, §5.3): entries of one index and term have one log before them, on
//! any node, ever.
//!
//! The ledger remembers every entry that any node ever appended, with the hash of the log
//! before it. That also lets a recovered log be told from its last hash alone.

use super::mirror::{Mirror, Slot};
use super::shared::{ByIndex, SharedMap};
use crate::violation::{Property, Verdict, Violation};

/// An entry, and the hash of the log before it, if that is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written {
    pub(super) slot: Slot,
    pub(super) before: Option<u64>,
}

/// Every entry that any node ever appended.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    /// The first that was seen at each index; mostly it is the only one.
    first: ByIndex<Written>,
    /// Those of other terms, by (index, term).
    others: SharedMap<(u64, u64), Written>,
}

impl Ledger {
    /// Compares an entry with those of its index and term, and remembers it.
    #[inline]
    pub(super) fn record(&mut self, index: u64, slot: Slot, before: Option<u64>) -> Verdict {
        let known = match self.first.get(index) {
            None => {
                self.first.set(index, Written { slot, before });
                return Ok(());
            }
            Some(first) if first.slot.term == slot.term => Some(first),
            Some(_) => self.others.get(&(index, slot.term)),
        };
        match known {
            Some(known) if known.slot.hash == slot.hash => Ok(()),
            Some(known) => Err(differs(index, known.slot, slot)),
            None => {
                self.others.insert((index, slot.term), Written { slot, before });
                Ok(())
            }
        }
    }

    /// The entry at an index up to which a log has this hash.
    pub(super) fn find(&self, index: u64, hash: u64) -> Option<&Written> {
        let others = || self.others.range((index, 0)..=(index, u64::MAX)).map(|(_, written)| written);
        self.first.get(index).into_iter().chain(others()).find(|written| written.slot.hash == hash)
    }
}

#[cold]
fn differs(index: u64, known: Slot, new: Slot) -> Box<Violation> {
    let message = format!(
        "the logs of nodes {} and {} both have an entry of term {} at index {index}, but differ up to it: hash {:016x} and {:016x}",
        known.by.node, new.by.node, new.term, known.hash, new.hash
    );
    Violation::new(Property::LogMatching, message).because([known.evidence(index)])
}

/// A log has no holes, or its hashes would speak of entries that it does not have.
#[cold]
pub(super) fn hole(mirror: &Mirror, index: u64, term: u64) -> Box<Violation> {
    let (node, last) = (mirror.id, mirror.log.last_index());
    let message = format!("node {node} appended index {index} of term {term} to a log that ends at index {last}");
    let before = mirror.log.slot(last).map(|slot| slot.evidence(last));
    Violation::new(Property::LogMatching, message).because(before)
}

/// Terms never fall along a log.
#[cold]
pub(super) fn term_falls(mirror: &Mirror, index: u64, term: u64) -> Box<Violation> {
    let (node, last) = (mirror.id, mirror.log.last_index());
    let before = mirror.log.last_term();
    let message = format!("node {node} appended index {index} of term {term} behind index {last} of the higher term {before}");
    Violation::new(Property::LogMatching, message).because(mirror.log.slot(last).map(|slot| slot.evidence(last)))
}
