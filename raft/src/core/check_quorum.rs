//! Check-quorum (thesis, §6.2): a leader that hears from no quorum for an election timeout steps down.
//!
//! It can commit nothing, and its clients would wait for it; followers that still hear it
//! would stay loyal to a leader who cannot serve. It stays in its term, in which it has
//! voted for itself, refuses the reads that wait, and what becomes of its proposals nobody
//! can tell. The span is the *longest* timeout: by then whoever hears nothing of the leader
//! has campaigned, and a shorter one would depose leaders over a few lost heartbeats.
//!
//! Only an answer to a new heartbeat round counts as hearing from a follower. A repeated or
//! late one proves nothing about now, and that a follower speaks (asks for votes, perhaps)
//! does not prove that it hears the leader. The leader counts itself while its own disk has
//! nothing to do or gets something done: where it is needed for a quorum, as in a cluster of
//! one or two, a leader with a stalled disk cannot commit anything either. (Where it is not
//! needed, a disk may be slow for longer: [`super::own_disk`].)
//!
//! It is looked at when a heartbeat round is due, so it needs no timer of its own.
//! Not here: who leads then ([`super::election`]).

use super::quorum;
use super::role::{Leader, Role};
use super::{Core, Effect, Output};
use crate::observation::Observation;
use crate::types::LocalTime;

impl Core {
    /// A leader's timer: a heartbeat round, or the end of its leadership.
    pub(super) fn lead_on(&mut self, now: LocalTime, out: &mut impl Output) {
        if self.has_lost_quorum(now) {
            out.push(Effect::Observe(Observation::QuorumLost { term: self.hard.term }));
            self.become_follower(now, None, out);
        } else {
            self.start_round(now, out);
        }
    }

    fn has_lost_quorum(&self, now: LocalTime) -> bool {
        let Role::Leader(leader) = &self.role else {
            return false;
        };
        let span_ns = self.config.timing.election_timeout_max_ns;
        self.config.elections.check_quorum && !self.quorum_heard_at(leader).is_within_ns(span_ns, now)
    }

    /// The latest time at or after which every member of some quorum was heard.
    pub(super) fn quorum_heard_at(&self, leader: &Leader) -> LocalTime {
        let me = self.config.me.node;
        let heard_at = quorum::reached_beyond(&self.config.membership, 0, |node| {
            if node == me { self.io.worked_at.0 } else { leader.progress(node).map_or(0, |progress| progress.heard_at.0) }
        });
        LocalTime(heard_at.unwrap_or(0))
    }
}
