//! Loyalty to a leader (thesis, §4.2.3 and §6.4.1): whose request for a vote a node does not even hear.
//!
//! While its leader is well, a node ignores requests for votes and pre-votes, terms included:
//! a member that was cut off, or removed without knowing it, cannot depose a leader that
//! serves. *Well* means heard within the shortest election timeout; for a leader itself, that
//! it heard from a quorum. The leader's own requests are heard: it has stepped down, or came
//! back from a crash, and who waits for it waits in vain.
//!
//! A node that has just started cannot know whom it heard a moment ago, so it grants nothing
//! for one shortest election timeout of its own clock. Leader leases will stand on that
//! promise: a leader's lease must not end because a voter was restarted. The first boot of a
//! node needs no such pause, whatever is on its disk, because no earlier boot can have heard
//! anybody. An empty disk would be no proof of that: answers to heartbeats wait for no disk,
//! so a node may have confirmed a leader and lost all trace of it with the power.
//!
//! Not here: whether a request that is heard is granted ([`super::pre_vote`], [`super::election`]).

use super::Core;
use super::role::Role;
use crate::message::{Body, Envelope};
use crate::observation::Refusal;
use crate::process::Boot;
use crate::types::{LocalTime, NodeId};

/// When a node that starts may grant its first vote to others.
pub(super) const fn grants_from(boot: Boot, election_timeout_min_ns: u64) -> LocalTime {
    if boot.number.0 <= 1 { boot.now } else { boot.now.plus_ns(election_timeout_min_ns) }
}

impl Core {
    /// Why a request for a vote is ignored, if it is.
    ///
    /// One of an earlier term is never ignored: it does no harm, and its sender must learn
    /// the present term, or it would ask in vain for ever.
    pub(super) fn ignores(&self, now: LocalTime, asked: &Envelope, body: &Body) -> Option<Refusal> {
        if !matches!(body, Body::RequestPreVote { .. } | Body::RequestVote { .. }) || asked.term < self.hard.term {
            return None;
        }
        self.is_bound(now, asked.from.node)
    }

    /// What keeps the node from voting for this candidate, itself included, whatever its log.
    pub(super) fn is_bound(&self, now: LocalTime, candidate: NodeId) -> Option<Refusal> {
        if now < self.grants_from {
            return Some(Refusal::JustStarted);
        }
        (self.leader() != Some(candidate) && self.leader_is_alive(now)).then_some(Refusal::LeaderIsAlive)
    }

    fn leader_is_alive(&self, now: LocalTime) -> bool {
        let span_ns = self.config.timing.election_timeout_min_ns;
        match &self.role {
            Role::Follower(follower) => follower.leader.is_some() && follower.heard_at.is_within_ns(span_ns, now),
            // Who wants to campaign has waited long enough for the leader that it had.
            #[cfg(feature = "mutants")]
            Role::PreCandidate(_) if self.config.bug == Some(crate::mutants::Bug::V03) => true,
            Role::PreCandidate(_) | Role::Candidate(_) => false,
            Role::Leader(leader) => self.quorum_heard_at(leader).is_within_ns(span_ns, now),
        }
    }
}
