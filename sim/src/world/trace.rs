//! The running hash over everything that happened, and where it stood every 1,024 events.
//!
//! Two runs are equal if their hashes are; if they are not, the first block hash that differs says
//! where to look. Not here: how an event is encoded (`encode`), and the events themselves, which
//! are not kept: a full trace is had by running again.

use squall_raft::process::Process;

use super::encode;
use super::event::{Observer, WorldEvent};
use super::fold::Fold;
use squall_raft::shared::SharedVec;

/// How many events a block hash covers.
pub const BLOCK_EVENTS: u64 = 1024;

#[derive(Clone, Debug, Default)]
pub(crate) struct Trace {
    fold: Fold,
    at_ns: u64,
    events: u64,
    blocks: SharedVec<u64>,
}

impl Trace {
    /// Folds an event and shows it; returns its number.
    ///
    /// Always inlined, as is the encoding of what happens often: who emits knows which event it is, so what is left is its words.
    #[inline(always)]
    pub(crate) fn emit<P: Process>(&mut self, at_ns: u64, observer: &mut impl Observer<P>, event: WorldEvent<'_, P>) -> u64 {
        // A copy, which needs not lie in memory.
        let mut fold = self.fold;
        if at_ns != self.at_ns {
            self.at_ns = at_ns;
            encode::time(&mut fold, at_ns);
        }
        event.encode(&mut fold);
        self.fold = fold;
        self.events += 1;
        if self.events.is_multiple_of(BLOCK_EVENTS) {
            self.end_block();
        }
        observer.event(at_ns, self.events, event);
        self.events
    }

    #[cold]
    fn end_block(&mut self) {
        self.blocks.push(self.fold.value());
    }

    pub(crate) fn hash(&self) -> u64 {
        self.fold.value()
    }

    pub(crate) fn events(&self) -> u64 {
        self.events
    }

    pub(crate) fn blocks(&self) -> &SharedVec<u64> {
        &self.blocks
    }
}
