//! How far a check may go, and what tells that it went too far.
//!
//! Not here: what is done with the verdict `Unknown`.
//! Read next: `search`.

use std::fmt;
use std::time::Duration;

/// How many operations on one key may be pending at the same time. Those of unknown outcome
/// stay pending for ever.
pub const PENDING_MAX: usize = 2048;

/// How far a check may go.
///
/// # Example: at most ten seconds
///
/// The checker reads no clock of its own, because a simulation must not depend on one.
///
/// ```
/// use squall_checkers::linearizability::{Limits, Time};
/// use std::time::Duration;
///
/// # #[expect(clippy::disallowed_types, clippy::disallowed_methods)]
/// let start = std::time::Instant::now();
/// let clock = || start.elapsed();
/// let limits = Limits { time: Some(Time { limit: Duration::from_secs(10), clock: &clock }), ..Limits::default() };
/// # let _ = limits;
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Limits<'a> {
    /// How many configurations (a state with what is pending) may be explored per key. An
    /// ordinary history needs a few per operation, or none.
    pub configurations: u64,
    /// How many bytes the search of one key may take, beside the history itself. They are
    /// counted, not measured: tables, states and steps, looked at every thousand configurations.
    pub memory_bytes: u64,
    /// Until when; no limit if `None`.
    pub time: Option<Time<'a>>,
}

impl Default for Limits<'_> {
    /// A million configurations and a gibibyte per key: seconds at most, and far more than a
    /// client's history needs.
    fn default() -> Self {
        Self { configurations: 1_000_000, memory_bytes: 1 << 30, time: None }
    }
}

/// A limit on time, with the clock that tells it.
#[derive(Clone, Copy)]
pub struct Time<'a> {
    /// The check gives up soon after the clock has shown this.
    pub limit: Duration,
    /// Time since the check began, or since whatever the limit counts from. It is read every
    /// thousand configurations and at every key.
    pub clock: &'a dyn Fn() -> Duration,
}

impl fmt::Debug for Time<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Time").field("limit", &self.limit).finish_non_exhaustive()
    }
}

/// Which limit was hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// [`Limits::configurations`].
    Configurations(u64),
    /// [`Limits::memory_bytes`].
    Memory(u64),
    /// [`Limits::time`].
    Time(Duration),
    /// [`PENDING_MAX`]; so many were pending.
    Pending(usize),
}

impl fmt::Display for Limit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configurations(limit) => write!(formatter, "{limit} configurations explored"),
            Self::Memory(limit) => write!(formatter, "{limit} bytes of memory used"),
            Self::Time(limit) => write!(formatter, "{limit:?} passed"),
            Self::Pending(pending) => write!(formatter, "{pending} operations pending at once, at most {PENDING_MAX} are judged"),
        }
    }
}

/// How often memory and time are looked at.
const EVERY: u64 = 1024;

/// Counts what a search spends.
#[derive(Debug, Clone)]
pub(super) struct Meter<'a> {
    limits: Limits<'a>,
    spent: u64,
    /// May be less than what the limits allow: where one search makes way for another one.
    pub pause_at: u64,
}

/// Why a search does not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Halt {
    /// It must not.
    Limit(Limit),
    /// It may be continued.
    Pause,
}

impl<'a> Meter<'a> {
    pub(super) fn new(limits: Limits<'a>) -> Self {
        Self { limits, spent: 0, pause_at: u64::MAX }
    }

    /// Configurations so far.
    pub(super) fn spent(&self) -> u64 {
        self.spent
    }

    /// One more configuration; `bytes` tells how much memory is in use.
    pub(super) fn spend(&mut self, bytes: impl FnOnce() -> usize) -> Result<(), Halt> {
        if self.limits.configurations <= self.spent {
            return Err(Halt::Limit(Limit::Configurations(self.limits.configurations)));
        }
        if self.pause_at <= self.spent {
            return Err(Halt::Pause);
        }
        self.spent += 1;
        if self.spent.is_multiple_of(EVERY) { self.look(bytes()).map_err(Halt::Limit) } else { Ok(()) }
    }

    /// Compares memory and time with their limits.
    pub(super) fn look(&self, bytes: usize) -> Result<(), Limit> {
        if self.limits.memory_bytes < bytes as u64 {
            return Err(Limit::Memory(self.limits.memory_bytes));
        }
        match self.limits.time {
            Some(time) if time.limit <= (time.clock)() => Err(Limit::Time(time.limit)),
            _ => Ok(()),
        }
    }
}
