//! Who belongs to the cluster, and in what right.
//!
//! The type has room for joint consensus (paper, §6): a configuration with two sets of
//! voters needs a majority of each. Changing the membership is not built yet.
//! Not here: how many acknowledgements make a quorum ([`crate::core`]).

use std::collections::BTreeSet;

use thiserror::Error;

use crate::types::NodeId;

/// The members of a cluster. Sets are sorted and hold no member twice.
///
/// ```
/// use squall_raft::membership::Configuration;
/// use squall_raft::types::NodeId;
///
/// let three = Configuration::of_voters([3, 1, 2].map(NodeId)).unwrap();
/// assert_eq!(three.voters(), [1, 2, 3].map(NodeId));
/// assert!(!three.is_joint());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    voters: Vec<NodeId>,
    outgoing: Vec<NodeId>,
    learners: Vec<NodeId>,
}

/// Why a set of members is no configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ConfigurationError {
    /// Nobody could ever be elected.
    #[error("found no voters, expected at least one")]
    NoVoters,
    /// Listed twice, or as voter and as learner.
    #[error("found node {0} twice, expected each member once")]
    Duplicate(NodeId),
}

impl Configuration {
    /// A configuration in which every member votes.
    ///
    /// # Errors
    /// If there is no voter, or one is listed twice.
    pub fn of_voters(voters: impl IntoIterator<Item = NodeId>) -> Result<Self, ConfigurationError> {
        Self::from_parts(voters, [], [])
    }

    /// A configuration of its three sets, as a log or a peer has them. A voter may be an outgoing one as well.
    ///
    /// # Errors
    /// If there is no voter, one is listed twice in a set, or a learner votes.
    ///
    /// ```
    /// use squall_raft::membership::{Configuration, ConfigurationError};
    /// use squall_raft::types::NodeId;
    ///
    /// let joint = Configuration::from_parts([1, 2].map(NodeId), [2, 3].map(NodeId), [4].map(NodeId)).unwrap();
    /// assert!(joint.is_joint());
    /// let both = Configuration::from_parts([NodeId(1)], [], [NodeId(1)]);
    /// assert_eq!(both, Err(ConfigurationError::Duplicate(NodeId(1))));
    /// ```
    pub fn from_parts(
        voters: impl IntoIterator<Item = NodeId>,
        outgoing: impl IntoIterator<Item = NodeId>,
        learners: impl IntoIterator<Item = NodeId>,
    ) -> Result<Self, ConfigurationError> {
        let (voters, outgoing, learners) = (set(voters)?, set(outgoing)?, set(learners)?);
        if voters.is_empty() {
            return Err(ConfigurationError::NoVoters);
        }
        let configuration = Self { voters, outgoing, learners };
        match configuration.learners.iter().find(|node| configuration.is_voter(**node)) {
            Some(node) => Err(ConfigurationError::Duplicate(*node)),
            None => Ok(configuration),
        }
    }

    /// Those whose votes and acknowledgements count.
    #[must_use]
    pub fn voters(&self) -> &[NodeId] {
        &self.voters
    }

    /// In a joint configuration, the voters of the one that is being left; else empty.
    #[must_use]
    pub fn outgoing(&self) -> &[NodeId] {
        &self.outgoing
    }

    /// Those who receive the log and count for nothing.
    #[must_use]
    pub fn learners(&self) -> &[NodeId] {
        &self.learners
    }

    /// Whether two majorities are needed.
    #[must_use]
    pub fn is_joint(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// Whether the node's vote counts.
    #[must_use]
    pub fn is_voter(&self, node: NodeId) -> bool {
        self.voters.binary_search(&node).is_ok() || self.outgoing.binary_search(&node).is_ok()
    }

    /// All members, each once, in ascending order.
    #[must_use]
    pub fn members(&self) -> Vec<NodeId> {
        let all: BTreeSet<NodeId> = [&self.voters, &self.outgoing, &self.learners].into_iter().flatten().copied().collect();
        all.into_iter().collect()
    }
}

/// The nodes in ascending order, if each is listed once.
fn set(listed: impl IntoIterator<Item = NodeId>) -> Result<Vec<NodeId>, ConfigurationError> {
    let mut nodes: Vec<NodeId> = listed.into_iter().collect();
    nodes.sort_unstable();
    match nodes.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(ConfigurationError::Duplicate(pair[0])),
        None => Ok(nodes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_listed_twice_is_refused() {
        let refused = Configuration::of_voters([1, 2, 1].map(NodeId));
        assert_eq!(refused, Err(ConfigurationError::Duplicate(NodeId(1))));
        assert_eq!(Configuration::of_voters([]), Err(ConfigurationError::NoVoters));
    }
}
