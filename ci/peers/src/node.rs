//! One node of raft-rs: what its `Ready` demands, at once or when a sync is over.
//!
//! A disk is not simulated: entries are in `MemStorage` from the start. The variant that
//! waits only keeps back what raft-rs may not do before they are durable, one sync at a time,
//! and each covers all that came before it began.

use std::collections::VecDeque;

use raft::eraftpb::Message;
use raft::storage::MemStorage;
use raft::{Config, RawNode, Ready, StateRole};
use slog::{Discard, Logger, o};

/// Nodes of every cluster.
pub const NODES: usize = 5;

/// Time between two heartbeats.
pub const HEARTBEAT_NS: u64 = 50_000_000;

/// Elections begin after 3 to 6 times the span between two heartbeats without a leader: 150 to 300 ms, as in Squall's rows.
const ELECTION_HEARTBEATS: usize = 3;

/// As Squall's engine has it by default.
const APPEND_BYTES_MAX: u64 = 1 << 20;

/// In what the variants of the peer differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuning {
    /// Whether what is written counts only when a sync is over.
    pub waits_for_sync: bool,
    /// Whether a leader tells followers of each commit at once (raft-rs' default), instead of
    /// with the next append or heartbeat.
    pub announces_commits: bool,
}

impl Default for Tuning {
    fn default() -> Self {
        Self { waits_for_sync: false, announces_commits: true }
    }
}

/// What a node wants to happen. Kept by whoever drives it, so that it need not be allocated each time.
#[derive(Default)]
pub struct Wishes {
    /// Messages for other nodes.
    pub send: Vec<Message>,
    /// A sync must begin.
    pub sync: bool,
}

/// A `Ready` that is not durable yet.
struct Unsynced {
    number: u64,
    messages: Vec<Message>,
}

/// One member of a cluster.
pub struct Node {
    raw: RawNode<MemStorage>,
    proposed: u64,
    waits_for_sync: bool,
    unsynced: VecDeque<Unsynced>,
    /// How many of them the sync under way covers; 0 while there is none.
    covered: usize,
}

impl Node {
    /// The node at this position among [`NODES`], which is ticked so many times between two heartbeats.
    ///
    /// # Panics
    /// If raft-rs refuses the settings.
    #[must_use]
    pub fn new(at: usize, ticks: usize, tuning: Tuning) -> Self {
        let ids: Vec<u64> = (1..).take(NODES).collect();
        let id = ids[at];
        let config = Config {
            heartbeat_tick: ticks,
            election_tick: ELECTION_HEARTBEATS * ticks,
            max_size_per_msg: APPEND_BYTES_MAX,
            max_inflight_msgs: 256,
            skip_bcast_commit: !tuning.announces_commits,
            ..Config::new(id)
        };
        let storage = MemStorage::new_with_conf_state((ids, Vec::new()));
        let raw = RawNode::new(&config, storage, &Logger::root(Discard, o!())).unwrap_or_else(|error| panic!("{error}"));
        Self { raw, proposed: 0, waits_for_sync: tuning.waits_for_sync, unsynced: VecDeque::new(), covered: 0 }
    }

    /// The latest committed entry.
    #[must_use]
    pub fn committed(&self) -> u64 {
        self.raw.raft.raft_log.committed
    }

    /// The latest applied entry.
    #[must_use]
    pub fn applied(&self) -> u64 {
        self.raw.raft.raft_log.applied
    }

    /// The present term.
    #[must_use]
    pub fn term(&self) -> u64 {
        self.raw.raft.term
    }

    /// Whether it believes that it leads.
    #[must_use]
    pub fn leads(&self) -> bool {
        self.raw.raft.state == StateRole::Leader
    }

    /// Takes a message.
    pub fn step(&mut self, message: Message) {
        // Only a message of a stranger is refused.
        let _ = self.raw.step(message);
    }

    /// Takes a tick.
    pub fn tick(&mut self) {
        self.raw.tick();
    }

    /// Proposes 16 bytes.
    pub fn propose(&mut self) {
        self.proposed += 1;
        let mut value = vec![0; 16];
        value[..8].copy_from_slice(&self.proposed.to_le_bytes());
        // A proposal may be dropped; then it is not committed.
        let _ = self.raw.propose(Vec::new(), value);
    }

    /// Does what the node wants until it wants nothing more.
    pub fn flush(&mut self, wishes: &mut Wishes) {
        while self.raw.has_ready() {
            let mut ready = self.raw.ready();
            wishes.send.append(&mut ready.take_messages());
            let mut applies = !ready.take_committed_entries().is_empty();
            self.store(&ready);
            if self.waits_for_sync {
                self.finish_later(ready, wishes);
            } else {
                applies |= self.finish(ready, wishes);
            }
            if applies {
                self.raw.advance_apply();
            }
        }
    }

    fn store(&mut self, ready: &Ready) {
        if ready.entries().is_empty() && ready.hs().is_none() {
            return;
        }
        let mut storage = self.raw.mut_store().wl();
        storage.append(ready.entries()).unwrap_or_else(|error| panic!("{error}"));
        if let Some(state) = ready.hs() {
            storage.set_hardstate(state.clone());
        }
    }

    /// Says whether more entries were committed by it.
    fn finish(&mut self, mut ready: Ready, wishes: &mut Wishes) -> bool {
        wishes.send.append(&mut ready.take_persisted_messages());
        let mut light = self.raw.advance_append(ready);
        if let Some(commit) = light.commit_index() {
            self.raw.mut_store().wl().mut_hard_state().set_commit(commit);
        }
        wishes.send.append(&mut light.take_messages());
        !light.take_committed_entries().is_empty()
    }

    fn finish_later(&mut self, mut ready: Ready, wishes: &mut Wishes) {
        let (number, mut messages) = (ready.number(), ready.take_persisted_messages());
        let waits = ready.must_sync() || !self.unsynced.is_empty();
        self.raw.advance_append_async(ready);
        if waits {
            self.unsynced.push_back(Unsynced { number, messages });
            self.begin_sync(wishes);
        } else {
            wishes.send.append(&mut messages);
            self.raw.on_persist_ready(number);
        }
    }

    fn begin_sync(&mut self, wishes: &mut Wishes) {
        if self.covered == 0 && !self.unsynced.is_empty() {
            self.covered = self.unsynced.len();
            wishes.sync = true;
        }
    }

    /// A sync is over.
    pub fn synced(&mut self, wishes: &mut Wishes) {
        let mut number = 0;
        for mut durable in self.unsynced.drain(..self.covered) {
            number = durable.number;
            wishes.send.append(&mut durable.messages);
        }
        self.covered = 0;
        self.raw.on_persist_ready(number);
        self.begin_sync(wishes);
    }
}
