//! Pre-vote (thesis, §9.6): asking whether an election could be won before holding it.
//!
//! A node that was cut off would raise its term with every timeout and depose a leader that
//! serves when it comes back. So it first asks, in the term in which it is: would you vote
//! for me in the next? Nothing is raised, promised or written by that. Only a quorum of
//! grants makes it a candidate.
//!
//! ```text
//!   asker in term T                                      voter in term V
//!     | -- T, would you in T+1? my log ends at L --------->|
//!     |                          V > T: answers in V, no --|  so the asker learns of V
//!     |        its leader is well, or it has just started  |  hears nothing (loyalty)
//!     |                        V < T: adopts T, as always  |
//!     |<-- T, about T+1: yes if L misses nothing ----------|
//! ```
//!
//! The request's envelope carries the asker's *present* term, so it is treated as any other
//! message: whoever is behind learns that term, and whoever is ahead says so. That is what
//! keeps a cluster from standing still in which one node has the higher term and another the
//! better log: both end up in one term, and there the better log wins.
//!
//! Not here: the election itself ([`super::election`]); whom a voter ignores ([`super::loyalty`]).

use super::quorum;
use super::role::{PreCandidate, Role};
use super::{Core, Effect, Output, RequestError};
use crate::message::{Body, Envelope};
use crate::observation::{Observation, RoleKind};
use crate::process::RequestId;
use crate::types::{IoId, LocalTime, LogId, NodeId, Term};

impl Core {
    /// The time to campaign has come: only a voter does, and only with a disk that works.
    #[cold]
    pub(super) fn on_election_timeout(&mut self, now: LocalTime, out: &mut impl Output) {
        if self.may_campaign(now) && !self.awaits_own_vote() {
            self.stand(now, out);
        } else {
            if self.disk_forbids_campaign(now) {
                out.push(Effect::Observe(Observation::CampaignWithheld { term: self.hard.term }));
            }
            let election_at = self.draw_election_deadline(now);
            self.postpone_election(election_at);
        }
    }

    /// An operator wants the node to campaign: as if its time had come, with a pre-vote if
    /// that is on. The node refuses where it would ignore such a candidate itself, because its
    /// own vote is as much promised to a living leader as anybody's.
    #[cold]
    pub(super) fn on_campaign(&mut self, now: LocalTime, ticket: RequestId, out: &mut impl Output) {
        let leads = matches!(self.role, Role::Leader(_));
        // A leader that it knows and does not hear is no reason to wait, nor is itself.
        let bound = leads || self.is_bound(now, self.config.me.node).is_some();
        if bound || !self.may_campaign(now) || self.awaits_own_vote() {
            out.push(Effect::Refused { ticket, why: RequestError::MayNotCampaign });
            return;
        }
        out.push(Effect::Campaigning { ticket });
        out.push(Effect::Observe(Observation::CampaignOrdered { term: self.hard.term }));
        self.stand(now, out);
    }

    fn may_campaign(&self, now: LocalTime) -> bool {
        #[cfg(feature = "mutants")]
        if self.config.bug == Some(crate::mutants::Bug::Z01) && matches!(self.role, Role::Follower(_)) && self.hard.term.0 > 0 {
            return false;
        }
        // Whoever leads must serve what it holds. A log with a hole still votes, and lets somebody lead who has it all:
        // as long as those with whole logs are a quorum, one of them wins without it.
        self.config.membership.is_voter(self.config.me.node) && !self.disk_forbids_campaign(now) && !self.log.is_damaged()
    }

    /// A candidate whose vote for itself is still being written has asked nobody. The next
    /// term's vote would only queue up behind it, so a disk that is slower than the timeouts
    /// would never elect anybody.
    pub(super) fn awaits_own_vote(&self) -> bool {
        matches!(&self.role, Role::Candidate(candidate) if candidate.own_vote > self.io.durable)
    }

    fn stand(&mut self, now: LocalTime, out: &mut impl Output) {
        if self.config.elections.pre_vote {
            self.start_pre_vote(now, out);
        } else {
            self.campaign(now, out);
        }
    }

    fn start_pre_vote(&mut self, now: LocalTime, out: &mut impl Output) {
        #[cfg(feature = "mutants")]
        if self.config.bug == Some(crate::mutants::Bug::E02) {
            self.hard_changed = true;
            self.hard.vote = None;
        }
        let me = self.config.me.node;
        let election_at = self.draw_election_deadline(now);
        self.role = Role::PreCandidate(PreCandidate { granted: vec![me], election_at });
        self.observe_role(RoleKind::PreCandidate, out);
        let body = Body::RequestPreVote { proposed: self.hard.term.next(), last: self.log.last() };
        self.ask_voters(&body, IoId::NOTHING, out);
        self.campaign_if_granted(now, out);
    }

    /// Decides whether the node would vote in the proposed term.
    #[cold]
    pub(super) fn on_request_pre_vote(&self, asked: Envelope, proposed: Term, last: LogId, out: &mut impl Output) {
        let granted = proposed > self.hard.term && self.is_up_to_date(last);
        self.answer(asked, Body::PreVote { proposed, granted }, IoId::NOTHING, out);
    }

    #[cold]
    pub(super) fn on_pre_vote(&mut self, now: LocalTime, from: NodeId, proposed: Term, granted: bool, out: &mut impl Output) {
        let next = self.hard.term.next();
        let Role::PreCandidate(asker) = &mut self.role else {
            return; // Late: it campaigns, or has given up.
        };
        if granted && proposed == next && !asker.granted.contains(&from) {
            asker.granted.push(from);
            self.campaign_if_granted(now, out);
        }
    }

    fn campaign_if_granted(&mut self, now: LocalTime, out: &mut impl Output) {
        if let Role::PreCandidate(asker) = &self.role
            && quorum::elects(&self.config.membership, &asker.granted)
            && !self.disk_forbids_campaign(now)
        {
            self.campaign(now, out);
        }
    }
}

/// Whether the proposed term is the one after the sender's. Only a refusal may speak of
/// another: it comes from a voter who is ahead.
pub(super) fn is_well_formed(term: Term, body: &Body) -> bool {
    match body {
        Body::RequestPreVote { proposed, .. } | Body::PreVote { proposed, granted: true } => *proposed == term.next(),
        _ => true,
    }
}
