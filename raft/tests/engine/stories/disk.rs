//! A disk that keeps nothing until it is told to: the persistent stream, applied in order.
//!
//! Not here: records and files, which are the store's. Read next: [`super::cluster`].

use std::collections::VecDeque;

use squall_raft::entry::{HardState, Persist};
use squall_raft::log_view::LogView;
use squall_raft::types::IoId;

/// What a node would find after a crash, and what it has written behind that.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    /// Durable term and vote.
    pub hard: HardState,
    /// The durable log.
    pub log: LogView,
    under_way: VecDeque<(IoId, Persist)>,
}

impl Disk {
    /// A disk on which all of this is durable.
    pub const fn holding(hard: HardState, log: LogView) -> Self {
        Self { hard, log, under_way: VecDeque::new() }
    }

    /// Writes without making durable.
    pub fn write(&mut self, id: IoId, what: Persist) {
        self.under_way.push_back((id, what));
    }

    /// How many writes are not durable yet.
    pub fn under_way(&self) -> usize {
        self.under_way.len()
    }

    /// Makes the oldest write durable.
    pub fn sync_next(&mut self) -> Option<(IoId, Persist)> {
        let (id, what) = self.under_way.pop_front()?;
        match &what {
            Persist::HardState(hard) => self.hard = *hard,
            Persist::Append(entries) => entries.iter().for_each(|entry| _ = self.log.append(entry)),
            Persist::Truncate { last } => self.log.truncate(*last),
        }
        Some((id, what))
    }

    /// A crash: what is not durable is gone.
    pub fn lose_unsynced(&mut self) {
        self.under_way.clear();
    }
}
