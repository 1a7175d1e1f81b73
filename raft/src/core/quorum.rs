//! Quorum arithmetic: what a set of votes or acknowledgements amounts to.
//!
//! Pure functions over a configuration; a joint one needs a majority of each of its two
//! sets (paper, §6). Not here: who answered what ([`super::progress`], [`super::role`]).

use crate::membership::Configuration;
use crate::types::NodeId;

/// Majority of `n` voters.
#[must_use]
pub const fn majority(n: usize) -> usize {
    n / 2 + 1
}

/// Whether the granted votes elect. Votes of others than voters count for nothing.
#[must_use]
pub fn elects(configuration: &Configuration, granted: &[NodeId]) -> bool {
    sets(configuration).all(|voters| granted.iter().filter(|node| voters.contains(node)).count() >= majority(voters.len()))
}

/// The highest value that a quorum has reached, if that is above `known`; `reached` tells each voter's.
///
/// With `reached` = durable log index this is what may be committed; with `reached` =
/// acknowledged round it is the round that is confirmed.
pub fn reached_beyond(configuration: &Configuration, known: u64, reached: impl Fn(NodeId) -> u64) -> Option<u64> {
    let beyond = majority_beyond(configuration.voters(), known, &reached)?;
    match configuration.outgoing() {
        [] => Some(beyond),
        outgoing => majority_beyond(outgoing, known, &reached).map(|other| beyond.min(other)),
    }
}

/// Voter sets up to this size are looked at on the stack.
const SMALL: usize = 9;

fn majority_beyond(voters: &[NodeId], known: u64, reached: &impl Fn(NodeId) -> u64) -> Option<u64> {
    let mut few = [0; SMALL];
    let mut many = Vec::new();
    let values = match few.get_mut(..voters.len()) {
        Some(values) => values,
        None => {
            many.resize(voters.len(), 0);
            &mut many[..]
        }
    };
    for (value, node) in values.iter_mut().zip(voters) {
        *value = reached(*node);
    }
    // For so few, counting beats sorting. It stops at the majority: a count of all would be made ready for hundreds.
    let majority = majority(voters.len());
    let is_held = |value: u64| values.iter().filter(|other| **other >= value).nth(majority - 1).is_some();
    let mut highest = known;
    for value in values.iter() {
        if *value > highest && is_held(*value) {
            highest = *value;
        }
    }
    (highest > known).then_some(highest)
}

fn sets(configuration: &Configuration) -> impl Iterator<Item = &[NodeId]> {
    [configuration.voters(), configuration.outgoing()].into_iter().filter(|voters| !voters.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voters(n: u64) -> Configuration {
        Configuration::of_voters((1..=n).map(NodeId)).expect("at least one voter")
    }

    /// All assignments of 0..=3 to up to six voters, against the definition.
    #[test]
    fn reached_beyond_equals_its_definition() {
        for n in 1..=6u64 {
            for code in 0..1u64 << (2 * n) {
                let reached = |node: NodeId| code >> (2 * (node.0 - 1)) & 3;
                let holders = |value: u64| (1..=n).filter(|id| reached(NodeId(*id)) >= value).count() as u64;
                let by_definition = (0..4).rev().find(|value| holders(*value) * 2 > n);
                for known in 0..4 {
                    let beyond = by_definition.filter(|value| *value > known);
                    assert_eq!(reached_beyond(&voters(n), known, reached), beyond, "n {n} code {code} known {known}");
                }
            }
        }
    }

    #[test]
    fn more_voters_than_fit_on_the_stack() {
        assert_eq!(reached_beyond(&voters(11), 5, |node| node.0), Some(6));
        assert_eq!(reached_beyond(&voters(11), 6, |node| node.0), None);
    }

    /// All subsets of up to six voters, strangers added.
    #[test]
    fn elects_equals_its_definition() {
        for n in 1..=6u64 {
            for subset in 0..1u64 << n {
                let mut granted: Vec<NodeId> = (1..=n).filter(|id| subset >> (id - 1) & 1 == 1).map(NodeId).collect();
                let enough = granted.len() as u64 * 2 > n;
                granted.extend([NodeId(77), NodeId(78), NodeId(79)]);
                assert_eq!(elects(&voters(n), &granted), enough, "n {n} subset {subset:b}");
            }
        }
    }
}
