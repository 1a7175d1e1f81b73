//! The explanation for a terminal: it fits a screen, and names what it leaves out.
//!
//! Not here: what is explained (`super`).

use super::{Answer, Explanation, Relation};
use crate::history::{History, Operation, Outcome};
use crate::model::Model;
use std::collections::BTreeMap;

/// How many lines each part may have, and how many characters an operation.
const CORE_SHOWN: usize = 10;
const ANSWERS_SHOWN: usize = 4;
const SOURCES_SHOWN: usize = 3;
const STATES_SHOWN: usize = 3;
const PENDING_SHOWN: usize = 4;
const CALL_SHOWN: usize = 60;

impl<K> Explanation<K> {
    /// The explanation for people, over at most forty lines. The history must be the one that
    /// was explained; of another one the operations are named by their ids alone.
    pub fn text<M: Model<Key = K>>(&self, model: &M, history: &History<M::Input, M::Output>) -> String {
        let by_id = history.operations().iter().map(|operation| (operation.id, operation)).collect();
        let teller = Teller { model, by_id };
        let mut lines = vec![format!(
            "key {}: no place for {}, of {} answered operations until then",
            model.describe_key(&self.key),
            teller.operation(self.operation),
            self.answered,
        )];
        teller.core(self, &mut lines);
        teller.answers(self, &mut lines);
        teller.states(self, &mut lines);
        teller.pending(self, &mut lines);
        lines.join("\n")
    }
}

/// What is needed to speak of operations.
struct Teller<'a, M: Model> {
    model: &'a M,
    by_id: BTreeMap<u64, &'a Operation<M::Input, M::Output>>,
}

impl<M: Model> Teller<'_, M> {
    fn operation(&self, id: u64) -> String {
        let Some(operation) = self.by_id.get(&id) else { return format!("operation {id}") };
        let returned = match operation.outcome {
            Outcome::Unknown => String::new(),
            _ => operation.returned_at.to_string(),
        };
        let mut call = shortened(&self.model.describe(&operation.input, operation.outcome.output()));
        // To the model, what failed is like what nobody knows.
        if let (Outcome::Fail, Some(asked)) = (&operation.outcome, call.strip_suffix("-> unknown")) {
            call = format!("{asked}-> failed");
        }
        format!("operation {id} of client {} ({call}, {}..{returned})", operation.client, operation.invoked_at)
    }

    fn core<K>(&self, explanation: &Explanation<K>, lines: &mut Vec<String>) {
        let core = &explanation.core.operations;
        let minimal = if explanation.core.is_minimal {
            "without any one of them there is an order"
        } else {
            "a limit was hit, so fewer might do"
        };
        lines.push(match core.len() {
            1 => "it cannot be ordered, whichever other operations are taken into account:".to_owned(),
            many => format!("these {many} cannot be ordered, whichever others are taken into account ({minimal}):"),
        });
        // The last ones are those that died.
        let hidden = core.len().saturating_sub(CORE_SHOWN);
        if 0 < hidden {
            lines.push(format!("    {hidden} earlier ones"));
        }
        let shown = &core[hidden..];
        lines.extend(shown.iter().map(|id| format!("  - {}", self.operation(*id))));
        if !shown.contains(&explanation.operation) {
            lines.push(format!("  - {}", self.operation(explanation.operation)));
        }
    }

    fn answers<K>(&self, explanation: &Explanation<K>, lines: &mut Vec<String>) {
        let is_told = |answer: &&Answer| !answer.fits_initially;
        let died_first = |answer: &&Answer| answer.operation != explanation.operation;
        let mut answers: Vec<_> = explanation.answers.iter().filter(is_told).collect();
        answers.sort_by_key(died_first);
        for answer in answers.iter().take(ANSWERS_SHOWN) {
            let id = answer.operation;
            if answer.sources.is_empty() {
                lines.push(match answer.is_complete {
                    true => format!("no operation leads to the answer of operation {id}"),
                    false => format!("a limit was hit before it was known what leads to the answer of operation {id}"),
                });
                continue;
            }
            lines.push(format!("the answer of operation {id} could come from:"));
            let shown = answer.sources.iter().take(SOURCES_SHOWN);
            lines.extend(shown.map(|source| format!("  - {}, {}", self.operation(source.operation), when(source.relation))));
            more(answer.sources.len(), SOURCES_SHOWN, lines);
        }
        more(answers.len(), ANSWERS_SHOWN, lines);
    }

    fn states<K>(&self, explanation: &Explanation<K>, lines: &mut Vec<String>) {
        if explanation.states.is_empty() {
            return;
        }
        lines.push(format!("just before {} the value may be", explanation.died_at));
        for reached in explanation.states.iter().take(STATES_SHOWN) {
            let after = match reached.after.last() {
                None => "initially".to_owned(),
                Some(last) => format!("after {}", self.operation(*last)),
            };
            lines.push(format!("  - {}, {after}", shortened(&reached.state)));
        }
        more(explanation.states.len(), STATES_SHOWN, lines);
    }

    fn pending<K>(&self, explanation: &Explanation<K>, lines: &mut Vec<String>) {
        if explanation.pending.is_empty() {
            return;
        }
        lines.push("pending then, and of no help:".to_owned());
        let shown = explanation.pending.iter().take(PENDING_SHOWN);
        lines.extend(shown.map(|id| format!("  - {}", self.operation(*id))));
        more(explanation.pending.len(), PENDING_SHOWN, lines);
    }
}

fn more(all: usize, shown: usize, lines: &mut Vec<String>) {
    if shown < all {
        lines.push(format!("    and {} more", all - shown));
    }
}

fn when(relation: Relation) -> &'static str {
    match relation {
        Relation::Before => "before",
        Relation::Concurrent => "at the same time",
        Relation::Unknown => "if it took effect",
        Relation::After => "but only after it",
        Relation::Failed => "but that had no effect",
    }
}

/// Long values are cut in the middle, because growing lists differ at their end.
fn shortened(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    if characters.len() <= CALL_SHOWN {
        return text.to_owned();
    }
    let half = CALL_SHOWN / 2;
    let (start, end) = (&characters[..half], &characters[characters.len() - half..]);
    format!("{}…{}", start.iter().collect::<String>(), end.iter().collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_keep_both_ends() {
        assert_eq!(shortened("short"), "short");
        let long = shortened(&format!("{}{}", "a".repeat(500), "z".repeat(500)));
        assert_eq!(long, format!("{}…{}", "a".repeat(30), "z".repeat(30)));
    }
}
