//! What befalls the nodes of a run: orders of the faults carried out in the arena, and the healing at the end.
//!
//! Not here: which fault begins when and whom it hits ([`super::faults`]).

use std::collections::BTreeMap;
use std::sync::Arc;

use squall_raft::node::Node;
use squall_raft::node::request::Request;
use squall_raft::types::NodeId;

use super::faults::{Action, Orders};
use super::subject::Subject;
use super::{Both, Ending, Phase, Run, Token, WORK_AFTER_HEALING, finish, settings};
use crate::arena::Arena;
use crate::scenario::{Cut, Mark, What};
use crate::world::{ClientId, Observer, RequestHandle};

/// Faults.
impl<S: Subject, A: Arena<Node<S::Machine>>> Run<S, A> {
    pub(super) fn fire_triggers(&mut self, observer: &mut impl Observer<Node<S::Machine>>) {
        if self.judge.happened.is_empty() {
            return;
        }
        let mut orders = Orders::default();
        for (event, node) in std::mem::take(&mut self.judge.happened) {
            self.faults.on_event(self.arena.now(), event, node, &self.judge.cluster, &mut orders);
        }
        self.obey(orders, observer);
    }

    pub(super) fn obey(&mut self, orders: Orders, observer: &mut impl Observer<Node<S::Machine>>) {
        for (i, nodes) in orders.began {
            self.note_fault(i, &nodes);
        }
        for action in orders.actions {
            self.act(&action, observer);
        }
        for alarm in orders.alarms {
            self.wake(alarm.at_ns, Token::Fault(alarm.what), observer);
        }
    }

    fn note_fault(&mut self, i: u32, nodes: &[u64]) {
        let leader = self.judge.cluster.leader();
        let plan = Arc::clone(&self.plan);
        let Some(fault) = plan.faults.get(i as usize) else {
            return;
        };
        if !matches!(fault.what, What::ClockRate { .. } | What::ClockJump { .. }) {
            self.judge.marks.fault_began();
        }
        let hits_leader = leader.is_some_and(|leader| nodes.contains(&leader));
        let marks = &mut self.judge.marks;
        match &fault.what {
            What::Cut(cut) | What::Flap { cut, .. } => {
                marks.hit_if(hits_leader && self.totals.writes_in_flight > 0, Mark::LeaderCutWhileClientsWrote);
                match cut {
                    Cut::OneWay { .. } => marks.hit_if(hits_leader, Mark::OneWayCutOfLeader),
                    Cut::Split { .. } | Cut::Groups(_) => {
                        let side = nodes.len() as u64;
                        let with_leader = if hits_leader { side } else { plan.nodes - side };
                        marks.hit_if(leader.is_some() && with_leader * 2 < plan.nodes, Mark::MinorityPartition);
                        marks.hit_if(leader.is_some() && with_leader * 2 > plan.nodes, Mark::MajorityPartition);
                    }
                    Cut::Isolate(_) => {}
                }
            }
            _ => {}
        }
    }

    fn act(&mut self, action: &Action, observer: &mut impl Observer<Node<S::Machine>>) {
        let both = &mut Both { judge: &mut self.judge, other: observer };
        let arena = &mut self.arena;
        match *action {
            Action::Reset { one, other } => {
                let took_effect = arena.reset(NodeId(one), NodeId(other), both);
                let hits_leader = self.judge.cluster.leader().is_some_and(|leader| [one, other].contains(&leader));
                let wrote = self.totals.writes_in_flight > 0;
                self.judge.marks.hit_if(took_effect && hits_leader && wrote, Mark::ConnectionResetWhileClientsWrote);
            }
            Action::Kill(node) => {
                arena.kill(NodeId(node), both);
            }
            Action::Campaign(node) => {
                arena.request(ClientId(0), RequestHandle(0), NodeId(node), Request::Campaign, both);
            }
            Action::PowerLoss(node) => {
                arena.power_loss(NodeId(node), both);
            }
            Action::Start(node) => {
                arena.start(NodeId(node), both);
            }
            Action::Pause(node) => {
                arena.pause(NodeId(node), both);
            }
            Action::Resume(node) => {
                arena.resume(NodeId(node), both);
            }
            Action::Cut { from, to } => {
                arena.set_cut(NodeId(from), NodeId(to), true, both);
            }
            Action::Mend { from, to } => {
                arena.set_cut(NodeId(from), NodeId(to), false, both);
            }
            Action::LinkWeather { from, to, weather } => {
                arena.set_link_weather(NodeId(from), NodeId(to), settings::links(&weather), both);
            }
            Action::Disk { node, fsync, stalled } => {
                arena.set_disk_weather(NodeId(node), settings::disks(&self.plan, fsync, stalled), both);
            }
            Action::ClockRate { node, rate_ppm } => {
                arena.set_clock_rate(NodeId(node), rate_ppm, both);
            }
            Action::ClockJump { node, by_ns } => {
                arena.shift_clock(NodeId(node), by_ns, both);
            }
        }
    }
}

/// The end of the storm.
impl<S: Subject, A: Arena<Node<S::Machine>>> Run<S, A> {
    /// Ends every fault, and whatever was bad from the start.
    pub(super) fn heal(&mut self, observer: &mut impl Observer<Node<S::Machine>>) {
        let mut orders = Orders::default();
        self.faults.heal(&mut orders);
        self.obey(orders, observer);
        let calm = settings::calm(&self.plan.network);
        let both = &mut Both { judge: &mut self.judge, other: observer };
        for from in (1..=self.plan.nodes).map(NodeId) {
            self.arena.set_clock_rate(from, 1_000_000, both);
            for to in (1..=self.plan.nodes).map(NodeId).filter(|to| *to != from) {
                self.arena.set_link_weather(from, to, settings::links(&calm), both);
            }
        }
        for client in 0..self.clients.len() {
            let id = ClientId(u32::try_from(client).unwrap_or(u32::MAX));
            self.arena.set_client_weather(id, settings::client_links(&calm), both);
        }
        self.phase = Phase::Healed { commit_index: self.commit_index() };
        let now_ns = self.arena.now();
        let timeout_ns = self.plan.engine.election_timeout.high.0;
        self.wake(now_ns + WORK_AFTER_HEALING * timeout_ns, Token::WorkEnds, observer);
        self.wake(now_ns + timeout_ns, Token::Poll, observer);
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
        let timeout_ns = self.plan.engine.election_timeout.high.0;
        let elapsed_ns = self.arena.now() - self.plan.safety.0;
        let bound_ns = timeout_ns.saturating_mul(self.plan.settle_election_timeouts);
        let facts = finish::facts(self, healed_at_commit, elapsed_ns);
        if !facts.committed_since_heal {
            self.probe(observer);
        }
        match facts.judge() {
            Ok(()) if drained => self.ended = Some(Ending::Settled),
            Err(violation) if elapsed_ns >= bound_ns => self.ended = Some(Ending::Violated(violation)),
            _ => {
                let again_ns = self.arena.now() + timeout_ns / 2;
                self.wake(again_ns, Token::Poll, observer);
            }
        }
    }

    /// Asks for a commit: clients may have nothing but reads left, and those commit nothing.
    fn probe(&mut self, observer: &mut impl Observer<Node<S::Machine>>) {
        let to = self.judge.cluster.leader().map_or(NodeId(1), NodeId);
        let mut both = Both { judge: &mut self.judge, other: observer };
        self.arena.request(ClientId(0), RequestHandle(0), to, Request::Register, &mut both);
    }

    /// What came of it so far, for whoever reports.
    pub(crate) fn faults_that_took_effect(&self) -> BTreeMap<String, u64> {
        self.faults.took_effect().iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect()
    }
}
