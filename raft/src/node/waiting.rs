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
    /// Confirmed, waiting for an index to be applied; indexes never fall.
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

    /// A query whose index is applied.
    pub fn take_query(&mut self, applied: LogIndex) -> Option<(RequestId, Bytes)> {
        self.confirmed.pop_front_if(|(index, ..)| *index <= applied).map(|(_, ticket, query)| (ticket, query))
    }
}
