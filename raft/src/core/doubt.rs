//! Doubt: what a well-formed message of a member claims, against what this node knows to be so.
//!
//! Two things no honest member ever says, and each is refused before its term is looked at: an
//! answer to a question that this node cannot have asked, and entries other than those that are
//! committed here. The first could confirm, match or elect without anybody having been asked; the
//! second comes from no leader, because leaders hold all that is committed (paper, §5.4.3). Neither
//! may move the term, postpone an election or make this node loyal to whoever said it. A command
//! passed on to who does not lead is refused in the same way, though it may be honest.
//!
//! A member that lies about its own log, vote or term is believed: Raft tolerates crashes, no
//! traitors. Answers that only teach a term are always heard, since they say nothing else.
//! Not here: who may speak at all and numbers that fit nobody (`Core::refusal`), whose request for
//! a vote is ignored ([`super::loyalty`]).

use super::Core;
use super::role::{Leader, Role};
use crate::entry::Entries;
use crate::message::{Body, Envelope};
use crate::observation::Refusal;
use crate::types::{LogId, LogIndex};

impl Core {
    /// Why a message cannot be true, if it cannot. What is of an earlier term may once have been.
    pub(super) fn doubts(&self, envelope: &Envelope, body: &Body) -> Option<Refusal> {
        if envelope.term < self.hard.term {
            return None;
        }
        match body {
            Body::Append { prev, entries, .. } => {
                self.contradicts_committed(*prev, entries).then_some(Refusal::ContradictsCommitted)
            }
            Body::PreVote { granted: true, .. } | Body::Vote { granted: true } => self.doubts_grant(envelope, body),
            Body::Appended { matched } => self.doubts_answer(envelope, *matched),
            Body::Rejected { .. } => self.doubts_answer(envelope, LogIndex(0)),
            // All zero, it is what a sender of the past is told, in whatever term that is.
            Body::HeartbeatAck { tail, matched } if tail.0 > 0 || matched.0 > 0 || envelope.round > 0 => {
                self.doubts_answer(envelope, *matched)
            }
            // Whoever passes a command on takes this node for the leader of its own term.
            Body::Forward { .. } if !(matches!(self.role, Role::Leader(_)) && envelope.term == self.hard.term) => {
                Some(Refusal::NotLeader)
            }
            _ => None,
        }
    }

    /// Only voters are asked. Who asked for votes has its own vote in that term, which is durable
    /// before anybody is asked; of pre-votes nothing is written down, so those of a term that this
    /// node forgot in a crash are possible.
    fn doubts_grant(&self, envelope: &Envelope, body: &Body) -> Option<Refusal> {
        let stood = envelope.term == self.hard.term && self.hard.vote == Some(self.config.me.node);
        let has_left = !self.awaits_own_vote();
        #[cfg(feature = "mutants")]
        let has_left = has_left || self.config.bug == Some(crate::mutants::Bug::E06);
        let asked = (stood && has_left) || matches!(body, Body::PreVote { .. });
        (!asked || !self.config.membership.is_voter(envelope.from.node)).then_some(Refusal::Unasked)
    }

    /// A leader asks in its own term, in rounds that have begun, about entries that it has sent.
    fn doubts_answer(&self, envelope: &Envelope, matched: LogIndex) -> Option<Refusal> {
        let asked = |leader: &Leader| {
            let covered = leader.progress(envelope.from.node).map_or(LogIndex(0), |progress| progress.covered);
            envelope.round <= leader.round && matched <= covered
        };
        match &self.role {
            Role::Leader(leader) if envelope.term == self.hard.term && asked(leader) => None,
            _ => Some(Refusal::Unasked),
        }
    }

    fn contradicts_committed(&self, prev: LogId, entries: &Entries) -> bool {
        let differs = |id: LogId| id.index <= self.commit && !self.log.holds(id);
        differs(prev) || entries.iter().take_while(|entry| entry.id.index <= self.commit).any(|entry| differs(entry.id))
    }
}
