//! Step, tick, ready, advance: for callers who drive Raft themselves, as with etcd's raft or raft-rs.
//!
//! [`RawNode`] is handed messages, ticks and proposals; [`RawNode::ready`] says what they led to:
//! what must be persisted, sent and applied. The caller owns disk, network and state machine.
//!
//! | there | here |
//! | --- | --- |
//! | `StartNode(id, peers, election, heartbeat)` | [`RawNode::start`] with a [`Config`] and [`Ticks`] |
//! | `RestartNode` | [`RawNode::restart`] from [`MemStorage`], which is what was persisted and nothing else |
//! | `Step`, `Tick`, `Propose`, `ReadIndex`, `Campaign` | the same in small letters; a refusal is a value |
//! | `Ready`, `Advance` | [`RawNode::ready`], [`RawNode::advance`] |
//! | `MsgStorageAppend` and its responses | [`Batch::persisted`], [`RawNode::persisted`] |
//! | `Configure`, `ApplyConfig` | not there yet: the membership is what the node was started with |
//!
//! # Order
//! In the interfaces that this one resembles the order of persisting and sending is prose, and a
//! caller who gets it wrong loses votes or acknowledged entries. Here a message that promises
//! something persistent is not handed out before the caller has said that the bytes are durable,
//! and saying so takes a [`Persisted`], which only a [`Batch`] yields, by being used up:
//!
//! ```compile_fail,E0382
//! # fn write(batch: squall_raft::compat::ready::Batch) {
//! let once = batch.persisted();
//! let twice = batch.persisted();
//! # }
//! ```
//!
//! Batches are written in the order in which they come; their receipts may come back in any, and
//! only an unbroken row of them counts. Committed entries are handed out when they are durable *here*
//! as well, so a state machine with a disk of its own is never ahead of its log.
//!
//! # Example: a cluster of one
//!
//! ```
//! use bytes::Bytes;
//! use squall_raft::compat::ready::{MemStorage, RawNode, Ticks};
//! use squall_raft::config::Config;
//! use squall_raft::entry::Payload;
//! use squall_raft::membership::Configuration;
//! use squall_raft::types::{ClusterId, LogIndex, NodeId};
//!
//! let voters = Configuration::of_voters([NodeId(1)])?;
//! let mut config = Config::new(ClusterId(7), NodeId(1), voters);
//! config.timing = Ticks { election: 10, heartbeat: 1 }.timing();
//! let mut node = RawNode::start(config, 42)?;
//! let (mut disk, mut applied) = (MemStorage::default(), Vec::new());
//!
//! let mut proposed = false;
//! for _ in 0..100 {
//!     node.tick();
//!     if !proposed {
//!         proposed = node.propose(Bytes::from_static(b"x = 1")).is_ok();
//!     }
//!     while node.has_ready() {
//!         let mut ready = node.ready();
//!         for message in ready.messages.drain(..) {
//!             println!("to {}: {message:?}", message.envelope.to.node);
//!         }
//!         for write in ready.batch.iter().flat_map(|batch| batch.writes()) {
//!             disk.write(write); // and a sync behind the last one
//!         }
//!         applied.extend(ready.committed_entries.drain(..));
//!         node.advance(ready); // what had to wait for the disk is in the next one
//!     }
//! }
//! let commands: Vec<_> = applied.iter().filter(|entry| entry.payload != Payload::Noop).collect();
//! assert_eq!(commands[0].payload, Payload::Command(Bytes::from_static(b"x = 1")));
//!
//! // The disk alone is enough to go on.
//! let again = RawNode::restart(&disk, LogIndex(2), 43)?;
//! assert_eq!(again.core().log().last().index, LogIndex(2));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Not here: decisions ([`crate::core`]); sessions that make commands exactly-once
//! ([`crate::applier`]). Read next: `storage`, then `pending`.

mod pending;

mod storage;

use std::collections::VecDeque;

use bytes::Bytes;
use thiserror::Error;

use self::pending::{Pending, reuse};
pub use self::storage::{Batch, MemStorage, Persisted, Write};
use crate::config::{Config, ConfigError, Timing};
use crate::core::{Core, Input, Proposal, Proposals, RequestError, Restored};
use crate::entry::Entry;
use crate::log_view::View;
use crate::message::Message;
use crate::observation::{Observation, Refusal, RoleKind};
use crate::process::Boot;
use crate::types::{BootNumber, IoId, LocalTime, LogId, LogIndex, NodeId};

/// What a tick is on the node's clock. Ticks are logical: how far apart they are is the caller's business.
pub const TICK_NS: u64 = 1_000_000;

/// After how many shortest election timeouts in which nothing was persisted a node gives way:
/// the same as five of the longest, as by default elsewhere.
const DISK_STALL_ELECTIONS: u64 = 10;

/// Timings counted in ticks.
///
/// ```
/// use squall_raft::compat::ready::{TICK_NS, Ticks};
///
/// let timing = Ticks { election: 10, heartbeat: 1 }.timing();
/// assert_eq!((timing.election_timeout_min_ns, timing.election_timeout_max_ns), (10 * TICK_NS, 20 * TICK_NS));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticks {
    /// Shortest time without a leader before a follower campaigns; the longest is twice that.
    pub election: u32,
    /// Time between two heartbeat rounds of an idle leader.
    pub heartbeat: u32,
}

impl Ticks {
    /// The same as durations. [`RawNode::start`] checks their relations.
    #[must_use]
    pub const fn timing(self) -> Timing {
        let election_timeout_min_ns = self.election as u64 * TICK_NS;
        Timing {
            election_timeout_min_ns,
            election_timeout_max_ns: 2 * election_timeout_min_ns,
            heartbeat_interval_ns: self.heartbeat as u64 * TICK_NS,
            disk_stall_ns: DISK_STALL_ELECTIONS * election_timeout_min_ns,
        }
    }
}

/// Why a node cannot be restarted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RestartError {
    /// Its first batch was never persisted, so nothing ever left it: start it anew.
    #[error("found no start of a node in the storage, expected one")]
    NeverStarted,
    /// The stored settings are not valid in this release.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// What others than the node itself want to know of it; it is not persisted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoftState {
    /// The leader of the present term, as far as is known.
    pub leader: Option<NodeId>,
    /// The node's role.
    pub role: RoleKind,
}

/// A read that may be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadState {
    /// What [`RawNode::read_index`] was given.
    pub context: Bytes,
    /// A state machine that has applied this much may answer.
    pub index: LogIndex,
}

/// What the inputs since the last one led to. Nothing in it has to wait for anything else in it.
#[derive(Debug, Default)]
#[must_use = "what is in it will not be handed out again"]
pub struct Ready {
    /// Leader and role, if one of them changed.
    pub soft_state: Option<SoftState>,
    /// What must be persisted, behind every batch before it.
    pub batch: Option<Batch>,
    /// May leave now, in this order. What promises anything that is still being written comes later.
    pub messages: Vec<Message>,
    /// Committed and durable here, consecutive, each handed out once.
    pub committed_entries: Vec<Entry>,
    /// Reads that were confirmed.
    pub read_states: Vec<ReadState>,
    /// Reads that were accepted and will not be confirmed, because the node no longer leads.
    pub dropped_reads: Vec<(Bytes, RequestError)>,
    /// For observers.
    pub observations: Vec<Observation>,
}

/// One member of a cluster, driven by its caller.
#[derive(Clone, Debug)]
pub struct RawNode {
    core: Core,
    now: LocalTime,
    pending: Pending,
    /// Batches that were handed out, oldest first, and whether they are known to be durable.
    under_way: VecDeque<UnderWay>,
    /// Number of the next batch.
    batches: u64,
    soft_state: SoftState,
    /// Committed entries were handed out up to here.
    handed_out: LogIndex,
    /// Space for the next ones.
    committed: Vec<Entry>,
}

#[derive(Clone, Copy, Debug)]
struct UnderWay {
    end: IoId,
    is_durable: bool,
}

impl RawNode {
    /// A fresh node. `entropy` is all the randomness that it gets.
    ///
    /// # Errors
    /// If the settings contradict each other.
    pub fn start(config: Config, entropy: u64) -> Result<Self, ConfigError> {
        config.validate()?;
        Ok(Self::boot(config, BootNumber(1), entropy, Restored::default(), LogIndex(0)))
    }

    /// A node as it was persisted. Entries up to `applied` are not handed out again: 0 for a state
    /// machine that is empty at each start, else what its own disk says.
    ///
    /// # Errors
    /// If the storage holds no node.
    pub fn restart(storage: &MemStorage, applied: LogIndex, entropy: u64) -> Result<Self, RestartError> {
        let (config, boot) = storage.start().ok_or(RestartError::NeverStarted)?;
        config.validate()?;
        let boot = BootNumber(boot.0 + 1);
        Ok(Self::boot(config.clone(), boot, entropy, storage.restored(), applied))
    }

    fn boot(config: Config, number: BootNumber, entropy: u64, restored: Restored, applied: LogIndex) -> Self {
        let now = LocalTime(0);
        let pending = Pending::new(Write::Start { config: Box::new(config.clone()), boot: number });
        let core = Core::new(config, Boot { now, entropy, number }, restored);
        let soft_state = SoftState { leader: None, role: RoleKind::Follower };
        let under_way = VecDeque::new();
        Self { core, now, pending, under_way, batches: 0, soft_state, handed_out: applied, committed: Vec::new() }
    }

    /// A tick of logical time.
    pub fn tick(&mut self) {
        self.now = self.now.plus_ns(TICK_NS);
        if self.now >= self.core.deadline() {
            self.input(Input::Timer);
        }
    }

    /// A message from a peer; the transport vouches for the sender.
    ///
    /// # Errors
    /// If it was refused; then it had no effect.
    pub fn step(&mut self, message: Message) -> Result<(), Refusal> {
        self.input(Input::Message { from: message.envelope.from.node, message });
        self.pending.take_refusal().map_or(Ok(()), Err)
    }

    /// Puts a command into the log, where this node leads; it is never passed on to another one. What becomes of it is open until it is
    /// among the committed entries, or until another entry has its index.
    ///
    /// # Errors
    /// If it was turned away; then it has no effect.
    pub fn propose(&mut self, data: Bytes) -> Result<LogId, RequestError> {
        let ticket = self.pending.begin();
        self.input(Input::Propose(Proposal { ticket, command: data, may_forward: false }.into()));
        self.pending.end_proposal().expect("the core tells at once what becomes of a proposal")
    }

    /// Puts commands into the log that are written and sent together. What becomes of each is what [`Self::propose`]
    /// would have said, in their order.
    pub fn propose_all(
        &mut self,
        batch: impl IntoIterator<Item = Bytes>,
    ) -> impl Iterator<Item = Result<LogId, RequestError>> + '_ {
        let proposals = self.pending.begin_all(batch);
        self.input(Input::Propose(Proposals::Many(proposals)));
        self.pending.end_all()
    }

    /// Asks for an index from which a linearizable read may be answered; it comes with a later
    /// [`Ready`], with the same context.
    ///
    /// # Errors
    /// If it was turned away.
    pub fn read_index(&mut self, context: Bytes) -> Result<(), RequestError> {
        let ticket = self.pending.begin();
        self.pending.add_read(ticket, context);
        self.input(Input::Read { ticket });
        self.pending.end()
    }

    /// Campaigns now instead of when the time has come.
    ///
    /// # Errors
    /// If it leads already, hears a leader, or may not vote.
    pub fn campaign(&mut self) -> Result<(), RequestError> {
        let ticket = self.pending.begin();
        self.input(Input::Campaign { ticket });
        self.pending.end()
    }

    /// Whether [`Self::ready`] has anything to say.
    #[must_use]
    pub fn has_ready(&self) -> bool {
        !self.pending.is_empty() || self.present_soft_state() != self.soft_state || self.may_apply().is_some()
    }

    /// Takes out what there is to do. It need not be done before the next call: a batch may be
    /// written elsewhere, as long as batches are written in their order.
    pub fn ready(&mut self) -> Ready {
        let soft_state = self.present_soft_state();
        let changed = soft_state != self.soft_state;
        self.soft_state = soft_state;
        Ready {
            soft_state: changed.then_some(soft_state),
            batch: self.next_batch(),
            committed_entries: self.next_committed(),
            messages: std::mem::take(&mut self.pending.messages),
            read_states: std::mem::take(&mut self.pending.read_states),
            dropped_reads: std::mem::take(&mut self.pending.dropped_reads),
            observations: std::mem::take(&mut self.pending.observations),
        }
    }

    /// Everything in it was done, in particular written and synced.
    pub fn advance(&mut self, mut done: Ready) {
        // The next one needs space like this one's, so a steady stream allocates nothing.
        reuse(&mut self.pending.messages, done.messages);
        reuse(&mut self.pending.observations, done.observations);
        reuse(&mut self.committed, done.committed_entries);
        if let Some(batch) = done.batch.take() {
            let (writes, receipt) = batch.into_parts();
            reuse(self.pending.space_for_writes(), writes);
            self.persisted(receipt);
        }
    }

    /// A batch is durable. Receipts of another node or boot are dropped.
    pub fn persisted(&mut self, receipt: Persisted) {
        if !receipt.is_of(&self.core) {
            return;
        }
        let first = self.batches - self.under_way.len() as u64;
        let position = receipt.number().checked_sub(first).and_then(|position| usize::try_from(position).ok());
        if let Some(batch) = position.and_then(|position| self.under_way.get_mut(position)) {
            batch.is_durable = true;
        }
        while let Some(batch) = self.under_way.pop_front_if(|batch| batch.is_durable) {
            self.pending.release(batch.end);
            self.input(Input::Durable(batch.end));
        }
    }

    /// The consensus core, to look at: term, role, log, commit index, followers' progress.
    #[must_use]
    pub const fn core(&self) -> &Core {
        &self.core
    }

    fn input(&mut self, input: Input) {
        self.core.handle(self.now, input, &mut self.pending);
    }

    fn present_soft_state(&self) -> SoftState {
        SoftState { leader: self.core.leader(), role: self.core.role().kind() }
    }

    fn next_batch(&mut self) -> Option<Batch> {
        let (end, writes) = self.pending.take_writes()?;
        let number = self.batches;
        self.batches += 1;
        self.under_way.push_back(UnderWay { end, is_durable: false });
        Some(Batch::new(&self.core, number, writes))
    }

    /// The last entry that may be applied, if there is a new one.
    fn may_apply(&self) -> Option<LogIndex> {
        let last = self.core.commit_index().min(self.core.durable_log().index);
        let is_at_hand = || matches!(self.core.log().payload(self.handed_out.next()), View::Ready(_));
        (last > self.handed_out && is_at_hand()).then_some(last)
    }

    /// As many as one append may carry; the rest comes with the next.
    fn next_committed(&mut self) -> Vec<Entry> {
        let mut committed = std::mem::take(&mut self.committed);
        if let Some(last) = self.may_apply() {
            let limits = self.core.limits();
            let run = self.core.log().run(self.handed_out.next(), last, limits.append_bytes_max);
            committed.extend(run.take(limits.append_entries_max as usize));
            self.handed_out = committed.last().map_or(self.handed_out, |entry| entry.id.index);
        }
        committed
    }
}

#[cfg(test)]
mod tests;
