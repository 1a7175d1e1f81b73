//! Exactly once: a session's command takes effect at one index only, whoever applies it.
//! Applying that index again, after a restart or on another node, is no second time.

use std::collections::BTreeMap;

use super::mirror::Witness;
use super::observation::Observation;
use super::shared::ByIndex;
use crate::violation::{Property, Verdict, Violation};

#[derive(Clone, Copy, Debug)]
struct Effect {
    index: u64,
    by: Witness,
}

/// Where each command of each session took effect.
#[derive(Clone, Debug, Default)]
pub(super) struct Effects {
    sessions: BTreeMap<u64, ByIndex<Effect>>,
}

impl Effects {
    #[inline]
    pub(super) fn record(&mut self, session: u64, sequence: u64, index: u64, by: Witness) -> Verdict {
        let effects = self.sessions.entry(session).or_default();
        match effects.get(sequence) {
            Some(first) if first.index == index => Ok(()),
            Some(first) => Err(twice(session, sequence, *first, Effect { index, by })),
            None => {
                effects.set(sequence, Effect { index, by });
                Ok(())
            }
        }
    }
}

#[cold]
fn twice(session: u64, sequence: u64, first: Effect, second: Effect) -> Box<Violation> {
    let message = format!(
        "command {sequence} of session {session} took effect twice: at index {} on node {} and at index {} on node {}",
        first.index, first.by.node, second.index, second.by.node
    );
    let applied = Observation::SessionApply { node: first.by.node, index: first.index, session, sequence };
    Violation::new(Property::ExactlyOnce, message).because([first.by.says(applied)])
}
