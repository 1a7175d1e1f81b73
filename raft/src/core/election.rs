//! Elections (paper, §5.2 and §5.4.1): campaigning, voting, counting, taking over.
//!
//! A vote is a promise that must survive a crash: a request for votes leaves when the
//! candidate's vote for itself is durable, and a grant leaves when it is.
//! Not here: when to campaign and the question before it ([`super::pre_vote`]), whom a voter
//! ignores ([`super::loyalty`]), what a leader does then ([`super::replication`]).

use super::progress::Progress;
use super::quorum;
use super::role::{Candidate, Leader, Role};
use super::{Core, Effect, Output};
use crate::entry::{HardState, Payload, Persist};
use crate::message::{Body, Envelope};
use crate::observation::{Observation, RoleKind};
use crate::types::{IoId, LocalTime, LogId, NodeId};

impl Core {
    /// Starts an election in the next term.
    pub(super) fn campaign(&mut self, now: LocalTime, out: &mut impl Output) {
        let election_at = self.draw_election_deadline(now);
        let me = self.config.me.node;
        let term = self.hard.term.next();
        self.hard = HardState { term, vote: Some(me) };
        self.hard_changed = false;
        let own_vote = self.persist(Persist::HardState(self.hard), out);
        self.role = Role::Candidate(Candidate { granted: Vec::new(), own_vote, election_at });
        self.observe_role(RoleKind::Candidate, out);
        out.push(Effect::Observe(Observation::Voted { term, candidate: me }));
        #[cfg(feature = "mutants")]
        let own_vote = if self.config.bug == Some(crate::mutants::Bug::E06) { IoId::NOTHING } else { own_vote };
        self.ask_voters(&Body::RequestVote { last: self.log.last() }, own_vote, out);
    }

    /// Sends a request to every other voter.
    pub(super) fn ask_voters(&self, body: &Body, after: IoId, out: &mut impl Output) {
        for voter in self.config.membership.members() {
            if voter != self.config.me.node && self.config.membership.is_voter(voter) {
                self.send(voter, 0, 0, body.clone(), after, out);
            }
        }
    }

    /// Decides about a vote in the present term; the candidate's term has been adopted.
    #[cold]
    pub(super) fn on_request_vote(&mut self, now: LocalTime, asked: Envelope, last: LogId, out: &mut impl Output) {
        let candidate = asked.from.node;
        let free = self.hard.vote.is_none_or(|vote| vote == candidate);
        let seeks_votes_itself = matches!(self.role, Role::Candidate(_) | Role::Leader(_));
        let granted = free && !seeks_votes_itself && self.is_up_to_date(last);
        if !granted {
            self.answer(asked, Body::Vote { granted }, IoId::NOTHING, out);
            return;
        }
        // Who only asks around has promised itself to nobody yet.
        if matches!(self.role, Role::PreCandidate(_)) {
            self.become_follower(now, None, out);
        }
        if self.hard.vote.is_none() {
            self.hard.vote = Some(candidate);
            self.hard_changed = true;
            out.push(Effect::Observe(Observation::Voted { term: self.hard.term, candidate }));
        }
        self.persist_hard_state_if_changed(out);
        let election_at = self.draw_election_deadline(now);
        self.postpone_election(election_at);
        let after = self.everything_so_far();
        #[cfg(feature = "mutants")]
        let after = if self.config.bug == Some(crate::mutants::Bug::E06) { IoId::NOTHING } else { after };
        self.answer(asked, Body::Vote { granted }, after, out);
    }

    /// Whether a log that ends in `last` misses nothing that could be committed (§5.4.1).
    pub(super) fn is_up_to_date(&self, last: LogId) -> bool {
        #[cfg(feature = "mutants")]
        if self.config.bug == Some(crate::mutants::Bug::E09) {
            return last.index >= self.log.last().index;
        }
        last >= self.log.last()
    }

    pub(super) fn postpone_election(&mut self, until: LocalTime) {
        match &mut self.role {
            Role::Follower(follower) => follower.election_at = until,
            Role::PreCandidate(asker) => asker.election_at = until,
            Role::Candidate(candidate) => candidate.election_at = until,
            Role::Leader(_) => {}
        }
    }

    #[cold]
    pub(super) fn on_vote(&mut self, now: LocalTime, from: NodeId, granted: bool, out: &mut impl Output) {
        if granted {
            self.collect_vote(now, from, out);
        }
    }

    /// Counts the candidate's vote for itself as soon as it is durable.
    #[cold]
    pub(super) fn count_own_vote(&mut self, now: LocalTime, out: &mut impl Output) {
        if let Role::Candidate(candidate) = &self.role
            && candidate.own_vote <= self.io.durable
        {
            self.collect_vote(now, self.config.me.node, out);
        }
    }

    fn collect_vote(&mut self, now: LocalTime, from: NodeId, out: &mut impl Output) {
        let Role::Candidate(candidate) = &mut self.role else {
            return; // Late: the election is over.
        };
        let counted = candidate.granted.contains(&from);
        #[cfg(feature = "mutants")]
        let counted = counted && self.config.bug != Some(crate::mutants::Bug::E05);
        if !counted {
            candidate.granted.push(from);
        }
        if quorum::elects(&self.config.membership, &candidate.granted) {
            self.become_leader(now, out);
        }
    }

    fn become_leader(&mut self, now: LocalTime, out: &mut impl Output) {
        let me = self.config.me.node;
        let next = self.log.last().index.next();
        let others = self.config.membership.members().into_iter().filter(|node| *node != me);
        self.role = Role::Leader(Leader {
            followers: others.map(|node| (node, Progress::new(next).heard(now))).collect(),
            term_start: next,
            round: 0,
            round_confirmed: 0,
            heartbeat_at: now.plus_ns(self.config.timing.heartbeat_interval_ns),
            reads: std::collections::VecDeque::new(),
            uncommitted_bytes: 0,
        });
        self.observe_role(RoleKind::Leader, out);
        // Its no-op makes everything before it committable (paper, §8) and tells everybody.
        self.append_as_leader(std::iter::once(Payload::Noop), out);
        self.replicate(out);
    }
}
