//! Where raft-rs keeps its log: its own `MemStorage`, and one without a lock.
//!
//! `MemStorage` can be shared between threads, so each look at it takes a lock, and entries are
//! copied into it. That is no engine's work, so the peer also has the simplest storage that will do.

use std::collections::VecDeque;

use raft::eraftpb::{ConfState, Entry, HardState, Snapshot};
use raft::storage::{GetEntriesContext, MemStorage, RaftState, Storage};
use raft::util::limit_size;
use raft::{Error, Result, StorageError};

/// What a `Ready` is written to.
pub trait Store: Storage {
    /// An empty one of a cluster of these voters.
    fn of_voters(ids: Vec<u64>) -> Self;

    /// Writes entries, in place of those that stand there.
    fn append(&mut self, entries: Vec<Entry>);

    /// Writes term, vote and commit index.
    fn set_state(&mut self, state: HardState);

    /// Writes the commit index.
    fn set_commit(&mut self, index: u64);

    /// Forgets all entries before this one.
    fn compact(&mut self, first: u64);
}

impl Store for MemStorage {
    fn of_voters(ids: Vec<u64>) -> Self {
        Self::new_with_conf_state((ids, Vec::new()))
    }

    fn append(&mut self, entries: Vec<Entry>) {
        self.wl().append(&entries).unwrap_or_else(|error| panic!("{error}"));
    }

    fn set_state(&mut self, state: HardState) {
        self.wl().set_hardstate(state);
    }

    fn set_commit(&mut self, index: u64) {
        self.wl().mut_hard_state().set_commit(index);
    }

    fn compact(&mut self, first: u64) {
        self.wl().compact(first).unwrap_or_else(|error| panic!("{error}"));
    }
}

/// A queue of entries.
pub struct Lean {
    state: RaftState,
    /// Index and term of what stood before the first entry.
    before: (u64, u64),
    entries: VecDeque<Entry>,
}

impl Lean {
    fn position(&self, index: u64) -> Result<usize> {
        let position = index.checked_sub(self.before.0 + 1).ok_or(Error::Store(StorageError::Compacted))?;
        usize::try_from(position).map_err(|_| Error::Store(StorageError::Unavailable))
    }
}

impl Store for Lean {
    fn of_voters(ids: Vec<u64>) -> Self {
        let state = RaftState { conf_state: ConfState::from((ids, Vec::new())), ..RaftState::default() };
        Self { state, before: (0, 0), entries: VecDeque::new() }
    }

    fn append(&mut self, entries: Vec<Entry>) {
        let Some(first) = entries.first() else { return };
        let kept = self.position(first.index).unwrap_or_else(|error| panic!("{error}"));
        self.entries.truncate(kept);
        self.entries.extend(entries);
    }

    fn set_state(&mut self, state: HardState) {
        self.state.hard_state = state;
    }

    fn set_commit(&mut self, index: u64) {
        self.state.hard_state.commit = index;
    }

    fn compact(&mut self, first: u64) {
        let count = self.position(first).unwrap_or_else(|error| panic!("{error}"));
        if let Some(last) = self.entries.drain(..count).next_back() {
            self.before = (last.index, last.term);
        }
    }
}

impl Storage for Lean {
    fn initial_state(&self) -> Result<RaftState> {
        Ok(self.state.clone())
    }

    fn entries(&self, low: u64, high: u64, max: impl Into<Option<u64>>, _: GetEntriesContext) -> Result<Vec<Entry>> {
        let range = self.position(low)?..self.position(high)?;
        let mut entries = self.entries.range(range).cloned().collect();
        limit_size(&mut entries, max.into());
        Ok(entries)
    }

    fn term(&self, index: u64) -> Result<u64> {
        if index == self.before.0 {
            return Ok(self.before.1);
        }
        let entry = self.entries.get(self.position(index)?);
        entry.map(|entry| entry.term).ok_or(Error::Store(StorageError::Unavailable))
    }

    fn first_index(&self) -> Result<u64> {
        Ok(self.before.0 + 1)
    }

    fn last_index(&self) -> Result<u64> {
        Ok(self.before.0 + self.entries.len() as u64)
    }

    fn snapshot(&self, _: u64, _: u64) -> Result<Snapshot> {
        Err(Error::Store(StorageError::SnapshotTemporarilyUnavailable))
    }
}
