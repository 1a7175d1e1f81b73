//! Log replication (paper, §5.3), the leader's side: what is proposed, and the pipelines to the followers.
//!
//! A leader sends before its own disk is done and counts itself only when it is.
//! Not here: the follower's checks ([`super::following`]); what may be committed ([`super::commit`]);
//! one follower's bookkeeping ([`super::progress`]).

use std::iter::once;
use std::mem::take;

use bytes::Bytes;

use super::inflight::{Room, Sent};
use super::progress::Progress;
use super::role::{Follower, Role};
use super::{Core, Effect, Output, Proposal, RequestError};
use crate::entry::{Entries, Entry, Payload, Persist};
use crate::limit::Limit;
use crate::log_view::View;
use crate::message::{Body, Envelope};
use crate::observation::{Observation, Refusal};
use crate::types::{IoId, LocalTime, LogId, LogIndex, NodeId};

/// Consecutive entries for an append.
struct Run {
    /// Index of the first of them, or the one that it would have.
    from: LogIndex,
    entries: Entries,
    /// Their payloads' length.
    bytes: u64,
}

impl Run {
    fn of(from: LogIndex, entries: Entries) -> Self {
        let bytes = entries.iter().map(|entry| entry.payload.len_bytes()).sum();
        Self { from, entries, bytes }
    }
}

impl Core {
    /// Decides on each proposal in turn; those that are admitted share one write and one append per follower.
    pub(super) fn on_propose(&mut self, proposals: &mut [Proposal], out: &mut impl Output) {
        let mut admitted = 0;
        for at in 0..proposals.len() {
            if self.decide(&proposals[at], out) {
                if at > admitted {
                    proposals.swap(admitted, at); // What is not admitted has its answer and may stand anywhere.
                }
                admitted += 1;
            }
        }
        let admitted = &mut proposals[..admitted];
        if admitted.is_empty() {
            return;
        }
        let entries =
            self.append_as_leader(admitted.iter_mut().map(|proposal| Payload::Command(take(&mut proposal.command))), out);
        if let [first, .., last] = &*entries {
            out.push(Effect::Observe(Observation::Batched { first: first.id.index, last: last.id.index }));
        }
        for (proposal, entry) in admitted.iter().zip(entries.iter()) {
            out.push(Effect::Proposed { ticket: proposal.ticket, id: entry.id });
        }
        self.replicate_run(Some(entries), out);
    }

    /// Whether a proposal gets a place in the log. If it does not, it has its answer.
    fn decide(&mut self, proposal: &Proposal, out: &mut impl Output) -> bool {
        let Proposal { ticket, ref command, may_forward } = *proposal;
        if may_forward && self.forward(command, out) {
            out.push(Effect::Forwarded { ticket });
            return false;
        }
        let admitted = self.admit(command.len() as u64, out);
        if let Err(why) = admitted {
            if why == RequestError::Busy {
                out.push(Effect::Observe(Observation::Busy));
            }
            out.push(Effect::Refused { ticket, why });
        }
        admitted.is_ok()
    }

    /// Passes a command on to the leader, if this node follows one; false if it must be decided here.
    ///
    /// It goes out once and is not repeated: whoever asked will, and a session tells that both are one.
    fn forward(&self, command: &Bytes, out: &mut impl Output) -> bool {
        let Role::Follower(Follower { leader: Some(leader), .. }) = &self.role else {
            return false;
        };
        let fits = command.len() as u64 <= self.config.limits.command_bytes_max;
        if self.config.forward_proposals && fits {
            self.send(*leader, 0, 0, Body::Forward { command: command.clone() }, IoId::NOTHING, out);
        }
        self.config.forward_proposals && fits
    }

    /// A follower passed a client's command on. Nobody is told if it finds no place: the same message may
    /// have come before and found one, so no refusal would be the last word.
    pub(super) fn on_forward(&mut self, command: Bytes, out: &mut impl Output) {
        match self.admit(command.len() as u64, out) {
            Ok(()) => {
                let entries = self.append_as_leader(once(Payload::Command(command)), out);
                self.replicate_run(Some(entries), out);
            }
            // Never passed on again, or two that take each other for the leader would play ball.
            Err(RequestError::NotLeader { .. }) => refuse(Refusal::NotLeader, out),
            Err(RequestError::Busy) => out.push(Effect::Observe(Observation::Busy)),
            Err(_) => refuse(Refusal::Malformed, out),
        }
    }

    /// Checks the limits before a command gets a place in the log.
    fn admit(&mut self, bytes: u64, out: &mut impl Output) -> Result<(), RequestError> {
        let hint = self.leader();
        let limits = self.config.limits;
        let Role::Leader(leader) = &mut self.role else {
            return Err(RequestError::NotLeader { leader: hint });
        };
        if bytes > limits.command_bytes_max {
            self.note_bound(Limit::CommandBytes, out);
            return Err(RequestError::TooLarge);
        }
        let uncommitted_bytes = leader.uncommitted_bytes.saturating_add(bytes);
        if uncommitted_bytes > limits.uncommitted_bytes_max {
            self.note_bound(Limit::UncommittedBytes, out);
            return Err(RequestError::Busy);
        }
        leader.uncommitted_bytes = uncommitted_bytes;
        self.bound.release(Limit::CommandBytes);
        self.bound.release(Limit::UncommittedBytes);
        Ok(())
    }

    /// One run of entries for the log, the disk and all followers: the only thing that is allocated.
    pub(super) fn append_as_leader(
        &mut self,
        payloads: impl ExactSizeIterator<Item = Payload>,
        out: &mut impl Output,
    ) -> Entries {
        let (term, first) = (self.hard.term, self.log.last().index.next());
        let id = |at: usize| LogId { term, index: LogIndex(first.0 + at as u64) };
        let mut entries = payloads.enumerate().map(|(at, payload)| Entry { id: id(at), payload });
        let entries = match entries.len() {
            // As nearly always: an array is moved, where a loop would have to be ready for anything.
            1 => entries.next().map_or_else(Entries::default, |entry| Entries::from([entry])),
            _ => entries.collect(),
        };
        self.append_entries(entries.clone(), out);
        entries
    }

    pub(super) fn append_entries(&mut self, entries: Entries, out: &mut impl Output) {
        for entry in entries.iter() {
            #[cfg(feature = "mutants")]
            let entry = &self.as_remembered(entry);
            let hash = self.log.append(entry);
            out.push(Effect::Observe(Observation::Appended { id: entry.id, hash }));
        }
        self.persist(Persist::Append(entries), out);
    }

    /// Sends every follower what it may be sent.
    pub(super) fn replicate(&mut self, out: &mut impl Output) {
        self.replicate_run(None, out);
    }

    /// As [`Self::replicate`], with a run of entries that is at hand. Followers that are equally far share one.
    fn replicate_run(&mut self, at_hand: Option<Entries>, out: &mut impl Output) {
        let mut run = at_hand.and_then(|entries| Some(Run::of(entries.first()?.id.index, entries))).filter(|run| self.fits(run));
        self.with_followers(|core, round, followers| {
            for (node, progress) in followers {
                core.feed(*node, progress, round, &mut run, out);
            }
        });
    }

    /// Sends one follower what it may be sent: nobody else can have got room by its acknowledgement.
    fn replicate_to(&mut self, node: NodeId, out: &mut impl Output) {
        self.with_followers(|core, round, followers| {
            if let Some((_, progress)) = followers.iter_mut().find(|(id, _)| *id == node) {
                core.feed(node, progress, round, &mut None, out);
            }
        });
    }

    /// Lends a leader's books out, beside the rest of the core.
    fn with_followers(&mut self, work: impl FnOnce(&mut Self, u64, &mut [(NodeId, Progress)])) {
        let Role::Leader(leader) = &mut self.role else {
            return;
        };
        let (round, mut followers) = (leader.round, take(&mut leader.followers));
        work(self, round, &mut followers);
        if let Role::Leader(leader) = &mut self.role {
            leader.followers = followers;
        }
    }

    /// Sends a follower what it may be sent; `run` is what was sent last.
    fn feed(&mut self, to: NodeId, progress: &mut Progress, round: u64, run: &mut Option<Run>, out: &mut impl Output) {
        let (last, room) = (self.log.last().index, self.room());
        let mut cut_by = progress.bound[1];
        while progress.may_send(last, room) {
            let run = match &mut *run {
                Some(run) if run.from == progress.next => run,
                run => {
                    match self.batch_from(progress.next) {
                        View::Ready(entries) => run.insert(Run::of(progress.next, entries)),
                        View::Pending => {
                            // This follower waits.
                            self.fetch(progress.next, out);
                            break;
                        }
                        View::Damaged(_) => break,
                    }
                }
            };
            cut_by = self.cut_by(&run.entries);
            self.send_append(to, progress, round, run, out);
        }
        self.note_pipeline(progress, [progress.held_back_by(last, room), cut_by], out);
    }

    /// Whether one append may carry it: its entries are few and small enough, or there is no smaller run.
    fn fits(&self, run: &Run) -> bool {
        let limits = &self.config.limits;
        run.entries.len() == 1 || run.entries.len() <= limits.append_entries_max as usize && run.bytes <= limits.append_bytes_max
    }

    const fn room(&self) -> Room {
        let limits = &self.config.limits;
        Room { appends_max: limits.inflight_appends_max, bytes_max: limits.inflight_bytes_max }
    }

    /// Which limit ended a batch before the log did, if one has.
    fn cut_by(&self, entries: &Entries) -> Option<Limit> {
        let end = entries.last()?.id.index;
        if end == self.log.last().index {
            None
        } else if entries.len() >= self.config.limits.append_entries_max as usize {
            Some(Limit::AppendEntries)
        } else {
            // Else the next payload is not at hand.
            matches!(self.log.payload(end.next()), View::Ready(_)).then_some(Limit::AppendBytes)
        }
    }

    /// Counts the limits that begin to hold a follower up.
    fn note_pipeline(&mut self, progress: &mut Progress, bound: [Option<Limit>; 2], out: &mut impl Output) {
        if bound == progress.bound {
            return; // Nearly always, and nearly always there is none.
        }
        for (limit, before) in bound.into_iter().zip(progress.bound) {
            if let Some(limit) = limit.filter(|limit| Some(*limit) != before) {
                self.bound.release(limit); // Of another follower perhaps; this one begins.
                self.note_bound(limit, out);
            }
        }
        progress.bound = bound;
    }

    fn batch_from(&self, next: LogIndex) -> View<Entries> {
        let limits = self.config.limits;
        let run = self.log.entries(next, limits.append_bytes_max, limits.append_entries_max);
        #[cfg(feature = "mutants")]
        let run = match run {
            View::Ready(entries) if self.config.bug == Some(crate::mutants::Bug::L12) => View::Ready(self.with_smaller(&entries)),
            run => run,
        };
        run
    }

    fn send_append(&self, to: NodeId, progress: &mut Progress, round: u64, run: &Run, out: &mut impl Output) {
        let prev = run.from.prev();
        let prev = LogId { term: self.log.term_at(prev).unwrap_or_default(), index: prev };
        progress.sent(Sent { end: run.entries.last().map_or(prev.index, |entry| entry.id.index), bytes: run.bytes });
        let body = Body::Append { prev, entries: run.entries.clone(), commit: self.commit };
        self.send(to, progress.session, round, body, IoId::NOTHING, out);
    }

    pub(super) fn on_appended(&mut self, now: LocalTime, answer: Envelope, matched: LogIndex, out: &mut impl Output) {
        self.note_matched(answer, matched, out);
        self.acknowledge_round(now, answer.from.node, answer.round, out);
        self.replicate_to(answer.from.node, out);
    }

    /// An acknowledgement is true in every session of its term; impossible ones do not come
    /// here ([`super::doubt`]).
    fn note_matched(&mut self, answer: Envelope, matched: LogIndex, out: &mut impl Output) {
        let Role::Leader(leader) = &mut self.role else { return };
        let Some(progress) = leader.progress_mut(answer.from.node) else { return };
        // What is no news can still be the answer to a probe, but only to one of this session.
        let answers_probe = answer.session == progress.session && matched == progress.next.prev();
        if matched > progress.matched || answers_probe {
            progress.appended(matched);
            if matched > self.commit {
                self.advance_commit(out);
            }
        }
    }

    #[cold]
    pub(super) fn on_rejected(&mut self, answer: Envelope, prev: LogIndex, hint: LogId, out: &mut impl Output) {
        let Role::Leader(leader) = &mut self.role else { return };
        let Some(progress) = leader.progress_mut(answer.from.node) else { return };
        if progress.session != answer.session || !progress.rejection_is_news(prev) {
            refuse(Refusal::StaleSession, out);
            return;
        }
        let bound = LogId { term: hint.term, index: hint.index.min(prev.prev()) };
        let agreed_at_most = self.log.last_not_above(bound).index;
        #[cfg(feature = "mutants")]
        let agreed_at_most = match self.config.bug {
            Some(crate::mutants::Bug::L20) if prev.0 - agreed_at_most.0 > 50 => self.log.last().index,
            _ => agreed_at_most,
        };
        progress.probe_behind(agreed_at_most);
        #[cfg(feature = "mutants")]
        if self.config.bug == Some(crate::mutants::Bug::L07) {
            progress.matched = progress.next.prev();
        }
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
        if matched.0 > 0 {
            self.note_matched(answer, matched, out);
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

/// The largest term and index that a body speaks of.
pub(super) fn largest_numbers(body: &Body) -> (u64, u64) {
    match body {
        Body::RequestPreVote { last, .. } | Body::RequestVote { last } => (last.term.0, last.index.0),
        Body::PreVote { .. } | Body::Vote { .. } | Body::Forward { .. } => (0, 0),
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

#[cold]
pub(super) fn refuse(reason: Refusal, out: &mut impl Output) {
    out.push(Effect::Observe(Observation::Refused { reason }));
}
