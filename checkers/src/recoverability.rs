//! Recoverability: a node gives up only if its disk gave it a reason, and whoever comes back says what it has lost.
//!
//! Judged from two images of a disk: what was *promised* (a sync answered Ok for it), and what its *media* hold (what a
//! process finds there now). A node that gives up although nothing ever went wrong with its disk has thrown a replica
//! away; one that comes up without what its media lost, and does not say so, serves what is not there.
//!
//! A pure judge of facts. Not here: whether what was acknowledged had been promised ([`crate::raft`]).

use crate::violation::{Property, Verdict, Violation};

/// A node ended itself.
///
/// ```
/// use squall_checkers::recoverability::GaveUp;
///
/// let reason = "a disk operation failed".to_owned();
/// assert!(GaveUp { node: 1, at_ns: 7, reason: reason.clone(), touched: true, intact: true }.judge().is_ok());
/// assert!(GaveUp { node: 1, at_ns: 7, reason: reason.clone(), touched: false, intact: false }.judge().is_ok());
/// assert_eq!(
///     GaveUp { node: 1, at_ns: 7, reason, touched: false, intact: true }.judge().unwrap_err().message,
///     "node 1 gave up at 7 ns (a disk operation failed), although no operation of its disk went wrong since it \
///      started, and its media hold all that was promised",
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GaveUp {
    /// Which node.
    pub node: u64,
    /// When.
    pub at_ns: u64,
    /// What it said.
    pub reason: String,
    /// Whether an operation of its disk went wrong in this boot: it failed, lied, or hit another place.
    pub touched: bool,
    /// Whether its media hold all that was promised, as it was.
    pub intact: bool,
}

impl GaveUp {
    /// Whether it had a reason.
    ///
    /// # Errors
    /// A violation of [`Property::Recoverability`].
    pub fn judge(&self) -> Verdict {
        let Self { node, at_ns, reason, touched, intact } = self;
        if *touched || !*intact {
            return Ok(());
        }
        Err(Violation::new(
            Property::Recoverability,
            format!(
                "node {node} gave up at {at_ns} ns ({reason}), although no operation of its disk went wrong since it \
                 started, and its media hold all that was promised"
            ),
        ))
    }
}

/// A node came up with a log that nobody has written so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CameBack {
    /// Which node.
    pub node: u64,
    /// When.
    pub at_ns: u64,
    /// Where its log ends.
    pub last_index: u64,
    /// Up to where its disk had promised it.
    pub promised_index: u64,
    /// How many entries it says are damaged.
    pub damaged: u64,
}

impl CameBack {
    /// Whether it says that something is missing.
    ///
    /// # Errors
    /// A violation of [`Property::Recoverability`].
    pub fn judge(&self) -> Verdict {
        let Self { node, at_ns, last_index, promised_index, damaged } = self;
        if *damaged > 0 {
            return Ok(());
        }
        Err(Violation::new(
            Property::Recoverability,
            format!(
                "node {node} came up at {at_ns} ns with a log up to index {last_index} that nobody has written so; its disk \
                 had promised it up to index {promised_index}, and the node reports nothing as damaged"
            ),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_reason_excuses_who_gives_up() {
        for (touched, intact, holds) in [(true, true, true), (false, false, true), (true, false, true), (false, true, false)] {
            let gave_up = GaveUp { node: 3, at_ns: 5, reason: "tired".into(), touched, intact };
            assert_eq!(gave_up.judge().is_ok(), holds, "{gave_up:?}");
        }
    }

    #[test]
    fn a_loss_that_is_told_is_no_violation() {
        let came_back = CameBack { node: 2, at_ns: 9, last_index: 7, promised_index: 7, damaged: 1 };
        assert!(came_back.judge().is_ok());
        let silent = CameBack { damaged: 0, ..came_back };
        assert_eq!(silent.judge().map_err(|violation| violation.property), Err(Property::Recoverability));
    }
}
