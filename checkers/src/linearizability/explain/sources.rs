//! Where an answer could have come from.
//!
//! Not told by what the operations are called but by what they do, so it works for every model:
//! an operation is a source if the answer is possible after it and was not before. If no single
//! operation will do (a list of three elements has three appends), it is a smallest set
//! with which the answer can be ordered.
//!
//! Not here: what was wrong with it (`core`).

use super::super::limits::Limits;
use super::super::partition::OperationOf;
use super::minimal::Search;
use super::possible::{Part, Prefix};
use super::{Answer, Source, relation};
use crate::model::Model;
use std::cmp::Reverse;

/// The sources of the answer to the operation at `place`, among all operations of its key.
pub(super) fn answer<M: Model>(prefix: &Prefix<'_, M>, of_key: &[&OperationOf<M>], place: usize, limits: Limits<'_>) -> Answer {
    let operation = &prefix.operations[place];
    let (initial, call) = (prefix.model.init(), prefix.call(place));
    let is_possible = |state: &M::State| prefix.model.step(state, call.input, call.output).is_some();
    let mut answer =
        Answer { operation: operation.id, fits_initially: is_possible(&initial), sources: vec![], is_complete: true };
    if answer.fits_initially {
        return answer;
    }
    let would_do = |source: &&&OperationOf<M>| {
        let after = prefix.model.step(&initial, &source.input, None);
        source.id != operation.id && after.is_some_and(|after| is_possible(&after))
    };
    let mut sources: Vec<&OperationOf<M>> = of_key.iter().filter(would_do).copied().collect();
    if sources.is_empty() {
        let (needed, is_complete) = together(prefix, place, limits);
        sources = needed.iter().map(|place| &prefix.operations[*place]).collect();
        answer.is_complete = is_complete;
    }
    sources.sort_by_key(|source| (source.invoked_at, source.id));
    answer.sources =
        sources.iter().map(|source| Source { operation: source.id, relation: relation(source, operation) }).collect();
    answer
}

/// A smallest set with which the answer can be ordered, by places, and whether that is known.
fn together<M: Model>(prefix: &Prefix<'_, M>, place: usize, limits: Limits<'_>) -> (Vec<usize>, bool) {
    let suffices = |set: &[usize], limits: Limits<'_>, spent: &mut u64| {
        let mut parts = vec![Part::Absent; prefix.operations.len()];
        set.iter().for_each(|place| parts[*place] = Part::Optional);
        parts[place] = Part::Certain;
        prefix.is_possible(&parts, limits, spent)
    };
    let mut candidates: Vec<usize> = (0..prefix.operations.len()).filter(|other| *other != place).collect();
    candidates.sort_by_key(|place| Reverse((prefix.operations[*place].invoked_at, *place)));
    match suffices(&candidates, limits, &mut 0) {
        Some(true) => {}
        is_impossible => return (Vec::new(), is_impossible.is_some()),
    }
    let mut search = Search::new(suffices, limits);
    let mut needed = Vec::new();
    search.minimize(&mut needed, candidates);
    (needed, !search.hit_limit)
}
