//! What a core's persistent stream says that it holds, as somebody knows who reads nothing else.
//!
//! Read next: `asked`, the other ghost.

use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use squall_raft::core::{Core, Effect};
use squall_raft::entry::{Entry, HardState, Payload, Persist, StoredEntry};
use squall_raft::log_view::{LogView, View};
use squall_raft::types::{IoId, LogId};

/// The stream's end, and what all of it amounts to.
pub struct Stream {
    pub written: IoId,
    hard: HardState,
    log: LogView,
}

impl Stream {
    /// Nothing was written since `start`, when this was there.
    pub const fn new(start: IoId, hard: HardState, log: LogView) -> Self {
        Self { written: start, hard, log }
    }

    /// Replays what an effect adds to it.
    pub fn follow(&mut self, effect: &Effect) -> TestCaseResult {
        let Effect::Persist { id, what } = effect else {
            return Ok(());
        };
        prop_assert_eq!(*id, IoId { seq: self.written.seq + 1, ..self.written });
        self.written = *id;
        match what {
            Persist::HardState(hard) => self.hard = *hard,
            Persist::Append(entries) => entries.iter().for_each(|entry| _ = self.log.append(entry)),
            Persist::Truncate { last } => self.log.truncate(*last),
        }
        prop_assert!(self.log.last().term <= self.hard.term, "the stream holds an entry of a term that it does not");
        Ok(())
    }

    /// It must tell all that the core holds.
    pub fn equals(&self, core: &Core) -> TestCaseResult {
        let last = self.log.last();
        prop_assert_eq!(self.hard, core.hard_state());
        prop_assert_eq!(last, core.log().last());
        prop_assert_eq!(self.log.hash_at(last.index), core.log().hash_at(last.index));
        Ok(())
    }

    /// What is sent is what was written, in memory or read back.
    pub fn holds(&self, entries: &[Entry]) -> TestCaseResult {
        for entry in entries {
            prop_assert_eq!(self.log.payload(entry.id.index), View::Ready(&entry.payload));
        }
        Ok(())
    }

    /// An entry as a store reads it back. One that was truncated since carries what nobody may see.
    pub fn read_back(&self, id: LogId) -> StoredEntry {
        let payload = match self.log.payload(id.index) {
            View::Ready(payload) if self.log.holds(id) => payload.clone(),
            _ => Payload::Command(bytes::Bytes::from_static(b"truncated")),
        };
        StoredEntry { id, payload: Some(payload) }
    }
}
