//! How long to wait before a peer is tried again: twice as long each time up to a maximum, with jitter.
//!
//! The growth and the jitter are backon's. The jitter is drawn from a seed that the caller gives, so that a simulated
//! server waits the same in every run of one seed. (With a seed backon asks nobody else; without one it would take a
//! constant or, by a feature that any crate of a build can turn on, the operating system's.)
//!
//! Not here: whether to try at all ([`super::breaker`]), and sleeping, which the caller does.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};

/// An endless sequence of delays.
///
/// The step is `min`, twice that, and so on up to half of `max`; the delay is drawn between the step and twice the step.
/// So all delays lie within `min..=max`, and those at the maximum are spread over the upper half of the range: nodes
/// that lost the same peer at the same time do not come back to it at the same time.
///
/// ```
/// use squall_raft::server::backoff::Backoff;
///
/// let mut backoff = Backoff::new(10, 1000, 7);
/// let first = backoff.next_delay_ns();
/// assert!((10..=20).contains(&first));
/// (0..100).for_each(|_| assert!((10..=1000).contains(&backoff.next_delay_ns())));
/// assert!((500..=1000).contains(&backoff.next_delay_ns()));
/// backoff.reset();
/// assert!((10..=20).contains(&backoff.next_delay_ns()));
/// ```
#[derive(Debug)]
pub struct Backoff {
    min_ns: u64,
    max_ns: u64,
    seed: u64,
    delays: ExponentialBackoff,
}

/// Odd, so that the seeds of 2^64 resets in a row differ (2^64 divided by the golden ratio).
const NEXT_SEED: u64 = 0x9e37_79b9_7f4a_7c15;

impl Backoff {
    /// Delays between these bounds, drawn from a seed.
    ///
    /// A minimum of 0 counts as 1, since it would never grow; a maximum below the minimum counts as the minimum.
    #[must_use]
    pub fn new(min_ns: u64, max_ns: u64, seed: u64) -> Self {
        let min_ns = min_ns.max(1);
        let max_ns = max_ns.max(min_ns);
        Self { min_ns, max_ns, seed, delays: delays(min_ns, max_ns, seed) }
    }

    /// The next delay in nanoseconds.
    pub fn next_delay_ns(&mut self) -> u64 {
        let delay = self.delays.next().map_or(self.max_ns, |delay| u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX));
        // backon counts in 32-bit floats, which may round past a bound.
        delay.clamp(self.min_ns, self.max_ns)
    }

    /// Starts again at the minimum. The jitter does not repeat, else two nodes that met once would always meet.
    pub fn reset(&mut self) {
        self.seed = self.seed.wrapping_add(NEXT_SEED);
        self.delays = delays(self.min_ns, self.max_ns, self.seed);
    }
}

fn delays(min_ns: u64, max_ns: u64, seed: u64) -> ExponentialBackoff {
    // backon adds the jitter, up to as much again, on top of its maximum.
    let step_max_ns = (max_ns / 2).max(min_ns);
    let builder = ExponentialBuilder::new()
        .with_min_delay(Duration::from_nanos(min_ns))
        .with_max_delay(Duration::from_nanos(step_max_ns))
        .without_max_times()
        .with_jitter()
        .with_jitter_seed(seed);
    builder.build()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: u64 = 1_000_000;

    fn take(backoff: &mut Backoff, count: usize) -> Vec<u64> {
        (0..count).map(|_| backoff.next_delay_ns()).collect()
    }

    #[test]
    fn seeds_decide_the_delays() {
        let of = |seed| take(&mut Backoff::new(10 * MS, 5_000 * MS, seed), 50);
        assert_eq!(of(1), of(1));
        let all: std::collections::BTreeSet<_> = (0..100).map(of).collect();
        assert_eq!(all.len(), 100);
    }

    /// The delays of seed 1 as they were when this was written: another version of backon must not change recorded runs.
    #[test]
    fn a_seed_keeps_its_delays() {
        let delays = take(&mut Backoff::new(10 * MS, 100 * MS, 1), 6);
        assert_eq!(delays, [16_570_395, 30_692_320, 49_585_406, 88_943_380, 50_483_994, 89_054_032]);
    }

    #[test]
    fn stays_at_the_maximum_for_ever_and_spreads_there() {
        let mut backoff = Backoff::new(10 * MS, 1_000 * MS, 3);
        take(&mut backoff, 7);
        let delays = take(&mut backoff, 100_000);
        assert!(delays.iter().all(|delay| (500 * MS..=1_000 * MS).contains(delay)));
        let (low, high) = (delays.iter().min().unwrap(), delays.iter().max().unwrap());
        assert!(*low < 510 * MS && *high > 990 * MS, "{low}..{high}");
    }

    #[test]
    fn reset_begins_again_with_other_jitter() {
        let mut backoff = Backoff::new(10 * MS, 5_000 * MS, 4);
        let firsts: std::collections::BTreeSet<u64> = (0..100)
            .map(|_| {
                let first = take(&mut backoff, 5)[0];
                backoff.reset();
                first
            })
            .collect();
        assert!(firsts.iter().all(|first| (10 * MS..=20 * MS).contains(first)));
        assert!(firsts.len() > 90, "{} different first delays of 100", firsts.len());
    }

    proptest! {
        #[test]
        fn doubles_within_its_bounds(min_ns in any::<u64>(), max_ns in any::<u64>(), seed in any::<u64>(), shift in 0..64u32) {
            let (min_ns, max_ns) = (min_ns >> shift, max_ns >> (shift / 2));
            let (low, high) = (min_ns.max(1), max_ns.max(min_ns).max(1));
            let mut step = low;
            for delay in take(&mut Backoff::new(min_ns, max_ns, seed), 70) {
                prop_assert!((low..=high).contains(&delay), "{delay} is not in {low}..={high}");
                // What 32-bit floats may be off by, and a nanosecond.
                let slack = step / 1_000_000 + 1;
                prop_assert!(delay >= step.saturating_sub(slack), "{delay} is below the step {step}");
                prop_assert!(delay <= step.saturating_mul(2).saturating_add(2 * slack), "{delay} is above twice the step {step}");
                step = step.saturating_mul(2).min((high / 2).max(low));
            }
        }
    }
}
