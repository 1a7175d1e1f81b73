//! From the journal to events: numbered, hashed, shown to the observer.
//!
//! Not here: what the events mean ([`crate::world::WorldEvent`]).

use squall_raft::applier::StateMachine;
use squall_raft::node::Node;
use squall_raft::process::{DiskOp, DiskReply, OpId};
use squall_raft::types::NodeId;

use super::Madsim;
use super::journal::Entry;
use crate::disk::Disk;
use crate::network::Fate;
use crate::world::{Observer, Step, WorldEvent};

impl<M: StateMachine + Send + 'static> Madsim<M> {
    /// Emits everything that happened since the last look.
    pub(super) fn read_journal(&mut self, observer: &mut impl Observer<Node<M>>) {
        let mut entries = self.shared.journal().take(std::mem::take(&mut self.space));
        for (at_ns, entry) in entries.drain(..) {
            self.emit(at_ns, entry, observer);
        }
        self.space = entries;
    }

    fn emit(&mut self, at_ns: u64, entry: Entry, observer: &mut impl Observer<Node<M>>) {
        match entry {
            Entry::Sent { from, to, message } => {
                self.counters.messages += 1;
                let event = WorldEvent::Sent { from, to, message: &message, fate: Fate::default(), due_ns: at_ns };
                let number = self.trace.emit(at_ns, observer, event);
                self.transport.sent(number, from, to, message);
            }
            Entry::Delivered { from, to, message } => {
                self.counters.delivered += 1;
                let sent = self.transport.delivered(from, to, &message).unwrap_or_else(|violation| {
                    self.violation.get_or_insert(violation);
                    0
                });
                let event = WorldEvent::Delivered { from, to, message: &message, sent, copy: false };
                self.trace.emit(at_ns, observer, event);
            }
            Entry::TimerFired { node, local } => {
                self.counters.timers += 1;
                self.trace.emit(at_ns, observer, WorldEvent::TimerFired { node, local });
            }
            Entry::Observed { node, observation } => {
                self.trace.emit(at_ns, observer, WorldEvent::Observed { node, observation: &observation });
            }
            Entry::DiskStarted { node, op, what } => {
                self.trace.emit(at_ns, observer, WorldEvent::DiskStarted { node, op, what: &what });
            }
            Entry::DiskTouched { node, op, touch } => {
                self.trace.emit(at_ns, observer, WorldEvent::DiskTouched { node, op, touch });
            }
            Entry::DiskDone { node, op, what, result, disk } => {
                self.counters.disk_ops += 1;
                self.counters.syncs += u64::from(what.is_sync() && result.is_ok());
                self.emit_disk_done(at_ns, (node, op), &what, &result, disk.as_ref(), observer);
            }
            Entry::Halted { node, reason } => self.halted(at_ns, node, reason, observer),
            Entry::Reply { client, handle, from, reply } => {
                self.counters.replies += 1;
                let event = WorldEvent::ReplyDelivered { client, handle, from, reply: &reply, sent: 0, copy: false };
                self.trace.emit(at_ns, observer, event);
                self.steps.push_back(Step::Reply { client, handle, from, reply });
            }
            Entry::Woken { token } => {
                self.trace.emit(at_ns, observer, WorldEvent::Woken { token });
                self.steps.push_back(Step::External { token });
            }
        }
    }

    fn emit_disk_done(
        &mut self,
        at_ns: u64,
        (node, op): (NodeId, OpId),
        what: &DiskOp,
        result: &Result<DiskReply, squall_raft::process::DiskError>,
        disk: Option<&Disk>,
        observer: &mut impl Observer<Node<M>>,
    ) {
        let Some(at) = self.position(node) else { return };
        // Only a sync changes what is promised, and each brings its disk along.
        let machine = self.shared.machine(at);
        let disk = disk.unwrap_or_else(|| machine.device.disk());
        self.trace.emit(at_ns, observer, WorldEvent::DiskDone { node, op, what, result, disk });
    }
}
