//! The persistent stream: what was handed to the disk, and what of it is durable.
//!
//! Each write has a number; who promises something says which number must be durable first.
//! Not here: what follows when something becomes durable ([`super::own_disk`]).

use std::collections::VecDeque;

use super::{Core, Effect, Output};
use crate::entry::Persist;
use crate::types::{IoId, LocalTime, LogId};

/// The persistent stream as the core sees it: what was issued, and what is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Io {
    pub(super) last: IoId,
    /// The last term and vote.
    pub(super) hard: IoId,
    pub(super) durable: IoId,
    /// For each id under way that moved the log's end: where the end then was. A
    /// completion vouches for exactly that, never for what stands there now.
    pub(super) marks: VecDeque<(IoId, LogId)>,
    /// The last entry of the durable log that is also in the log.
    pub(super) log: LogId,
    /// When something became durable last, or there was nothing to do.
    pub(super) worked_at: LocalTime,
}

impl Io {
    /// Nothing was issued in this boot, and the log is what was recovered.
    pub(super) const fn new(start: IoId, log: LogId) -> Self {
        Self { last: start, hard: start, durable: start, marks: VecDeque::new(), log, worked_at: LocalTime(0) }
    }
}

impl Core {
    #[inline(always)] // As whatever leads to the store's queue: who persists knows what.
    pub(super) fn persist(&mut self, what: Persist, out: &mut impl Output) -> IoId {
        let id = IoId { boot: self.boot, seq: self.io.last.seq + 1 };
        self.io.last = id;
        if matches!(what, Persist::HardState(_)) {
            self.io.hard = id;
        } else {
            self.io.marks.push_back((id, self.log.last()));
        }
        out.push(Effect::Persist { id, what });
        id
    }

    /// Writes term and vote down; at most once per input, because each input ends with it.
    pub(super) fn persist_hard_state_if_changed(&mut self, out: &mut impl Output) {
        if self.hard_changed {
            self.hard_changed = false;
            self.persist(Persist::HardState(self.hard), out);
        }
    }

    /// The id to wait for before promising anything that the node holds in memory.
    pub(super) const fn everything_so_far(&self) -> IoId {
        self.io.last
    }

    /// Whether a crash would leave this node in its present term.
    pub(super) fn term_is_durable(&self) -> bool {
        !self.hard_changed && self.io.hard <= self.io.durable
    }
}
