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
    /// Faults that stay left no core that could have made progress: no failure, and no pass. Said of more than one run
    /// only if none of them passed.
    Unavailable,
}

impl Verdict {
    /// The exit code.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Pass | Self::Unavailable => 0,
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
            Self::Unavailable => "unavailable",
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

/// What a run did.
#[derive(Clone, Copy, Debug)]
pub enum Did<'a> {
    /// It passed.
    Nothing,
    /// It had no core from which progress could be demanded; nothing is violated.
    Unavailable,
    /// It violated this.
    Violated(&'a Violation),
}

/// Holds what a run did against what its scenario expects; `None` if it did just that.
///
/// Not to be available is no failure where a run should pass, either: it does not get the chance.
#[must_use]
pub fn against(expect: &Expect, did: Did<'_>) -> Option<Failure> {
    let (wanted, otherwise) = match (expect, did) {
        (Expect::Pass, Did::Nothing | Did::Unavailable)
        | (Expect::Progresses, Did::Nothing)
        | (Expect::Unavailable, Did::Unavailable) => return None,
        (Expect::Violates(wanted), Did::Violated(found)) if wanted.name() == found.property.name() => return None,
        (Expect::Stalls, Did::Violated(found)) if found.property == Property::Liveness => return None,
        (Expect::Pass | Expect::Progresses, Did::Violated(found)) => {
            let (property, message) = (found.property, found.message.clone());
            return Some(Failure { verdict: Verdict::of(property), property, message, evidence: evidence(did) });
        }
        (Expect::Violates(wanted), _) => (format!("a violation of {wanted}"), Verdict::Safety),
        (Expect::Stalls, _) => ("a stall".to_owned(), Verdict::Liveness),
        (Expect::Progresses, _) => ("progress".to_owned(), Verdict::Liveness),
        (Expect::Unavailable, _) => ("a run without a core".to_owned(), Verdict::Liveness),
    };
    let (found, verdict) = match (did, expect) {
        (Did::Nothing, _) => ("a run that passed".to_owned(), otherwise),
        (Did::Unavailable, _) => ("a run without a core".to_owned(), otherwise),
        (Did::Violated(violation), Expect::Stalls) => (format!("a violation of {violation}"), otherwise),
        (Did::Violated(violation), _) => (format!("a violation of {violation}"), Verdict::of(violation.property)),
    };
    let message = format!("found {found}, expected {wanted}");
    Some(Failure { verdict, property: Property::Expect, message, evidence: evidence(did) })
}

fn evidence(did: Did<'_>) -> Vec<String> {
    match did {
        Did::Violated(violation) => violation.evidence.iter().map(ToString::to_string).collect(),
        Did::Nothing | Did::Unavailable => Vec::new(),
    }
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
        let (safety, stall) = (Did::Violated(&safety), Did::Violated(&stall));
        let cases = [
            (Expect::Pass, Did::Nothing, None),
            (Expect::Pass, Did::Unavailable, None),
            (Expect::Pass, safety, Some((10, Property::LogMatching))),
            (Expect::Pass, stall, Some((11, Property::Liveness))),
            (violates.clone(), safety, None),
            (violates.clone(), stall, Some((11, Property::Expect))),
            (violates.clone(), Did::Unavailable, Some((10, Property::Expect))),
            (violates, Did::Nothing, Some((10, Property::Expect))),
            (Expect::Stalls, stall, None),
            (Expect::Stalls, safety, Some((11, Property::Expect))),
            (Expect::Stalls, Did::Nothing, Some((11, Property::Expect))),
            (Expect::Progresses, Did::Nothing, None),
            (Expect::Progresses, stall, Some((11, Property::Liveness))),
            (Expect::Progresses, Did::Unavailable, Some((11, Property::Expect))),
            (Expect::Unavailable, Did::Unavailable, None),
            (Expect::Unavailable, Did::Nothing, Some((11, Property::Expect))),
            (Expect::Unavailable, safety, Some((10, Property::Expect))),
        ];
        for (expect, did, wanted) in cases {
            let failure = against(&expect, did);
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
            Verdict::Unavailable,
        ]
        .iter()
        .map(|verdict| verdict.code())
        .collect();
        assert_eq!(codes, [13, 12, 10, 16, 11, 14, 15, 0, 0]);
        assert!(Verdict::Panic < Verdict::Safety && Verdict::Vacuous < Verdict::Pass);
    }
}
