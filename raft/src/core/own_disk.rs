//! What a node's own disk has to do with leading: one that gets nothing done gives way.
//!
//! A leader with a stalled disk can keep its followers loyal for ever, because heartbeats wait
//! for no disk, while it holds everything in memory and, where its vote is needed, commits
//! nothing (hashicorp/raft #503, #614; LogCabin #200). So a leader that has handed something to
//! its disk, and for `timing.disk_stall` was told of nothing durable, sends no more heartbeats
//! and steps down in its term. A node in that state does not campaign either, or it would keep
//! winning. Its votes need no such rule: none leaves before it is durable.
//!
//! What counts is progress, not speed: a disk on which each sync takes long, but for which there
//! is always one that ends within the span, is slow and leads on. Nor does it matter whether
//! check-quorum is on, because a quorum of followers says nothing about this disk, or whether
//! there is anybody to give way to: a single voter steps down, too. It could only let its clients
//! wait, and its reads with them would look as if all were well.
//!
//! It is looked at before each heartbeat round, which no flow of proposals or reads postpones, so
//! a leader is gone at most one heartbeat interval after the span.
//! A disk that *fails* ends a leadership at once, and then the node ([`crate::node`] halts).
//! Not here: who leads then ([`super::election`]).

use super::role::Role;
use super::{Core, Effect, Io, Output};
use crate::observation::Observation;
use crate::types::LocalTime;

impl Core {
    /// Whether the disk has owed something for too long.
    pub(super) fn disk_is_stalled(&self, now: LocalTime) -> bool {
        !self.io.is_idle() && !self.io.worked_at.is_within_ns(self.config.timing.disk_stall_ns, now)
    }

    /// Ends the leadership of a node whose disk is stalled; true if it did.
    pub(super) fn gives_way(&mut self, now: LocalTime, out: &mut impl Output) -> bool {
        let stalled = matches!(self.role, Role::Leader(_)) && self.disk_is_stalled(now);
        #[cfg(feature = "mutants")]
        let stalled = stalled && self.config.bug != Some(crate::mutants::Bug::V08);
        if stalled {
            out.push(Effect::Observe(Observation::LeaderDiskStalled { term: self.hard.term }));
            self.become_follower(now, None, out);
        }
        stalled
    }

    /// Ends a leadership or candidacy: with this disk nothing can come of it.
    pub(super) fn on_disk_failed(&mut self, now: LocalTime, out: &mut impl Output) {
        if !matches!(self.role, Role::Follower(_)) {
            self.become_follower(now, None, out);
        }
    }

    /// Whether the node must not campaign because of its disk.
    pub(super) fn disk_forbids_campaign(&self, now: LocalTime) -> bool {
        #[cfg(feature = "mutants")]
        if self.config.bug == Some(crate::mutants::Bug::V08) {
            return false;
        }
        self.disk_is_stalled(now)
    }
}

impl Io {
    /// Whether everything that was handed over is durable.
    pub(super) fn is_idle(&self) -> bool {
        self.durable == self.last
    }

    /// Looks at the disk before an input: as long as it has nothing to do, it does well.
    pub(super) fn look(&mut self, now: LocalTime) {
        if self.is_idle() {
            self.worked_at = now;
        }
    }

    /// After an input: of a disk that has nothing to do there is nothing to remember, so an
    /// input that is refused leaves the core exactly as it was.
    pub(super) fn look_away(&mut self) {
        if self.is_idle() {
            self.worked_at = LocalTime(0);
        }
    }
}
