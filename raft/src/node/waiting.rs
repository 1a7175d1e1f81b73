//! Clients that wait: for their proposal to be applied, here or where it was passed on to, or for a state that is
//! new enough to be read.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;

use crate::process::RequestId;
use crate::types::{LocalTime, LogId, LogIndex, SessionId, Term};

/// Everybody who waits for an answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting {
    /// In the order of their indexes.
    proposals: VecDeque<(LogId, RequestId)>,
    /// Not yet confirmed.
    queries: BTreeMap<RequestId, Bytes>,
    /// Confirmed, waiting for an index to be applied; indexes never fall while one leadership lasts.
    confirmed: VecDeque<(LogIndex, RequestId, Bytes)>,
    /// Commands of the present input that may be passed on, in its order.
    offered: VecDeque<(LocalTime, SessionId, u64, RequestId)>,
    /// Commands that were passed on, by what the log will call them. One that was asked for again is there twice.
    forwards: BTreeSet<(SessionId, u64, RequestId)>,
    /// The same in the order in which they came, with that time; some are settled already.
    forwarded: VecDeque<(LocalTime, SessionId, u64, RequestId)>,
}

impl Waiting {
    pub fn add_proposal(&mut self, id: LogId, ticket: RequestId) {
        self.proposals.push_back((id, ticket));
    }

    /// Who proposed the entry that was just applied.
    pub fn take_proposal(&mut self, id: LogId) -> Option<RequestId> {
        self.proposals.pop_front_if(|(proposed, _)| *proposed == id).map(|(_, ticket)| ticket)
    }

    /// Somebody whose proposal was made in another term than the one that this node leads.
    pub fn take_proposal_not_of(&mut self, leads: Option<Term>) -> Option<RequestId> {
        self.proposals.pop_front_if(|(proposed, _)| Some(proposed.term) != leads).map(|(_, ticket)| ticket)
    }

    /// Somebody whose command may be passed on.
    pub fn offer(&mut self, now: LocalTime, session: SessionId, sequence: u64, ticket: RequestId) {
        self.offered.push_back((now, session, sequence, ticket));
    }

    /// A command was passed on; what was offered before it and was not, never will be.
    pub fn add_forward(&mut self, ticket: RequestId) {
        while let Some((at, session, sequence, offered)) = self.offered.pop_front() {
            if offered == ticket {
                self.forwards.insert((session, sequence, ticket));
                self.forwarded.push_back((at, session, sequence, ticket));
                return;
            }
        }
    }

    /// What is still offered was decided here.
    pub fn withdraw_offers(&mut self) {
        self.offered.clear();
    }

    /// How many commands were passed on and are not settled, or may be passed on.
    pub fn forwards(&self) -> usize {
        self.forwards.len() + self.offered.len()
    }

    /// Somebody who waits for this command, which was passed on.
    pub fn take_forward(&mut self, session: SessionId, sequence: u64) -> Option<RequestId> {
        let of_command = (session, sequence, RequestId(0))..=(session, sequence, RequestId(u64::MAX));
        let found = *self.forwards.range(of_command).next()?;
        self.forwards.remove(&found);
        Some(found.2)
    }

    /// Somebody whose command was passed on so long ago that it may be lost.
    pub fn take_forward_before(&mut self, now: LocalTime, span_ns: u64) -> Option<RequestId> {
        while let Some((_, session, sequence, ticket)) = self.forwarded.pop_front_if(|(at, ..)| !at.is_within_ns(span_ns, now)) {
            if self.forwards.remove(&(session, sequence, ticket)) {
                return Some(ticket);
            }
        }
        None
    }

    /// Whether there is nobody who must be looked at after each input, as on nearly all followers.
    #[inline]
    pub fn is_idle(&self) -> bool {
        self.proposals.len() | self.confirmed.len() | self.forwarded.len() == 0
    }

    pub fn add_query(&mut self, ticket: RequestId, query: Bytes) {
        self.queries.insert(ticket, query);
    }

    pub fn confirm_query(&mut self, ticket: RequestId, index: LogIndex) {
        if let Some(query) = self.queries.remove(&ticket) {
            self.confirmed.push_back((index, ticket, query));
        }
    }

    pub fn forget_query(&mut self, ticket: RequestId) {
        self.queries.remove(&ticket);
    }

    /// A query that was confirmed and not yet answered: once the leadership is over, the index that it waits for
    /// may be truncated, and whatever this node confirms when it leads again would wait behind it.
    pub fn take_confirmed(&mut self) -> Option<RequestId> {
        self.confirmed.pop_front().map(|(_, ticket, _)| ticket)
    }

    /// A query whose index is applied.
    pub fn take_query(&mut self, applied: LogIndex) -> Option<(RequestId, Bytes)> {
        self.confirmed.pop_front_if(|(index, ..)| *index <= applied).map(|(_, ticket, query)| (ticket, query))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_passed_on_is_settled_once_or_given_up() {
        let mut waiting = Waiting::default();
        let (session, mut at) = (SessionId(4), LocalTime(0));
        for ticket in 1..=3 {
            at = at.plus_ns(10);
            waiting.offer(at, session, 7, RequestId(ticket));
        }
        waiting.offer(at, session, 8, RequestId(4));
        // The third has a place here.
        [1, 2, 4].into_iter().for_each(|ticket| waiting.add_forward(RequestId(ticket)));
        waiting.offer(at, session, 9, RequestId(5));
        waiting.withdraw_offers();
        assert_eq!(waiting.forwards(), 3);
        assert_eq!(waiting.take_forward(session, 7), Some(RequestId(1)));
        assert_eq!(waiting.take_forward_before(LocalTime(29), 10), None, "what came first is settled");
        assert_eq!(waiting.take_forward_before(LocalTime(30), 10), Some(RequestId(2)));
        assert_eq!(waiting.take_forward(session, 7), None);
        assert_eq!(waiting.take_forward_before(LocalTime(40), 10), Some(RequestId(4)));
        assert_eq!((waiting.take_forward_before(LocalTime(99), 10), waiting.forwards()), (None, 0));
    }

    /// Confirmed at 9, which was truncated; confirmed at 5 by a later leadership of the same node.
    #[test]
    fn no_query_waits_behind_one_of_a_leadership_that_is_over() {
        let mut waiting = Waiting::default();
        let confirm = |waiting: &mut Waiting, ticket: u64, index: u64| {
            waiting.add_query(RequestId(ticket), Bytes::new());
            waiting.confirm_query(RequestId(ticket), LogIndex(index));
        };
        confirm(&mut waiting, 1, 9);
        assert_eq!(waiting.take_query(LogIndex(4)), None);
        assert_eq!(waiting.take_confirmed(), Some(RequestId(1)));
        assert_eq!(waiting.take_confirmed(), None);
        confirm(&mut waiting, 2, 5);
        assert_eq!(waiting.take_query(LogIndex(5)), Some((RequestId(2), Bytes::new())));
    }
}
