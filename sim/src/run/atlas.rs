//! The atlas: which faults of disks a cluster of this protocol promises to survive.
//!
//! A storage fault is an attempt. Whether it may happen is decided at the moment at which it would, from what the media
//! hold and from every configuration that anybody acts by:
//!
//! | class | what | allowed |
//! |---|---|---|
//! | transient | errors, a full device, slow, stalled or reordered operations, reads that go astray | always |
//! | detectable | rot, a wiped disk, writes that go astray: what was acknowledged is damaged, and it shows | if the nodes whose disks are whole still hold a quorum of every configuration |
//! | undetectable | what was promised is gone and looks as if it had never been | never, unless a fault lies outside the atlas |
//!
//! The third class is kept from happening where it would: see the power loss and the damage of [`crate::disk`], which
//! know the bytes. Here is the arithmetic of the second. A pure function. Not here: who is damaged (`operator.rs`).

use squall_raft::membership::Configuration;
use squall_raft::types::NodeId;

use crate::disk::DiskFault;

/// How bad a fault of a disk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// It passes, and leaves nothing behind that a node could not deal with alone.
    Transient,
    /// It damages what was acknowledged, and shows.
    Detectable,
}

/// The class of a fault, as far as it is known before it meets any bytes.
#[must_use]
pub const fn class(fault: &DiskFault) -> Class {
    match fault {
        DiskFault::Rot { .. } | DiskFault::Wipe => Class::Detectable,
        DiskFault::Misdirect { writes, .. } if *writes > 0 => Class::Detectable,
        DiskFault::Misdirect { .. }
        | DiskFault::Errors { .. }
        | DiskFault::Full { .. }
        | DiskFault::Lying { .. }
        | DiskFault::Reorder => Class::Transient,
    }
}

/// Whether a cluster promises to survive lasting damage of `hit`, beside that of all who are damaged already.
///
/// ```
/// use squall_raft::membership::Configuration;
/// use squall_raft::types::NodeId;
/// use squall_sim::run::atlas::survives;
///
/// let voters = Configuration::of_voters((1..=5).map(NodeId)).unwrap();
/// assert!(survives(&[voters.clone()], |node| node.0 == 1, NodeId(2)));
/// assert!(!survives(&[voters], |node| node.0 < 3, NodeId(3)));
/// ```
#[must_use]
pub fn survives(configurations: &[Configuration], is_damaged: impl Fn(NodeId) -> bool, hit: NodeId) -> bool {
    let is_whole = |node: &&NodeId| **node != hit && !is_damaged(**node);
    let is_majority = |set: &[NodeId]| set.iter().filter(is_whole).count() * 2 > set.len();
    configurations.iter().all(|of| is_majority(of.voters()) && (!of.is_joint() || is_majority(of.outgoing())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(numbers: &[u64]) -> Vec<NodeId> {
        numbers.iter().copied().map(NodeId).collect()
    }

    #[test]
    fn every_configuration_keeps_a_whole_quorum() {
        let voters = |numbers: &[u64]| Configuration::of_voters(ids(numbers)).expect("voters");
        assert!(!survives(&[voters(&[1])], |_| false, NodeId(1)), "one node has nobody to learn from");
        assert!(!survives(&[voters(&[1, 2])], |_| false, NodeId(1)));
        assert!(survives(&[voters(&[1, 2, 3])], |_| false, NodeId(1)));
        assert!(!survives(&[voters(&[1, 2, 3])], |node| node.0 == 3, NodeId(1)));
        assert!(survives(&[voters(&[1, 2, 3])], |node| node.0 == 3, NodeId(3)), "it is damaged already");
        assert!(survives(&[voters(&[1, 2, 3])], |_| false, NodeId(9)), "it has no vote");
        let joint = Configuration::from_parts(ids(&[1, 2, 3]), ids(&[3, 4, 5]), []).expect("two sets");
        assert!(survives(std::slice::from_ref(&joint), |node| node.0 == 1, NodeId(5)));
        assert!(!survives(std::slice::from_ref(&joint), |node| node.0 == 3, NodeId(5)));
        assert!(!survives(&[voters(&[1, 2, 3]), voters(&[1, 4])], |_| false, NodeId(4)), "the smallest decides");
    }

    /// All pairs of sets of up to five nodes, against the definition: some majority of each set is whole.
    #[test]
    fn the_count_equals_the_search_for_a_whole_majority() {
        let members = |set: u64| (1..=5_u64).filter(move |node| set >> (node - 1) & 1 == 1).map(NodeId).collect::<Vec<_>>();
        for (new, old) in (1..32).flat_map(|new| (0..32).map(move |old| (new, old))) {
            let Ok(configuration) = Configuration::from_parts(members(new), members(old), []) else { continue };
            for damaged in 0..32_u64 {
                let hit = NodeId(1 + damaged % 5);
                let is_damaged = |node: NodeId| damaged >> (node.0 - 1) & 1 == 1;
                let whole = |choice: u64| members(choice).iter().all(|node| !is_damaged(*node) && *node != hit);
                let has_majority = |set: u64| {
                    (0..32_u64).any(|choice| choice & !set == 0 && choice.count_ones() * 2 > set.count_ones() && whole(choice))
                };
                let wanted = has_majority(new) && (old == 0 || has_majority(old));
                let found = survives(std::slice::from_ref(&configuration), is_damaged, hit);
                assert_eq!(found, wanted, "{new:b} {old:b} damaged {damaged:b} and {hit}");
            }
        }
    }
}
