//! What the core has said and the caller has not yet been told.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use super::{ReadState, Write};
use crate::core::{Effect, Output, Proposal, RequestError};
use crate::message::Message;
use crate::observation::{Observation, Refusal};
use crate::process::RequestId;
use crate::types::{IoId, LogId};

/// Effects in the caller's terms.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub messages: Vec<Message>,
    pub read_states: Vec<ReadState>,
    pub dropped_reads: Vec<(Bytes, RequestError)>,
    pub observations: Vec<Observation>,
    writes: Vec<Write>,
    /// The id of the last write.
    written: IoId,
    /// Everything up to it is durable; none: not even the start of this boot.
    durable: Option<IoId>,
    /// Messages that must wait, in the order in which they were made.
    waiting: VecDeque<(IoId, Message)>,
    /// Reads that are neither confirmed nor dropped.
    reads: BTreeMap<RequestId, Bytes>,
    /// Requests so far.
    tickets: u64,
    /// The request that is being made, whose outcome is an answer and not part of the next `Ready`.
    present: Option<RequestId>,
    /// What became of proposals, or why another request was turned away.
    outcomes: Vec<(RequestId, Result<LogId, RequestError>)>,
    refusal: Option<Refusal>,
}

impl Pending {
    /// Of a node that has yet to write down that it starts.
    pub fn new(start: Write) -> Self {
        Self {
            messages: Vec::new(),
            read_states: Vec::new(),
            dropped_reads: Vec::new(),
            observations: Vec::new(),
            writes: vec![start],
            written: IoId::NOTHING,
            durable: None,
            waiting: VecDeque::new(),
            reads: BTreeMap::new(),
            tickets: 0,
            present: None,
            outcomes: Vec::new(),
            refusal: None,
        }
    }

    /// Observations count: whoever never took them would collect them without end.
    pub const fn is_empty(&self) -> bool {
        self.messages.is_empty()
            && self.writes.is_empty()
            && self.read_states.is_empty()
            && self.dropped_reads.is_empty()
            && self.observations.is_empty()
    }

    pub fn take_writes(&mut self) -> Option<(IoId, Vec<Write>)> {
        if self.writes.is_empty() { None } else { Some((self.written, std::mem::take(&mut self.writes))) }
    }

    /// Where the next writes will be.
    pub const fn space_for_writes(&mut self) -> &mut Vec<Write> {
        &mut self.writes
    }

    /// Lets those messages go that waited for no more than this.
    pub fn release(&mut self, durable: IoId) {
        self.durable = Some(durable);
        for _ in 0..self.waiting.len() {
            if let Some((after, message)) = self.waiting.pop_front() {
                self.send(after, message); // What still waits goes behind the others, and so all keep their order.
            }
        }
    }

    fn send(&mut self, after: IoId, message: Message) {
        match self.durable {
            Some(durable) if after.seq == 0 || after <= durable => self.messages.push(message),
            _ => self.waiting.push_back((after, message)),
        }
    }

    /// A request begins.
    pub const fn begin(&mut self) -> RequestId {
        self.tickets += 1;
        let ticket = RequestId(self.tickets);
        self.present = Some(ticket);
        ticket
    }

    /// A request to propose all of these begins.
    pub fn begin_all(&mut self, batch: impl IntoIterator<Item = Bytes>) -> Vec<Proposal> {
        let proposal = |command| Proposal { ticket: self.begin(), command, may_forward: false };
        let proposals = batch.into_iter().map(proposal).collect();
        self.present = None;
        proposals
    }

    pub fn add_read(&mut self, ticket: RequestId, context: Bytes) {
        self.reads.insert(ticket, context);
    }

    /// The request was made: why it was turned away, if it was.
    pub fn end(&mut self) -> Result<(), RequestError> {
        self.end_proposal().map_or(Ok(()), |outcome| outcome.map(|_| ()))
    }

    /// What became of the proposal that was made.
    pub fn end_proposal(&mut self) -> Option<Result<LogId, RequestError>> {
        self.present = None;
        self.outcomes.pop().map(|(_, outcome)| outcome)
    }

    /// What became of the proposals that were made, in their order: those that were turned away are told first.
    pub fn end_all(&mut self) -> impl Iterator<Item = Result<LogId, RequestError>> + '_ {
        self.outcomes.sort_unstable_by_key(|(ticket, _)| *ticket);
        self.outcomes.drain(..).map(|(_, outcome)| outcome)
    }

    pub const fn take_refusal(&mut self) -> Option<Refusal> {
        self.refusal.take()
    }
}

impl Output for Pending {
    fn push(&mut self, effect: Effect) {
        match effect {
            Effect::Persist { id, what } => {
                self.written = id;
                self.writes.push(what.into());
            }
            Effect::Send { message, after } => self.send(after, message),
            Effect::Proposed { ticket, id } => self.outcomes.push((ticket, Ok(id))),
            Effect::ReadReady { ticket, index } => {
                if let Some(context) = self.reads.remove(&ticket) {
                    self.read_states.push(ReadState { context, index });
                }
            }
            // Nothing is passed on here.
            Effect::Campaigning { .. } | Effect::Forwarded { .. } => {}
            Effect::Refused { ticket, why } => self.turn_away(ticket, why),
            // Whoever calls holds the log in memory; nothing is let go of.
            Effect::Fetch { .. } => {}
            Effect::Observe(observation) => {
                if let Observation::Refused { reason } = observation {
                    self.refusal = Some(reason);
                }
                self.observations.push(observation);
            }
        }
    }
}

impl Pending {
    /// A read that was accepted can still be dropped; anything else is turned away when it is made.
    fn turn_away(&mut self, ticket: RequestId, why: RequestError) {
        match self.reads.remove(&ticket) {
            Some(context) if self.present != Some(ticket) => self.dropped_reads.push((context, why)),
            _ => self.outcomes.push((ticket, Err(why))),
        }
    }
}

/// Takes over the space of a vector that was handed out and has come back, if it is needed.
pub(super) fn reuse<T>(own: &mut Vec<T>, mut back: Vec<T>) {
    if own.capacity() == 0 {
        back.clear();
        *own = back;
    }
}
