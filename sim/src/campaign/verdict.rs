//! What a run or a scenario came to, in one word, with its exit code.

use serde::{Serialize, Serializer};
use squall_checkers::violation::{Property, Violation};

use crate::scenario::Expect;

/// One word for what happened. Ordered by what a campaign reports first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Two runs of one seed differ.
    Nondeterminism,
    /// The system under test panicked.
    Panic,
    /// A safety property is violated.
    Safety,
    /// A run did not advance, or exceeded its budget.
    Stuck,
    /// A healed cluster did not make progress.
    Liveness,
    /// A checker reached its limit before it knew.
    GaveUp,
    /// A situation that the scenario is about never came up.
    Vacuous,
    /// As expected.
    Pass,
}

impl Verdict {
    /// The exit code.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Safety => 10,
            Self::Liveness => 11,
            Self::Panic => 12,
            Self::Nondeterminism => 13,
            Self::GaveUp => 14,
            Self::Vacuous => 15,
            Self::Stuck => 16,
        }
    }

    /// The word in tables and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Safety => "safety",
            Self::Liveness => "liveness",
            Self::Panic => "panic",
            Self::Nondeterminism => "nondeterminism",
            Self::GaveUp => "gave_up",
            Self::Stuck => "stuck",
            Self::Vacuous => "vacuous",
        }
    }

    /// What the violation of a property amounts to.
    #[must_use]
    pub const fn of(property: Property) -> Self {
        match property {
            Property::Liveness => Self::Liveness,
            Property::Panic => Self::Panic,
            Property::Nondeterminism => Self::Nondeterminism,
            Property::Stuck => Self::Stuck,
            Property::GaveUp => Self::GaveUp,
            _ => Self::Safety,
        }
    }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A run's failure: what it is called, and what the exit code says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The word for it.
    pub verdict: Verdict,
    /// The property, [`Property::Expect`] if the run did something else than its file says.
    pub property: Property,
    /// One sentence.
    pub message: String,
    /// The events that led there.
    pub evidence: Vec<String>,
}

/// Holds what a run did against what its scenario expects; `None` if it did just that.
#[must_use]
pub fn against(expect: &Expect, did: Option<&Violation>) -> Option<Failure> {
    let as_expected = match (expect, did) {
        (Expect::Pass, None) => true,
        (Expect::Violates(wanted), Some(violation)) => wanted.name() == violation.property.name(),
        (Expect::Stalls, Some(violation)) => violation.property == Property::Liveness,
        _ => false,
    };
    if as_expected {
        return None;
    }
    let evidence = did.map(|violation| violation.evidence.iter().map(ToString::to_string).collect()).unwrap_or_default();
    let (wanted, verdict) = match expect {
        Expect::Pass => {
            let violation = did?;
            let message = violation.message.clone();
            return Some(Failure { verdict: Verdict::of(violation.property), property: violation.property, message, evidence });
        }
        Expect::Violates(wanted) => {
            (format!("a violation of {wanted}"), did.map_or(Verdict::Safety, |violation| Verdict::of(violation.property)))
        }
        Expect::Stalls => ("a stall".to_owned(), Verdict::Liveness),
    };
    let found = did.map_or("a run that passed".to_owned(), |violation| format!("a violation of {violation}"));
    Some(Failure { verdict, property: Property::Expect, message: format!("found {found}, expected {wanted}"), evidence })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_expects_decides_what_a_failure_is() {
        let property = |name| crate::scenario::Property::from_name(name).expect("a known name");
        let safety = Violation::new(Property::LogMatching, "two logs differ".into());
        let stall = Violation::new(Property::Liveness, "no leader".into());
        let violates = Expect::Violates(property("log-matching"));
        let cases = [
            (Expect::Pass, None, None),
            (Expect::Pass, Some(&safety), Some((10, Property::LogMatching))),
            (Expect::Pass, Some(&stall), Some((11, Property::Liveness))),
            (violates.clone(), Some(&safety), None),
            (violates.clone(), Some(&stall), Some((11, Property::Expect))),
            (violates, None, Some((10, Property::Expect))),
            (Expect::Stalls, Some(&stall), None),
            (Expect::Stalls, Some(&safety), Some((11, Property::Expect))),
            (Expect::Stalls, None, Some((11, Property::Expect))),
        ];
        for (expect, did, wanted) in cases {
            let failure = against(&expect, did.map(|violation| &**violation));
            assert_eq!(failure.map(|failure| (failure.verdict.code(), failure.property)), wanted, "{expect:?} {did:?}");
        }
    }

    #[test]
    fn the_first_present_verdict_is_the_campaigns() {
        let codes: Vec<u8> = [
            Verdict::Nondeterminism,
            Verdict::Panic,
            Verdict::Safety,
            Verdict::Stuck,
            Verdict::Liveness,
            Verdict::GaveUp,
            Verdict::Vacuous,
            Verdict::Pass,
        ]
        .iter()
        .map(|verdict| verdict.code())
        .collect();
        assert_eq!(codes, [13, 12, 10, 16, 11, 14, 15, 0]);
        assert!(Verdict::Panic < Verdict::Safety && Verdict::Vacuous < Verdict::Pass);
    }
}
