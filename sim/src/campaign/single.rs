//! One seed, judged: runs a plan, catches panics, and gathers evidence of a failure.
//!
//! The evidence (tape, last events) comes from a second run: the first one is fast and
//! keeps nothing. If the two differ, that is the failure. Not here: many seeds
//! ([`super::sweep`]).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use squall_checkers::violation::{Property, Violation};
use squall_raft::node::Node;

use super::determinism;
use super::verdict::{self, Failure, Verdict};
use crate::plan::Plan;
use crate::run::finish::Outcome;
use crate::run::settings::SettingsError;
use crate::run::subject::Subject;
use crate::run::tape::{Line, Recorder};
use crate::run::{Options, Run};
use crate::world::Observer;

/// How to run a seed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct How {
    /// Checkers and limits.
    pub options: Options,
    /// Run it twice, side by side, and compare event by event.
    pub twice: bool,
    /// The planted bug that is active in every node.
    #[cfg(feature = "mutants")]
    pub bug: Option<squall_raft::mutants::Bug>,
}

/// A seed with its verdict.
#[derive(Clone, Debug)]
pub struct Judged {
    /// What was run.
    pub plan: Arc<Plan>,
    /// What came of it; `None` after a panic.
    pub outcome: Option<Outcome>,
    /// What went wrong against what the scenario expects.
    pub failure: Option<Failure>,
    /// What chance decided; only of a failure.
    pub tape: Vec<Line>,
    /// Tape lines beyond the limit.
    pub tape_dropped: u64,
    /// The last events; only of a failure.
    pub last_events: Vec<String>,
}

impl Judged {
    /// The word for it.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.failure.as_ref().map_or(Verdict::Pass, |failure| failure.verdict)
    }
}

/// Builds a run of a plan.
///
/// # Errors
/// If the engine refuses the plan's settings.
pub fn start<S: Subject>(
    plan: &Arc<Plan>,
    subject: &S,
    how: How,
    observer: &mut impl Observer<Node<S::Machine>>,
) -> Result<Run<S>, SettingsError> {
    let change = |_: u64, config: &mut squall_raft::config::Config| {
        #[cfg(feature = "mutants")]
        {
            config.bug = how.bug;
        }
        let _ = config;
    };
    Run::with_engine(Arc::clone(plan), subject.clone(), how.options, change, observer)
}

/// Runs a plan and judges it. A panic in the system under test is a verdict, not an end.
///
/// # Errors
/// If the engine refuses the plan's settings.
pub fn judge<S: Subject>(plan: Arc<Plan>, subject: &S, how: How) -> Result<Judged, SettingsError> {
    let ran = attempt(&plan, subject, how, &mut ())?;
    let violation = match &ran {
        Ok(outcome) => outcome.violation.clone(),
        Err(panic) => Some(Violation::new(Property::Panic, panic.clone())),
    };
    let failure = verdict::against(&plan.expect, violation.as_deref());
    let mut judged = Judged { plan, outcome: ran.ok(), failure, tape: Vec::new(), tape_dropped: 0, last_events: Vec::new() };
    if judged.failure.is_some() {
        gather(&mut judged, subject, how)?;
    } else if how.twice {
        compare(&mut judged, subject, how)?;
    }
    Ok(judged)
}

/// Runs to the end, or to a panic, which is returned as its message.
fn attempt<S: Subject>(
    plan: &Arc<Plan>,
    subject: &S,
    how: How,
    observer: &mut impl Observer<Node<S::Machine>>,
) -> Result<Result<Outcome, String>, SettingsError> {
    // What a panic leaves half changed (the world, the run) is dropped unread.
    let caught = catch_unwind(AssertUnwindSafe(|| Ok(start(plan, subject, how, observer)?.finish(observer))));
    match caught {
        Ok(outcome) => outcome.map(Ok),
        Err(_) => Ok(Err(super::panics::take())),
    }
}

/// Runs a failing plan again to write its tape.
fn gather<S: Subject>(judged: &mut Judged, subject: &S, how: How) -> Result<(), SettingsError> {
    let mut recorder = Recorder::default();
    let again = attempt(&judged.plan, subject, how, &mut recorder)?;
    let same = match (&judged.outcome, &again) {
        (Some(first), Ok(second)) => first.hash == second.hash,
        (None, Err(_)) => true,
        _ => false,
    };
    judged.tape = recorder.lines().to_vec();
    judged.tape_dropped = recorder.dropped();
    judged.last_events = recorder.last_events().map(str::to_owned).collect();
    if same { Ok(()) } else { compare(judged, subject, how) }
}

/// Runs a plan twice, side by side; a difference replaces whatever else was found.
fn compare<S: Subject>(judged: &mut Judged, subject: &S, how: How) -> Result<(), SettingsError> {
    let compared = catch_unwind(AssertUnwindSafe(|| determinism::compare(&judged.plan, subject, how)));
    let Ok(difference) = compared else {
        return Ok(()); // A panic that comes and goes was judged as a panic already.
    };
    if let Some(difference) = difference? {
        judged.last_events.clone_from(&difference.events);
        judged.failure = Some(Failure {
            verdict: Verdict::Nondeterminism,
            property: Property::Nondeterminism,
            message: difference.to_string(),
            evidence: Vec::new(),
        });
    }
    Ok(())
}
