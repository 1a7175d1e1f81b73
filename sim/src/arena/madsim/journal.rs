//! What happened while madsim's executor ran, in order, until the run looks at it.
//!
//! Tasks cannot borrow the run's observer, so they write down what they saw, with the time, and the
//! arena reads it out between two steps. Some things cannot wait ([`Journal::urgent`]): an answer, a wake-up,
//! and whatever a trigger may be set on.
//!
//! Not here: the events that this becomes ([`crate::world::WorldEvent`]).

use squall_raft::message::Message;
use squall_raft::node::request::Reply;
use squall_raft::observation::Observation;
use squall_raft::process::{DiskError, DiskOp, DiskReply, OpId};
use squall_raft::types::{LocalTime, NodeId};

use crate::arena::Watch;
use crate::disk::{Disk, Touch};
use crate::world::{ClientId, RequestHandle};

/// How much may be written down before the run must look.
const ENTRIES_MAX: usize = 4_096;

/// Something happened.
pub(super) enum Entry {
    Sent {
        from: NodeId,
        to: NodeId,
        message: Message,
    },
    Delivered {
        from: NodeId,
        to: NodeId,
        message: Message,
    },
    TimerFired {
        node: NodeId,
        local: LocalTime,
    },
    Observed {
        node: NodeId,
        observation: Observation,
    },
    DiskStarted {
        node: NodeId,
        op: OpId,
        what: DiskOp,
    },
    DiskTouched {
        node: NodeId,
        op: OpId,
        touch: Touch,
    },
    /// With the disk as it was, if the operation was a sync: the judge reads off it what is promised.
    DiskDone {
        node: NodeId,
        op: OpId,
        what: DiskOp,
        result: Result<DiskReply, DiskError>,
        disk: Option<Disk>,
    },
    Halted {
        node: NodeId,
        reason: &'static str,
    },
    Reply {
        client: ClientId,
        handle: RequestHandle,
        from: NodeId,
        reply: Reply,
    },
    Woken {
        token: u64,
    },
}

/// Entries with their times.
#[derive(Default)]
pub(super) struct Journal {
    entries: Vec<(u64, Entry)>,
    /// What the run looks at.
    pub(super) watch: Watch,
    urgent: bool,
}

impl Journal {
    /// Writes something down. True if the run must look at once.
    pub(super) fn write(&mut self, at_ns: u64, entry: Entry) -> bool {
        let urgent = match &entry {
            Entry::Reply { .. } | Entry::Woken { .. } | Entry::Halted { .. } => true,
            // Only what the plan decides: whether checkers look must not change when the executor is interrupted.
            Entry::DiskDone { .. } | Entry::Observed { .. } => self.watch.triggers,
            _ => self.entries.len() >= ENTRIES_MAX,
        };
        self.entries.push((at_ns, entry));
        let first = urgent && !self.urgent;
        self.urgent |= urgent;
        first
    }

    /// Whether something cannot wait.
    pub(super) fn urgent(&self) -> bool {
        self.urgent
    }

    /// Takes everything out; `space` is used for what comes next.
    pub(super) fn take(&mut self, space: Vec<(u64, Entry)>) -> Vec<(u64, Entry)> {
        self.urgent = false;
        std::mem::replace(&mut self.entries, space)
    }
}
