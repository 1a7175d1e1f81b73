//! A node's monotonic clock: local time as a piecewise linear function of world time.
//!
//! Integers only. World to local rounds down and local to world rounds up, so that a timer
//! set for a local time never fires while the clock still shows an earlier one.
//!
//! Not here: who changes the rate, and re-arming the timers when it changes ([`crate::world`]).

use squall_raft::types::LocalTime;

/// The rate of a perfect clock: as many local as world nanoseconds.
pub const RATE_PPM_TRUE: u32 = 1_000_000;
/// The slowest clock: 20 % slow.
pub const RATE_PPM_MIN: u32 = 800_000;
/// The fastest clock: 20 % fast.
pub const RATE_PPM_MAX: u32 = 1_200_000;

/// A clock that starts anywhere, runs a little wrong and may jump forward, but never runs backwards.
///
/// ```
/// use squall_sim::clock::Clock;
///
/// let slow = Clock::new(0, 5_000, 800_000); // shows 5 µs at the start, runs 20 % slow
/// assert_eq!(slow.local(1_000).0, 5_800);
/// assert_eq!(slow.world(slow.local(1_000)), 1_000);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// The world's time when the current piece began ..
    world_ns: u64,
    /// .. what the clock showed then ..
    local_ns: u64,
    /// .. and how fast it has run since.
    rate_ppm: u32,
}

impl Clock {
    /// A clock that shows `origin_ns` at the world's time `now_ns`. The rate is brought into its bounds.
    #[must_use]
    pub fn new(now_ns: u64, origin_ns: u64, rate_ppm: u32) -> Self {
        Self { world_ns: now_ns, local_ns: origin_ns, rate_ppm: rate_ppm.clamp(RATE_PPM_MIN, RATE_PPM_MAX) }
    }

    /// What the clock shows at a time of the world. Before the current piece it stands still.
    #[inline]
    #[must_use]
    pub fn local(&self, world_ns: u64) -> LocalTime {
        let span_ns = world_ns.saturating_sub(self.world_ns);
        let shown_ns = if self.rate_ppm == RATE_PPM_TRUE { span_ns } else { self.scaled(span_ns) };
        LocalTime(self.local_ns.saturating_add(shown_ns))
    }

    fn scaled(&self, span_ns: u64) -> u64 {
        let product = u128::from(span_ns) * u128::from(self.rate_ppm);
        u64::try_from(product / u128::from(RATE_PPM_TRUE)).unwrap_or(u64::MAX)
    }

    /// The first time of the world at which the clock shows at least `local`; the end of time if never.
    #[must_use]
    pub fn world(&self, local: LocalTime) -> u64 {
        let span_ns = local.0.saturating_sub(self.local_ns);
        if self.rate_ppm == RATE_PPM_TRUE {
            return self.world_ns.saturating_add(span_ns);
        }
        let needed_ns = (u128::from(span_ns) * u128::from(RATE_PPM_TRUE)).div_ceil(u128::from(self.rate_ppm));
        self.world_ns.saturating_add(u64::try_from(needed_ns).unwrap_or(u64::MAX))
    }

    /// Changes how fast it runs from now on. The rate is brought into its bounds.
    pub fn set_rate(&mut self, now_ns: u64, rate_ppm: u32) {
        *self = Self::new(now_ns, self.local(now_ns).0, rate_ppm);
    }

    /// Jumps forward.
    pub fn shift(&mut self, now_ns: u64, by_ns: u64) {
        *self = Self::new(now_ns, self.local(now_ns).0.saturating_add(by_ns), self.rate_ppm);
    }

    /// What [`Self::new`] makes the same clock of: a time of the world, what was shown then, the rate.
    pub(crate) fn parts(&self) -> (u64, u64, u32) {
        (self.world_ns, self.local_ns, self.rate_ppm)
    }

    /// How fast it runs.
    #[must_use]
    pub fn rate_ppm(&self) -> u32 {
        self.rate_ppm
    }
}
