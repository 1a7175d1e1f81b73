//! What befalls the nodes of a run: orders of the faults carried out in the arena.
//!
//! Not here: which fault begins when and whom it hits ([`super::faults`]), and the end of it all (`healing.rs`).

use std::collections::BTreeMap;
use std::sync::Arc;

use squall_raft::node::Node;
use squall_raft::node::request::Request;
use squall_raft::types::NodeId;

use super::orders::{Action, Orders};
use super::subject::Subject;
use super::{Both, Run, Token, settings};
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
            Action::Start(node) => self.start_node(node, observer),
            Action::Inflict { node, fault, what, outside_atlas } => {
                let allowed = self.allows(node, &what, outside_atlas);
                let both = &mut Both { judge: &mut self.judge, other: observer };
                self.arena.inflict(NodeId(node), fault, what, allowed, both);
            }
            Action::Relieve { node, fault } => {
                arena.relieve(NodeId(node), fault, both);
            }
            Action::DecideCrash { node, executed } => {
                arena.decide_crash(NodeId(node), executed);
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

/// What a run says of its faults.
impl<S: Subject, A: Arena<Node<S::Machine>>> Run<S, A> {
    /// What came of it so far, for whoever reports.
    pub(crate) fn faults_that_took_effect(&self) -> BTreeMap<String, u64> {
        self.faults.took_effect().iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect()
    }
}
