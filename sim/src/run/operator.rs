//! The operator: starts nodes again that gave up, as service managers do, and knows whose disks are whole.
//!
//! A node that halts after its disk went wrong did right. It is started again after a drawn delay that doubles each
//! time, until it stays up; a node that is down because a fault holds it down is left to that fault. When the storm is
//! over everybody whose media are whole is started at once: nothing is wrong with their disks any more.
//!
//! Not here: whether it had a reason to halt ([`squall_checkers::recoverability`]).

use std::collections::{BTreeMap, BTreeSet};

use squall_checkers::recoverability::CameBack;
use squall_raft::log_view::View;
use squall_raft::membership::Configuration;
use squall_raft::node::Node;
use squall_raft::types::{LogIndex, NodeId};

use super::orders::Orders;
use super::subject::Subject;
use super::{Both, Ending, Run, Token, atlas};
use crate::arena::Arena;
use crate::disk::DiskFault;
use crate::entropy::v1::{between, mix};
use crate::entropy::{Entropy, Owner};
use crate::scenario::Mark;
use crate::world::Observer;

/// How long a node stays down that halted for the first time.
const DELAY_NS: (u64, u64) = (50_000_000, 400_000_000);

/// How often the delay doubles at most.
const DOUBLINGS_MAX: u32 = 3;

/// What the operator remembers.
#[derive(Clone, Debug)]
pub(super) struct Operator {
    key: u64,
    /// By node: how often it halted, and for how long of those in a row.
    halts: BTreeMap<u64, (u64, u32)>,
    /// Who was up before.
    known: BTreeSet<u64>,
}

impl Operator {
    pub fn new(entropy: Entropy) -> Self {
        Self { key: entropy.key(Owner::Operator, 0), halts: BTreeMap::new(), known: BTreeSet::new() }
    }

    /// A node halted: how long it stays down.
    pub fn delay_ns(&mut self, node: u64) -> u64 {
        let (halts, doublings) = self.halts.entry(node).or_default();
        *halts += 1;
        let delay_ns = between(mix(self.key, node, *halts, 0, 0), DELAY_NS.0, DELAY_NS.1) << *doublings;
        *doublings = (*doublings + 1).min(DOUBLINGS_MAX);
        delay_ns
    }

    /// A node has read its disk and takes part. True if it had halted before.
    pub fn came_up(&mut self, node: u64) -> bool {
        self.halts.get_mut(&node).is_some_and(|(_, doublings)| std::mem::take(doublings) > 0)
    }

    /// Whether a node was never up before: once.
    fn is_new(&mut self, node: u64) -> bool {
        self.known.insert(node)
    }

    fn knows(&self) -> Vec<u64> {
        self.halts.keys().copied().collect()
    }
}

impl<S: Subject, A: Arena<Node<S::Machine>>> Run<S, A> {
    /// A process ended itself.
    pub(super) fn halted(
        &mut self,
        gave_up: &squall_checkers::recoverability::GaveUp,
        observer: &mut impl Observer<Node<S::Machine>>,
    ) {
        // Where no disk tells what it has promised, only what went wrong in this boot excuses anybody.
        if let Err(violation) = gave_up.judge() {
            self.ended.get_or_insert(Ending::Violated(violation));
            return;
        }
        let at_ns = self.arena.now().saturating_add(self.operator.delay_ns(gave_up.node));
        self.wake(at_ns, Token::Operator(gave_up.node), observer);
    }

    /// The operator comes round.
    pub(super) fn start_if_down(&mut self, node: u64, observer: &mut impl Observer<Node<S::Machine>>) {
        if !self.faults.holds_down(node) {
            self.start_node(node, observer);
        }
    }

    /// Starts a node.
    pub(super) fn start_node(&mut self, node: u64, observer: &mut impl Observer<Node<S::Machine>>) {
        self.arena.start(NodeId(node), &mut Both { judge: &mut self.judge, other: observer });
        self.arena.break_before_disk_op(NodeId(node), self.faults.next_disk_op(0));
    }

    /// A node has read its disk. From the first time on an empty folder is no beginning any more, but a log that is lost.
    pub(super) fn came_up(&mut self, node: u64, observer: &mut impl Observer<Node<S::Machine>>) {
        let again = self.operator.came_up(node);
        self.judge.marks.hit_if(again, Mark::HaltedNodeCameBack);
        if self.operator.is_new(node) {
            let mut both = Both { judge: &mut self.judge, other: observer };
            self.arena.reconfigure(NodeId(node), |config| config.raft.initialize = false, &mut both);
        }
    }

    /// Everybody who halted and has whole media is started at once.
    pub(super) fn start_all_whole(&mut self, observer: &mut impl Observer<Node<S::Machine>>) {
        for node in self.operator.knows() {
            if !self.is_damaged(NodeId(node)) {
                self.start_if_down(node, observer);
            }
        }
    }

    /// A disk operation is about to complete for which a fault waits.
    pub(super) fn at_disk_op(&mut self, node: NodeId, nth: u64, observer: &mut impl Observer<Node<S::Machine>>) {
        let mut orders = Orders::default();
        self.faults.on_disk_op(self.arena.now(), node.0, nth, &self.judge.cluster, &mut orders);
        let struck = !orders.began.is_empty();
        let power = self.judge.disks.power_losses();
        self.obey(orders, observer);
        self.judge.marks.hit_if(struck && self.judge.disks.power_losses() > power, Mark::PowerLostAtDiskOperation);
        self.arena.break_before_disk_op(node, self.faults.next_disk_op(nth));
    }

    /// Whether the media of a node lack anything that was promised.
    pub(super) fn is_damaged(&self, node: NodeId) -> bool {
        self.arena.with_disk(node, |disk| !disk.is_intact()).unwrap_or(false)
    }

    /// Whether a node can be asked for progress: nothing in force holds it back, and its media are whole.
    pub(super) fn is_well(&self, node: NodeId) -> bool {
        self.faults.is_well(node.0) && !self.is_damaged(node)
    }

    /// All configurations that are effective or uncommitted anywhere: there is one, and it never changes.
    pub(super) fn configurations(&self) -> Vec<Configuration> {
        Configuration::of_voters(self.arena.node_ids()).into_iter().collect()
    }

    /// Whether a fault of a disk may happen.
    pub(super) fn allows(&self, node: u64, fault: &DiskFault, outside_atlas: bool) -> bool {
        let is_damaged = |node: NodeId| self.is_damaged(node) || self.faults.may_damage(node.0);
        outside_atlas
            || atlas::class(fault) == atlas::Class::Transient
            || atlas::survives(&self.configurations(), is_damaged, NodeId(node))
    }

    /// Judges those who came up with a log that nobody has written so.
    pub(super) fn judge_comebacks(&mut self) {
        for (node, at_ns, promised_index) in std::mem::take(&mut self.judge.doubtful) {
            let Some((last_index, damaged)) = self.arena.with_process(NodeId(node), damage_reported).flatten() else { continue };
            let came_back = CameBack { node, at_ns, last_index, promised_index, damaged };
            match came_back.judge() {
                Ok(()) => self.judge.marks.hit(Mark::RotReported),
                Err(violation) => {
                    self.ended.get_or_insert(Ending::Violated(violation));
                }
            }
        }
    }
}

/// Where a node's log ends, and how many of its entries it calls damaged.
fn damage_reported<M: squall_raft::applier::StateMachine>(process: &Node<M>) -> Option<(u64, u64)> {
    let log = process.core()?.log();
    let last = log.last().index.0;
    let damaged = (1..=last).filter(|index| matches!(log.payload(LogIndex(*index)), View::Damaged(_))).count();
    Some((last, damaged as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_until_a_node_stays_up() {
        let mut operator = Operator::new(Entropy::new(7));
        let delays: Vec<u64> = (0..6).map(|_| operator.delay_ns(3)).collect();
        for (delay, doublings) in delays.iter().zip([0, 1, 2, 3, 3, 3]) {
            assert!((DELAY_NS.0 << doublings..=DELAY_NS.1 << doublings).contains(delay), "{delays:?}");
        }
        assert!(operator.came_up(3) && !operator.came_up(3) && !operator.came_up(1));
        assert!(operator.delay_ns(3) <= DELAY_NS.1);
        assert_eq!(Operator::new(Entropy::new(7)).delay_ns(3), delays[0]);
    }
}
