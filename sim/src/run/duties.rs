//! What a node owes by itself, whatever the others do: an answer to each request that it takes, and
//! to give way when its own disk gets nothing done.
//!
//! Both are promises of the engine that a healed cluster and clients who ask again would hide. Read off events, so
//! where an arena does not tell of requests or disk operations, nothing is found missing.
//! Not here: what a cluster owes ([`squall_checkers::liveness`]).

use squall_checkers::violation::{Property, Violation};

use crate::plan::Plan;

/// What is owed, by node.
#[derive(Clone, Debug)]
pub(super) struct Duties {
    nodes: Vec<Debts>,
    /// How long a leader may send heartbeats while its disk does nothing, in true time.
    patience_ns: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Debts {
    requests: u64,
    disk_ops: u64,
    /// When the node had something for its disk to keep, or its disk last got something done since then.
    disk_idle_since_ns: Option<u64>,
}

impl Duties {
    pub fn new(plan: &Plan) -> Self {
        // Clocks may be slow by a fifth; a node looks at its disk before each round.
        let local_ns = plan.engine.disk_stall.0.saturating_add(plan.engine.heartbeat.0.saturating_mul(2));
        let nodes = (0..plan.nodes).map(|_| Debts::default()).collect();
        Self { nodes, patience_ns: local_ns.saturating_add(local_ns / 4) }
    }

    fn of(&mut self, node: u64) -> Option<&mut Debts> {
        self.nodes.get_mut(usize::try_from(node.checked_sub(1)?).ok()?)
    }

    /// Nodes that owe answers, and how many.
    pub fn owed(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        (1..).zip(&self.nodes).filter(|(_, debts)| debts.requests > 0).map(|(node, debts)| (node, debts.requests))
    }

    pub fn took_request(&mut self, node: u64) {
        if let Some(debts) = self.of(node) {
            debts.requests += 1;
        }
    }

    pub fn answered(&mut self, node: u64) {
        if let Some(debts) = self.of(node) {
            debts.requests = debts.requests.saturating_sub(1);
        }
    }

    /// A process ended, and what it owed with it.
    pub fn ended(&mut self, node: u64) {
        if let Some(debts) = self.of(node) {
            *debts = Debts::default();
        }
    }

    pub fn disk_began(&mut self, node: u64) {
        if let Some(debts) = self.of(node) {
            debts.disk_ops += 1;
        }
    }

    pub fn disk_ended(&mut self, node: u64, at_ns: u64) {
        if let Some(debts) = self.of(node) {
            debts.disk_ops = debts.disk_ops.saturating_sub(1);
            debts.disk_idle_since_ns = debts.disk_idle_since_ns.filter(|_| debts.disk_ops > 0).map(|_| at_ns);
        }
    }

    /// A process goes on that stood still; what its disk did meanwhile it hears only now.
    pub fn resumed(&mut self, node: u64, at_ns: u64) {
        if let Some(debts) = self.of(node) {
            debts.disk_idle_since_ns = debts.disk_idle_since_ns.map(|_| at_ns);
        }
    }

    /// The node's log grew: its disk has something to do from now on.
    pub fn appended(&mut self, node: u64, at_ns: u64) {
        if let Some(debts) = self.of(node) {
            debts.disk_idle_since_ns.get_or_insert(at_ns);
        }
    }

    /// A leader sent a heartbeat. May it?
    pub fn sent_heartbeat(&mut self, node: u64, at_ns: u64) -> Option<Box<Violation>> {
        let patience_ns = self.patience_ns;
        let debts = self.of(node)?;
        let since_ns =
            debts.disk_idle_since_ns.filter(|since| debts.disk_ops > 0 && at_ns.saturating_sub(*since) > patience_ns)?;
        Some(Violation::new(
            Property::Liveness,
            format!(
                "node {node} sends heartbeats, though its disk has owed something and done nothing since {since_ns} ns, {} ns",
                at_ns - since_ns
            ),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;

    fn duties() -> Duties {
        let text = r#"Scenario(nodes: 3, safety: "2s", clients: [Kv()], engine: (disk_stall: "1s"))"#;
        Duties::new(&Plan::draw("brief", &Scenario::parse("brief.ron", text).expect("a valid scenario"), 7))
    }

    #[test]
    fn a_leader_with_a_stalled_disk_must_fall_silent() {
        const SECOND: u64 = 1_000_000_000;
        let mut duties = duties();
        duties.disk_began(1);
        assert!(duties.sent_heartbeat(1, 9 * SECOND).is_none(), "the disk owes nothing of the log");
        duties.appended(1, 10 * SECOND);
        assert!(duties.sent_heartbeat(1, 11 * SECOND).is_none());
        assert!(duties.sent_heartbeat(1, 12 * SECOND).is_some());
        assert!(duties.sent_heartbeat(2, 12 * SECOND).is_none());
        duties.disk_began(1);
        duties.disk_ended(1, 12 * SECOND);
        assert!(duties.sent_heartbeat(1, 13 * SECOND).is_none(), "it got something done");
        duties.disk_ended(1, 14 * SECOND);
        assert!(duties.sent_heartbeat(1, 99 * SECOND).is_none(), "all is done");
    }

    #[test]
    fn requests_are_owed_until_they_are_answered_or_the_process_ends() {
        let mut duties = duties();
        [1, 1, 3].into_iter().for_each(|node| duties.took_request(node));
        duties.answered(1);
        assert_eq!(duties.owed().collect::<Vec<_>>(), [(1, 1), (3, 1)]);
        duties.ended(3);
        duties.answered(1);
        assert_eq!(duties.owed().count(), 0);
    }
}
