//! What a leader knows about one follower's log, and what it may send next.
//!
//! ```text
//!             Appended                     proposals stream out,
//!   Probe ---------------> Replicate  <--- acknowledgements come in
//!     ^   one append at        |
//!     |   a time               |
//!     +------ Rejected, or a heartbeat's answer shows a gap
//! ```
//!
//! Starting over opens a new *session*; answers of older sessions steer nothing, so that
//! what a broken pipeline has left under way counts once (the follower's side: [`super::role::Gap`]).
//! Not here: how much may be under way ([`super::inflight`]). Read next: [`super::replication`].

use super::inflight::{Inflight, Room, Sent};
use crate::limit::Limit;
use crate::types::{LocalTime, LogIndex};

/// A follower's replication state. `matched < next` always.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Highest index known to be equal and durable there.
    pub matched: LogIndex,
    /// Index of the next entry to send.
    pub next: LogIndex,
    /// Last index that an append of this leadership has covered: nobody can acknowledge more.
    pub covered: LogIndex,
    /// Number of the replication session.
    pub session: u32,
    /// Highest round that it acknowledged.
    pub round_acked: u64,
    /// When it did, or when the leadership began. A repeated answer acknowledges nothing new.
    pub heard_at: LocalTime,
    /// The limits that hold it up now: one that keeps appends at home, and one that cuts them short.
    pub bound: [Option<Limit>; 2],
    mode: Mode,
    /// Round and `next` at the oldest heartbeat that is not answered yet: an answer to it
    /// or a later one shows whether all that was sent before it has arrived.
    checkpoint: Option<(u64, LogIndex)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Mode {
    /// The point of agreement is unknown.
    Probe {
        /// The append under way.
        waiting: Option<Sent>,
    },
    /// Entries stream out.
    Replicate { inflight: Inflight },
}

impl Progress {
    /// Nothing is known but where the leader's log ends.
    #[must_use]
    pub const fn new(next: LogIndex) -> Self {
        Self {
            matched: LogIndex(0),
            next,
            covered: LogIndex(0),
            session: 1,
            round_acked: 0,
            heard_at: LocalTime(0),
            bound: [None; 2],
            mode: Mode::Probe { waiting: None },
            checkpoint: None,
        }
    }

    /// The same of a follower that was heard now.
    #[must_use]
    pub const fn heard(mut self, now: LocalTime) -> Self {
        self.heard_at = now;
        self
    }

    /// Whether an append may leave now. A probe may be empty; a stream may not.
    #[must_use]
    pub fn may_send(&self, last: LogIndex, room: Room) -> bool {
        match &self.mode {
            Mode::Probe { waiting } => waiting.is_none(),
            Mode::Replicate { inflight } => self.next <= last && inflight.bound_by(room).is_none(),
        }
    }

    /// What streams out now; nothing does while the point of agreement is unknown.
    #[must_use]
    pub const fn inflight(&self) -> Option<&Inflight> {
        match &self.mode {
            Mode::Probe { .. } => None,
            Mode::Replicate { inflight } => Some(inflight),
        }
    }

    /// Which limit keeps entries at home that could be streamed, if one does.
    #[must_use]
    pub fn held_back_by(&self, last: LogIndex, room: Room) -> Option<Limit> {
        match &self.mode {
            Mode::Replicate { inflight } if self.next <= last => inflight.bound_by(room),
            _ => None,
        }
    }

    /// Notes that an append has left.
    pub fn sent(&mut self, sent: Sent) {
        self.covered = self.covered.max(sent.end);
        match &mut self.mode {
            Mode::Probe { waiting } => {
                *waiting = Some(sent);
                // Only heartbeats that leave behind the probe tell about it.
                self.checkpoint = None;
            }
            Mode::Replicate { inflight } => {
                inflight.push(sent);
                self.next = sent.end.next();
            }
        }
    }

    /// Notes an acknowledgement. Late and repeated ones change nothing.
    pub fn appended(&mut self, matched: LogIndex) {
        let agrees = matched >= self.next.prev();
        self.matched = self.matched.max(matched);
        self.next = self.next.max(self.matched.next());
        match &mut self.mode {
            Mode::Probe { waiting } if agrees => {
                // A heartbeat's answer can overtake the probe's, whose entries travel on.
                let mut inflight = Inflight::default();
                if let Some(probe) = waiting.take().filter(|probe| probe.end > matched) {
                    inflight.push(probe);
                    self.next = probe.end.next();
                }
                self.mode = Mode::Replicate { inflight };
            }
            Mode::Probe { .. } => {}
            Mode::Replicate { inflight } => inflight.acknowledge(matched),
        }
    }

    /// Whether a rejection of `prev` says anything new in this session.
    #[must_use]
    pub fn rejection_is_news(&self, prev: LogIndex) -> bool {
        match self.mode {
            Mode::Probe { .. } => prev == self.next.prev(),
            Mode::Replicate { .. } => prev > self.matched && prev < self.next,
        }
    }

    /// Starts over, one append at a time, behind the last entry that may agree.
    pub fn probe_behind(&mut self, agreed_at_most: LogIndex) {
        self.next = agreed_at_most.max(self.matched).next();
        self.session = self.session.wrapping_add(1);
        self.mode = Mode::Probe { waiting: None };
        self.checkpoint = None;
    }

    /// Notes that a heartbeat of this round has left. While an earlier one is not answered
    /// that one counts: where answers take longer than rounds are apart, as on a slow link
    /// or under many reads, the latest heartbeat is never the one that is answered.
    pub const fn heartbeat_sent(&mut self, round: u64) {
        if self.checkpoint.is_none() {
            self.checkpoint = Some((round, self.next));
        }
    }

    /// Notes a heartbeat's answer; true if appends were lost and sending starts over.
    pub fn heartbeat_answered(&mut self, round: u64, tail: LogIndex) -> bool {
        let Some((_, sent_before)) = self.checkpoint.take_if(|(since, _)| round >= *since) else {
            return false;
        };
        match &self.mode {
            Mode::Probe { waiting } => {
                let lost = waiting.is_some();
                self.mode = Mode::Probe { waiting: None };
                lost
            }
            Mode::Replicate { .. } => {
                // All that was sent before the heartbeat should have arrived before it.
                let lost = tail.next() < sent_before && tail.next() < self.next && self.matched < sent_before.prev();
                if lost {
                    self.probe_behind(tail);
                }
                lost
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn up_to(end: u64) -> Sent {
        Sent { end: LogIndex(end), bytes: 8 }
    }

    const fn room(appends_max: u32) -> Room {
        Room { appends_max, bytes_max: 1_000 }
    }

    fn replicating() -> Progress {
        let mut progress = Progress::new(LogIndex(5));
        progress.sent(up_to(5));
        progress.appended(LogIndex(5));
        progress
    }

    #[test]
    fn a_probe_is_alone_until_it_is_answered() {
        let mut progress = Progress::new(LogIndex(5));
        assert!(progress.may_send(LogIndex(4), room(8)), "an empty probe is fine");
        progress.sent(up_to(4));
        assert!(!progress.may_send(LogIndex(9), room(8)));
        progress.appended(LogIndex(4));
        assert_eq!((progress.matched, progress.next), (LogIndex(4), LogIndex(5)));
        assert!(progress.may_send(LogIndex(9), room(8)));
    }

    #[test]
    fn an_answer_from_before_the_probe_ends_it_only_where_it_agrees() {
        let mut progress = Progress::new(LogIndex(5));
        progress.sent(up_to(6));
        progress.appended(LogIndex(3));
        assert_eq!((progress.matched, progress.next), (LogIndex(3), LogIndex(5)));
        assert!(!progress.may_send(LogIndex(9), room(8)), "the probe still asks about 4");
        progress.appended(LogIndex(4));
        assert_eq!((progress.matched, progress.next), (LogIndex(4), LogIndex(7)), "5 and 6 are under way");
        assert!(!progress.may_send(LogIndex(9), room(1)));
        progress.appended(LogIndex(6));
        assert!(progress.may_send(LogIndex(9), room(1)));
    }

    #[test]
    fn the_pipeline_is_bounded_and_late_answers_never_lower_it() {
        let mut progress = replicating();
        progress.sent(up_to(6));
        progress.sent(up_to(7));
        assert!(!progress.may_send(LogIndex(9), room(2)));
        progress.appended(LogIndex(7));
        progress.appended(LogIndex(6));
        assert_eq!((progress.matched, progress.next), (LogIndex(7), LogIndex(8)));
        assert!(progress.may_send(LogIndex(9), room(2)));
    }

    #[test]
    fn a_broken_pipeline_is_rejected_once() {
        let mut progress = replicating();
        progress.sent(up_to(9));
        assert!(progress.rejection_is_news(LogIndex(7)));
        let session = progress.session;
        progress.probe_behind(LogIndex(6));
        assert_eq!((progress.next, progress.session), (LogIndex(7), session + 1));
        assert!(!progress.rejection_is_news(LogIndex(8)), "another rejection of the old pipeline");
        progress.probe_behind(LogIndex(0));
        assert_eq!(progress.next, LogIndex(6), "never below what is known to match");
    }

    #[test]
    fn a_heartbeat_behind_a_lost_append_shows_the_gap() {
        let mut progress = replicating();
        progress.sent(up_to(7));
        progress.heartbeat_sent(3);
        assert!(!progress.heartbeat_answered(2, LogIndex(5)), "of an earlier round");
        assert!(progress.heartbeat_answered(3, LogIndex(5)));
        assert_eq!(progress.next, LogIndex(6));
        let mut slow = replicating();
        slow.sent(up_to(7));
        for round in 3..6 {
            slow.heartbeat_sent(round);
        }
        assert!(slow.heartbeat_answered(3, LogIndex(5)), "newer rounds do not hide it");
        let mut arrived = replicating();
        arrived.sent(up_to(7));
        arrived.heartbeat_sent(3);
        arrived.sent(up_to(9));
        assert!(!arrived.heartbeat_answered(3, LogIndex(7)), "what left behind the heartbeat may still travel");
    }
}
