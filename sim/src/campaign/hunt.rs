//! Hunting a planted bug: the general scenarios, seed after seed, until a checker speaks.
//!
//! No scenario is written for a bug; what is measured is the storm that everybody runs.

use std::sync::Arc;

use squall_checkers::violation::Property;
use squall_raft::mutants::Bug;

use super::single::{How, judge};
use super::sweep::cpu_ns;
use crate::arena::ArenaKind;
use crate::entropy::v1::mix;
use crate::plan::Plan;
use crate::run::settings::SettingsError;
use crate::run::subject::KvSubject;
use crate::scenario::{Expect, Scenario, bundled};
use crate::seeds::record::Record;

/// The story of the paper's figure 8, which is about one bug and so says nothing about how that one is found in general.
const ABOUT_L01: &str = "figure-8";

/// What is hunted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quarry {
    /// The bug; `None` is the control, in which nothing may be found.
    pub bug: Option<Bug>,
    /// Where seeds come from.
    pub base_seed: u64,
    /// Where it is hunted.
    pub arena: ArenaKind,
}

impl Quarry {
    /// A bug where it can be found, or the control in the default arena.
    #[must_use]
    pub fn new(bug: Option<Bug>, base_seed: u64) -> Self {
        let in_driver = bug.is_some_and(Bug::is_in_driver);
        Self { bug, base_seed, arena: if in_driver { ArenaKind::Madsim } else { ArenaKind::World } }
    }
}

/// When to give up.
pub struct Budget<'a> {
    /// After so many runs.
    pub executions_max: u64,
    /// Or when this says so.
    pub spent: &'a dyn Fn() -> bool,
}

/// What a hunt came to.
#[derive(Clone, Debug)]
pub struct Hunted {
    /// What was found.
    pub found: Option<Found>,
    /// How many runs it took.
    pub executions: u64,
    /// Their virtual time.
    pub virtual_ns: u64,
    /// Their CPU time.
    pub cpu_ns: u64,
}

/// A run in which a checker spoke.
#[derive(Clone, Debug)]
pub struct Found {
    /// To see it again.
    pub record: Record,
    /// The checker that spoke first.
    pub property: Property,
}

/// Runs until something is found or the budget is spent.
///
/// # Errors
/// If the engine refuses a bundled scenario's settings.
pub fn hunt(quarry: Quarry, budget: &Budget<'_>) -> Result<Hunted, SettingsError> {
    let scenarios = general(quarry.bug);
    let how = How { arena: quarry.arena, bug: quarry.bug, ..How::default() };
    let (began, mut cpu_ns_apart) = (cpu_ns(), 0);
    let mut hunted = Hunted { found: None, executions: 0, virtual_ns: 0, cpu_ns: 0 };
    while hunted.found.is_none() && hunted.executions < budget.executions_max && !(budget.spent)() {
        let n = hunted.executions;
        let seed = mix(quarry.base_seed, n, 0, 0, 0) >> 16;
        let (name, scenario) = &scenarios[turn(n, &scenarios)];
        let judged = judge(Arc::new(Plan::draw(name, scenario, seed)), &KvSubject, how)?;
        hunted.executions += 1;
        cpu_ns_apart += judged.cpu_ns_apart;
        hunted.virtual_ns += judged.outcome.as_ref().map_or(0, |outcome| outcome.virtual_ns);
        hunted.found = Record::of(&judged, quarry.bug.map(Bug::id))
            .zip(judged.failure)
            .map(|(record, failure)| Found { record, property: failure.property });
    }
    hunted.cpu_ns = cpu_ns().saturating_sub(began) + cpu_ns_apart;
    Ok(hunted)
}

/// Every other run is one that draws from everything; the stories take turns in between.
fn turn(n: u64, scenarios: &[(String, Scenario)]) -> usize {
    let place = |swarm: bool, nth: u64| {
        let of_kind: Vec<usize> = (0..scenarios.len()).filter(|i| scenarios[*i].1.swarm == swarm).collect();
        let nth = nth.checked_rem(of_kind.len() as u64).and_then(|nth| usize::try_from(nth).ok())?;
        of_kind.get(nth).copied()
    };
    place(n.is_multiple_of(2), n / 2).or_else(|| place(!n.is_multiple_of(2), n / 2)).unwrap_or(0)
}

fn general(bug: Option<Bug>) -> Vec<(String, Scenario)> {
    bundled()
        .into_iter()
        .filter(|source| bug != Some(Bug::L01) || source.name != ABOUT_L01)
        .filter_map(|source| Some((source.name.clone(), source.scenario().ok()?)))
        .filter(|(_, scenario)| scenario.expect == Expect::Pass)
        .collect()
}
