//! What must hold after every step of every schedule (paper, figure 3, and the persistence
//! that it takes for granted), over all cores and disks at once.
//!
//! In two kinds: what is true of every *state* ([`Invariants::check`]), and what must hold
//! of a *change* (the other methods, called as it happens). Nothing here panics: a
//! violation is text that names nodes, terms and indexes.
//! Not here: whether the cluster gets anywhere; stories and schedules expect that themselves.

use std::collections::{BTreeMap, BTreeSet};

use squall_raft::core::Core;
use squall_raft::core::quorum::majority;
use squall_raft::entry::{Entry, HardState, Persist};
use squall_raft::log_view::{LogView, View};
use squall_raft::message::{Body, Message};
use squall_raft::observation::{Observation, RoleKind};
use squall_raft::process::RequestId;
use squall_raft::types::{LogId, LogIndex, NodeId, Term};

use super::cluster::Node;
use super::disk::Disk;

/// What a violation says.
pub type Checked = Result<(), String>;

fn ensure(holds: bool, violation: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(violation()) }
}

/// What has been seen so far and may never be contradicted.
#[derive(Clone, Debug, Default)]
pub struct Invariants {
    leaders: BTreeMap<Term, NodeId>,
    votes: BTreeMap<(NodeId, Term), NodeId>,
    /// Everything that was ever durable anywhere.
    was_durable: BTreeSet<(NodeId, LogId)>,
    /// Everything that was ever committed, and the term in which it first was.
    committed: LogView,
    committed_in: Vec<Term>,
    /// Term and commit index of each running node.
    seen: BTreeMap<NodeId, (Term, LogIndex)>,
    /// How much was committed when a read arrived.
    read_floor: BTreeMap<RequestId, LogIndex>,
}

/// Changes.
impl Invariants {
    /// A node starts from what is on its disk.
    pub fn started(&mut self, node: NodeId, disk: &Disk) {
        self.seen.insert(node, (disk.hard.term, LogIndex(0)));
        self.was_durable.extend(log_ids(&disk.log).map(|id| (node, id)));
        if let Some(vote) = disk.hard.vote {
            self.votes.insert((node, disk.hard.term), vote);
        }
    }

    /// A read arrived; its answer must show all that is committed now.
    pub fn read_arrived(&mut self, ticket: RequestId) {
        self.read_floor.insert(ticket, self.committed.last().index);
    }

    /// A read may be answered.
    pub fn read_ready(&self, node: NodeId, ticket: RequestId, index: LogIndex) -> Checked {
        let floor = self.read_floor.get(&ticket).copied().unwrap_or_default();
        ensure(index >= floor, || {
            format!("stale read: node {node} answers at {index}, but {floor} was committed before it asked")
        })
    }

    /// Election safety and leader append-only.
    pub fn observed(&mut self, node: NodeId, core: &Core, observation: &Observation) -> Checked {
        match *observation {
            Observation::RoleChanged { term, role: RoleKind::Leader } => {
                let first = *self.leaders.entry(term).or_insert(node);
                ensure(first == node, || format!("election safety: nodes {first} and {node} both lead in term {term}"))
            }
            Observation::Truncated { last, .. } => ensure(core.role().kind() != RoleKind::Leader, || {
                format!("leader append-only: leader {node} truncates to {last}")
            }),
            _ => Ok(()),
        }
    }

    /// One element of the stream became durable.
    pub fn synced(&mut self, node: NodeId, before: HardState, disk: &Disk, what: &Persist) -> Checked {
        match what {
            Persist::HardState(hard) => {
                ensure(hard.term >= before.term, || {
                    format!("durable term of node {node} falls from {} to {}", before.term, hard.term)
                })?;
                self.vote_is_unique(node, hard)?;
            }
            Persist::Append(entries) => self.was_durable.extend(entries.iter().map(|entry| (node, entry.id))),
            Persist::Truncate { .. } => {}
        }
        ensure(disk.log.last().term <= disk.hard.term, || {
            format!("node {node} durably holds {}, but its durable term is {} only", disk.log.last(), disk.hard.term)
        })
    }

    fn vote_is_unique(&mut self, node: NodeId, hard: &HardState) -> Checked {
        let Some(vote) = hard.vote else {
            return Ok(());
        };
        let first = *self.votes.entry((node, hard.term)).or_insert(vote);
        ensure(first == vote, || format!("durable vote: node {node} voted for {first} and for {vote} in term {}", hard.term))
    }

    /// A message leaves its sender: what it promises must be durable. `promised` is the
    /// entry that it acknowledges.
    pub fn released(&self, disk: &Disk, message: &Message, promised: Option<LogId>) -> Checked {
        let (node, to, term) = (message.envelope.from.node, message.envelope.to.node, message.envelope.term);
        let voted_for = |candidate| self.votes.get(&(node, term)) == Some(&candidate);
        let promise = || format!("persist before send: {} of term {term} leaves node {node}", message.body.kind());
        match message.body {
            Body::RequestVote { .. } => {
                ensure(voted_for(node), || format!("{} before its vote for itself is durable", promise()))
            }
            Body::Vote { granted: true } => ensure(voted_for(to), || format!("{} before the vote is durable", promise())),
            Body::Appended { .. } => {
                ensure(disk.hard.term >= term, || format!("{} while its durable term is {}", promise(), disk.hard.term))?;
                self.is_durable(node, promised, promise)
            }
            Body::HeartbeatAck { matched, .. } => {
                ensure(matched.0 == 0 || disk.hard.term >= term, || {
                    format!("{} while its durable term is {}", promise(), disk.hard.term)
                })?;
                self.is_durable(node, promised, promise)
            }
            _ => Ok(()),
        }
    }

    fn is_durable(&self, node: NodeId, promised: Option<LogId>, promise: impl Fn() -> String) -> Checked {
        let Some(id) = promised else {
            return Ok(());
        };
        ensure(self.was_durable.contains(&(node, id)), || format!("{} before {id} is durable", promise()))
    }
}

/// States.
impl Invariants {
    /// Checks every state invariant.
    pub fn check(&mut self, nodes: &[Node]) -> Checked {
        for node in nodes {
            if let Some(core) = &node.core {
                self.nothing_falls(node.id, core)?;
                self.committed_is_final(node.id, core)?;
            }
        }
        self.committed_is_durable(nodes)?;
        self.leaders_are_complete(nodes)?;
        log_matching(nodes)
    }

    fn nothing_falls(&mut self, node: NodeId, core: &Core) -> Checked {
        let now = (core.hard_state().term, core.commit_index());
        let before = self.seen.insert(node, now).unwrap_or_default();
        ensure(now.0 >= before.0, || format!("term of node {node} falls from {} to {}", before.0, now.0))?;
        ensure(now.1 >= before.1, || format!("commit index of node {node} falls from {} to {}", before.1, now.1))?;
        let last = core.log().last();
        ensure(now.1 <= last.index, || format!("node {node} commits {} in a log that ends at {last}", now.1))
    }

    /// State machine safety: one entry per index, for ever.
    fn committed_is_final(&mut self, node: NodeId, core: &Core) -> Checked {
        let commit = core.commit_index();
        let known = self.committed.last().index.min(commit);
        ensure(same_prefix(core.log(), &self.committed, known), || {
            format!("state machine safety: node {node} committed another log up to {known} than was committed before")
        })?;
        for index in known.0 + 1..=commit.0 {
            copy_entry(core.log(), LogIndex(index), &mut self.committed);
            self.committed_in.push(core.hard_state().term);
        }
        Ok(())
    }

    /// Acknowledged means durable: a quorum's disks hold all that is committed.
    fn committed_is_durable(&self, nodes: &[Node]) -> Checked {
        let last = self.committed.last();
        let holders: Vec<u64> =
            nodes.iter().filter(|node| same_prefix(&node.disk.log, &self.committed, last.index)).map(|node| node.id.0).collect();
        ensure(holders.len() >= majority(nodes.len()), || {
            format!("acknowledged means durable: {last} is committed, but durable on nodes {holders:?} of {} only", nodes.len())
        })
    }

    /// Leader completeness: what was committed in a term or before is in its leader's log.
    fn leaders_are_complete(&self, nodes: &[Node]) -> Checked {
        for (node, core) in running(nodes).filter(|(_, core)| core.role().kind() == RoleKind::Leader) {
            let term = core.hard_state().term;
            let committed = self.committed_in.iter().take_while(|committed_in| **committed_in <= term).count();
            let index = LogIndex(committed as u64);
            ensure(same_prefix(core.log(), &self.committed, index), || {
                format!("leader completeness: node {node} leads in term {term} without all that was committed up to {index}")
            })?;
        }
        Ok(())
    }
}

/// Logs that hold the same entry somewhere are equal up to it; disks included.
fn log_matching(nodes: &[Node]) -> Checked {
    let logs: Vec<(NodeId, &LogView)> =
        running(nodes).map(|(node, core)| (node, core.log())).chain(nodes.iter().map(|node| (node.id, &node.disk.log))).collect();
    for (i, (one, log)) in logs.iter().enumerate() {
        for (other, twin) in &logs[i + 1..] {
            let agreed = last_common(log, twin);
            ensure(same_prefix(log, twin, agreed), || {
                format!("log matching: nodes {one} and {other} hold the same entry at {agreed} but not the same log before it")
            })?;
        }
    }
    Ok(())
}

fn running(nodes: &[Node]) -> impl Iterator<Item = (NodeId, &Core)> {
    nodes.iter().filter_map(|node| node.core.as_ref().map(|core| (node.id, core)))
}

fn last_common(one: &LogView, other: &LogView) -> LogIndex {
    let shorter = one.last().index.min(other.last().index).0;
    let common = (1..=shorter).rev().find(|index| one.term_at(LogIndex(*index)) == other.term_at(LogIndex(*index)));
    LogIndex(common.unwrap_or(0))
}

/// Whether two logs are equal up to an index. Prefix hashes tell; only where a payload is
/// not at hand, which the hash covers too, identifiers must do.
fn same_prefix(one: &LogView, other: &LogView, index: LogIndex) -> bool {
    let (left, right) = (one.hash_at(index), other.hash_at(index));
    if left.is_none() || right.is_none() || left == right {
        return left == right;
    }
    let all = || (1..=index.0).map(LogIndex);
    let hole = |log: &LogView| all().any(|index| !matches!(log.payload(index), View::Ready(_)));
    (hole(one) || hole(other)) && all().all(|index| one.term_at(index) == other.term_at(index))
}

fn copy_entry(from: &LogView, index: LogIndex, to: &mut LogView) {
    let id = LogId { term: from.term_at(index).unwrap_or_default(), index };
    match from.payload(index) {
        View::Ready(payload) => {
            to.append(&Entry { id, payload: payload.clone() });
        }
        View::Pending | View::Damaged(_) => to.append_damaged(id),
    }
}

/// Every entry's identifier.
pub fn log_ids(log: &LogView) -> impl Iterator<Item = LogId> {
    (1..=log.last().index.0).map(|index| LogId { term: log.term_at(LogIndex(index)).unwrap_or_default(), index: LogIndex(index) })
}
