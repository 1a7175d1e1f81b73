//! The explanation of an illegal history as JSON.
//!
//! Not here: what it means (`squall_checkers::linearizability::Explanation`), its text.

use serde::Serialize;
use squall_checkers::format::RecordedOf;
use squall_checkers::history::Outcome;
use squall_checkers::linearizability::{Answer, Explanation, Illegal, Relation};
use squall_checkers::model::Model;
use std::collections::{BTreeMap, BTreeSet};

/// Why there is no order. Operations are named by their ids.
#[derive(Debug, Default, Serialize)]
pub(super) struct IllegalJson {
    pub key: String,
    /// The operation for which there is no place.
    pub operation: u64,
    /// The line of its invocation.
    pub line: Option<usize>,
    /// When it returned.
    pub died_at: u64,
    /// The answered operations of the key up to it.
    pub prefix: Vec<u64>,
    /// An order of those before it; `null` if a limit was hit.
    pub order: Option<Vec<u64>>,
    /// Operations that cannot be ordered, whichever of the others are taken into account.
    pub core: CoreJson,
    /// Where the answers in the core could have come from.
    pub answers: Vec<AnswerJson>,
    /// What the object may have been just before.
    pub states: Vec<StateJson>,
    /// What was pending then, besides the one that died.
    pub pending: Vec<u64>,
    /// The operations of the core and their sources.
    pub operations: Vec<OperationJson>,
    /// All of it for people.
    pub explanation: String,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct CoreJson {
    pub operations: Vec<u64>,
    /// `false` if a limit was hit, so fewer operations might do.
    pub is_minimal: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct AnswerJson {
    operation: u64,
    /// Whether it could be answered so before any other operation.
    fits_initially: bool,
    sources: Vec<SourceJson>,
    /// `false` if a limit was hit before all sources were known.
    is_complete: bool,
}

#[derive(Debug, Serialize)]
struct SourceJson {
    operation: u64,
    /// `before`, `concurrent`, `unknown`, `after` or `failed`, seen from the answer.
    relation: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct StateJson {
    state: String,
    /// The last operations of an order that leads there.
    after: Vec<u64>,
}

#[derive(Debug, Serialize)]
pub(super) struct OperationJson {
    id: u64,
    client: u64,
    /// What was asked and answered.
    call: String,
    invoked_at: u64,
    /// `null` if the outcome is unknown.
    returned_at: Option<u64>,
    /// The line of its invocation.
    line: Option<usize>,
}

impl IllegalJson {
    pub fn new<M: Model>(
        model: &M,
        recorded: &RecordedOf<M>,
        illegal: Illegal<M::Key>,
        explanation: Explanation<M::Key>,
    ) -> Self {
        let text = explanation.text(model, &recorded.history);
        let operations = operations(model, recorded, &explanation);
        let states = explanation.states.into_iter().map(|reached| StateJson { state: reached.state, after: reached.after });
        Self {
            key: model.describe_key(&illegal.key),
            operation: illegal.operation,
            line: operations.iter().find(|one| one.id == illegal.operation).and_then(|one| one.line),
            died_at: explanation.died_at,
            prefix: illegal.prefix,
            order: explanation.order,
            core: CoreJson { operations: explanation.core.operations, is_minimal: explanation.core.is_minimal },
            answers: explanation.answers.iter().map(AnswerJson::new).collect(),
            states: states.collect(),
            pending: explanation.pending,
            operations,
            explanation: text,
        }
    }
}

impl AnswerJson {
    fn new(answer: &Answer) -> Self {
        let source = |source: &squall_checkers::linearizability::Source| SourceJson {
            operation: source.operation,
            relation: relation(source.relation),
        };
        Self {
            operation: answer.operation,
            fits_initially: answer.fits_initially,
            sources: answer.sources.iter().map(source).collect(),
            is_complete: answer.is_complete,
        }
    }

    /// The sources by id.
    pub fn sources(&self) -> impl Iterator<Item = u64> {
        self.sources.iter().map(|source| source.operation)
    }
}

const fn relation(relation: Relation) -> &'static str {
    match relation {
        Relation::Before => "before",
        Relation::Concurrent => "concurrent",
        Relation::Unknown => "unknown",
        Relation::After => "after",
        Relation::Failed => "failed",
    }
}

/// The operations of the core and their sources, by invocation.
fn operations<M: Model>(model: &M, recorded: &RecordedOf<M>, explanation: &Explanation<M::Key>) -> Vec<OperationJson> {
    let sources = explanation.answers.iter().flat_map(|answer| &answer.sources).map(|source| source.operation);
    let wanted: BTreeSet<u64> = explanation.core.operations.iter().copied().chain(sources).collect();
    let by_time: BTreeMap<_, _> = recorded
        .history
        .operations()
        .iter()
        .enumerate()
        .filter(|(_, operation)| wanted.contains(&operation.id))
        .map(|(place, operation)| ((operation.invoked_at, operation.id), (place, operation)))
        .collect();
    let described = by_time.into_values().map(|(place, operation)| OperationJson {
        id: operation.id,
        client: operation.client,
        call: model.describe(&operation.input, operation.outcome.output()),
        invoked_at: operation.invoked_at,
        returned_at: (operation.outcome != Outcome::Unknown).then_some(operation.returned_at),
        line: recorded.lines.get(place).copied(),
    });
    described.collect()
}
