//! Which limits there are, and how often each has bound: for operators who ask what holds a node back.
//!
//! A limit that turns a request away is counted for each request. One that holds something back
//! is counted each time it begins to: a pipeline that stays full is bound once, however often
//! somebody looks. Counts are of one boot.
//! Not here: their values ([`crate::config::Limits`]).

use std::fmt;

/// A limit of [`crate::config::Limits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
// As wide as the words beside it, for the reason given at `message::Body`.
#[repr(u64)]
pub enum Limit {
    /// A follower is sent nothing more until it has acknowledged an append.
    InflightAppends,
    /// The same for bytes.
    InflightBytes,
    /// An append was cut short: its entries are too large.
    AppendBytes,
    /// An append was cut short: its entries are too many.
    AppendEntries,
    /// A command was turned away: it is too large.
    CommandBytes,
    /// A command was turned away: too much is not committed yet.
    UncommittedBytes,
    /// A read was turned away: too many wait.
    PendingReads,
    /// A command was not passed on: too many were, and are not settled.
    Forwards,
    /// A session gave way to a new one.
    Sessions,
    /// A cached answer gave way to a new one of its session.
    SessionAnswers,
    /// Payloads of the log were let go, to be read back when they are needed.
    LogCacheBytes,
}

const LIMITS: usize = Limit::ALL.len();

impl Limit {
    /// All of them, in the order of the guide.
    pub const ALL: [Self; 11] = [
        Self::InflightAppends,
        Self::InflightBytes,
        Self::AppendBytes,
        Self::AppendEntries,
        Self::CommandBytes,
        Self::UncommittedBytes,
        Self::PendingReads,
        Self::Forwards,
        Self::Sessions,
        Self::SessionAnswers,
        Self::LogCacheBytes,
    ];

    /// The name of its field.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InflightAppends => "inflight_appends_max",
            Self::InflightBytes => "inflight_bytes_max",
            Self::AppendBytes => "append_bytes_max",
            Self::AppendEntries => "append_entries_max",
            Self::CommandBytes => "command_bytes_max",
            Self::UncommittedBytes => "uncommitted_bytes_max",
            Self::PendingReads => "pending_reads_max",
            Self::Forwards => "forwards_max",
            Self::Sessions => "sessions_max",
            Self::SessionAnswers => "session_answers_max",
            Self::LogCacheBytes => "log_cache_bytes_max",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How often each limit has bound.
///
/// ```
/// use squall_raft::limit::{Bound, Limit};
///
/// let mut bound = Bound::default();
/// assert!(bound.note(Limit::PendingReads), "it begins to bind");
/// assert!(!bound.note(Limit::PendingReads), "it still does");
/// bound.release(Limit::PendingReads);
/// assert!(bound.note(Limit::PendingReads));
/// assert_eq!(bound.count(Limit::PendingReads), 3);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Bound {
    counts: [u64; LIMITS],
    /// Those that bind now, a bit each.
    binding: u64,
}

/// Counts decide nothing, so whoever compares what counts, as `Core: Eq` does, sees no difference.
impl PartialEq for Bound {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Bound {}

impl Bound {
    /// Counts that a limit has bound; true if it did not do so already.
    pub fn note(&mut self, limit: Limit) -> bool {
        self.counts[limit as usize] += 1;
        let before = self.binding;
        self.binding |= 1 << limit as u64;
        self.binding != before
    }

    /// Notes that a limit no longer binds.
    #[inline]
    pub const fn release(&mut self, limit: Limit) {
        self.binding &= !(1 << limit as u64);
    }

    /// How often it has bound.
    #[must_use]
    pub const fn count(&self, limit: Limit) -> u64 {
        self.counts[limit as usize]
    }

    /// Every limit with its count.
    pub fn counts(&self) -> impl Iterator<Item = (Limit, u64)> + '_ {
        Limit::ALL.into_iter().map(|limit| (limit, self.count(limit)))
    }

    /// The counts of both.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
        self.binding |= other.binding;
        self
    }
}
