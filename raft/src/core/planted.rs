//! What planted bugs do instead of the code beside which they are called; compiled only with the feature `mutants`.
//!
//! A bug that is one line stands where the line is. Not here: their catalogue (`sim/bugs/README.md`).

use super::role::Leader;
use super::{Core, Output};
use crate::entry::{Entries, Entry};
use crate::log_view::View;
use crate::message::{Body, Envelope};
use crate::mutants::Bug;
use crate::types::{LocalTime, LogId, LogIndex};

impl Core {
    /// What a planted bug makes of a message instead.
    pub(super) fn mishears(&mut self, now: LocalTime, envelope: &Envelope, body: &Body, out: &mut impl Output) -> bool {
        match (self.config.bug, body) {
            (Some(Bug::E03), Body::Vote { granted }) if envelope.term < self.hard.term => {
                self.on_vote(now, envelope.from.node, *granted, out);
                true
            }
            (Some(Bug::E11), Body::HeartbeatAck { .. }) => envelope.term > self.hard.term,
            (Some(Bug::V02), Body::RequestPreVote { .. } | Body::PreVote { .. }) => envelope.term != self.hard.term,
            _ => false,
        }
    }

    /// L12: a batch that was cut short goes on with what still fits.
    pub(super) fn with_smaller(&self, entries: &Entries) -> Entries {
        let limits = self.config.limits;
        let mut bytes: u64 = entries.iter().map(|entry| entry.payload.len_bytes()).sum();
        let mut run = entries.to_vec();
        let behind = entries.last().map_or(u64::MAX, |entry| entry.id.index.0 + 2)..=self.log.last().index.0;
        for index in behind.map(LogIndex) {
            let View::Ready(payload) = self.log.payload(index) else { break };
            if bytes + payload.len_bytes() <= limits.append_bytes_max && run.len() < limits.append_entries_max as usize {
                bytes += payload.len_bytes();
                let term = self.log.term_at(index).unwrap_or_default();
                run.push(Entry { id: LogId { term, index }, payload: payload.clone() });
            }
        }
        run.into()
    }

    /// L21: what is about to be truncated.
    pub(super) fn remember_behind(&mut self, last: LogIndex) {
        if self.config.bug == Some(Bug::L21) {
            let removed = (last.0 + 1..=self.log.last().index.0).map(LogIndex);
            let payloads = removed.filter_map(|index| match self.log.payload(index) {
                View::Ready(payload) => Some((index, payload.clone())),
                _ => None,
            });
            self.remembered.extend(payloads);
        }
    }

    /// L21: an entry with the payload that stood in its place before.
    pub(super) fn as_remembered(&mut self, entry: &Entry) -> Entry {
        let payload = self.remembered.remove(&entry.id.index).unwrap_or_else(|| entry.payload.clone());
        Entry { id: entry.id, payload }
    }

    /// L10 and L16: whose word counts for how much.
    pub(super) fn wrongly_replicated(&self, leader: &Leader) -> Option<LogIndex> {
        let me = self.config.me.node;
        let own = if self.config.bug == Some(Bug::L16) { self.log.last().index } else { self.io.log.index };
        let reached =
            |node: &_| if *node == me { own } else { leader.progress(*node).map_or(LogIndex(0), |progress| progress.matched) };
        let mut sorted: Vec<LogIndex> = self.config.membership.voters().iter().map(reached).collect();
        sorted.sort_unstable();
        match self.config.bug {
            Some(Bug::L10) => sorted.get(sorted.len() / 2).copied(),
            Some(Bug::L16) => sorted.get((sorted.len() - 1) / 2).copied(),
            _ => None,
        }
    }

    /// V07: whoever is asked waits anew before it campaigns.
    pub(super) fn starve(&mut self, now: LocalTime) {
        if self.config.bug == Some(Bug::V07) {
            let election_at = self.draw_election_deadline(now);
            self.postpone_election(election_at);
        }
    }
}
