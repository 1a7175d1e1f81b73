//! State machine safety at the state machine (paper, §5.4.3): after one index, all nodes
//! have one state. Several bugs are seen only here: the logs agree, what was made of them
//! does not.
//!
//! Not here: that they commit the same entries ([`super::committed`]).

use super::mirror::Witness;
use super::observation::Observation;
use super::shared::ByIndex;
use crate::violation::{Property, Verdict, Violation};

#[derive(Clone, Copy, Debug)]
struct State {
    digest: u64,
    by: Witness,
}

/// The state behind each index, as the first that applied it saw it.
#[derive(Clone, Debug, Default)]
pub(super) struct States {
    by_index: ByIndex<State>,
}

impl States {
    #[inline]
    pub(super) fn record(&mut self, index: u64, digest: u64, by: Witness) -> Verdict {
        match self.by_index.get(index) {
            Some(first) if first.digest == digest => Ok(()),
            Some(first) => Err(differs(index, *first, State { digest, by })),
            None => {
                self.by_index.set(index, State { digest, by });
                Ok(())
            }
        }
    }
}

#[cold]
fn differs(index: u64, first: State, second: State) -> Box<Violation> {
    let message = format!(
        "nodes {} and {} are in different states after applying index {index}: digest {:016x} and {:016x}",
        first.by.node, second.by.node, first.digest, second.digest
    );
    let applied = Observation::Apply { node: first.by.node, index, digest: first.digest };
    Violation::new(Property::StateMachineSafety, message).because([first.by.says(applied)])
}
