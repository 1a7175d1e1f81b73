//! Configurations of the search, and which of them make others superfluous.
//!
//! Not here: how one configuration leads to the next (`search`).
//! Read next: `search`.

use super::bits::Bits;
use super::states::StateId;
use std::collections::BTreeMap;

/// How far a dominance test looks. Beyond it only equal configurations are recognised,
/// because a quadratic comparison of thousands would cost more than it spares.
const DOMINANCE_REACH: usize = 64;

/// A state that the object may be in, with what may or must still take effect.
///
/// An invoked operation is in exactly one of three places: it took effect (in no set), it
/// must still take effect before it returns (`todo`), or it may (`free`). Free are
/// operations of unknown outcome, and those that could have taken effect unseen already:
/// either they did, or they still will, and both are represented by the one configuration.
#[derive(Debug, Clone, Copy)]
pub(super) struct Config<const W: usize> {
    pub state: StateId,
    pub todo: Bits<W>,
    pub free: Bits<W>,
    /// The last step on the way here, in the arena of the search.
    pub node: usize,
}

/// The part of a configuration that decides its future, besides its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Pending<const W: usize> {
    todo: Bits<W>,
    free: Bits<W>,
}

impl<const W: usize> Pending<W> {
    /// Whether whatever `other` can still do, in the same state, `self` can do too.
    ///
    /// A free operation can stand for one that took effect and for one that must. Of
    /// interchangeable ones (`inert`, all without a deadline) only the number counts.
    fn dominates(&self, other: &Self, inert: &Bits<W>) -> bool {
        let mine = self.todo.or(&self.free);
        let theirs = other.todo.or(&other.free);
        self.todo.is_subset(&other.todo)
            && theirs.without(inert).is_subset(&mine)
            && theirs.and(inert).count() <= mine.and(inert).count()
    }
}

/// A set of configurations without those that another member dominates.
#[derive(Debug)]
pub(super) struct Table<const W: usize> {
    groups: BTreeMap<StateId, BTreeMap<Pending<W>, usize>>,
    inert: Bits<W>,
}

impl<const W: usize> Table<W> {
    /// An empty table in which `inert` operations are interchangeable.
    pub(super) fn new(inert: Bits<W>) -> Self {
        Self { groups: BTreeMap::new(), inert }
    }

    /// Adds a configuration; `false` if it is superfluous.
    pub(super) fn insert(&mut self, config: &Config<W>) -> bool {
        let pending = Pending { todo: config.todo, free: config.free };
        let inert = self.inert;
        let Some(group) = self.groups.get_mut(&config.state) else {
            self.groups.insert(config.state, BTreeMap::from([(pending, config.node)]));
            return true;
        };
        if group.contains_key(&pending) || group.keys().take(DOMINANCE_REACH).any(|old| old.dominates(&pending, &inert)) {
            return false;
        }
        if group.len() <= DOMINANCE_REACH {
            group.retain(|old, _| !pending.dominates(old, &inert));
        }
        group.insert(pending, config.node);
        true
    }

    /// Whether this configuration is a member, and was not dominated since it was added.
    pub(super) fn contains(&self, config: &Config<W>) -> bool {
        let pending = Pending { todo: config.todo, free: config.free };
        self.groups.get(&config.state).is_some_and(|group| group.contains_key(&pending))
    }

    /// The members, ordered by state.
    pub(super) fn into_configs(self) -> Vec<Config<W>> {
        let of_group = |(state, group): (StateId, BTreeMap<Pending<W>, usize>)| {
            group.into_iter().map(move |(Pending { todo, free }, node)| Config { state, todo, free, node })
        };
        self.groups.into_iter().flat_map(of_group).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(todo: &[usize], free: &[usize]) -> Config<1> {
        let of = |slots: &[usize]| {
            let mut bits = Bits::EMPTY;
            slots.iter().for_each(|slot| bits.set(*slot));
            bits
        };
        Config { state: 0, todo: of(todo), free: of(free), node: 0 }
    }

    #[test]
    fn a_free_operation_stands_for_done_and_for_todo() {
        for weaker in [config(&[], &[]), config(&[1], &[]), config(&[], &[1])] {
            let mut table = Table::new(Bits::EMPTY);
            assert!(table.insert(&config(&[], &[1])));
            assert!(!table.insert(&weaker));
        }
    }

    #[test]
    fn done_and_todo_do_not_stand_for_each_other() {
        let mut table = Table::new(Bits::EMPTY);
        assert!(table.insert(&config(&[1], &[])));
        assert!(table.insert(&config(&[], &[])));
        assert!(table.insert(&config(&[], &[1])));
        assert!(!table.contains(&config(&[1], &[])));
        assert_eq!(table.into_configs().len(), 1);
    }

    #[test]
    fn of_inert_operations_the_number_counts() {
        let mut inert = Bits::EMPTY;
        inert.set(1);
        inert.set(2);
        let mut table = Table::new(inert);
        assert!(table.insert(&config(&[], &[1])));
        assert!(!table.insert(&config(&[], &[2])));
        assert!(table.insert(&config(&[], &[1, 2])));
        assert_eq!(table.into_configs().len(), 1);
    }
}
