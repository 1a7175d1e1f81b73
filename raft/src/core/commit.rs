//! The commit rule: which index the leader may declare committed (paper, §5.3 and §5.4.2).
//!
//! Not here: who holds what ([`super::progress`]); applying ([`crate::node`]).

use super::quorum;
use super::role::{Leader, Role};
use super::{Core, Effect, Output};
use crate::observation::Observation;
use crate::types::LogIndex;

impl Core {
    /// Commits what a quorum holds durably, the leader's own disk included.
    pub(super) fn advance_commit(&mut self, out: &mut impl Output) {
        let Role::Leader(leader) = &self.role else {
            return;
        };
        let replicated = self.replicated(leader);
        if replicated > self.commit && self.may_commit(replicated) {
            self.commit_to(replicated, out);
        }
    }

    /// What a quorum holds, if that is more than what is committed.
    fn replicated(&self, leader: &Leader) -> LogIndex {
        let me = self.config.me.node;
        #[cfg(feature = "mutants")]
        if let Some(replicated) = self.wrongly_replicated(leader) {
            return replicated;
        }
        // Of the acknowledgements of an entry only one completes the quorum, and that the others do not is told by counting.
        let is_beyond = |index: LogIndex| usize::from(index > self.commit);
        let beyond: usize = leader.followers.iter().map(|(_, progress)| is_beyond(progress.matched)).sum();
        if beyond + is_beyond(self.io.log.index) < quorum::majority(self.config.membership.voters().len()) {
            return self.commit;
        }
        let reached = |node| {
            if node == me { self.io.log.index.0 } else { leader.progress(node).map_or(0, |progress| progress.matched.0) }
        };
        quorum::reached_beyond(&self.config.membership, self.commit.0, reached).map_or(self.commit, LogIndex)
    }

    /// Entries of earlier terms are never committed by counting replicas, because a later
    /// leader may still overwrite them (figure 8). They are committed indirectly, together
    /// with the first entry of the present term.
    fn may_commit(&self, replicated: LogIndex) -> bool {
        #[cfg(feature = "mutants")]
        if self.config.bug == Some(crate::mutants::Bug::L01) {
            return true;
        }
        self.log.term_at(replicated) == Some(self.hard.term)
    }

    /// Raises the commit index; never lowers it, and never past the log's end.
    pub(super) fn commit_to(&mut self, index: LogIndex, out: &mut impl Output) {
        assert!(index <= self.log.last().index, "commit {index} is in the log, which ends at {}", self.log.last());
        #[cfg(feature = "mutants")]
        if self.config.bug == Some(crate::mutants::Bug::L08) && index < self.commit {
            self.commit = index;
            out.push(Effect::Observe(Observation::Committed { term: self.hard.term, index }));
        }
        if index <= self.commit {
            return;
        }
        if let Role::Leader(leader) = &mut self.role {
            leader.uncommitted_bytes = (self.commit.0 + 1..=index.0)
                .map(|i| self.log.payload_bytes(LogIndex(i)))
                .fold(leader.uncommitted_bytes, u64::saturating_sub);
        }
        self.commit = index;
        out.push(Effect::Observe(Observation::Committed { term: self.hard.term, index }));
    }
}
