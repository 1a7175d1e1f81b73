//! A circuit breaker per peer: after several failures in a row nothing is queued for it until a trial succeeds.
//!
//! ```text
//!            success              failure, fewer than the threshold in a row
//!           +-------+             +-------+
//!           |       v             v       |
//!           |     +-----------------------+-+   failure, the last of the threshold    +------------------+
//!           +-----+ Closed { failures }     +---------------------------------------->| Open { until }   |
//!                 +-------------------------+                                         +------------------+
//!                    ^     success                               failure                ^             |
//!                    |                    +----------+                                  |             |
//!                    +--------------------+ HalfOpen +----------------------------------+             |
//!                                         +----------+                                                |
//!                                               ^                 trial, not before `until`           |
//!                                               +-----------------------------------------------------+
//! ```
//!
//! It saves a node from filling queues for a peer that is down with messages that are stale when it is up again.
//! Raft needs none of them: whatever is dropped here it repeats, as it would after a lost packet.
//!
//! Not here: how long to wait ([`super::backoff`]), clocks, sockets. What counts as success is the caller's decision;
//! that the peer *answered* is the right one, because a broken peer may still accept connections.

use std::num::NonZeroU32;

use crate::process::Lane;
use crate::types::LocalTime;

/// Whether a peer is worth talking to.
///
/// ```
/// use std::num::NonZeroU32;
/// use squall_raft::process::Lane;
/// use squall_raft::server::breaker::Breaker;
/// use squall_raft::types::LocalTime;
///
/// let mut breaker = Breaker::new(NonZeroU32::new(2).unwrap());
/// breaker.on_failure(LocalTime(10));
/// assert!(breaker.allows(Lane::Bulk)); // one failure is nothing special
/// breaker.on_failure(LocalTime(20));
/// assert!(!breaker.allows(Lane::Control));
/// assert!(!breaker.on_trial(LocalTime(19)));
/// assert!(breaker.on_trial(LocalTime(20)));
/// assert!(breaker.allows(Lane::Control) && !breaker.allows(Lane::Bulk));
/// breaker.on_success();
/// assert!(breaker.allows(Lane::Bulk));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breaker {
    threshold: NonZeroU32,
    state: State,
}

/// Where a [`Breaker`] stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// All is well, or not yet bad enough.
    Closed {
        /// Failures since the last success; fewer than the threshold.
        failures: u32,
    },
    /// The peer is left alone.
    Open {
        /// When the next trial is due.
        until: LocalTime,
    },
    /// One trial is under way.
    HalfOpen,
}

impl Breaker {
    /// A closed breaker that opens after so many failures in a row.
    #[must_use]
    pub const fn new(threshold: NonZeroU32) -> Self {
        Self { threshold, state: State::Closed { failures: 0 } }
    }

    /// Where it stands.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// Whether a message of this lane may be queued now.
    ///
    /// During a trial only control messages may: they are what the trial consists of, they are small, and an election
    /// need not wait for the next round to hear of a peer that is back.
    #[must_use]
    pub fn allows(&self, lane: Lane) -> bool {
        match self.state {
            State::Closed { .. } => true,
            State::HalfOpen => lane == Lane::Control,
            State::Open { .. } => false,
        }
    }

    /// When the next trial is due, if it is open.
    #[must_use]
    pub const fn deadline(&self) -> Option<LocalTime> {
        match self.state {
            State::Open { until } => Some(until),
            State::Closed { .. } | State::HalfOpen => None,
        }
    }

    /// The peer failed; if the breaker opens, the next trial is due at `retry_at`.
    ///
    /// In an open breaker nothing changes, because failures that are reported late must not put the trial off for ever.
    pub fn on_failure(&mut self, retry_at: LocalTime) {
        self.state = match self.state {
            State::Closed { failures } if failures + 1 < self.threshold.get() => State::Closed { failures: failures + 1 },
            State::Closed { .. } | State::HalfOpen => State::Open { until: retry_at },
            open @ State::Open { .. } => open,
        };
        self.check();
    }

    /// Begins a trial if the breaker is open and the trial is due; tells whether it began.
    pub fn on_trial(&mut self, now: LocalTime) -> bool {
        let due = self.deadline().is_some_and(|until| until <= now);
        if due {
            self.state = State::HalfOpen;
        }
        due
    }

    /// The peer answered: closes the breaker, whatever it was, and forgets the failures.
    pub fn on_success(&mut self) {
        self.state = State::Closed { failures: 0 };
    }

    fn check(&self) {
        if let State::Closed { failures } = self.state {
            debug_assert!(failures < self.threshold.get(), "{self:?} is closed in spite of its failures");
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Failure { wait: u64 },
        Success,
        Trial,
        Pass { time: u64 },
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0..20u64).prop_map(|wait| Step::Failure { wait }),
            1 => Just(Step::Success),
            3 => Just(Step::Trial),
            2 => (0..30u64).prop_map(|time| Step::Pass { time }),
        ]
    }

    /// The same from nothing but the history: what happened since the last success, and the trials.
    #[derive(Default)]
    struct Model {
        failures: u32,
        /// When the next trial is due, from the failure on that opened the breaker.
        due: Option<u64>,
        on_trial: bool,
    }

    impl Model {
        fn take(&mut self, step: Step, now: u64, threshold: u32) {
            match step {
                Step::Success => *self = Self::default(),
                Step::Failure { wait } => {
                    self.failures += 1;
                    let opens = self.on_trial || (self.due.is_none() && self.failures >= threshold);
                    if opens {
                        (self.due, self.on_trial) = (Some(now + wait), false);
                    }
                }
                Step::Trial => {
                    if self.due.is_some_and(|due| due <= now) {
                        (self.due, self.on_trial) = (None, true);
                    }
                }
                Step::Pass { .. } => {}
            }
        }

        fn state(&self) -> State {
            match self.due {
                Some(due) => State::Open { until: LocalTime(due) },
                None if self.on_trial => State::HalfOpen,
                None => State::Closed { failures: self.failures },
            }
        }
    }

    proptest! {
        #[test]
        fn follows_the_model_and_never_sticks(
            threshold in 1..5u32,
            steps in prop::collection::vec(step(), 0..60),
        ) {
            let mut breaker = Breaker::new(NonZeroU32::new(threshold).unwrap());
            let (mut model, mut now) = (Model::default(), 0);
            for step in steps {
                match step {
                    Step::Failure { wait } => breaker.on_failure(LocalTime(now + wait)),
                    Step::Success => breaker.on_success(),
                    Step::Trial => {
                        let due = breaker.deadline().is_some_and(|until| until.0 <= now);
                        prop_assert_eq!(breaker.on_trial(LocalTime(now)), due);
                    }
                    Step::Pass { time } => now += time,
                }
                model.take(step, now, threshold);
                prop_assert_eq!(breaker.state(), model.state());
                let (control, bulk) = (breaker.allows(Lane::Control), breaker.allows(Lane::Bulk));
                prop_assert_eq!(control, !matches!(breaker.state(), State::Open { .. }));
                prop_assert_eq!(bulk, matches!(breaker.state(), State::Closed { .. }));
                never_sticks(breaker)?;
            }
        }
    }

    /// From wherever it stands, the way back is open: a due trial begins, its success closes, its failure opens again.
    fn never_sticks(mut breaker: Breaker) -> Result<(), TestCaseError> {
        if let State::Open { until } = breaker.state() {
            let mut early = breaker;
            prop_assert!(until.0 == 0 || !early.on_trial(LocalTime(until.0 - 1)));
            prop_assert!(breaker.on_trial(until));
        }
        if breaker.state() == State::HalfOpen {
            prop_assert!(!breaker.on_trial(LocalTime(u64::MAX)), "one trial at a time");
            let mut fails = breaker;
            fails.on_failure(LocalTime(u64::MAX));
            prop_assert_eq!(fails.state(), State::Open { until: LocalTime(u64::MAX) });
            breaker.on_success();
            prop_assert_eq!(breaker.state(), State::Closed { failures: 0 });
        }
        Ok(())
    }

    #[test]
    fn late_failures_do_not_put_the_trial_off() {
        let mut breaker = Breaker::new(NonZeroU32::MIN);
        breaker.on_failure(LocalTime(10));
        breaker.on_failure(LocalTime(u64::MAX));
        assert_eq!(breaker.deadline(), Some(LocalTime(10)));
        assert!(breaker.on_trial(LocalTime(10)));
    }

    #[test]
    fn counts_failures_in_a_row_only() {
        let mut breaker = Breaker::new(NonZeroU32::new(3).unwrap());
        for _ in 0..100 {
            breaker.on_failure(LocalTime(1));
            breaker.on_failure(LocalTime(1));
            assert_eq!(breaker.state(), State::Closed { failures: 2 });
            breaker.on_success();
        }
        (0..3).for_each(|_| breaker.on_failure(LocalTime(1)));
        assert_eq!(breaker.state(), State::Open { until: LocalTime(1) });
    }
}
