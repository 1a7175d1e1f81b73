//! Clients that wait: for their proposal to be applied, or for a state that is new enough to be read.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use crate::process::RequestId;
use crate::types::{LogId, LogIndex, Term};

/// Everybody who waits for an answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting {
    /// In the order of their indexes.
    proposals: VecDeque<(LogId, RequestId)>,
    /// Not yet confirmed.
    queries: BTreeMap<RequestId, Bytes>,
    /// Confirmed, waiting for an index to be applied; indexes never fall while one leadership lasts.
    confirmed: VecDeque<(LogIndex, RequestId, Bytes)>,
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
