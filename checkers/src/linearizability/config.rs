//! Configurations of the search, and which of them make others superfluous.
//!
//! Not here: how one configuration leads to the next (`pending`).
//! Read next: `search`.

use super::bits::Bits;
use super::intern::mix;
use super::states::StateId;
use crate::mutants::Bug;

/// How many configurations in one state a dominance test looks at. Beyond it only equal
/// ones are recognised, because a quadratic comparison of thousands would cost more than it spares.
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
    /// The last step on the way here, in the steps of the search.
    pub step: u32,
    pub todo: Bits<W>,
    pub free: Bits<W>,
}

impl<const W: usize> Config<W> {
    /// Whether whatever `other` can still do, in the same state, `self` can do too.
    ///
    /// A free operation can stand for one that took effect and for one that must. Of
    /// interchangeable ones (`inert`, all without a deadline) only the number counts.
    fn dominates(&self, other: &Self, inert: &Bits<W>) -> bool {
        if !self.todo.is_subset(&other.todo) && !Bug::DominanceForgetsWhatMust.is_planted() {
            return false;
        }
        let mine = self.todo.or(&self.free);
        let theirs = other.todo.or(&other.free);
        if inert.is_empty() {
            return theirs.is_subset(&mine) || Bug::DominanceForgetsWhatMay.is_planted();
        }
        let [many, few] = if Bug::FewerInertDominate.is_planted() { [&theirs, &mine] } else { [&mine, &theirs] };
        theirs.without(inert).is_subset(&mine) && few.and(inert).count() <= many.and(inert).count()
    }

    fn is_same(&self, other: &Self) -> bool {
        self.state == other.state && self.todo == other.todo && self.free == other.free
    }

    fn hash(&self) -> u64 {
        mix(u64::from(self.state) ^ self.todo.hash() ^ self.free.hash().rotate_left(32))
    }
}

/// Marks the end of a chain.
const NONE: u32 = u32::MAX;

/// A member of a [`Table`].
#[derive(Debug, Clone, Copy)]
struct Member<const W: usize> {
    config: Config<W>,
    /// The member before it in the same state.
    before: u32,
    is_dominated: bool,
}

/// A cell of a hash table that is emptied by counting up.
#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    round: u32,
    member: u32,
}

/// A set of configurations without those that another member dominates. It keeps its memory
/// when it is emptied, because it is emptied at every return.
#[derive(Debug, Clone)]
pub(super) struct Table<const W: usize> {
    members: Vec<Member<W>>,
    /// The last member in each state, by state.
    states: Vec<Cell>,
    /// Members by the whole configuration; kept once there are more than a few.
    equals: Vec<Cell>,
    round: u32,
    inert: Bits<W>,
}

/// Up to so many members, looking at each is faster than hashing.
const FEW: usize = 8;

impl<const W: usize> Table<W> {
    pub(super) fn new() -> Self {
        Self { members: Vec::new(), states: vec![], equals: vec![], round: 0, inert: Bits::EMPTY }
    }

    /// Empties the table; from now on `inert` operations are interchangeable.
    pub(super) fn reset(&mut self, inert: Bits<W>) {
        self.members.clear();
        self.inert = inert;
        self.next_round();
    }

    fn next_round(&mut self) {
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.states.fill(Cell::default());
            self.equals.fill(Cell::default());
            self.round = 1;
        }
    }

    /// A member, unless it was dominated since it was added.
    pub(super) fn get(&self, place: u32) -> Option<&Config<W>> {
        let member = &self.members[place as usize];
        (!member.is_dominated).then_some(&member.config)
    }

    /// The members, in the order in which they came.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Config<W>> {
        self.members.iter().filter(|member| !member.is_dominated).map(|member| &member.config)
    }

    /// Adds a configuration and returns its place; `None` if it is superfluous.
    pub(super) fn insert(&mut self, config: &Config<W>) -> Option<u32> {
        if self.members.len() < FEW { self.insert_few(config) } else { self.insert_many(config) }
    }

    fn insert_few(&mut self, config: &Config<W>) -> Option<u32> {
        for member in &mut self.members {
            if member.config.state == config.state && !member.is_dominated {
                if member.config.dominates(config, &self.inert) {
                    return None;
                }
                member.is_dominated = config.dominates(&member.config, &self.inert);
            }
        }
        if self.members.len() + 1 < FEW {
            return Some(self.push(*config, NONE));
        }
        let place = self.push(*config, NONE);
        self.rehash();
        Some(place)
    }

    fn insert_many(&mut self, config: &Config<W>) -> Option<u32> {
        if self.equals.len() < self.members.len() * 2 {
            self.rehash();
        }
        if self.find_equal(config) {
            return None;
        }
        let (head, mut steps) = (self.head(config.state), 0);
        let mut place = head;
        while place != NONE && steps < DOMINANCE_REACH {
            let member = &mut self.members[place as usize];
            if !member.is_dominated {
                if member.config.dominates(config, &self.inert) {
                    return None;
                }
                member.is_dominated = config.dominates(&member.config, &self.inert);
                steps += 1;
            }
            place = member.before;
        }
        let place = self.push(*config, NONE);
        self.index(place);
        Some(place)
    }

    fn push(&mut self, config: Config<W>, before: u32) -> u32 {
        self.members.push(Member { config, before, is_dominated: false });
        u32::try_from(self.members.len() - 1).expect("limits come before 2^32 configurations")
    }

    /// Finds all members anew by hash, with room for as many again.
    fn rehash(&mut self) {
        let cells = (self.members.len() * 4).next_power_of_two();
        if self.equals.len() < cells {
            self.equals = vec![Cell::default(); cells];
            self.states = vec![Cell::default(); cells];
        }
        self.next_round();
        (0..self.members.len()).for_each(|place| self.index(u32::try_from(place).unwrap_or(NONE)));
    }

    #[expect(clippy::cast_possible_truncation, reason = "a part of the hash is enough")]
    fn start(&self, hash: u64) -> usize {
        hash as usize & (self.equals.len() - 1)
    }

    fn find_equal(&self, config: &Config<W>) -> bool {
        let mut at = self.start(config.hash());
        while self.equals[at].round == self.round {
            if self.members[self.equals[at].member as usize].config.is_same(config) {
                return true;
            }
            at = (at + 1) & (self.equals.len() - 1);
        }
        false
    }

    /// The cell of a state, or the empty one where it belongs.
    fn cell(&self, state: StateId) -> usize {
        let mut at = self.start(mix(state.into()));
        while self.states[at].round == self.round && self.members[self.states[at].member as usize].config.state != state {
            at = (at + 1) & (self.states.len() - 1);
        }
        at
    }

    fn head(&self, state: StateId) -> u32 {
        let cell = self.states[self.cell(state)];
        if cell.round == self.round { cell.member } else { NONE }
    }

    fn index(&mut self, place: u32) {
        let config = self.members[place as usize].config;
        self.members[place as usize].before = self.head(config.state);
        let cell = self.cell(config.state);
        self.states[cell] = Cell { round: self.round, member: place };
        let mut at = self.start(config.hash());
        while self.equals[at].round == self.round {
            at = (at + 1) & (self.equals.len() - 1);
        }
        self.equals[at] = Cell { round: self.round, member: place };
    }

    /// Memory in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.members.capacity() * size_of::<Member<W>>() + (self.states.len() + self.equals.len()) * size_of::<Cell>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(state: StateId, todo: &[usize], free: &[usize]) -> Config<1> {
        let of = |slots: &[usize]| {
            let mut bits = Bits::EMPTY;
            slots.iter().for_each(|slot| bits.set(*slot));
            bits
        };
        Config { state, step: 0, todo: of(todo), free: of(free) }
    }

    fn table(inert: Bits<1>) -> Table<1> {
        let mut table = Table::new();
        table.reset(inert);
        table
    }

    #[test]
    fn a_free_operation_stands_for_done_and_for_todo() {
        for weaker in [config(0, &[], &[]), config(0, &[1], &[]), config(0, &[], &[1])] {
            let mut table = table(Bits::EMPTY);
            assert!(table.insert(&config(0, &[], &[1])).is_some());
            assert!(table.insert(&weaker).is_none());
            assert!(table.insert(&Config { state: 1, ..weaker }).is_some());
        }
    }

    #[test]
    fn done_and_todo_do_not_stand_for_each_other() {
        let mut table = table(Bits::EMPTY);
        let first = table.insert(&config(0, &[1], &[])).unwrap();
        assert!(table.insert(&config(0, &[], &[])).is_some());
        assert!(table.insert(&config(0, &[], &[1])).is_some());
        assert!(table.get(first).is_none());
        assert_eq!(table.iter().count(), 1);
    }

    #[test]
    fn of_inert_operations_the_number_counts() {
        let mut inert = Bits::EMPTY;
        inert.set(1);
        inert.set(2);
        let mut table = table(inert);
        assert!(table.insert(&config(0, &[], &[1])).is_some());
        assert!(table.insert(&config(0, &[], &[2])).is_none());
        assert!(table.insert(&config(0, &[], &[1, 2])).is_some());
        assert_eq!(table.iter().count(), 1);
    }

    /// The same answers however many members there are: the few are compared, the many hashed.
    #[test]
    fn a_large_table_is_a_set_without_dominated_members() {
        let mut table = table(Bits::EMPTY);
        for round in 0..3 {
            table.reset(Bits::EMPTY);
            for state in 0..500 {
                assert!(table.insert(&config(state, &[1, 2], &[])).is_some(), "round {round}");
            }
            for state in 0..500 {
                assert!(table.insert(&config(state, &[1, 2], &[])).is_none());
                assert!(table.insert(&config(state, &[1], &[2])).is_some());
            }
            assert_eq!(table.iter().count(), 500);
            assert!(table.iter().all(|member| member.free.has(2)));
        }
    }
}
