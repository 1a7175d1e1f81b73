//! The end of the storm: what is healed, who must make progress then, and whether they do.
//!
//! Faults that pass are ended everywhere. Those that stay stay outside the *core*, which an oracle picks
//! ([`super::clique`]): there everything is healed. What is demanded, and of whom:
//!
//! * a leader whom a quorum follows, a new commit, and an answer to every operation. Clients ask the core's members,
//!   and whomever those name as leader;
//! * equal replicas at the leader and at those of the core that it is linked with. If it stands in the core, that is
//!   the whole core. Raft allows another leader with a quorum of its own, which then starves those of the core that it
//!   cannot reach; it allows no stall;
//! * where faults stay: that the leader stays, too. In a cluster that elects for ever there are moments in which all
//!   is well.
//!
//! The time that they have, [`settle_election_timeouts`](Plan::settle_election_timeouts), is counted in largest election
//! timeouts T of true clocks, as the core's now are. A leader that cannot serve steps down within 2 T (a whole T without
//! answers, noticed with the next heartbeat), loyalty to it ends within T, the lowest priority waits 3 T longer, clients
//! that back off look again within 11 T (eight times 400 ms at 300 ms), and a leader needs 2 T to commit and catch all
//! up. The rest is for elections: with 40 T, 21 rounds, each of which elects with a chance of more than a half.
//!
//! Not here: what is said of those who fail ([`squall_checkers::liveness`]).

use std::collections::BTreeMap;

use squall_raft::node::Node;
use squall_raft::node::request::Request;
use squall_raft::types::NodeId;

use super::faults::Calm;
use super::orders::Orders;
use super::subject::Subject;
use super::{Both, Ending, Phase, Run, Token, WORK_AFTER_HEALING, clique, finish, settings};
use crate::arena::Arena;
use crate::scenario::{Expect, Mark};
use crate::world::{ClientId, Observer, RequestHandle};

#[cfg(doc)]
use crate::plan::Plan;

/// For how many largest election timeouts a leader must have led, where faults stay: longer than any of them, acting
/// again and again, leaves a leader alone that it can depose.
pub(super) const REIGN: u64 = 8;

/// Who leads, in which term, and since when that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reign {
    pub(super) leader: u64,
    pub(super) term: u64,
    pub(super) since_ns: u64,
}

impl<S: Subject, A: Arena<Node<S::Machine>>> Run<S, A> {
    /// Ends every fault that ends, picks the core, and heals it of whatever was bad from the start.
    pub(super) fn heal(&mut self, observer: &mut impl Observer<Node<S::Machine>>) {
        let mut orders = Orders::default();
        self.faults.heal(&mut orders);
        self.obey(orders, observer);
        self.start_all_whole(observer);
        let Some(core) = self.pick_core() else {
            self.ended.get_or_insert(Ending::Unavailable);
            return;
        };
        self.core = core;
        self.mark_core();
        self.calm_down(observer);
        self.phase = Phase::Healed { commit_index: self.commit_index() };
        let now_ns = self.arena.now();
        self.healed_at_ns = now_ns;
        let timeout_ns = self.plan.engine.election_timeout.high.0;
        self.wake(now_ns + WORK_AFTER_HEALING * timeout_ns, Token::WorkEnds, observer);
        self.wake(now_ns + timeout_ns, Token::Poll, observer);
    }

    /// The core, or whoever is well if the file knows better than the oracle what comes of that.
    fn pick_core(&self) -> Option<Vec<NodeId>> {
        let is_well = |node: NodeId| self.is_well(node);
        let core = clique::core(&self.configurations(), is_well, |one, other| self.faults.are_linked(one.0, other.0));
        let knows_better = matches!(self.plan.expect, Expect::Progresses | Expect::Stalls);
        core.or_else(|| knows_better.then(|| self.arena.node_ids().filter(|node| is_well(*node)).collect()))
    }

    fn mark_core(&mut self) {
        let leader_outside = self.judge.cluster.leader().is_some_and(|leader| !self.core.contains(&NodeId(leader)));
        let marks = &mut self.judge.marks;
        marks.hit_if((self.core.len() as u64) < self.plan.nodes, Mark::CoreSmallerThanCluster);
        marks.hit_if(leader_outside, Mark::LeaderOutsideCore);
    }

    /// Weather and clocks: true and calm, but for what a fault in force does outside the core.
    fn calm_down(&mut self, observer: &mut impl Observer<Node<S::Machine>>) {
        let network = settings::calm(&self.plan.network);
        self.faults.calm_down(Calm { network, fsync: self.plan.disk.fsync, rates_ppm: BTreeMap::new() });
        let both = &mut Both { judge: &mut self.judge, other: observer };
        for from in (1..=self.plan.nodes).map(NodeId) {
            let in_core = self.core.contains(&from);
            let rate_ppm = if in_core { 1_000_000 } else { self.faults.rate_ppm(from.0) };
            self.arena.set_clock_rate(from, rate_ppm, both);
            for to in (1..=self.plan.nodes).map(NodeId).filter(|to| *to != from) {
                let healed = in_core && self.core.contains(&to);
                let weather = if healed { network } else { self.faults.link_weather(from.0, to.0) };
                self.arena.set_link_weather(from, to, settings::links(&weather), both);
            }
        }
        for client in 0..self.clients.len() {
            let id = ClientId(u32::try_from(client).unwrap_or(u32::MAX));
            self.arena.set_client_weather(id, settings::client_links(&network), both);
        }
    }

    /// The highest commit index that any node knows.
    pub(super) fn commit_index(&self) -> u64 {
        let of = |node| self.arena.with_process(node, |process| process.core().map(|core| core.commit_index().0)).flatten();
        self.arena.node_ids().filter_map(of).max().unwrap_or(0)
    }

    /// Looks whether all is well; ends the run if it is, or if it has had its time.
    pub(super) fn poll(&mut self, observer: &mut impl Observer<Node<S::Machine>>) {
        let (drained, healed_at_commit) = match self.phase {
            Phase::Safety => return,
            Phase::Healed { commit_index } => (false, commit_index),
            Phase::Draining { commit_index } => (true, commit_index),
        };
        self.follow_reign();
        let facts = finish::facts(self, healed_at_commit);
        if !facts.committed_since_heal {
            self.probe(observer);
        }
        match facts.judge() {
            Ok(()) if drained => self.ended = Some(Ending::Settled),
            Err(violation) if facts.is_overdue() => self.ended = Some(Ending::Violated(violation)),
            _ => {
                let again_ns = self.arena.now() + facts.election_timeout_ns / 2;
                self.wake(again_ns, Token::Poll, observer);
            }
        }
    }

    /// Terms only rise, so whoever leads in the same term as when it was seen last has led all the time.
    fn follow_reign(&mut self) {
        let now_ns = self.arena.now();
        let reign = finish::agreed_leader(self).map(|(term, leader)| Reign { leader, term, since_ns: now_ns });
        let same = |before: &Reign| reign.is_some_and(|now| (now.leader, now.term) == (before.leader, before.term));
        self.reign = self.reign.filter(same).or(reign);
    }

    /// Asks for a commit: clients may have nothing but reads left, and those commit nothing.
    fn probe(&mut self, observer: &mut impl Observer<Node<S::Machine>>) {
        let first = self.core.first().copied().unwrap_or(NodeId(1));
        let to = self.judge.cluster.leader().map_or(first, NodeId);
        let mut both = Both { judge: &mut self.judge, other: observer };
        self.arena.request(ClientId(0), RequestHandle(0), to, Request::Register, &mut both);
    }
}
