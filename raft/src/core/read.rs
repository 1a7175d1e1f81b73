//! Linearizable reads without a log entry (thesis, §6.4): a heartbeat round that began
//! after the read had arrived shows that nobody else led at that moment.
//!
//! Rounds are numbered by the leader and echoed in every answer, appends included, so an
//! answer can only confirm what was asked before it. Reads that arrive while a round is
//! under way share the next one. Not here: waiting until the index is applied
//! ([`crate::node`]).

use super::quorum;
use super::role::{PendingRead, Role};
use super::{Core, Effect, Output, RequestError};
use crate::limit::Limit;
use crate::message::Body;
use crate::observation::Observation;
use crate::process::RequestId;
use crate::types::{IoId, LocalTime, NodeId};

impl Core {
    pub(super) fn on_read(&mut self, now: LocalTime, ticket: RequestId, out: &mut impl Output) {
        let hint = self.leader();
        #[cfg(feature = "mutants")]
        self.starve(now);
        let Role::Leader(leader) = &mut self.role else {
            out.push(Effect::Refused { ticket, why: RequestError::NotLeader { leader: hint } });
            return;
        };
        // What an earlier leader committed lies before this term's first entry, and is
        // known to be committed only together with it.
        let index = self.commit.max(leader.term_start);
        #[cfg(feature = "mutants")]
        if self.config.bug == Some(crate::mutants::Bug::R01) {
            out.push(Effect::ReadReady { ticket, index: self.commit });
            return;
        }
        if leader.reads.len() >= self.config.limits.pending_reads_max as usize {
            self.note_bound(Limit::PendingReads, out);
            out.push(Effect::Observe(Observation::Busy));
            out.push(Effect::Refused { ticket, why: RequestError::Busy });
            return;
        }
        self.bound.release(Limit::PendingReads);
        let idle = leader.reads.is_empty();
        leader.reads.push_back(PendingRead { ticket, round: leader.round + 1, index });
        if idle {
            self.start_round(now, out);
        }
    }

    /// Sends a heartbeat round to everybody, unless the own disk is no longer fit to lead.
    pub(super) fn start_round(&mut self, now: LocalTime, out: &mut impl Output) {
        if self.gives_way(now, out) {
            return;
        }
        let Role::Leader(leader) = &mut self.role else {
            return;
        };
        leader.round += 1;
        leader.heartbeat_at = now.plus_ns(self.config.timing.heartbeat_interval_ns);
        let round = leader.round;
        let mut targets = std::mem::take(&mut leader.followers);
        for (node, progress) in &mut targets {
            progress.heartbeat_sent(round);
            let commit = self.commit.min(progress.matched);
            #[cfg(feature = "mutants")]
            let commit = if matches!(self.config.bug, Some(crate::mutants::Bug::L02 | crate::mutants::Bug::L15)) {
                self.commit
            } else {
                commit
            };
            self.send(*node, progress.session, round, Body::Heartbeat { commit }, IoId::NOTHING, out);
        }
        if let Role::Leader(leader) = &mut self.role {
            leader.followers = targets;
        }
        self.confirm_rounds(now, out);
    }

    /// Notes that a follower answered a round.
    pub(super) fn acknowledge_round(&mut self, now: LocalTime, from: NodeId, round: u64, out: &mut impl Output) {
        let Role::Leader(leader) = &mut self.role else {
            return;
        };
        let sent = leader.round;
        if let Some(progress) = leader.progress_mut(from)
            && round > progress.round_acked
            && round <= sent
        {
            progress.round_acked = round;
            progress.heard_at = now;
            self.confirm_rounds(now, out);
        }
    }

    fn confirm_rounds(&mut self, now: LocalTime, out: &mut impl Output) {
        let me = self.config.me.node;
        let Role::Leader(leader) = &mut self.role else {
            return;
        };
        let confirmed = quorum::reached_beyond(&self.config.membership, leader.round_confirmed, |node| {
            if node == me { leader.round } else { leader.progress(node).map_or(0, |progress| progress.round_acked) }
        });
        let Some(confirmed) = confirmed else { return };
        leader.round_confirmed = confirmed;
        let mut served = None;
        while let Some(read) = leader.reads.pop_front_if(|read| read.round <= confirmed) {
            #[cfg(feature = "mutants")]
            if self.config.bug == Some(crate::mutants::Bug::V11)
                && leader.reads.front().is_some_and(|next| next.round <= confirmed)
            {
                continue;
            }
            out.push(Effect::ReadReady { ticket: read.ticket, index: read.index });
            served = Some(read.index);
        }
        let more_wait = leader.reads.front().is_some_and(|read| read.round > leader.round);
        if let Some(index) = served {
            out.push(Effect::Observe(Observation::ReadsServed { round: confirmed, index }));
        }
        if more_wait {
            self.start_round(now, out);
        }
    }

    /// A leader that steps down answers its reads: somebody else must serve them.
    pub(super) fn refuse_reads(&mut self, out: &mut impl Output) {
        if let Role::Leader(leader) = &mut self.role {
            for read in leader.reads.drain(..) {
                out.push(Effect::Refused { ticket: read.ticket, why: RequestError::NotLeader { leader: None } });
            }
        }
    }
}
