//! Log replication (paper, §5.3), the follower's side: whom it follows, and what of an append it takes.
//!
//! What is there already is left alone, and what conflicts is replaced; nothing is acknowledged
//! that was not compared with the leader's log.
//! Not here: the leader's side ([`super::replication`]).

use super::replication::refuse;
use super::role::{Gap, Role};
use super::{Core, Effect, Output};
use crate::entry::{Entries, Persist};
use crate::message::{Body, Envelope};
use crate::observation::{Observation, Refusal};
use crate::types::{IoId, LocalTime, LogId, LogIndex, NodeId};

impl Core {
    /// Accepts the sender as the leader of the present term; false if that cannot be.
    fn follow(&mut self, now: LocalTime, leader: NodeId, out: &mut impl Output) -> bool {
        match &mut self.role {
            Role::Follower(follower) if follower.leader.is_none_or(|known| known == leader) => {
                (follower.leader, follower.heard_at) = (Some(leader), now);
                let election_at = self.draw_election_deadline(now);
                self.postpone_election(election_at);
                true
            }
            Role::PreCandidate(_) | Role::Candidate(_) => {
                self.become_follower(now, Some(leader), out);
                true
            }
            // Two leaders in one term: the sender breaks the protocol.
            Role::Follower(_) | Role::Leader(_) => {
                refuse(Refusal::Malformed, out);
                false
            }
        }
    }

    pub(super) fn on_append(
        &mut self,
        now: LocalTime,
        asked: Envelope,
        prev: LogId,
        entries: Entries,
        commit: LogIndex,
        out: &mut impl Output,
    ) {
        if !self.follow(now, asked.from.node, out) {
            return;
        }
        if !self.log.holds(prev) {
            if self.is_told(asked.session, prev.index) {
                return;
            }
            let hint = self.log.last_not_above(LogId { term: prev.term, index: prev.index.min(self.log.last().index) });
            self.answer(asked, Body::Rejected { prev: prev.index, hint }, IoId::NOTHING, out);
            return;
        }
        // A new term goes to the stream before its entries, and the answer waits for both: a
        // node that kept the entries and forgot the term would follow an older leader, who
        // may replace what was committed with this acknowledgement.
        self.persist_hard_state_if_changed(out);
        #[cfg(feature = "mutants")]
        let before = self.everything_so_far();
        let end = entries.last().map_or(prev.index, |entry| entry.id.index);
        self.take_entries(entries, out);
        if let Role::Follower(follower) = &mut self.role {
            follower.tail = follower.tail.max(end);
            follower.gap = None;
        }
        self.follow_commit(commit, end, out);
        let after = self.everything_so_far();
        #[cfg(feature = "mutants")]
        let after = if self.config.bug == Some(crate::mutants::Bug::D01) && after == before { IoId::NOTHING } else { after };
        self.answer(asked, Body::Appended { matched: end }, after, out);
    }

    /// Whether the leader was told already that entries before this place are missing here.
    fn is_told(&mut self, session: u32, prev: LogIndex) -> bool {
        let is_missing = prev > self.log.last().index;
        match &mut self.role {
            Role::Follower(follower) if is_missing => !Gap::must_be_told(&mut follower.gap, session, prev),
            _ => false,
        }
    }

    /// Adds what is new and replaces what conflicts; what is there already is left alone,
    /// because a late and shorter append must not erase what came after it.
    fn take_entries(&mut self, entries: Entries, out: &mut impl Output) {
        #[cfg(feature = "mutants")]
        if self.config.bug == Some(crate::mutants::Bug::L04)
            && let Some(first) = entries.first()
        {
            if first.id.index <= self.log.last().index {
                self.truncate(first.id.index.prev(), out);
            }
            self.append_entries(entries, out);
            return;
        }
        let known = entries.iter().take_while(|entry| self.log.holds(entry.id)).count();
        let Some(first) = entries.get(known) else {
            return;
        };
        let last = self.log.last().index;
        if first.id.index <= last {
            assert!(first.id.index > self.commit, "what contradicts the committed has been refused");
            self.truncate(first.id.index.prev(), out);
        }
        let new = if known == 0 { entries } else { entries[known..].into() };
        self.append_entries(new, out);
    }

    #[cold]
    fn truncate(&mut self, last: LogIndex, out: &mut impl Output) {
        let from = self.log.last().index;
        #[cfg(feature = "mutants")]
        self.remember_behind(last);
        self.log.truncate(last);
        // Completions under way vouch for what they wrote, of which only this is left.
        let end = self.log.last();
        for (_, mark) in &mut self.io.marks {
            *mark = if mark.index > last { end } else { *mark };
        }
        if self.io.log.index > last {
            self.io.log = end;
        }
        out.push(Effect::Observe(Observation::Truncated { last, from }));
        self.persist(Persist::Truncate { last }, out);
    }

    /// Commits what the leader committed, as far as this append covered it: what stands
    /// behind its end may be another leader's.
    fn follow_commit(&mut self, commit: LogIndex, covered: LogIndex, out: &mut impl Output) {
        #[cfg(feature = "mutants")]
        let covered = if self.config.bug == Some(crate::mutants::Bug::L02) { self.log.last().index } else { covered };
        self.commit_to(commit.min(covered), out);
    }

    pub(super) fn on_heartbeat(&mut self, now: LocalTime, asked: Envelope, commit: LogIndex, out: &mut impl Output) {
        if !self.follow(now, asked.from.node, out) {
            return;
        }
        // The leader knows that this much is equal here, perhaps from an earlier boot.
        let equal = commit.min(self.log.last().index);
        self.follow_commit(commit, equal, out);
        #[cfg(feature = "mutants")]
        let equal = if self.config.bug == Some(crate::mutants::Bug::L02) { LogIndex(0) } else { equal };
        let Role::Follower(follower) = &mut self.role else {
            return;
        };
        follower.tail = follower.tail.max(equal);
        let tail = follower.tail;
        // A node that forgot this term would obey an older leader, who may replace what is durable now.
        let term_is_durable = self.term_is_durable();
        #[cfg(feature = "mutants")]
        let term_is_durable = term_is_durable || self.config.bug == Some(crate::mutants::Bug::L22);
        let matched = if term_is_durable { tail.min(self.io.log.index) } else { LogIndex(0) };
        self.answer(asked, Body::HeartbeatAck { tail, matched }, IoId::NOTHING, out);
    }
}
