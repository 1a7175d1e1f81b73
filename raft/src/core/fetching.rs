//! Payloads that are not in memory: when they are let go, who asks for them, and what happens when they come.
//!
//! The memory that a log takes is bounded by `limits.log_cache_bytes_max` and by what is not durable yet, which other
//! limits bound. Payloads that are needed again, by a follower that is far behind or because this node has just started,
//! are read back from the store, as many at a time as it has in one piece.
//!
//! Who finds a payload missing asks and goes on with something else; nothing is remembered of it here. When something
//! comes, everybody looks again, and asks again for what is still missing.
//! Not here: which payloads are in memory ([`crate::log_view`]); applying, which asks in its turn ([`crate::node`]).

use super::role::Role;
use super::{Core, Effect, Output};
use crate::entry::StoredEntry;
use crate::limit::Limit;
use crate::observation::Observation;
use crate::types::{LocalTime, LogIndex};

impl Core {
    /// Lets go of payloads beyond the limit, as far as they can be read back. Called when whoever needs them has had them: after
    /// each input.
    #[inline]
    pub fn evict(&mut self, out: &mut impl Output) {
        let bytes_max = self.config.limits.log_cache_bytes_max;
        if self.log.evict(self.io.log.index, bytes_max) {
            self.note_bound(Limit::LogCacheBytes, out);
        } else {
            self.bound.release(Limit::LogCacheBytes);
        }
    }

    /// Asks for the payload at an index, which is in the log and not at hand.
    #[cold]
    pub(super) fn fetch(&self, index: LogIndex, out: &mut impl Output) {
        if let Some(id) = self.log.id_at(index) {
            out.push(Effect::Fetch { id });
        }
    }

    /// Takes what was read back. The log may have changed in the meantime.
    #[cold]
    pub(super) fn on_fetched(&mut self, now: LocalTime, entries: Vec<StoredEntry>, out: &mut impl Output) {
        if let (Some(first), Some(last)) = (entries.first(), entries.last()) {
            out.push(Effect::Observe(Observation::Fetched { first: first.id.index, last: last.id.index }));
        }
        self.log.fill(entries, |id| out.push(Effect::Observe(Observation::RotFound { id })));
        if self.log.is_damaged() && !matches!(self.role, Role::Follower(_)) {
            // Whoever leads must serve what it holds; somebody else may have it all.
            self.become_follower(now, None, out);
        }
        self.replicate(out);
    }
}
