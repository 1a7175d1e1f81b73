//! The ghost committed log, and the two properties that it decides.
//!
//! *State machine safety* (paper, §5.4.3): the first commit of an index fixes its entry,
//! and no later one differs. *Leader completeness* (§5.4): a leader of term T holds what
//! was committed in terms below T. Entries committed in T or later are not required of
//! it: a stale candidate may win an old term late, through delayed votes.
//! Not here: whether a quorum holds it ([`super::durability`]).

use super::mirror::{Mirror, Moment, Witness};
use super::observation::{Observation, Role};
use super::shared::{ByIndex, SharedMap};
use crate::violation::{Evidence, Property, Verdict, Violation};

/// What the first commit of an index fixed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fixed {
    /// The entry's term; 0 if it is not known.
    term: u64,
    pub(super) hash: u64,
    /// The term of the node that committed it first.
    commit_term: u64,
    by: Witness,
}

impl Fixed {
    fn evidence(&self, index: u64) -> Evidence {
        self.by.says(Observation::Commit { node: self.by.node, term: self.commit_term, index })
    }
}

/// Every entry that any node ever committed.
#[derive(Clone, Debug, Default)]
pub(super) struct Committed {
    log: ByIndex<Fixed>,
    last_index: u64,
    /// The term of the latest commit; `last_index` was committed in it.
    last_term: u64,
    /// How far the log was committed up to the end of each earlier term.
    reached: SharedMap<u64, u64>,
}

impl Committed {
    pub(super) fn last_index(&self) -> u64 {
        self.last_index
    }

    /// A node commits up to `index`, which its log reaches. Hashes cover all that is before
    /// them: where one agrees, everything below does.
    #[inline]
    pub(super) fn judge(&self, mirror: &Mirror, index: u64) -> Verdict {
        let shared = index.min(self.last_index);
        match self.log.get(shared) {
            Some(fixed) if !mirror.log.may_hold(shared, fixed.hash) => Err(self.differs(mirror, shared)),
            _ => Ok(()),
        }
    }

    /// Fixes what is committed for the first time; false if nothing is.
    #[inline]
    pub(super) fn extend(&mut self, now: Moment, mirror: &Mirror, commit_term: u64, index: u64) -> bool {
        if index <= self.last_index {
            return false;
        }
        for index in mirror.log.first_known().max(self.last_index + 1)..=index {
            if let Some(hash) = mirror.log.hash_at(index) {
                let term = mirror.log.term_at(index);
                self.log.set(index, Fixed { term, hash, commit_term, by: now.on(mirror.id) });
            }
        }
        self.note_reached(commit_term, index);
        true
    }

    fn note_reached(&mut self, term: u64, index: u64) {
        if term > self.last_term {
            self.reached.insert(self.last_term, self.last_index);
            self.last_term = term;
        } else if term < self.last_term {
            // A late commit in an old term binds the leaders of all terms above it.
            let above: Vec<u64> = self.reached.range(term..).map(|(term, _)| *term).chain([term]).collect();
            above.into_iter().for_each(|term| self.reached.insert(term, index));
        }
        self.last_index = index;
    }

    /// A node leads `term`: it holds what was committed in lower terms.
    pub(super) fn judge_leader(&self, mirror: &Mirror, term: u64, elected: Witness) -> Verdict {
        let due = if self.last_term < term { Some(self.last_index) } else { self.reached.last_below(term).copied() };
        let Some((index, fixed)) = due.and_then(|index| Some((index, self.log.get(index)?))) else {
            return Ok(());
        };
        if mirror.log.may_hold(index, fixed.hash) {
            return Ok(());
        }
        Err(self.incomplete(mirror, term, index, elected))
    }

    /// The first index up to `index` at which a log is not the committed one.
    fn first_difference(&self, mirror: &Mirror, index: u64) -> u64 {
        let (mut agreed, mut differs) = (0, index);
        while differs - agreed > 1 {
            let middle = agreed + (differs - agreed) / 2;
            match self.log.get(middle) {
                Some(fixed) if !mirror.log.may_hold(middle, fixed.hash) => differs = middle,
                _ => agreed = middle,
            }
        }
        differs
    }

    #[cold]
    fn differs(&self, mirror: &Mirror, index: u64) -> Box<Violation> {
        let (node, index) = (mirror.id, self.first_difference(mirror, index));
        let Some(fixed) = self.log.get(index) else {
            return Violation::new(Property::StateMachineSafety, format!("node {node} committed another entry at index {index}"));
        };
        let (own_term, own_hash) = (mirror.log.term_at(index), mirror.log.hash_at(index).unwrap_or_default());
        let message = format!(
            "node {node} committed an entry of term {own_term} (hash {own_hash:016x}) at index {index}, where node {} had committed one of term {} (hash {:016x}) in term {}",
            fixed.by.node, fixed.term, fixed.hash, fixed.commit_term
        );
        let own = mirror.log.slot(index).map(|slot| slot.evidence(index));
        Violation::new(Property::StateMachineSafety, message).because(own).because([fixed.evidence(index)])
    }

    #[cold]
    fn incomplete(&self, mirror: &Mirror, term: u64, index: u64, elected: Witness) -> Box<Violation> {
        let (node, index) = (mirror.id, self.first_difference(mirror, index));
        let Some(fixed) = self.log.get(index) else {
            return Violation::new(Property::LeaderCompleteness, format!("node {node} leads term {term} without index {index}"));
        };
        let held = match mirror.log.slot(index) {
            Some(slot) => format!("its log has one of term {} (hash {:016x}) there", slot.term, slot.hash),
            None => format!("its log ends at index {}", mirror.log.last_index()),
        };
        let message = format!(
            "node {node} leads term {term} without the entry of term {} (hash {:016x}) at index {index}, which node {} committed in term {}: {held}",
            fixed.term, fixed.hash, fixed.by.node, fixed.commit_term
        );
        let elected = elected.says(Observation::Role { node, term, role: Role::Leader });
        let own = mirror.log.slot(index).map(|slot| slot.evidence(index));
        Violation::new(Property::LeaderCompleteness, message).because([fixed.evidence(index), elected]).because(own)
    }
}
