//! What every judge answers with: the property that was violated, one sentence, and the
//! events that led there.
//!
//! Not here: how anything is judged. Read next: [`crate::raft`], [`crate::liveness`].

use std::fmt;

/// What a judge says: nothing, or what is wrong.
pub type Verdict = Result<(), Box<Violation>>;

/// What can be violated. The names are stable: recorded seeds and scenario files use them.
///
/// ```
/// use squall_checkers::violation::Property;
///
/// assert_eq!(Property::LogMatching.name(), "log-matching");
/// assert_eq!(Property::from_name("log-matching"), Some(Property::LogMatching));
/// assert_eq!(Property::from_name("Log Matching"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Property {
    /// At most one leader per term, at most one vote per node and term (paper, §5.2).
    ElectionSafety,
    /// A leader never overwrites or deletes entries of its log (§5.3).
    LeaderAppendOnly,
    /// Two logs with an entry of the same index and term are equal up to it (§5.3).
    LogMatching,
    /// What was committed is in the log of every leader of a later term (§5.4).
    LeaderCompleteness,
    /// No two nodes commit or apply different things at one index (§5.4.3).
    StateMachineSafety,
    /// What was promised to others survives a crash.
    AcknowledgedDurable,
    /// Term, commit index and applied index only rise, and stay behind each other.
    Monotone,
    /// A node gives up only if its disk gave it a reason, and says what it has lost.
    Recoverability,
    /// A session's command takes effect once.
    ExactlyOnce,
    /// Streams deliver each message at most once, unchanged and in the order of its lane.
    Transport,
    /// Nothing that waits for a peer grows beyond its limit.
    Bounded,
    /// The clients' history has an order that respects real time and the model.
    Linearizability,
    /// A healed cluster makes progress.
    Liveness,
    /// A run did something else than its scenario expects.
    Expect,
    /// The system under test panicked.
    Panic,
    /// Two runs of one seed differ.
    Nondeterminism,
    /// A run does not advance, or exceeds its budget of events.
    Stuck,
    /// A judge reached its limit before it knew.
    GaveUp,
}

impl Property {
    /// Every property, in the order of their declaration.
    pub const ALL: [Self; 18] = [
        Self::ElectionSafety,
        Self::LeaderAppendOnly,
        Self::LogMatching,
        Self::LeaderCompleteness,
        Self::StateMachineSafety,
        Self::AcknowledgedDurable,
        Self::Monotone,
        Self::Recoverability,
        Self::ExactlyOnce,
        Self::Transport,
        Self::Bounded,
        Self::Linearizability,
        Self::Liveness,
        Self::Expect,
        Self::Panic,
        Self::Nondeterminism,
        Self::Stuck,
        Self::GaveUp,
    ];

    /// The stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ElectionSafety => "election-safety",
            Self::LeaderAppendOnly => "leader-append-only",
            Self::LogMatching => "log-matching",
            Self::LeaderCompleteness => "leader-completeness",
            Self::StateMachineSafety => "state-machine-safety",
            Self::AcknowledgedDurable => "acknowledged-durable",
            Self::Monotone => "monotone",
            Self::Recoverability => "recoverability",
            Self::ExactlyOnce => "exactly-once",
            Self::Transport => "transport",
            Self::Bounded => "bounded",
            Self::Linearizability => "linearizability",
            Self::Liveness => "liveness",
            Self::Expect => "expect",
            Self::Panic => "panic",
            Self::Nondeterminism => "nondeterminism",
            Self::Stuck => "stuck",
            Self::GaveUp => "gave-up",
        }
    }

    /// The property of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|property| property.name() == name)
    }
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a judge needs of those who observe a system for it. Not every place where a system runs can give all of it.
///
/// ```
/// use squall_checkers::violation::{Need, Property};
///
/// assert_eq!(Property::Linearizability.needs(), [Need::ClientHistory]);
/// assert!(Property::Panic.needs().is_empty(), "no judge is asked about it");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// One order of what happened on all nodes, in which a cause comes before its effect.
    GlobalOrder,
    /// What each disk has promised, at the moment in which it promised it.
    GhostDisks,
    /// What happened on each node, in order; nothing across nodes.
    NodeOrder,
    /// What each client asked, when, and what it was answered.
    ClientHistory,
    /// What was handed to a stream, what came out at its other end, and what waited for it.
    Streams,
}

impl Need {
    /// Every need.
    pub const ALL: [Self; 5] = [Self::GlobalOrder, Self::GhostDisks, Self::NodeOrder, Self::ClientHistory, Self::Streams];
}

impl Property {
    /// What its judge needs. Empty for what no judge decides: it shows without being looked for.
    #[must_use]
    pub const fn needs(self) -> &'static [Need] {
        match self {
            Self::ElectionSafety | Self::LeaderAppendOnly | Self::LogMatching | Self::Monotone | Self::ExactlyOnce => {
                &[Need::NodeOrder]
            }
            // What is committed is fixed by whoever commits it first.
            Self::LeaderCompleteness | Self::StateMachineSafety => &[Need::NodeOrder, Need::GlobalOrder],
            // Something left before it was durable: on this disk, or on a quorum of them.
            Self::AcknowledgedDurable => &[Need::NodeOrder, Need::GlobalOrder, Need::GhostDisks],
            // A disk that still holds all that it has promised is no reason to give up.
            Self::Recoverability => &[Need::NodeOrder, Need::GhostDisks],
            Self::Transport | Self::Bounded => &[Need::Streams],
            Self::Linearizability => &[Need::ClientHistory],
            Self::Liveness => &[Need::NodeOrder, Need::ClientHistory],
            Self::Expect | Self::Panic | Self::Nondeterminism | Self::Stuck | Self::GaveUp => &[],
        }
    }

    /// The properties that have a judge: those that run where this much is provided, and those that cannot.
    #[must_use]
    pub fn judged_by(provided: &[Need]) -> (Vec<Self>, Vec<Self>) {
        let judged = Self::ALL.into_iter().filter(|property| !property.needs().is_empty());
        judged.partition(|property| property.needs().iter().all(|need| provided.contains(need)))
    }
}

/// One event that led to a violation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The number under which it was observed.
    pub event: u64,
    /// When it was observed.
    pub at_ns: u64,
    /// The node that it happened on.
    pub node: u64,
    /// What happened, in words.
    pub what: String,
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "event {} at {} ns: {}", self.event, self.at_ns, self.what)
    }
}

/// A property that does not hold, with the evidence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{property}: {message}")]
pub struct Violation {
    /// Which property.
    pub property: Property,
    /// One sentence that names nodes, terms, indexes and both values.
    pub message: String,
    /// The events that led there, oldest first; the last is the one that was judged.
    pub evidence: Vec<Evidence>,
}

impl Violation {
    /// A violation without events.
    #[must_use]
    pub fn new(property: Property, message: String) -> Box<Self> {
        Box::new(Self { property, message, evidence: Vec::new() })
    }

    /// Adds an event, and keeps them in the order in which they happened.
    #[must_use]
    pub fn because(mut self: Box<Self>, evidence: impl IntoIterator<Item = Evidence>) -> Box<Self> {
        self.evidence.extend(evidence);
        self.evidence.sort_by_key(|evidence| evidence.event);
        self.evidence.dedup();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_provided_leaves_out_whoever_needs_it() {
        let (ran, not_run) = Property::judged_by(&Need::ALL);
        assert_eq!((ran.len(), not_run), (13, Vec::new()));
        for need in Need::ALL {
            let provided: Vec<Need> = Need::ALL.into_iter().filter(|other| *other != need).collect();
            let (ran, not_run) = Property::judged_by(&provided);
            assert!(!not_run.is_empty() && not_run.iter().all(|property| property.needs().contains(&need)), "{need:?}");
            assert!(ran.iter().all(|property| !property.needs().contains(&need)), "{need:?}");
            assert_eq!(ran.len() + not_run.len(), 13);
        }
        assert_eq!(Property::judged_by(&[Need::ClientHistory]).0, [Property::Linearizability]);
        assert!(Property::judged_by(&[]).0.is_empty());
    }

    #[test]
    fn every_name_leads_back_to_its_property_and_is_kebab_case() {
        for property in Property::ALL {
            assert_eq!(Property::from_name(property.name()), Some(property));
            assert!(property.name().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{property}");
        }
    }
}
