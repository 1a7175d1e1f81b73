//! Liveness after the storm: a leader, a new commit, an answer to every operation and to every
//! single request, equal replicas. Where faults stay, it is demanded of a core outside of which
//! they are, and there the leader must stay as well: a cluster that elects for ever is well now
//! and then.
//!
//! A pure judge of facts that the run collects at its end; how long to wait for them, and
//! whether it could stop earlier, is the run's affair. Not here: safety ([`crate::raft`]).

use crate::violation::{Property, Verdict, Violation};

/// How many of a long list a message names.
const NAMED: usize = 5;

/// Where a replica stands at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replica {
    /// Which node.
    pub node: u64,
    /// Last index of its log.
    pub last_index: u64,
    /// Its commit index.
    pub commit_index: u64,
    /// Its applied index.
    pub applied_index: u64,
    /// Digest of its state.
    pub digest: u64,
}

/// What was found when a run ended.
///
/// # Example: a cluster that lost an operation
///
/// ```
/// use squall_checkers::liveness::{EndOfRun, Replica};
///
/// let replica = |node| Replica { node, last_index: 9, commit_index: 9, applied_index: 9, digest: 7 };
/// let mut end = EndOfRun {
///     leader: Some(1),
///     reign_ns: None,
///     reign_election_timeouts: 0,
///     outside: vec![],
///     committed_since_heal: true,
///     unanswered: vec![],
///     owed: vec![],
///     replicas: vec![replica(1), replica(2), replica(3)],
///     elapsed_ns: 2_000_000_000,
///     election_timeout_ns: 200_000_000,
///     bound_election_timeouts: 10,
/// };
/// assert!(end.judge().is_ok());
/// end.unanswered.push((4, 17));
/// assert_eq!(
///     end.judge().unwrap_err().message,
///     "10 election timeouts (2000000000 ns) after everything was healed, of 10 allowed (2000000000 ns), \
///      1 operation has no outcome: operation 17 of client 4",
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndOfRun {
    /// The leader that a quorum follows, if there is one.
    pub leader: Option<u64>,
    /// For how long it has led; `None` if that does not matter.
    pub reign_ns: Option<u64>,
    /// For how many election timeouts it must have led.
    pub reign_election_timeouts: u64,
    /// Nodes that nothing is demanded of, because faults stay with them.
    pub outside: Vec<u64>,
    /// Whether anything new was committed since everything was healed.
    pub committed_since_heal: bool,
    /// Operations without an outcome: client and operation.
    pub unanswered: Vec<(u64, u64)>,
    /// Requests that a running node has taken and not answered: node and how many. A client that asks again elsewhere
    /// hides that one was dropped.
    pub owed: Vec<(u64, u64)>,
    /// The replicas that must be equal.
    pub replicas: Vec<Replica>,
    /// How long after the healing this was found.
    pub elapsed_ns: u64,
    /// The largest election timeout.
    pub election_timeout_ns: u64,
    /// How many of them the cluster has.
    pub bound_election_timeouts: u64,
}

impl EndOfRun {
    /// Judges whether everything that a healed cluster owes is there.
    ///
    /// # Errors
    ///
    /// A violation of [`Property::Liveness`] that names everything that is missing.
    pub fn judge(&self) -> Verdict {
        let missing: Vec<String> =
            [self.no_leader(), self.no_reign(), self.no_commit(), self.no_outcome(), self.no_answer(), self.no_convergence()]
                .into_iter()
                .flatten()
                .collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(Violation::new(Property::Liveness, format!("{}, {}", self.deadline(), missing.join("; "))))
    }

    /// Whether it has had its time. A reign that is demanded comes on top.
    #[must_use]
    pub const fn is_overdue(&self) -> bool {
        self.elapsed_ns >= self.bound_ns(self.bound_election_timeouts.saturating_add(self.reign_election_timeouts))
    }

    const fn bound_ns(&self, election_timeouts: u64) -> u64 {
        election_timeouts.saturating_mul(self.election_timeout_ns)
    }

    fn deadline(&self) -> String {
        let elapsed = self.elapsed_ns.checked_div(self.election_timeout_ns).unwrap_or_default();
        let bound = self.bound_election_timeouts.saturating_add(self.reign_election_timeouts);
        let healed = match self.outside.as_slice() {
            [] if self.reign_ns.is_none() => "everything was healed".to_owned(),
            [] => "everything that passes was healed".to_owned(),
            [node] => format!("all but node {node} was healed"),
            nodes => format!("all but nodes {} was healed", listed(nodes)),
        };
        let (elapsed_ns, bound_ns) = (self.elapsed_ns, self.bound_ns(bound));
        format!("{elapsed} election timeouts ({elapsed_ns} ns) after {healed}, of {bound} allowed ({bound_ns} ns)")
    }

    fn no_reign(&self) -> Option<String> {
        let (leader, reign_ns) = self.leader.zip(self.reign_ns)?;
        let wanted_ns = self.bound_ns(self.reign_election_timeouts);
        (reign_ns < wanted_ns)
            .then(|| format!("leaders do not stay: node {leader} has led for {reign_ns} ns, expected {wanted_ns} ns"))
    }

    fn no_leader(&self) -> Option<String> {
        self.leader.is_none().then(|| "there is no leader".to_owned())
    }

    fn no_commit(&self) -> Option<String> {
        let commit = self.replicas.iter().map(|replica| replica.commit_index).max().unwrap_or_default();
        (!self.committed_since_heal).then(|| format!("nothing new is committed since then: the highest commit index is {commit}"))
    }

    fn no_outcome(&self) -> Option<String> {
        let count = self.unanswered.len();
        let named =
            self.unanswered.iter().take(NAMED).map(|(client, operation)| format!("operation {operation} of client {client}"));
        let named = named.collect::<Vec<_>>().join(", ");
        let rest = if count > NAMED { format!(" and {} more", count - NAMED) } else { String::new() };
        match count {
            0 => None,
            1 => Some(format!("1 operation has no outcome: {named}")),
            _ => Some(format!("{count} operations have no outcome: {named}{rest}")),
        }
    }

    fn no_answer(&self) -> Option<String> {
        let (node, requests) = self.owed.iter().find(|(_, requests)| *requests > 0)?;
        let noun = if *requests == 1 { "request" } else { "requests" };
        Some(format!("node {node} has taken {requests} {noun} and not answered"))
    }

    fn no_convergence(&self) -> Option<String> {
        let (first, rest) = self.replicas.split_first()?;
        let standing = |replica: &Replica| Replica { node: 0, ..*replica };
        let other = rest.iter().find(|other| standing(other) != standing(first))?;
        Some(format!("replicas differ: {} and {}", described(first), described(other)))
    }
}

fn listed(nodes: &[u64]) -> String {
    nodes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn described(replica: &Replica) -> String {
    let Replica { node, last_index, commit_index, applied_index, digest } = *replica;
    format!("node {node} (last {last_index}, commit {commit_index}, applied {applied_index}, digest {digest:016x})")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn healthy() -> EndOfRun {
        let replica = |node| Replica { node, last_index: 12, commit_index: 12, applied_index: 12, digest: 0xab };
        EndOfRun {
            leader: Some(2),
            reign_ns: None,
            reign_election_timeouts: 0,
            outside: Vec::new(),
            committed_since_heal: true,
            unanswered: Vec::new(),
            owed: Vec::new(),
            replicas: (1..=3).map(replica).collect(),
            elapsed_ns: 1_500,
            election_timeout_ns: 300,
            bound_election_timeouts: 20,
        }
    }

    #[track_caller]
    fn assert_missing(end: &EndOfRun, missing: &str) {
        let violation = end.judge().unwrap_err();
        assert_eq!(violation.property, Property::Liveness);
        let prefix = "5 election timeouts (1500 ns) after everything was healed, of 20 allowed (6000 ns), ";
        assert_eq!(violation.message, format!("{prefix}{missing}"));
    }

    #[test]
    fn a_healthy_end_passes() {
        assert_eq!(healthy().judge(), Ok(()));
        assert_eq!(EndOfRun { replicas: Vec::new(), ..healthy() }.judge(), Ok(()));
    }

    #[test]
    fn no_leader() {
        assert_missing(&EndOfRun { leader: None, ..healthy() }, "there is no leader");
    }

    #[test]
    fn where_faults_stay_a_leader_must_stay_too_and_the_reign_comes_on_top_of_the_time() {
        let end = EndOfRun { reign_ns: Some(2_399), reign_election_timeouts: 8, outside: vec![1, 3], ..healthy() };
        let message = end.judge().unwrap_err().message;
        let wanted = "5 election timeouts (1500 ns) after all but nodes 1, 3 was healed, of 28 allowed (8400 ns), \
                      leaders do not stay: node 2 has led for 2399 ns, expected 2400 ns";
        assert_eq!(message, wanted);
        assert_eq!(EndOfRun { reign_ns: Some(2_400), ..end.clone() }.judge(), Ok(()));
        assert!(!EndOfRun { elapsed_ns: 8_399, ..end.clone() }.is_overdue());
        assert!(EndOfRun { elapsed_ns: 8_400, ..end }.is_overdue());
        assert!(EndOfRun { elapsed_ns: 6_000, ..healthy() }.is_overdue());
    }

    #[test]
    fn no_new_commit() {
        let end = EndOfRun { committed_since_heal: false, ..healthy() };
        assert_missing(&end, "nothing new is committed since then: the highest commit index is 12");
    }

    #[test]
    fn unanswered_operations_are_named_up_to_a_limit() {
        let end = EndOfRun { unanswered: vec![(3, 8)], ..healthy() };
        assert_missing(&end, "1 operation has no outcome: operation 8 of client 3");
        let end = EndOfRun { unanswered: (1..=7).map(|client| (client, 10 * client)).collect(), ..healthy() };
        assert_missing(
            &end,
            "7 operations have no outcome: operation 10 of client 1, operation 20 of client 2, operation 30 of client 3, \
             operation 40 of client 4, operation 50 of client 5 and 2 more",
        );
    }

    #[test]
    fn replicas_differ_in_any_of_their_numbers() {
        let changes: [fn(&mut Replica); 4] =
            [|r| r.last_index = 13, |r| r.commit_index = 11, |r| r.applied_index = 11, |r| r.digest = 0xac];
        let differ = [
            "(last 13, commit 12, applied 12, digest 00000000000000ab)",
            "(last 12, commit 11, applied 12, digest 00000000000000ab)",
            "(last 12, commit 12, applied 11, digest 00000000000000ab)",
            "(last 12, commit 12, applied 12, digest 00000000000000ac)",
        ];
        for (change, differs) in changes.into_iter().zip(differ) {
            let mut end = healthy();
            change(&mut end.replicas[2]);
            let first = "node 1 (last 12, commit 12, applied 12, digest 00000000000000ab)";
            assert_missing(&end, &format!("replicas differ: {first} and node 3 {differs}"));
        }
    }

    #[test]
    fn everything_that_is_missing_is_said_and_no_number_is_too_large() {
        let end = EndOfRun { leader: None, committed_since_heal: false, ..healthy() };
        let nothing_new = "nothing new is committed since then: the highest commit index is 12";
        assert_missing(&end, &format!("there is no leader; {nothing_new}"));
        let absurd = EndOfRun { election_timeout_ns: 0, bound_election_timeouts: u64::MAX, ..end.clone() };
        assert!(absurd.judge().is_err());
        let absurd = EndOfRun { election_timeout_ns: u64::MAX, bound_election_timeouts: u64::MAX, ..end };
        assert!(absurd.judge().is_err());
    }
}
