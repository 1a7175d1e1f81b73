//! The core's only randomness: a stream that unfolds from the 64 bits of its boot.

use crate::types::LocalTime;

/// SplitMix64 (Steele, Lea, Flood 2014): passes its whole period of 2^64 once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Random {
    state: u64,
}

impl Random {
    /// The stream of a boot.
    #[must_use]
    pub const fn new(entropy: u64) -> Self {
        Self { state: entropy }
    }

    const fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A time from `now + min_ns` to `now + max_ns`.
    pub fn deadline(&mut self, now: LocalTime, min_ns: u64, max_ns: u64) -> LocalTime {
        let span = max_ns.saturating_sub(min_ns).saturating_add(1);
        now.plus_ns(min_ns.saturating_add(self.next() % span))
    }
}
