//! The point where the history died: what the object may have been, and how it came to that.
//!
//! Not here: which operations are to blame (`core`).

use super::super::limits::{Limits, Meter};
use super::super::partition::{Event, NEVER, OperationOf, Partition, position};
use super::super::search::{Frontier, pending};
use super::super::states::Rules;
use super::super::steps::{Cut, Steps};
use super::Reached;
use super::possible::Prefix;
use crate::model::Model;
use std::collections::BTreeMap;

/// The widest sets there are: what is explained was judged, so it fits.
const WORDS: usize = super::super::PENDING_MAX / 64;

/// How many states, and operations before each, are reported.
const STATES_MAX: usize = 16;
const TAIL_MAX: usize = 4;

/// It is not worth more than this part of what a search may take: one state is known otherwise.
const SHARE: u64 = 16;

/// What was found at the point of death.
#[derive(Default)]
pub(super) struct Situation {
    pub states: Vec<Reached>,
    /// One of the orders that lead there.
    pub order: Option<Vec<u64>>,
}

/// The state that one order of what came before leads to.
pub(super) fn state_after<M: Model>(prefix: &Prefix<'_, M>, order: &[u64]) -> Option<Reached> {
    let operations = prefix.just_before();
    let by_id: BTreeMap<u64, &OperationOf<M>> = operations.iter().map(|operation| (operation.id, operation)).collect();
    let mut state = prefix.model.init();
    for id in order {
        let operation = by_id.get(id)?;
        state = prefix.model.step(&state, &operation.input, operation.outcome.output())?;
    }
    let after = order[order.len().saturating_sub(TAIL_MAX)..].to_vec();
    Some(Reached { state: prefix.model.describe_state(&state), after })
}

/// Walks to the point of death; nothing if a limit was hit on the way.
pub(super) fn situation<M: Model>(prefix: &Prefix<'_, M>, limits: Limits<'_>) -> Situation {
    let model = prefix.model;
    let places: Vec<u32> = (0..position(prefix.operations.len())).collect();
    let partition = Partition::new(model, &prefix.operations, &places);
    let culprit = position(prefix.culprit);
    let before = partition.events.iter().take_while(|event| **event != Event::Return(culprit)).count();
    let before = &partition.events[..before];
    let rules = Rules { model, horizon: None };
    let numbers = partition.numbers();
    let pending = |index: u32| pending(rules, &partition, &numbers, index);
    let start = Cut::start(model.init());
    let mut frontier = Frontier::<_, _, WORDS>::new(rules, partition.ops.len(), Some(Steps::new()), &start);
    let mut meter = Meter::new(Limits { configurations: limits.configurations / SHARE, ..limits });
    if partition.pending_max() > super::super::PENDING_MAX {
        return Situation::default();
    }
    for event in before {
        match *event {
            Event::Invoke(index) => frontier.invoke(rules, pending(index), partition.ops[index as usize].returned == NEVER),
            Event::Return(index) => {
                if frontier.give_back(rules, index, &mut meter) != Ok(true) {
                    return Situation::default();
                }
            }
        }
    }
    let steps = frontier.steps.as_ref().expect("it was asked for");
    let order = |step: u32| -> Vec<u64> {
        let order = steps.order::<_, WORDS>(step, &partition, (&start, before.len()), rules, pending);
        order.iter().map(|index| partition.ops[*index as usize].operation.id).collect()
    };
    let mut states: Vec<Reached> = Vec::new();
    let mut first = None;
    for config in &frontier.configs {
        let state = model.describe_state(frontier.states.get(config.state));
        if states.len() < STATES_MAX && !states.iter().any(|known| known.state == state) {
            let order = order(config.step);
            states.push(Reached { state, after: order[order.len().saturating_sub(TAIL_MAX)..].to_vec() });
            first.get_or_insert(order);
        }
    }
    Situation { states, order: first }
}
