//! What a node is, with what it knows only while it is that.
//!
//! ```text
//!            timeout                   a quorum           votes of
//!            (or told to)              would vote         a quorum
//!  Follower -------------> PreCandidate --------> Candidate ------> Leader
//!   ^  ^  ^                 |  ^  ^ |                | |                |
//!   |  |  |                 |  |  +-+ timeout        | |                |
//!   |  |  +-----------------+  +---------------------+ |                |
//!   |  |   leader heard, vote given,   timeout         |                |
//!   |  |   or a higher term                            |                |
//!   |  +-----------------------------------------------+                |
//!   |     leader of this term, or a higher term                         |
//!   +-------------------------------------------------------------------+
//!         a higher term, no quorum heard for an election timeout, or a stalled disk
//! ```
//!
//! Only the step to candidate raises the term; without pre-vote, timeouts lead straight to
//! it. A follower has no progress table, a leader no election deadline, and who wants to
//! campaign knows no leader, so none of it can be read by mistake. Read next: [`super::pre_vote`].

use std::collections::VecDeque;

use super::progress::Progress;
use crate::observation::RoleKind;
use crate::process::RequestId;
use crate::types::{IoId, LocalTime, LogIndex, NodeId};

/// The role and its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// Follows a leader, or waits for one.
    Follower(Follower),
    /// Asks whether it would get votes.
    PreCandidate(PreCandidate),
    /// Asks for votes.
    Candidate(Candidate),
    /// Replicates.
    Leader(Leader),
}

/// A follower's own data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Follower {
    /// The leader of the present term, once it was heard.
    pub leader: Option<NodeId>,
    /// When that leader was heard last; without a leader it means nothing.
    pub heard_at: LocalTime,
    /// Last index at which the log equals that leader's; 0 until an append showed it.
    pub tail: LogIndex,
    /// What it has rejected since it last took an append.
    pub gap: Option<Gap>,
    /// When to campaign.
    pub election_at: LocalTime,
}

/// An append that came too early: entries before it are missing, and this was said.
///
/// What streams in behind it misses the same entries, and one rejection opens the next session. So the others are
/// counted and not answered, but for one of [`Gap::ANSWERED_EVERY`], because the answer may get lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    session: u32,
    prev: LogIndex,
    unanswered: u32,
}

impl Gap {
    /// One of so many rejections is sent. A heartbeat shows the gap as well, only later.
    pub const ANSWERED_EVERY: u32 = 16;

    /// Notes that an append behind `prev` misses entries before it; true if that must be said.
    ///
    /// Whoever asks again about the same place, as a probe does, is answered each time.
    pub fn must_be_told(gap: &mut Option<Self>, session: u32, prev: LogIndex) -> bool {
        match gap {
            Some(known) if known.session == session && prev > known.prev => {
                known.unanswered = (known.unanswered + 1) % Self::ANSWERED_EVERY;
                known.unanswered == 0
            }
            _ => {
                *gap = Some(Self { session, prev, unanswered: 0 });
                true
            }
        }
    }
}

impl Follower {
    /// One that knows nothing of a leader's log yet.
    #[must_use]
    pub const fn new(leader: Option<NodeId>, now: LocalTime, election_at: LocalTime) -> Self {
        Self { leader, heard_at: now, tail: LogIndex(0), gap: None, election_at }
    }
}

/// The data of one who asks before it campaigns. Nothing of it is ever written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreCandidate {
    /// Who would vote for it in the next term, itself included; no member twice.
    pub granted: Vec<NodeId>,
    /// When to ask again.
    pub election_at: LocalTime,
}

/// A candidate's own data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Who granted a vote; no member twice.
    pub granted: Vec<NodeId>,
    /// When the vote for itself is durable it counts.
    pub own_vote: IoId,
    /// When to try again.
    pub election_at: LocalTime,
}

/// A leader's own data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leader {
    /// The other members, in ascending order.
    pub followers: Vec<(NodeId, Progress)>,
    /// Index of the no-op that opened the term.
    pub term_start: LogIndex,
    /// The latest heartbeat round.
    pub round: u64,
    /// Highest round that a quorum acknowledged.
    pub round_confirmed: u64,
    /// When the next idle round is due.
    pub heartbeat_at: LocalTime,
    /// Reads in the order of their rounds.
    pub reads: VecDeque<PendingRead>,
    /// Payload bytes of entries behind the commit index.
    pub uncommitted_bytes: u64,
}

/// A read that waits for its round to be confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingRead {
    /// Whose.
    pub ticket: RequestId,
    /// The round that must be confirmed; it began after the read had arrived.
    pub round: u64,
    /// What the answer must have seen.
    pub index: LogIndex,
}

impl Role {
    /// The role without its data.
    #[must_use]
    pub const fn kind(&self) -> RoleKind {
        match self {
            Self::Follower(_) => RoleKind::Follower,
            Self::PreCandidate(_) => RoleKind::PreCandidate,
            Self::Candidate(_) => RoleKind::Candidate,
            Self::Leader(_) => RoleKind::Leader,
        }
    }

    /// When this role wants to be woken.
    #[must_use]
    pub const fn deadline(&self) -> LocalTime {
        match self {
            Self::Follower(follower) => follower.election_at,
            Self::PreCandidate(asker) => asker.election_at,
            Self::Candidate(candidate) => candidate.election_at,
            Self::Leader(leader) => leader.heartbeat_at,
        }
    }
}

impl Leader {
    /// The progress of a follower.
    #[must_use]
    pub fn progress(&self, node: NodeId) -> Option<&Progress> {
        self.followers.iter().find(|(id, _)| *id == node).map(|(_, progress)| progress)
    }

    /// The progress of a follower, to change it.
    pub fn progress_mut(&mut self, node: NodeId) -> Option<&mut Progress> {
        self.followers.iter_mut().find(|(id, _)| *id == node).map(|(_, progress)| progress)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_told_at_first_then_seldom_and_again_to_who_asks_again() {
        let mut gap = None;
        let mut told = |session, prev| Gap::must_be_told(&mut gap, session, LogIndex(prev));
        let every = u64::from(Gap::ANSWERED_EVERY);
        let streamed: Vec<u64> = (0..=2 * every).filter(|behind| told(1, 10 + behind)).collect();
        assert_eq!(streamed, [0, every, 2 * every]);
        assert!(told(1, 10), "a probe of the same place");
        assert!(!told(1, 11));
        assert!(told(2, 11), "another session");
    }
}
