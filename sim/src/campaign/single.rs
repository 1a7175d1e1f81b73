//! One seed, judged: runs a plan in an arena, catches panics, and gathers evidence of a failure.
//!
//! The evidence (tape, last events) comes from a second run: the first one is fast and keeps nothing. If the two
//! differ, that is the failure. This is where an arena's name becomes its type (`attempt`). Not here: many seeds
//! ([`super::sweep`]).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use squall_checkers::violation::{Property, Violation};
use squall_raft::node::Node;

use super::apart::{self, Ended};
use super::sweep::cpu_ns;
use super::verdict::{self, Did, Failure, Verdict};
use super::{determinism, panics};
use crate::arena::{Arena, ArenaKind};
use crate::plan::Plan;
use crate::run::finish::Outcome;
use crate::run::settings::SettingsError;
use crate::run::subject::Subject;
use crate::run::tape::{Line, Recorder};
use crate::run::{Options, Run};
use crate::scenario::Expect;
use crate::world::{Observer, World};

/// What is said of a difference that does not show again.
const ELUSIVE: &str = "two runs of one seed differ, and two more that were compared event by event do not";

/// How to run a seed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct How {
    /// Where.
    pub arena: ArenaKind,
    /// Checkers and limits.
    pub options: Options,
    /// Run it twice and compare, event by event if need be.
    pub twice: bool,
    /// Give each run a thread of its own and a limit of wall time; so it is anyway in every arena but the world.
    pub apart: bool,
    /// The planted bug that is active in every node.
    #[cfg(feature = "mutants")]
    pub bug: Option<squall_raft::mutants::Bug>,
}

impl How {
    /// Whether each run has a thread of its own.
    const fn is_apart(self) -> bool {
        self.apart || !matches!(self.arena, ArenaKind::World)
    }
}

/// A seed with its verdict.
#[derive(Clone, Debug)]
pub struct Judged {
    /// What was run.
    pub plan: Arc<Plan>,
    /// Where it was run.
    pub arena: ArenaKind,
    /// What came of it; `None` after a panic, or if it never ended.
    pub outcome: Option<Outcome>,
    /// What went wrong against what the scenario expects.
    pub failure: Option<Failure>,
    /// What chance decided; only of a failure.
    pub tape: Vec<Line>,
    /// Tape lines beyond the limit.
    pub tape_dropped: u64,
    /// The last events; only of a failure.
    pub last_events: Vec<String>,
    /// CPU time of threads that its runs had for themselves.
    pub cpu_ns_apart: u64,
}

impl Judged {
    /// The word for it.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let unavailable = self.outcome.as_ref().is_some_and(|outcome| outcome.unavailable);
        match &self.failure {
            Some(failure) => failure.verdict,
            None if unavailable && self.plan.expect != Expect::Unavailable => Verdict::Unavailable,
            None => Verdict::Pass,
        }
    }

    /// Two runs differ, whatever else they came to.
    fn differs(&mut self, message: String) {
        let (verdict, property) = (Verdict::Nondeterminism, Property::Nondeterminism);
        self.failure = Some(Failure { verdict, property, message, evidence: Vec::new() });
    }
}

/// Builds a run of a plan in a [`World`].
///
/// # Errors
/// If the engine refuses the plan's settings.
pub fn start<S: Subject>(
    plan: &Arc<Plan>,
    subject: &S,
    how: How,
    observer: &mut impl Observer<Node<S::Machine>>,
) -> Result<Run<S>, SettingsError> {
    start_in(plan, subject, how, observer)
}

/// Builds a run of a plan in an arena of any type; the kind that `how` names is not looked at.
///
/// # Errors
/// If the engine refuses the plan's settings.
pub fn start_in<S: Subject, A: Arena<Node<S::Machine>>>(
    plan: &Arc<Plan>,
    subject: &S,
    how: How,
    observer: &mut impl Observer<Node<S::Machine>>,
) -> Result<Run<S, A>, SettingsError> {
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
/// If the engine refuses the plan's settings, or this build does not have the arena.
pub fn judge<S: Subject>(plan: Arc<Plan>, subject: &S, how: How) -> Result<Judged, SettingsError> {
    let Attempt { came_to, cpu_ns_apart, .. } = attempt(&plan, subject, how, ())?;
    let violation = came_to.violation();
    let did = match &violation {
        Some(violation) => Did::Violated(violation),
        None if came_to.is_unavailable() => Did::Unavailable,
        None => Did::Nothing,
    };
    let failure = verdict::against(&plan.expect, did);
    let goes_on = matches!(came_to, CameTo::Nothing);
    let mut judged = Judged {
        plan,
        arena: how.arena,
        outcome: came_to.outcome(),
        failure,
        tape: Vec::new(),
        tape_dropped: 0,
        last_events: Vec::new(),
        cpu_ns_apart,
    };
    if goes_on {
        return Ok(judged); // As the next one would.
    }
    if judged.failure.is_some() {
        gather(&mut judged, subject, how)?;
    } else if how.twice {
        again(&mut judged, subject, how)?;
    }
    Ok(judged)
}

/// Runs a plan for an observer, which is given back; `None` if the run never ended. Nothing is judged.
///
/// # Errors
/// If the engine refuses the plan's settings, or this build does not have the arena.
pub fn watch<S: Subject, O>(plan: &Arc<Plan>, subject: &S, how: How, observer: O) -> Result<Option<O>, SettingsError>
where
    O: Observer<Node<S::Machine>> + Send + 'static,
{
    Ok(attempt(plan, subject, how, observer)?.observer)
}

/// A run to its end.
struct Attempt<O> {
    came_to: CameTo,
    /// None if the run goes on with it.
    observer: Option<O>,
    cpu_ns_apart: u64,
}

enum CameTo {
    /// Its end.
    Outcome(Box<Outcome>),
    /// A panic, and what it said.
    Panic(String),
    /// Nothing, for as long as anybody waited.
    Nothing,
}

impl CameTo {
    fn violation(&self) -> Option<Box<Violation>> {
        match self {
            Self::Outcome(outcome) => outcome.violation.clone(),
            Self::Panic(said) => Some(Violation::new(Property::Panic, said.clone())),
            Self::Nothing => {
                let message = format!("the run did not end within {} s of wall time", apart::LIMIT.as_secs());
                Some(Violation::new(Property::Stuck, message))
            }
        }
    }

    fn is_unavailable(&self) -> bool {
        matches!(self, Self::Outcome(outcome) if outcome.unavailable)
    }

    fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Outcome(outcome) => Some(*outcome),
            Self::Panic(_) | Self::Nothing => None,
        }
    }

    /// Whether an earlier attempt came to the same; it panicked if it has no outcome.
    fn is_alike(&self, first: Option<&Outcome>) -> bool {
        match (first, self) {
            (Some(first), Self::Outcome(second)) => first.hash == second.hash && first.events == second.events,
            (None, Self::Panic(_)) => true,
            _ => false,
        }
    }
}

/// Runs to the end in the arena that is asked for.
fn attempt<S: Subject, O>(plan: &Arc<Plan>, subject: &S, how: How, observer: O) -> Result<Attempt<O>, SettingsError>
where
    O: Observer<Node<S::Machine>> + Send + 'static,
{
    how.arena.built()?;
    match how.arena {
        ArenaKind::World if how.apart => attempt_apart::<S, World<_>, O>(plan, subject, how, observer),
        ArenaKind::World => attempt_here::<S, World<_>, O>(plan, subject, how, observer),
        #[cfg(madsim)]
        ArenaKind::Madsim => attempt_apart::<S, crate::arena::madsim::Madsim<_>, O>(plan, subject, how, observer),
        #[cfg(not(madsim))]
        ArenaKind::Madsim => Err(crate::arena::NotBuilt(how.arena).into()),
    }
}

/// As [`attempt_here`], on a fresh thread and under the watchdog.
fn attempt_apart<S, A, O>(plan: &Arc<Plan>, subject: &S, how: How, observer: O) -> Result<Attempt<O>, SettingsError>
where
    S: Subject,
    A: Arena<Node<S::Machine>>,
    O: Observer<Node<S::Machine>> + Send + 'static,
{
    let (plan, subject) = (Arc::clone(plan), subject.clone());
    let ended = apart::apart(apart::LIMIT, move || {
        let attempt = attempt_here::<S, A, O>(&plan, &subject, how, observer)?;
        Ok(Attempt { cpu_ns_apart: cpu_ns(), ..attempt })
    });
    match ended {
        Ended::Done(attempt) => attempt,
        Ended::Vanished => {
            let said = "the thread of the run ended without a result".to_owned();
            Ok(Attempt { came_to: CameTo::Panic(said), observer: None, cpu_ns_apart: 0 })
        }
        Ended::Left => Ok(Attempt { came_to: CameTo::Nothing, observer: None, cpu_ns_apart: 0 }),
    }
}

/// Runs to the end, or to a panic, on this thread.
fn attempt_here<S, A, O>(plan: &Arc<Plan>, subject: &S, how: How, mut observer: O) -> Result<Attempt<O>, SettingsError>
where
    S: Subject,
    A: Arena<Node<S::Machine>>,
    O: Observer<Node<S::Machine>>,
{
    // What a panic leaves half changed (the arena, the run) is dropped unread.
    let caught = catch_unwind(AssertUnwindSafe(|| {
        Ok::<_, SettingsError>(start_in::<S, A>(plan, subject, how, &mut observer)?.finish(&mut observer))
    }));
    let came_to = match caught {
        Ok(outcome) => CameTo::Outcome(Box::new(outcome?)),
        Err(_) => CameTo::Panic(panics::take()),
    };
    Ok(Attempt { came_to, observer: Some(observer), cpu_ns_apart: 0 })
}

/// Runs a failing plan again to write its tape.
fn gather<S: Subject>(judged: &mut Judged, subject: &S, how: How) -> Result<(), SettingsError> {
    let Attempt { came_to, observer, cpu_ns_apart } = attempt(&judged.plan, subject, how, Recorder::default())?;
    judged.cpu_ns_apart += cpu_ns_apart;
    if let Some(recorder) = observer {
        judged.tape = recorder.lines().to_vec();
        judged.tape_dropped = recorder.dropped();
        judged.last_events = recorder.last_events().map(str::to_owned).collect();
    }
    if came_to.is_alike(judged.outcome.as_ref()) { Ok(()) } else { compare(judged, subject, how) }
}

/// Runs a plan once more and compares the ends.
fn again<S: Subject>(judged: &mut Judged, subject: &S, how: How) -> Result<(), SettingsError> {
    let Attempt { came_to, cpu_ns_apart, .. } = attempt(&judged.plan, subject, how, ())?;
    judged.cpu_ns_apart += cpu_ns_apart;
    if came_to.is_alike(judged.outcome.as_ref()) { Ok(()) } else { compare(judged, subject, how) }
}

/// Two runs of a plan came to different ends: runs it twice more, side by side, to see where they part.
/// The difference replaces whatever else was found.
fn compare<S: Subject>(judged: &mut Judged, subject: &S, how: How) -> Result<(), SettingsError> {
    // Two that have a thread each cannot be led step by step.
    let difference = if how.is_apart() {
        let (plan, subject) = (Arc::clone(&judged.plan), subject.clone());
        determinism::compare_apart(move |lines| drop(watch(&plan, &subject, how, lines)))
    } else {
        let compared = catch_unwind(AssertUnwindSafe(|| determinism::compare(&judged.plan, subject, how)));
        let Ok(difference) = compared else {
            return Ok(()); // A panic that comes and goes was judged as a panic already.
        };
        difference?
    };
    match difference {
        Some(difference) => {
            judged.last_events.clone_from(&difference.events);
            judged.differs(difference.to_string());
        }
        None => judged.differs(ELUSIVE.to_owned()),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_never_ends_is_stuck_whatever_its_file_expects() {
        let violation = CameTo::Nothing.violation().expect("a violation");
        assert_eq!((violation.property, Verdict::of(violation.property).code()), (Property::Stuck, 16));
        for expect in [Expect::Pass, Expect::Stalls] {
            let failure = verdict::against(&expect, Did::Violated(&violation)).expect("a failure");
            assert!(failure.message.contains("did not end within 120 s"), "{}", failure.message);
        }
        assert!(!CameTo::Nothing.is_alike(None), "a panic is something else");
    }
}
