//! tikv's raft-rs in a bare loop: nodes, their ticks, and a proposer at the leader.
//!
//! One `Ready` is taken after each input, so that each proposal is a message of its own.
//! Entries are "applied" by dropping them. Read next: [`crate::streams`], the same on madsim.

use raft::eraftpb::Message;

use crate::links::{Links, Weather};
use crate::node::{HEARTBEAT_NS, NODES, Node, Tuning, Wishes};
use crate::queue::Queue;

/// Time between two ticks, which is the time between two heartbeats: the coarsest that keeps
/// the interval, so the fewest events.
pub const TICK_NS: u64 = HEARTBEAT_NS;

/// How long a sync takes in the variant that waits for it.
pub const SYNC_NS: u64 = 1_000_000;

enum Event {
    Deliver { to: usize, message: Message },
    Tick { at: usize },
    Synced { at: usize },
    Propose { every_ns: u64 },
}

/// Five nodes and what is on its way between them.
pub struct Cluster {
    nodes: Vec<Node>,
    queue: Queue<Event>,
    links: Links,
    wishes: Wishes,
    leader: usize,
    messages: u64,
}

impl Cluster {
    /// Boots the nodes. Their ticks are spread over the interval; what raft-rs itself draws
    /// (election timeouts) no seed controls.
    #[must_use]
    pub fn boot(tuning: Tuning, weather: Weather, seed: u64) -> Self {
        let mut links = Links::new(NODES, weather, seed);
        let mut queue = Queue::default();
        let nodes = (0..NODES).map(|at| Node::new(at, 1, tuning)).collect();
        for at in 0..NODES {
            queue.push(links.below(TICK_NS), Event::Tick { at });
        }
        Self { nodes, queue, links, wishes: Wishes::default(), leader: 0, messages: 0 }
    }

    /// Virtual time so far.
    #[must_use]
    pub const fn now_ns(&self) -> u64 {
        self.queue.now_ns()
    }

    /// Messages that nodes sent, lost ones included and second copies not.
    #[must_use]
    pub const fn messages(&self) -> u64 {
        self.messages
    }

    /// Entries that are committed.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.nodes.iter().map(Node::committed).max().unwrap_or(0)
    }

    /// Entries that all nodes have applied.
    #[must_use]
    pub fn applied_everywhere(&self) -> u64 {
        self.nodes.iter().map(Node::applied).min().unwrap_or(0)
    }

    /// The latest term.
    #[must_use]
    pub fn term(&self) -> u64 {
        self.nodes.iter().map(Node::term).max().unwrap_or(0)
    }

    /// Begins to propose 16 bytes each time that this much virtual time has passed.
    pub fn propose_every(&mut self, every_ns: u64) {
        self.queue.push(every_ns, Event::Propose { every_ns });
    }

    /// Lets virtual time pass.
    pub fn run_until(&mut self, until_ns: u64) {
        while let Some(event) = self.queue.pop_until(until_ns) {
            self.handle(event);
        }
    }

    fn handle(&mut self, event: Event) {
        let at = match event {
            Event::Deliver { to, message } => {
                self.nodes[to].step(message);
                to
            }
            Event::Tick { at } => {
                self.nodes[at].tick();
                self.queue.push(TICK_NS, Event::Tick { at });
                at
            }
            Event::Synced { at } => {
                self.nodes[at].synced(&mut self.wishes);
                at
            }
            Event::Propose { every_ns } => {
                self.queue.push(every_ns, Event::Propose { every_ns });
                let Some(leader) = self.find_leader() else { return };
                self.nodes[leader].propose();
                leader
            }
        };
        self.nodes[at].flush(&mut self.wishes);
        self.grant(at);
    }

    fn find_leader(&mut self) -> Option<usize> {
        if !self.nodes[self.leader].leads() {
            let leading = (0..NODES).filter(|&at| self.nodes[at].leads());
            self.leader = leading.max_by_key(|&at| self.nodes[at].term())?;
        }
        Some(self.leader)
    }

    fn grant(&mut self, from: usize) {
        let now_ns = self.queue.now_ns();
        for message in self.wishes.send.drain(..) {
            self.messages += 1;
            let to = usize::try_from(message.to - 1).unwrap_or(usize::MAX);
            let fate = self.links.send(now_ns, from, to);
            if let Some(after_ns) = fate.again_after_ns {
                self.queue.push(after_ns, Event::Deliver { to, message: message.clone() });
            }
            if let Some(after_ns) = fate.after_ns {
                self.queue.push(after_ns, Event::Deliver { to, message });
            }
        }
        if std::mem::take(&mut self.wishes.sync) {
            self.queue.push(SYNC_NS, Event::Synced { at: from });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND_NS: u64 = 1_000_000_000;

    #[test]
    fn every_variant_commits_what_is_proposed() {
        for (waits_for_sync, announces_commits) in [(false, true), (false, false), (true, true), (true, false)] {
            let tuning = Tuning { waits_for_sync, announces_commits };
            let mut cluster = Cluster::boot(tuning, Weather::LOSSY, 3);
            cluster.propose_every(1_000_000);
            cluster.run_until(5 * SECOND_NS);
            assert!(cluster.commits() > 4_000, "{tuning:?}: {} commits", cluster.commits());
            let behind = cluster.commits() - cluster.applied_everywhere();
            assert!(behind < 500, "{tuning:?}: {behind} entries behind");
        }
    }

    #[test]
    fn an_idle_second_costs_160_messages() {
        let mut cluster = Cluster::boot(Tuning::default(), Weather::CALM, 5);
        cluster.run_until(2 * SECOND_NS);
        let (before, term) = (cluster.messages(), cluster.term());
        cluster.run_until(12 * SECOND_NS);
        assert!((1_550..=1_650).contains(&(cluster.messages() - before)));
        assert_eq!(cluster.term(), term, "nobody campaigns against a leader that is well");
    }
}
