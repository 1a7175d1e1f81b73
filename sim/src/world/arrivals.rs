//! What reaches a process or a client: messages, requests, completions, timers, replies.
//!
//! A process that is paused takes nothing: what arrives waits in order and is handed over, one
//! event each, when it goes on; requests that wait next to each other are one. Its disk works on, because the disk is the machine's.
//!
//! Not here: what the process does then (`effects`).

use squall_raft::process::{DiskError, DiskReply, Input, OpId, Process, RequestId};

use super::effects::index;
use super::event::{DropReason, Observer, WorldEvent};
use super::node::{Arrival, Call, Letter};
use super::settings::Step;
use super::{Field, World};
use crate::disk::device::Completed;
use crate::entropy::v1::mix;
use crate::events::{Ticket, What};

/// So many requests are one input at most, as in the engine's own driver.
const TOGETHER_MAX: usize = 256;

impl<P: Process> World<P> {
    #[inline]
    pub(super) fn deliver(&mut self, slot: u32, observer: &mut impl Observer<P>) -> bool {
        let Some(letter) = self.letters.get(slot) else { return false };
        let (from, to) = (letter.from as usize, letter.to as usize);
        let link = &self.links[from * self.nodes.len() + to];
        let node = &self.nodes[to];
        if link.went_down_with(letter.sent()) || link.is_cut() || node.process.is_none() || node.holds() {
            self.keep_letter(slot, observer);
        } else if let Some(letter) = self.letters.take(slot) {
            self.take_letter(letter, observer);
        }
        true
    }

    /// A message has come to its receiver's door, and cannot go in now or ever.
    #[cold]
    fn keep_letter(&mut self, slot: u32, observer: &mut impl Observer<P>) {
        let Some(letter) = self.letters.take(slot) else { return };
        let (from, to) = (letter.from as usize, letter.to as usize);
        let link = &self.links[from * self.nodes.len() + to];
        if link.went_down_with(letter.sent()) {
            self.counters.reset += 1;
            self.drop_letter(&letter, DropReason::Reset, observer);
        } else if link.is_cut() {
            self.counters.cut += 1;
            self.drop_letter(&letter, DropReason::Cut, observer);
        } else if self.nodes[to].process.is_none() {
            self.counters.undeliverable += 1;
            self.drop_letter(&letter, DropReason::Down, observer);
        } else {
            self.hold(to, Arrival::Message(letter), observer);
        }
    }

    #[cold]
    fn drop_letter(&mut self, letter: &Letter<P::Message>, why: DropReason, observer: &mut impl Observer<P>) {
        let (from, to) = (self.nodes[letter.from as usize].id, self.nodes[letter.to as usize].id);
        let event = WorldEvent::Dropped { from, to, message: &letter.message, sent: letter.sent(), why };
        self.trace.emit(self.now_ns, observer, event);
    }

    #[inline(always)]
    fn take_letter(&mut self, letter: Letter<P::Message>, observer: &mut impl Observer<P>) {
        self.counters.delivered += 1;
        let (sent, copy, at) = (letter.sent(), letter.is_copy(), letter.to as usize);
        let (from, to) = (self.nodes[letter.from as usize].id, self.nodes[at].id);
        let message = letter.message;
        self.trace.emit(self.now_ns, observer, WorldEvent::Delivered { from, to, message: &message, sent, copy });
        self.hand(at, Input::Message { from, message }, observer);
    }

    pub(super) fn deliver_request(&mut self, slot: u32, observer: &mut impl Observer<P>) -> bool {
        let Some(call) = self.requests.take(slot) else { return false };
        let node = &self.nodes[call.node];
        let link = call.client.0 as usize * self.nodes.len() + call.node;
        if self.client_links[link].to_node.is_cut() {
            self.drop_request(&call, DropReason::Cut, observer);
        } else if node.process.is_none() {
            self.drop_request(&call, DropReason::Down, observer);
        } else if node.holds() {
            self.hold(call.node, Arrival::Request(call), observer);
        } else {
            self.take_request(call, observer);
        }
        true
    }

    #[cold]
    fn drop_request(&mut self, call: &Call<P::Request>, why: DropReason, observer: &mut impl Observer<P>) {
        let to = self.nodes[call.node].id;
        let event = WorldEvent::RequestDropped { client: call.client, handle: call.handle, to, sent: call.sent, why };
        self.trace.emit(self.now_ns, observer, event);
    }

    fn take_request(&mut self, call: Call<P::Request>, observer: &mut impl Observer<P>) {
        let at = call.node;
        let (id, request) = self.open_request(call, observer);
        self.hand(at, Input::Request { id, request }, observer);
    }

    fn open_request(&mut self, call: Call<P::Request>, observer: &mut impl Observer<P>) -> (RequestId, P::Request) {
        let Call { client, handle, node: at, sent, copy, body: request } = call;
        let node = &mut self.nodes[at];
        let (to, id) = (node.id, node.open(client, handle));
        let event = WorldEvent::RequestDelivered { client, handle, to, request: &request, id, sent, copy };
        self.trace.emit(self.now_ns, observer, event);
        (id, request)
    }

    /// Hands over a request that was held, and those that wait right behind it.
    fn take_held_requests(&mut self, at: usize, first: Call<P::Request>, observer: &mut impl Observer<P>) {
        if !matches!(self.nodes[at].held.front(), Some(Arrival::Request(_))) {
            return self.take_request(first, observer);
        }
        let mut together = vec![self.open_request(first, observer)];
        while together.len() < TOGETHER_MAX
            && let Some(Arrival::Request(call)) = self.nodes[at].held.pop_front_if(|next| matches!(next, Arrival::Request(_)))
        {
            together.push(self.open_request(call, observer));
        }
        self.hand(at, Input::Requests(together), observer);
    }

    pub(super) fn deliver_reply(&mut self, slot: u32, observer: &mut impl Observer<P>) -> Option<Step<P::Reply>> {
        let Call { client, handle, node: at, sent, copy, body: reply } = self.replies.take(slot)?;
        let from = self.nodes[at].id;
        if self.client_links[client.0 as usize * self.nodes.len() + at].to_client.is_cut() {
            self.trace.emit(self.now_ns, observer, WorldEvent::ReplyDropped { client, handle, from, sent });
            return Some(Step::Internal);
        }
        self.counters.replies += 1;
        let event = WorldEvent::ReplyDelivered { client, handle, from, reply: &reply, sent, copy };
        self.trace.emit(self.now_ns, observer, event);
        Some(Step::Reply { client, handle, from, reply })
    }

    #[inline]
    pub(super) fn disk_done(&mut self, at: usize, ticket: Ticket, observer: &mut impl Observer<P>) -> Option<Step<P::Reply>> {
        let node = &mut self.nodes[at];
        if node.disk_event != Some(ticket) {
            return None;
        }
        if let Some(nth) = node.device.take_break() {
            let step = Step::AtDiskOp { node: node.id, nth };
            // It completes at this instant all the same, unless what comes of the break ends the boot.
            node.disk_event = Some(self.queue.push(self.now_ns, nth, What::Disk(index(at))));
            return Some(step);
        }
        let Completed { issued, result, touch } = node.device.complete()?;
        self.counters.disk_ops += 1;
        self.counters.syncs += u64::from(issued.what.is_sync() && result.is_ok());
        if let Some(touch) = touch {
            self.trace.emit(self.now_ns, observer, WorldEvent::DiskTouched { node: node.id, op: issued.op, touch });
        }
        let disk = node.device.disk();
        let event = WorldEvent::DiskDone { node: node.id, op: issued.op, what: &issued.what, result: &result, disk };
        self.trace.emit(self.now_ns, observer, event);
        self.schedule_disk(at);
        if self.nodes[at].holds() {
            self.hold(at, Arrival::DiskDone(issued.op, result), observer);
        } else {
            self.take_disk_done(at, issued.op, result, observer);
        }
        Some(Step::Internal)
    }

    fn take_disk_done(&mut self, at: usize, op: OpId, result: Result<DiskReply, DiskError>, observer: &mut impl Observer<P>) {
        // Nearly always there is nothing to say. Made anew it is one word, where what was written word by word a moment ago
        // would be moved in larger pieces, for which a processor waits.
        let result = if matches!(result, Ok(DiskReply::Done)) { Ok(DiskReply::Done) } else { result };
        self.hand(at, Input::DiskDone { op, result }, observer);
    }

    pub(super) fn timer(&mut self, at: usize, ticket: Ticket, observer: &mut impl Observer<P>) -> bool {
        let node = &mut self.nodes[at];
        if node.timer.is_none_or(|armed| armed.ticket != ticket) {
            return false;
        }
        node.timer = None;
        if node.paused {
            // Armed again when it goes on.
            return false;
        }
        let local = node.clock.local(self.now_ns);
        let Some(deadline) = node.process.as_ref().and_then(Process::deadline) else { return false };
        if deadline > local {
            self.arm(at);
            return false;
        }
        self.counters.timers += 1;
        self.trace.emit(self.now_ns, observer, WorldEvent::TimerFired { node: node.id, local });
        self.hand(at, Input::Timer, observer);
        true
    }

    pub(super) fn wake(&mut self, slot: u32, observer: &mut impl Observer<P>) -> Option<Step<P::Reply>> {
        let token = self.wakes.take(slot)?;
        self.trace.emit(self.now_ns, observer, WorldEvent::Woken { token });
        Some(Step::External { token })
    }

    #[cold]
    fn hold(&mut self, at: usize, arrival: Arrival<P>, observer: &mut impl Observer<P>) {
        let node = &mut self.nodes[at];
        node.held.push_back(arrival);
        let event = WorldEvent::Held { node: node.id, waiting: node.held.len() as u64 };
        self.trace.emit(self.now_ns, observer, event);
    }

    /// Queues the handing over of the first held input, if there is one and the node is not paused.
    pub(super) fn schedule_held(&mut self, at: usize) {
        let node = &mut self.nodes[at];
        node.held_event = (!node.paused && !node.held.is_empty()).then(|| {
            let tie = mix(self.tie_key, node.id.0, self.now_ns, node.held.len() as u64, Field::HeldTie as u64);
            self.queue.push(self.now_ns, tie, What::Held(index(at)))
        });
    }

    pub(super) fn deliver_held(&mut self, at: usize, ticket: Ticket, observer: &mut impl Observer<P>) -> bool {
        let node = &mut self.nodes[at];
        if node.paused || node.held_event != Some(ticket) {
            return false;
        }
        let Some(first) = node.held.pop_front() else { return false };
        match first {
            Arrival::Message(letter) => self.take_letter(letter, observer),
            Arrival::Request(call) => self.take_held_requests(at, call, observer),
            Arrival::DiskDone(op, result) => self.take_disk_done(at, op, result, observer),
        }
        self.schedule_held(at);
        true
    }
}
