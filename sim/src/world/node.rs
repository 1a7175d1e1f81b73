//! One simulated machine: a process that runs or not, its clock, its disk, and what waits for it.
//!
//! Everything that belongs to one boot is dropped when it ends, so that nothing of it can
//! reach the next: held inputs, disk operations, open requests, the armed timer.
//!
//! Not here: how things reach the node and what it sets in motion ([`super`]).

use std::collections::VecDeque;

use squall_raft::process::{DiskError, DiskReply, OpId, Process, RequestId};
use squall_raft::types::{BootNumber, LocalTime, NodeId};

use super::settings::{ClientId, RequestHandle, Status};
use crate::clock::{Clock, RATE_PPM_TRUE};
use crate::disk::device::Device;
use crate::events::{Slab, Ticket};

/// A message in flight.
#[derive(Clone, Debug)]
pub(super) struct Letter<M> {
    /// Positions of sender and receiver; narrow, so that a letter with Raft's message has 128 bytes: what is
    /// larger is not moved in registers but by a call.
    pub(super) from: u32,
    pub(super) to: u32,
    /// See [`sending`].
    pub(super) sending: u64,
    pub(super) message: M,
}

/// The number of a sending and whether this is its second copy, in one word.
pub(super) const fn sending(sent: u64, copy: bool) -> u64 {
    sent << 1 | copy as u64
}

impl<M> Letter<M> {
    pub(super) const fn sent(&self) -> u64 {
        self.sending >> 1
    }

    pub(super) const fn is_copy(&self) -> bool {
        self.sending & 1 == 1
    }
}

/// A request or a reply in flight between a client and a node.
#[derive(Clone, Debug)]
pub(super) struct Call<T> {
    pub(super) client: ClientId,
    pub(super) handle: RequestHandle,
    pub(super) node: usize,
    pub(super) sent: u64,
    pub(super) copy: bool,
    pub(super) body: T,
}

/// What has arrived at a node that is paused.
#[derive(Clone, Debug)]
pub(super) enum Arrival<P: Process> {
    Message(Letter<P::Message>),
    Request(Call<P::Request>),
    DiskDone(OpId, Result<DiskReply, DiskError>),
}

/// A request that the process has not answered yet.
#[derive(Clone, Copy, Debug)]
struct Open {
    id: RequestId,
    client: ClientId,
    handle: RequestHandle,
}

/// The queued event that will wake the process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Armed {
    pub(super) local: LocalTime,
    pub(super) ticket: Ticket,
}

#[derive(Clone)]
pub(super) struct Node<P: Process> {
    pub(super) id: NodeId,
    pub(super) config: P::Config,
    pub(super) process: Option<P>,
    pub(super) paused: bool,
    /// Of the latest boot; 0 before the first.
    pub(super) boot: BootNumber,
    pub(super) clock: Clock,
    pub(super) clock_offset_ns: u64,
    pub(super) timer: Option<Armed>,
    pub(super) device: Device,
    /// The completion that is queued for the operation under way.
    pub(super) disk_event: Option<Ticket>,
    pub(super) held: VecDeque<Arrival<P>>,
    /// The event that is queued for the first of the held inputs.
    pub(super) held_event: Option<Ticket>,
    open: Slab<Open>,
    requests: u64,
}

impl<P: Process> Node<P> {
    pub(super) fn new(id: NodeId, config: P::Config, device: Device) -> Self {
        Self {
            id,
            config,
            process: None,
            paused: false,
            boot: BootNumber(0),
            clock: Clock::new(0, 0, RATE_PPM_TRUE),
            clock_offset_ns: 0,
            timer: None,
            device,
            disk_event: None,
            held: VecDeque::new(),
            held_event: None,
            open: Slab::default(),
            requests: 0,
        }
    }

    pub(super) fn status(&self) -> Status {
        match (&self.process, self.paused) {
            (None, _) => Status::Down,
            (Some(_), false) => Status::Up,
            (Some(_), true) => Status::Paused,
        }
    }

    /// Whether what arrives now must wait: behind a pause, or behind what waits already.
    #[inline]
    pub(super) fn holds(&self) -> bool {
        self.paused || !self.held.is_empty()
    }

    /// Gives a request the name under which the process answers it.
    pub(super) fn open(&mut self, client: ClientId, handle: RequestHandle) -> RequestId {
        self.requests += 1;
        let id = RequestId(self.requests << 32);
        let slot = self.open.insert(Open { id, client, handle });
        RequestId(id.0 | u64::from(slot))
    }

    /// Finds who asked; `None` if it was answered before or never asked.
    pub(super) fn close(&mut self, id: RequestId) -> Option<(ClientId, RequestHandle)> {
        let slot = u32::try_from(id.0 & u64::from(u32::MAX)).ok()?;
        let expected = RequestId(id.0 - u64::from(slot));
        self.open.get(slot).filter(|open| open.id == expected)?;
        self.open.take(slot).map(|open| (open.client, open.handle))
    }

    /// Ends the boot. The disk is the caller's business, because a kill and a power loss differ there.
    pub(super) fn end_boot(&mut self) {
        self.process = None;
        self.paused = false;
        self.timer = None;
        self.disk_event = None;
        self.held.clear();
        self.held_event = None;
        self.open.clear();
    }
}
