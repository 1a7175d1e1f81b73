//! Log replication (paper, §5.3), both sides: the leader's pipelines and the follower's checks.
//!
//! A leader sends before its own disk is done and counts itself only when it is.
//! Not here: what may be committed ([`super::commit`]); one follower's bookkeeping
//! ([`super::progress`]).

use bytes::Bytes;

use super::log_view::View;
use super::role::Role;
use super::{Core, Effect, Output, RequestError};
use crate::entry::{Entries, Entry, Payload, Persist};
use crate::message::{Body, Envelope};
use crate::observation::{Observation, Refusal};
use crate::process::RequestId;
use crate::types::{IoId, LocalTime, LogId, LogIndex, NodeId};

/// The leader's side.
impl Core {
    pub(super) fn on_propose(&mut self, ticket: RequestId, command: Bytes, out: &mut impl Output) {
        if let Err(why) = self.admit(command.len() as u64) {
            if why == RequestError::Busy {
                out.push(Effect::Observe(Observation::Busy));
            }
            out.push(Effect::Refused { ticket, why });
            return;
        }
        let (id, entries) = self.append_as_leader(Payload::Command(command), out);
        out.push(Effect::Proposed { ticket, id });
        self.replicate_batch(Some((id.index, entries)), out);
    }

    /// Checks the limits before a command gets a place in the log.
    fn admit(&mut self, bytes: u64) -> Result<(), RequestError> {
        let hint = self.leader();
        let limits = self.config.limits;
        let Role::Leader(leader) = &mut self.role else {
            return Err(RequestError::NotLeader { leader: hint });
        };
        if bytes > limits.command_bytes_max {
            return Err(RequestError::TooLarge);
        }
        let uncommitted_bytes = leader.uncommitted_bytes.saturating_add(bytes);
        if uncommitted_bytes > limits.uncommitted_bytes_max {
            return Err(RequestError::Busy);
        }
        leader.uncommitted_bytes = uncommitted_bytes;
        Ok(())
    }

    pub(super) fn append_as_leader(&mut self, payload: Payload, out: &mut impl Output) -> (LogId, Entries) {
        let id = LogId { term: self.hard.term, index: self.log.last().index.next() };
        let entries = Entries::from([Entry { id, payload }]);
        self.append_entries(&entries, out);
        (id, entries)
    }

    fn append_entries(&mut self, entries: &Entries, out: &mut impl Output) {
        for entry in entries.iter() {
            let hash = self.log.append(entry);
            out.push(Effect::Observe(Observation::Appended { id: entry.id, hash }));
        }
        self.persist(Persist::Append(entries.clone()), out);
    }

    /// Sends every follower what it may be sent.
    pub(super) fn replicate(&mut self, out: &mut impl Output) {
        self.replicate_batch(None, out);
    }

    /// As [`Self::replicate`], with a batch that is at hand. Followers that are equally far share one.
    fn replicate_batch(&mut self, mut batch: Option<(LogIndex, Entries)>, out: &mut impl Output) {
        let Role::Leader(leader) = &mut self.role else {
            return;
        };
        let round = leader.round;
        let mut followers = std::mem::take(&mut leader.followers);
        for (node, progress) in &mut followers {
            while progress.may_send(self.log.last().index, self.config.limits.inflight_appends_max) {
                let entries = match &batch {
                    Some((from, entries)) if *from == progress.next => entries.clone(),
                    _ => {
                        // A payload that is not at hand: this follower waits.
                        let View::Ready(entries) = self.batch_from(progress.next) else { break };
                        batch = Some((progress.next, entries.clone()));
                        entries
                    }
                };
                self.send_append(*node, progress, round, entries, out);
            }
        }
        if let Role::Leader(leader) = &mut self.role {
            leader.followers = followers;
        }
    }

    fn batch_from(&self, next: LogIndex) -> View<Entries> {
        let limits = self.config.limits;
        self.log.entries(next, limits.append_bytes_max, limits.append_entries_max)
    }

    fn send_append(
        &self,
        to: NodeId,
        progress: &mut super::progress::Progress,
        round: u64,
        entries: Entries,
        out: &mut impl Output,
    ) {
        let prev = progress.next.prev();
        let prev = LogId { term: self.log.term_at(prev).unwrap_or_default(), index: prev };
        progress.sent(entries.last().map_or(prev.index, |entry| entry.id.index));
        self.send(to, progress.session, round, Body::Append { prev, entries, commit: self.commit }, IoId::NOTHING, out);
    }

    pub(super) fn on_appended(&mut self, now: LocalTime, answer: Envelope, matched: LogIndex, out: &mut impl Output) {
        if self.note_matched(answer, matched, out) {
            self.acknowledge_round(now, answer.from.node, answer.round, out);
            self.replicate(out);
        }
    }

    /// An acknowledgement is true in every session of its term; false if it is impossible.
    fn note_matched(&mut self, answer: Envelope, matched: LogIndex, out: &mut impl Output) -> bool {
        let last = self.log.last().index;
        let Role::Leader(leader) = &mut self.role else {
            refuse(Refusal::Unasked, out);
            return false;
        };
        let Some(progress) = leader.progress_mut(answer.from.node).filter(|_| matched <= last) else {
            refuse(Refusal::Malformed, out);
            return false;
        };
        // What is no news can still be the answer to a probe, but only to one of this session.
        let answers_probe = answer.session == progress.session && matched == progress.next.prev();
        if matched > progress.matched || answers_probe {
            progress.appended(matched);
            if matched > self.commit {
                self.advance_commit(out);
            }
        }
        true
    }

    pub(super) fn on_rejected(&mut self, answer: Envelope, prev: LogIndex, hint: LogId, out: &mut impl Output) {
        let Role::Leader(leader) = &mut self.role else {
            refuse(Refusal::Unasked, out);
            return;
        };
        let Some(progress) = leader.progress_mut(answer.from.node) else {
            return;
        };
        if progress.session != answer.session || !progress.rejection_is_news(prev) {
            refuse(Refusal::StaleSession, out);
            return;
        }
        let bound = LogId { term: hint.term, index: hint.index.min(prev.prev()) };
        progress.probe_behind(self.log.last_not_above(bound).index);
        self.replicate(out);
    }

    pub(super) fn on_heartbeat_ack(
        &mut self,
        now: LocalTime,
        answer: Envelope,
        tail: LogIndex,
        matched: LogIndex,
        out: &mut impl Output,
    ) {
        if tail > self.log.last().index {
            refuse(Refusal::Malformed, out);
            return;
        }
        if matched.0 > 0 && !self.note_matched(answer, matched, out) {
            return;
        }
        let Role::Leader(leader) = &mut self.role else {
            return;
        };
        if let Some(progress) = leader.progress_mut(answer.from.node).filter(|progress| progress.session == answer.session) {
            progress.heartbeat_answered(answer.round, tail);
        }
        self.acknowledge_round(now, answer.from.node, answer.round, out);
        // Something is sent if appends were lost, if the answer made room in a pipeline, or
        // if a payload that was not at hand has been read.
        self.replicate(out);
    }
}

/// The follower's side.
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
        entries: &Entries,
        commit: LogIndex,
        out: &mut impl Output,
    ) {
        if !self.follow(now, asked.from.node, out) {
            return;
        }
        if !self.log.holds(prev) {
            let hint = self.log.last_not_above(LogId { term: prev.term, index: prev.index.min(self.log.last().index) });
            self.answer(asked, Body::Rejected { prev: prev.index, hint }, IoId::NOTHING, out);
            return;
        }
        // A new term goes to the stream before its entries, and the answer waits for both: a
        // node that kept the entries and forgot the term would follow an older leader, who
        // may replace what was committed with this acknowledgement.
        self.persist_hard_state_if_changed(out);
        self.take_entries(entries, out);
        let end = entries.last().map_or(prev.index, |entry| entry.id.index);
        if let Role::Follower(follower) = &mut self.role {
            follower.tail = follower.tail.max(end);
        }
        self.follow_commit(commit, end, out);
        self.answer(asked, Body::Appended { matched: end }, self.everything_so_far(), out);
    }

    /// Adds what is new and replaces what conflicts; what is there already is left alone,
    /// because a late and shorter append must not erase what came after it.
    fn take_entries(&mut self, entries: &Entries, out: &mut impl Output) {
        let known = entries.iter().take_while(|entry| self.log.holds(entry.id)).count();
        let Some(first) = entries.get(known) else {
            return;
        };
        let last = self.log.last().index;
        if first.id.index <= last {
            assert!(first.id.index > self.commit, "what contradicts the committed has been refused");
            self.truncate(first.id.index.prev(), out);
        }
        let new = if known == 0 { entries.clone() } else { entries[known..].into() };
        self.append_entries(&new, out);
    }

    fn truncate(&mut self, last: LogIndex, out: &mut impl Output) {
        let from = self.log.last().index;
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
        let matched = tail.min(self.io.log.index);
        self.answer(asked, Body::HeartbeatAck { tail, matched }, IoId::NOTHING, out);
    }
}

/// The largest term and index that a body speaks of.
pub(super) fn largest_numbers(body: &Body) -> (u64, u64) {
    match body {
        Body::RequestPreVote { last, .. } | Body::RequestVote { last } => (last.term.0, last.index.0),
        Body::PreVote { .. } | Body::Vote { .. } => (0, 0),
        Body::Append { prev, entries, commit } => {
            let last = entries.last().map_or(*prev, |entry| entry.id);
            (last.term.max(prev.term).0, last.index.max(prev.index).max(*commit).0)
        }
        Body::Appended { matched } => (0, matched.0),
        Body::Rejected { prev, hint } => (hint.term.0, prev.0.max(hint.index.0)),
        Body::Heartbeat { commit } => (0, commit.0),
        Body::HeartbeatAck { tail, matched } => (0, tail.0.max(matched.0)),
    }
}

/// Whether a body's numbers fit each other, whatever the log holds.
pub(super) fn is_well_formed(body: &Body) -> bool {
    match body {
        Body::Append { prev, entries, .. } => is_consecutive(*prev, entries),
        Body::Rejected { prev, hint } => hint.index <= *prev,
        Body::HeartbeatAck { tail, matched } => matched <= tail,
        _ => true,
    }
}

fn is_consecutive(prev: LogId, entries: &Entries) -> bool {
    let mut before = prev;
    entries.iter().all(|entry| {
        let follows = entry.id.index == before.index.next() && entry.id.term >= before.term;
        before = entry.id;
        follows
    }) && (prev.index.0 > 0 || prev.term.0 == 0)
}

fn refuse(reason: Refusal, out: &mut impl Output) {
    out.push(Effect::Observe(Observation::Refused { reason }));
}
