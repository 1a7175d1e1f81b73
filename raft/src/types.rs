//! The numbers that Raft counts with, each a type of its own.
//!
//! An index is not a count and a term is not a boot number; the compiler keeps them apart.
//! Read next: [`crate::entry`].

use std::fmt;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

number! {
    /// A period with at most one leader (paper, §5.1). Term 0 is before the first election.
    Term(u64)
}
number! {
    /// A position in the log; the first entry has index 1, and 0 is "before the log".
    LogIndex(u64)
}
number! {
    /// A member of the cluster. All values are valid; none means "nobody".
    NodeId(u64)
}
number! {
    /// How often an identity was given to a fresh, empty disk. Peers ignore all but the latest.
    Incarnation(u32)
}
number! {
    /// A cluster's identity: messages of another cluster are refused.
    ClusterId(u64)
}
number! {
    /// Counts the starts of one node's process.
    BootNumber(u32)
}
number! {
    /// A client's session: the log index of the entry that registered it.
    SessionId(u64)
}
number! {
    /// Nanoseconds on one node's monotonic clock since an origin that each boot draws anew.
    ///
    /// Meaningless on another node and after a restart, so it is never sent nor persisted.
    LocalTime(u64)
}

impl Term {
    /// The term after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl LogIndex {
    /// The index after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The index before this one; that of 0 is 0.
    #[must_use]
    pub const fn prev(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

impl LocalTime {
    /// This time plus a span; saturates at the end of time.
    #[must_use]
    pub const fn plus_ns(self, span_ns: u64) -> Self {
        Self(self.0.saturating_add(span_ns))
    }

    /// Whether less than a span has passed from this time to `now`.
    #[must_use]
    pub const fn is_within_ns(self, span_ns: u64, now: Self) -> bool {
        now.0 < self.plus_ns(span_ns).0
    }
}

/// Identifies an entry: no two different entries ever share it (paper, §5.3).
///
/// Ordered by term, then index: the order of *up-to-date* in elections (§5.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogId {
    /// Term of the leader that created the entry.
    pub term: Term,
    /// Position in the log.
    pub index: LogIndex,
}

impl LogId {
    /// Builds an id from bare numbers.
    #[must_use]
    pub const fn new(term: u64, index: u64) -> Self {
        Self { term: Term(term), index: LogIndex(index) }
    }
}

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.term, self.index)
    }
}

/// A member in one of its lives: identity and incarnation together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Peer {
    /// Who.
    pub node: NodeId,
    /// In which life.
    pub incarnation: Incarnation,
}

/// Numbers the one totally ordered stream of everything that a node persists.
///
/// `Durable(id)` covers every id up to it. Ids of an earlier boot are dropped when they arrive late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct IoId {
    /// The boot that issued it.
    pub boot: BootNumber,
    /// Counts from 1 within the boot; 0 is before everything.
    pub seq: u64,
}

impl IoId {
    /// Before everything: whoever waits for it waits for nothing.
    pub const NOTHING: Self = Self { boot: BootNumber(0), seq: 0 };
}

impl fmt::Display for IoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.boot, self.seq)
    }
}
