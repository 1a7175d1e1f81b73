//! A ghost that remembers what a core has asked whom, by what it sent and nothing else: an answer to
//! anything else must confirm, match and elect nobody.
//!
//! A message that waits for the disk has asked nobody yet. Read next: `answers`.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use squall_raft::core::Core;
use squall_raft::core::role::{Leader, Role};
use squall_raft::message::{Body, Message};
use squall_raft::types::{IoId, LogIndex, NodeId, Term};

/// Everything that was asked in this boot.
#[derive(Default)]
pub struct Asked {
    waiting: Vec<(IoId, Message)>,
    pre_votes: BTreeSet<(Term, NodeId)>,
    votes: BTreeSet<(Term, NodeId)>,
    covered: BTreeMap<(Term, NodeId), LogIndex>,
    rounds: BTreeMap<(Term, NodeId), u64>,
}

impl Asked {
    /// Notes a message that leaves once `after` is durable.
    pub fn sends(&mut self, message: &Message, after: IoId) {
        self.waiting.push((after, message.clone()));
    }

    /// Lets go what waits for no more than this.
    pub fn release(&mut self, durable: IoId) {
        for (after, message) in std::mem::take(&mut self.waiting) {
            if after.seq == 0 || after <= durable {
                self.asks(&message);
            } else {
                self.waiting.push((after, message));
            }
        }
    }

    fn asks(&mut self, message: &Message) {
        let key = (message.envelope.term, message.envelope.to.node);
        match &message.body {
            Body::RequestPreVote { .. } => _ = self.pre_votes.insert(key),
            Body::RequestVote { .. } => _ = self.votes.insert(key),
            Body::Append { prev, entries, .. } => {
                let end = entries.last().map_or(prev.index, |entry| entry.id.index);
                let covered = self.covered.entry(key).or_default();
                *covered = end.max(*covered);
                self.round(key, message.envelope.round);
            }
            Body::Heartbeat { .. } => self.round(key, message.envelope.round),
            _ => {}
        }
    }

    fn round(&mut self, key: (Term, NodeId), round: u64) {
        let known = self.rounds.entry(key).or_default();
        *known = round.max(*known);
    }

    /// Whoever a message of `from` made count must have been asked.
    pub fn vouches(&self, before: &Core, after: &Core, from: NodeId) -> TestCaseResult {
        let key = (before.hard_state().term, from);
        match (before.role(), after.role()) {
            (Role::PreCandidate(old), Role::PreCandidate(new)) if old.granted == new.granted => {}
            (Role::Candidate(old), Role::Candidate(new)) if old.granted == new.granted => {}
            (Role::PreCandidate(_), Role::PreCandidate(_) | Role::Candidate(_)) => {
                prop_assert!(self.pre_votes.contains(&key), "a pre-vote that nobody asked for counts: {:?}", key);
            }
            (Role::Candidate(_), Role::Candidate(_) | Role::Leader(_)) => {
                prop_assert!(self.votes.contains(&key), "a vote that nobody asked for counts: {:?}", key);
            }
            (Role::Leader(old), Role::Leader(new)) => self.vouches_for_leader(key, old, new)?,
            (_, Role::Candidate(_) | Role::Leader(_)) => prop_assert!(false, "a message made it {}", after.role().kind()),
            _ => {}
        }
        Ok(())
    }

    fn vouches_for_leader(&self, key: (Term, NodeId), old: &Leader, new: &Leader) -> TestCaseResult {
        for ((node, was), (_, is)) in old.followers.iter().zip(&new.followers) {
            if is.matched > was.matched {
                let covered = self.covered.get(&key).copied().unwrap_or_default();
                prop_assert!(*node == key.1 && is.matched <= covered, "{:?} matches {}, was sent {}", key, is.matched, covered);
            }
            if is.round_acked > was.round_acked {
                let round = self.rounds.get(&key).copied().unwrap_or_default();
                prop_assert!(*node == key.1 && is.round_acked <= round, "{:?} confirms {} of {}", key, is.round_acked, round);
            }
        }
        Ok(())
    }
}
