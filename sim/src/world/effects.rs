//! What a process sets in motion: messages, disk operations, replies, observations, its own end.
//!
//! Effects are carried out in the order in which they were pushed; after them, the timer is
//! armed again if the process wants to be woken earlier than it will be.
//!
//! Not here: how things reach a process (`arrivals`).

use squall_raft::process::Label as _;
use squall_raft::process::{DiskOp, Effect, Input, Lane, OpId, Process, RequestId};
use squall_raft::types::NodeId;

use super::event::{DropReason, Observer, WorldEvent};
use super::node::{Armed, Call, Letter, sending};
use super::settings::{ClientId, RequestHandle};
use super::{Field, World};
use crate::entropy::v1::mix;
use crate::events::What;
use crate::network::{Fate, Passage};

impl<P: Process> World<P> {
    /// Hands a process an input and carries out what it wants. The node must be up.
    #[inline(always)]
    pub(super) fn hand(&mut self, at: usize, input: Input<P>, observer: &mut impl Observer<P>) {
        let node = &mut self.nodes[at];
        let now = node.clock.local(self.now_ns);
        if let Some(process) = &mut node.process {
            process.handle(now, input, &mut self.effects);
        }
        self.carry_out(at, observer);
        self.arm(at);
    }

    pub(super) fn carry_out(&mut self, at: usize, observer: &mut impl Observer<P>) {
        if self.effects.is_empty() {
            return;
        }
        let mut effects = std::mem::take(&mut self.effects);
        for effect in effects.drain() {
            match effect {
                Effect::Send { to, message } => self.send(at, to, message, observer),
                Effect::Disk { op, what } => self.start_disk_op(at, op, what, observer),
                Effect::Reply { to, reply } => self.reply(at, to, reply, observer),
                Effect::Observe(observation) => {
                    let event = WorldEvent::Observed { node: self.nodes[at].id, observation: &observation };
                    self.trace.emit(self.now_ns, observer, event);
                }
                Effect::Halt { reason } => {
                    self.halt(at, reason, observer);
                    break;
                }
            }
        }
        self.effects = effects;
    }

    fn send(&mut self, from: usize, to: NodeId, message: P::Message, observer: &mut impl Observer<P>) {
        self.counters.messages += 1;
        let from_id = self.nodes[from].id;
        let Some(receiver) = self.position(to) else {
            return self.send_to_nobody(from_id, to, &message, observer);
        };
        let passage = self.links[from * self.nodes.len() + receiver].send(self.now_ns, message.lane());
        if !passage.fate.is_plain() {
            self.count(&passage.fate);
        }
        let Passage { fate, due_ns, tie, copy_due_ns } = passage;
        let event = WorldEvent::Sent { from: from_id, to, message: &message, fate, due_ns };
        let sent = self.trace.emit(self.now_ns, observer, event);
        if !fate.arrives() {
            return;
        }
        if let Some(copy_due_ns) = copy_due_ns {
            self.send_copy(from, receiver, sent, &message, copy_due_ns, tie);
        }
        let (from, to) = (index(from), index(receiver));
        let slot = self.letters.insert_with(|| Letter { from, to, sending: sending(sent, false), message });
        self.queue.push(due_ns, tie, What::Deliver(slot));
    }

    #[cold]
    fn send_copy(&mut self, from: usize, to: usize, sent: u64, message: &P::Message, due_ns: u64, tie: u64) {
        let letter = Letter { from: index(from), to: index(to), sending: sending(sent, true), message: message.clone() };
        let slot = self.letters.insert(letter);
        self.queue.push(due_ns, tie, What::Deliver(slot));
    }

    #[cold]
    fn send_to_nobody(&mut self, from: NodeId, to: NodeId, message: &P::Message, observer: &mut impl Observer<P>) {
        self.counters.undeliverable += 1;
        let event = WorldEvent::Sent { from, to, message, fate: Fate::default(), due_ns: self.now_ns };
        let sent = self.trace.emit(self.now_ns, observer, event);
        let event = WorldEvent::Dropped { from, to, message, sent, why: DropReason::NoSuchNode };
        self.trace.emit(self.now_ns, observer, event);
    }

    #[cold]
    fn count(&mut self, fate: &Fate) {
        self.counters.cut += u64::from(fate.cut);
        self.counters.lost += u64::from(fate.lost);
        self.counters.reordered += u64::from(fate.reordered);
        self.counters.duplicated += u64::from(fate.copy_delay_ns.is_some());
    }

    fn start_disk_op(&mut self, at: usize, op: OpId, what: DiskOp, observer: &mut impl Observer<P>) {
        let node = &mut self.nodes[at];
        let event = WorldEvent::DiskStarted { node: node.id, op, what: &what };
        self.trace.emit(self.now_ns, observer, event);
        if node.device.issue(op, what) {
            self.schedule_disk(at);
        }
    }

    /// Queues the completion of the operation that the device works on now.
    pub(super) fn schedule_disk(&mut self, at: usize) {
        let node = &mut self.nodes[at];
        node.disk_event = node
            .device
            .head_latency()
            .map(|(latency_ns, tie)| self.queue.push(self.now_ns.saturating_add(latency_ns), tie, What::Disk(index(at))));
    }

    fn reply(&mut self, at: usize, id: RequestId, reply: P::Reply, observer: &mut impl Observer<P>) {
        let node = &mut self.nodes[at];
        let from = node.id;
        match node.close(id) {
            Some((client, handle)) => self.send_reply(at, client, handle, reply, observer),
            None => {
                self.trace.emit(self.now_ns, observer, WorldEvent::RepliedToNobody { from, id, reply: &reply });
            }
        }
    }

    fn send_reply(
        &mut self,
        at: usize,
        client: ClientId,
        handle: RequestHandle,
        reply: P::Reply,
        observer: &mut impl Observer<P>,
    ) {
        let from = self.nodes[at].id;
        let link = client.0 as usize * self.nodes.len() + at;
        let Passage { fate, due_ns, tie, copy_due_ns } = self.client_links[link].to_client.send(self.now_ns, Lane::Control);
        let event = WorldEvent::Replied { client, handle, from, reply: &reply, fate, due_ns };
        let sent = self.trace.emit(self.now_ns, observer, event);
        if !fate.arrives() {
            return;
        }
        if let Some(copy_due_ns) = copy_due_ns {
            let call = Call { client, handle, node: at, sent, copy: true, body: reply.clone() };
            self.queue.push(copy_due_ns, tie, What::Reply(self.replies.insert(call)));
        }
        let call = Call { client, handle, node: at, sent, copy: false, body: reply };
        self.queue.push(due_ns, tie, What::Reply(self.replies.insert(call)));
    }

    /// Makes sure that the process is woken no later than it wants to be.
    ///
    /// A deadline that moved later costs nothing: the event that is queued finds out when it comes.
    #[inline]
    pub(super) fn arm(&mut self, at: usize) {
        let node = &self.nodes[at];
        let Some(deadline) = node.process.as_ref().and_then(Process::deadline) else {
            return;
        };
        if node.timer.is_none_or(|armed| deadline < armed.local) {
            self.arm_at(at, deadline);
        }
    }

    #[cold]
    fn arm_at(&mut self, at: usize, deadline: squall_raft::types::LocalTime) {
        let node = &mut self.nodes[at];
        let due_ns = node.clock.world(deadline).max(self.now_ns);
        // The end of time never comes.
        node.timer = (due_ns < u64::MAX).then(|| {
            let tie = mix(self.tie_key, node.id.0, due_ns, 0, Field::TimerTie as u64);
            Armed { local: deadline, ticket: self.queue.push(due_ns, tie, What::Timer(index(at))) }
        });
    }
}

/// A node's position as events carry it.
pub(super) fn index(at: usize) -> u32 {
    u32::try_from(at).expect("a world has fewer than 2^32 nodes")
}
