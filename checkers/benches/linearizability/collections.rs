//! Histories of queues and sets, drawn from a seed: clients of an object that does everything
//! in one order. Nothing is put in twice.
//!
//! Rows are named as those of the key-value store; `queue` has enqueues and dequeues, half
//! each; `set` adds, removals and questions for one element; `growset` adds, and a read of
//! all elements now and then. Not here: the key-value store (`generate`).

use super::generate::Random;
use bytes::Bytes;
use squall_checkers::history::{History, Operation, Outcome};
use squall_checkers::model::{queue, set};
use std::collections::{BTreeSet, VecDeque};

/// The rows of the table; porcupine has not seen them.
pub const ROWS: [&str; 8] = [
    "queue_k1_n100000_c10_u0_ok",
    "queue_k1_n100000_c10_u0_reordered",
    "queue_k1_n100000_c10_u1000_ok",
    "queue_k1_n100000_c10_u1000_reordered",
    "set_k1_n100000_c10_u0_ok",
    "set_k1_n100000_c10_u1000_stale",
    "growset_k1_n100000_c10_u1000_ok",
    "growset_k1_n100000_c10_u1000_lost",
];

/// A history of a collection.
pub enum Drawn {
    Queue(History<queue::Input, queue::Output>),
    Set(History<set::Input, set::Output>),
}

/// The history of a row, and whether it is linearizable; `None` if it is about something else.
pub fn generated(name: &str) -> Option<(Drawn, bool)> {
    let parts: Vec<&str> = name.split('_').collect();
    let &[object, keys, operations, clients, unknown, end] = &parts[..] else { return None };
    let number = |part: &str| part[1..].parse::<u64>().expect("a letter and a number");
    let calls = |seed| Calls {
        random: Random::new(number(operations) + seed),
        keys: number(keys),
        operations: number(operations),
        clients: number(clients),
        unknown_ppm: number(unknown),
    };
    let is_ok = end == "ok";
    let drawn = match object {
        "queue" => Drawn::Queue(draw_queue(calls(1), is_ok)),
        "set" => Drawn::Set(draw_set(calls(2), false, is_ok)),
        "growset" => Drawn::Set(draw_set(calls(3), true, is_ok)),
        _ => return None,
    };
    Some((drawn, is_ok))
}

struct Calls {
    random: Random,
    keys: u64,
    operations: u64,
    clients: u64,
    unknown_ppm: u64,
}

impl Calls {
    /// Operations without answers, in the order in which they take effect.
    fn draw<I, O: Clone>(&mut self, answer: O, input: impl Fn(&mut Random, Bytes, u64) -> I) -> Vec<Operation<I, O>> {
        let mut free_at = vec![0; usize::try_from(self.clients).expect("there are few clients")];
        let mut drawn = Vec::new();
        for id in 0..self.operations {
            let (client, free) = (0..).zip(&mut free_at).min_by_key(|(_, free)| **free).expect("there is a client");
            let invoked_at = *free + self.random.delay(100);
            let takes_effect_at = invoked_at + self.random.delay(500);
            let returned_at = takes_effect_at + self.random.delay(500);
            *free = returned_at + 1;
            let key = Bytes::from(self.random.below(self.keys).to_string());
            let input = input(&mut self.random, key, id);
            let is_unknown = self.random.below(1_000_000) < self.unknown_ppm;
            let outcome = if is_unknown { Outcome::Unknown } else { Outcome::Ok(answer.clone()) };
            drawn.push((takes_effect_at, Operation { id, client, input, outcome, invoked_at, returned_at }));
        }
        drawn.sort_by_key(|(takes_effect_at, operation)| (*takes_effect_at, operation.id));
        drawn.into_iter().map(|(_, operation)| operation).collect()
    }
}

/// Dequeues of unknown outcome have no effect, enqueues of unknown outcome do.
fn draw_queue(mut calls: Calls, is_ok: bool) -> History<queue::Input, queue::Output> {
    use queue::{Action, Input, Output};
    let mut operations = calls.draw(Output::Done, |random, key, id| {
        let value = Bytes::from(id.to_string());
        Input { key, action: if random.below(2) == 0 { Action::Enqueue { value } } else { Action::Dequeue } }
    });
    let mut values = VecDeque::new();
    for operation in &mut operations {
        match (&operation.input.action, &mut operation.outcome) {
            (Action::Enqueue { value }, _) => values.push_back(value.clone()),
            (Action::Dequeue, Outcome::Ok(output)) => *output = Output::Dequeued(values.pop_front()),
            (Action::Dequeue, _) => {}
        }
    }
    if !is_ok {
        // Two values leave in the wrong order, surely one after the other.
        let is_taken = |op: &&mut Operation<Input, Output>| matches!(op.outcome, Outcome::Ok(Output::Dequeued(Some(_))));
        let half = operations.len() / 2;
        let mut taken = operations[half..].iter_mut().filter(is_taken);
        let (first, second) = (taken.next().expect("there is one"), taken.nth(100).expect("there are more"));
        std::mem::swap(&mut first.outcome, &mut second.outcome);
    }
    History::new(operations).expect("it is well-formed")
}

/// Elements are added in their order; those asked for are among the last hundred.
fn draw_set(mut calls: Calls, only_grows: bool, is_ok: bool) -> History<set::Input, set::Output> {
    use set::{Action, Input, Output};
    let mut operations = calls.draw(Output::Done, |random, key, id| {
        let name = |id: u64| Bytes::from(format!("{id:07}"));
        let recent = name(id.saturating_sub(random.below(100)));
        let action = match (random.below(10_000), only_grows) {
            (0..4, true) => Action::Read,
            (0..3_000, _) => Action::Contains { element: recent },
            (3_000..5_000, false) => Action::Remove { element: recent },
            _ => Action::Add { element: name(id) },
        };
        Input { key, action }
    });
    let mut elements = BTreeSet::new();
    for operation in &mut operations {
        let answer = match &operation.input.action {
            Action::Add { element } => Output::Changed(elements.insert(element.clone())),
            Action::Remove { element } => Output::Changed(elements.remove(element)),
            Action::Contains { element } => Output::Contains(elements.contains(element)),
            Action::Read => Output::Elements(elements.clone()),
        };
        if let Outcome::Ok(output) = &mut operation.outcome {
            *output = answer;
        }
    }
    if !is_ok {
        let half = operations.len() / 2;
        // Something is seen that was never added, or misses that was added long ago.
        let wrong = operations[half..].iter_mut().find_map(|op| match &mut op.outcome {
            Outcome::Ok(Output::Elements(elements)) => elements.pop_first().map(drop),
            Outcome::Ok(Output::Contains(answer)) if !only_grows && !*answer => {
                *answer = true;
                Some(())
            }
            _ => None,
        });
        wrong.expect("there is such an operation");
    }
    History::new(operations).expect("it is well-formed")
}
