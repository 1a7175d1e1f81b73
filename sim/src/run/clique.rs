//! The oracle of the liveness phase: who must make progress although faults stay.
//!
//! A *core* is a clique: its members are well, every two of them are linked in both directions, and together they are
//! a quorum of every configuration that anybody acts by. Whatever stands outside it is no excuse for it.
//! A pure function; which faults are in force is [`super::faults`]' affair. Read next: `healing.rs`.

use squall_raft::membership::Configuration;
use squall_raft::types::NodeId;

/// The largest core, and of equally large ones that with the lowest numbers. `None` if there is none.
///
/// Clusters are small: all sets of nodes are looked at, in an order in which the first that holds is the answer.
///
/// ```
/// use squall_raft::membership::Configuration;
/// use squall_raft::types::NodeId;
/// use squall_sim::run::clique::core;
///
/// let voters = Configuration::of_voters((1..=3).map(NodeId)).unwrap();
/// let chain = |one: NodeId, other: NodeId| one.0.abs_diff(other.0) == 1;
/// assert_eq!(core(&[voters.clone()], |_| true, chain), Some(vec![NodeId(1), NodeId(2)]));
/// assert_eq!(core(&[voters], |node| node.0 == 2, chain), None);
/// ```
#[must_use]
pub fn core(
    configurations: &[Configuration],
    is_well: impl Fn(NodeId) -> bool,
    are_linked: impl Fn(NodeId, NodeId) -> bool,
) -> Option<Vec<NodeId>> {
    let mut nodes: Vec<NodeId> = configurations.iter().flat_map(Configuration::members).filter(|node| is_well(*node)).collect();
    nodes.sort_unstable();
    nodes.dedup();
    let mut best: Option<Vec<NodeId>> = None;
    for choice in 1..1_u64 << nodes.len() {
        let members: Vec<NodeId> = (0..).zip(&nodes).filter(|(bit, _)| choice >> bit & 1 == 1).map(|(_, node)| *node).collect();
        let is_better =
            best.as_ref().is_none_or(|best| (members.len(), std::cmp::Reverse(&members)) > (best.len(), std::cmp::Reverse(best)));
        if is_better && is_clique(&members, &are_linked) && configurations.iter().all(|voters| holds_quorum(voters, &members)) {
            best = Some(members);
        }
    }
    best
}

fn is_clique(members: &[NodeId], are_linked: &impl Fn(NodeId, NodeId) -> bool) -> bool {
    let linked_to_later = |(i, one): (usize, &NodeId)| members[i + 1..].iter().all(|other| are_linked(*one, *other));
    members.iter().enumerate().all(linked_to_later)
}

/// Not the engine's own arithmetic: what is judged does not judge itself.
fn holds_quorum(configuration: &Configuration, members: &[NodeId]) -> bool {
    let is_majority = |set: &[NodeId]| set.iter().filter(|node| members.contains(node)).count() * 2 > set.len();
    is_majority(configuration.voters()) && (!configuration.is_joint() || is_majority(configuration.outgoing()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(numbers: &[u64]) -> Vec<NodeId> {
        numbers.iter().copied().map(NodeId).collect()
    }

    fn voters(numbers: &[u64]) -> Configuration {
        Configuration::of_voters(ids(numbers)).expect("voters")
    }

    /// A core of five voters where these pairs are cut.
    fn cut(pairs: &[(u64, u64)]) -> Option<Vec<NodeId>> {
        let are_linked = |one: NodeId, other: NodeId| !pairs.contains(&(one.0, other.0)) && !pairs.contains(&(other.0, one.0));
        core(&[voters(&[1, 2, 3, 4, 5])], |_| true, are_linked)
    }

    #[test]
    fn the_largest_is_chosen_and_of_equals_the_lowest() {
        assert_eq!(cut(&[]), Some(ids(&[1, 2, 3, 4, 5])));
        assert_eq!(cut(&[(2, 5)]), Some(ids(&[1, 2, 3, 4])));
        assert_eq!(cut(&[(1, 4), (1, 5), (2, 4), (2, 5)]), Some(ids(&[1, 2, 3])), "3 bridges two pairs");
    }

    #[test]
    fn without_a_connected_quorum_there_is_none() {
        let hub = [(2, 3), (2, 4), (2, 5), (3, 4), (3, 5), (4, 5)];
        assert_eq!(cut(&hub), None);
        assert_eq!(cut(&hub[1..]), Some(ids(&[1, 2, 3])));
        assert_eq!(core(&[voters(&[1, 2, 3, 4])], |node| node.0 > 2, |_, _| true), None, "half is no quorum");
    }

    #[test]
    fn every_configuration_needs_its_quorum() {
        let two = [voters(&[1, 2, 3]), voters(&[3, 4, 5])];
        assert_eq!(core(&two, |node| node.0 != 3, |_, _| true), Some(ids(&[1, 2, 4, 5])));
        assert_eq!(core(&two, |node| node.0 < 4, |_, _| true), None);
        let joint = Configuration::from_parts(ids(&[1, 2, 3]), ids(&[3, 4, 5]), []).expect("two sets");
        assert_eq!(core(std::slice::from_ref(&joint), |node| node.0 < 4, |_, _| true), None);
        assert_eq!(core(&[joint], |node| node.0 != 1 && node.0 != 5, |_, _| true), Some(ids(&[2, 3, 4])));
    }

    /// All graphs of up to four nodes, against the definition.
    #[test]
    fn a_core_equals_its_definition() {
        for n in 1..=4_u64 {
            let all: Vec<u64> = (1..=n).collect();
            let pairs: Vec<(u64, u64)> = all.iter().flat_map(|one| (one + 1..=n).map(move |other| (*one, other))).collect();
            for graph in 0..1_u64 << pairs.len() {
                let linked =
                    |one: u64, other: u64| (0..).zip(&pairs).any(|(bit, pair)| *pair == (one, other) && graph >> bit & 1 == 1);
                let found = core(&[voters(&all)], |_| true, |one, other| linked(one.0.min(other.0), one.0.max(other.0)));
                let fits = |set: u64| {
                    let held = |node: u64| set >> (node - 1) & 1 == 1;
                    u64::from(set.count_ones()) * 2 > n && pairs.iter().all(|&(a, b)| !held(a) || !held(b) || linked(a, b))
                };
                let largest = (1..1_u64 << n)
                    .filter(|set| fits(*set))
                    .map(|set| (1..=n).filter(|node| set >> (node - 1) & 1 == 1).count())
                    .max();
                assert_eq!(found.as_ref().map(Vec::len), largest, "n {n} graph {graph:b}");
            }
        }
    }
}
