//! What a node wants persisted, the receipt for it, and a storage in memory that a node can be restarted from.

use crate::config::Config;
use crate::core::{Core, Restored};
use crate::entry::{Entries, Entry, HardState, Persist};
use crate::log_view::{LogView, View};
use crate::types::{BootNumber, LogIndex, NodeId, Term};

/// One thing to persist. What a storage holds is the sum of all of them in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// First in every boot: settings, and how often the node was started. With it a node can be
    /// restarted without being told again who it is.
    Start {
        /// The settings.
        config: Box<Config>,
        /// Counts from 1.
        boot: BootNumber,
    },
    /// Term and vote, in place of those before.
    HardState(HardState),
    /// Entries behind the log's end.
    Entries(Entries),
    /// All entries behind `last` are removed.
    Truncate {
        /// The log's new last index.
        last: LogIndex,
    },
}

impl From<Persist> for Write {
    fn from(what: Persist) -> Self {
        match what {
            Persist::HardState(hard_state) => Self::HardState(hard_state),
            Persist::Append(entries) => Self::Entries(entries),
            Persist::Truncate { last } => Self::Truncate { last },
        }
    }
}

/// Writes that are made durable together: write all in their order, sync, then [`Batch::persisted`].
///
/// If it cannot be made durable, drop the node: what it would have said about it is never said.
#[derive(Debug)]
#[must_use = "nothing that depends on it will ever be sent"]
pub struct Batch {
    writes: Vec<Write>,
    receipt: Persisted,
}

/// Says that a batch is durable. There is one per batch, and it cannot be made by hand.
#[derive(Debug)]
#[must_use = "the node must be told: RawNode::persisted"]
pub struct Persisted {
    node: NodeId,
    boot: BootNumber,
    number: u64,
}

impl Batch {
    pub(super) const fn new(core: &Core, number: u64, writes: Vec<Write>) -> Self {
        let (node, boot) = core.identity();
        Self { writes, receipt: Persisted { node, boot, number } }
    }

    /// What to write, in this order.
    #[must_use]
    pub fn writes(&self) -> &[Write] {
        &self.writes
    }

    /// The term and vote that it ends with, if it has any.
    #[must_use]
    pub fn hard_state(&self) -> Option<HardState> {
        self.writes.iter().rev().find_map(|write| if let Write::HardState(state) = write { Some(*state) } else { None })
    }

    pub(super) fn into_parts(self) -> (Vec<Write>, Persisted) {
        (self.writes, self.receipt)
    }

    /// All of it is durable, and everything before it was.
    pub fn persisted(self) -> Persisted {
        self.receipt
    }
}

impl Persisted {
    pub(super) fn is_of(&self, core: &Core) -> bool {
        core.identity() == (self.node, self.boot)
    }

    pub(super) const fn number(&self) -> u64 {
        self.number
    }
}

/// A storage in memory, with the queries that storages have.
///
/// It is what a node is restarted from; a caller with a disk reads its writes back into one.
#[derive(Clone, Debug, Default)]
pub struct MemStorage {
    start: Option<(Config, BootNumber)>,
    hard_state: HardState,
    log: LogView,
}

impl MemStorage {
    /// Adds what was written.
    ///
    /// # Panics
    /// If it does not follow what was written before it.
    pub fn write(&mut self, write: &Write) {
        match write {
            Write::Start { config, boot } => self.start = Some(((**config).clone(), *boot)),
            Write::HardState(hard_state) => self.hard_state = *hard_state,
            Write::Entries(entries) => entries.iter().for_each(|entry| _ = self.log.append(entry)),
            Write::Truncate { last } => self.log.truncate(*last),
        }
    }

    /// Term and vote.
    #[must_use]
    pub const fn hard_state(&self) -> HardState {
        self.hard_state
    }

    /// Index of the first entry that is kept; there are no snapshots yet.
    #[must_use]
    pub const fn first_index(&self) -> LogIndex {
        LogIndex(1)
    }

    /// Index of the last entry; 0 if there is none.
    #[must_use]
    pub const fn last_index(&self) -> LogIndex {
        self.log.last().index
    }

    /// The term of the entry at an index; 0 for index 0, `None` behind the end.
    #[must_use]
    pub fn term(&self, index: LogIndex) -> Option<Term> {
        self.log.term_at(index)
    }

    /// The entries from `low` up to, but not including, `high`; `None` if not all of them are there.
    #[must_use]
    pub fn entries(&self, low: LogIndex, high: LogIndex) -> Option<Vec<Entry>> {
        let entry = |index| {
            let (id, payload) = (self.log.id_at(LogIndex(index))?, self.log.payload(LogIndex(index)));
            if let View::Ready(payload) = payload { Some(Entry { id, payload: payload.clone() }) } else { None }
        };
        (low.0..high.0).map(entry).collect()
    }

    pub(super) fn start(&self) -> Option<(&Config, BootNumber)> {
        self.start.as_ref().map(|(config, boot)| (config, *boot))
    }

    pub(super) fn restored(&self) -> Restored {
        Restored { hard_state: self.hard_state, log: self.log.clone() }
    }
}
