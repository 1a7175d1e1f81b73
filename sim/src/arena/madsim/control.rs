//! What befalls machines, links and clocks between two steps.
//!
//! The same as in the world, by madsim's means where it has some. Not here: when and whom; that is the run's business.

use madsim::net::NetSim;
use squall_raft::applier::StateMachine;
use squall_raft::node::Node;
use squall_raft::node::request::Request;
use squall_raft::process::Boot;
use squall_raft::server::limits::Limits;
use squall_raft::server::{Server, ServerConfig};
use squall_raft::types::{BootNumber, NodeId};
use std::collections::BTreeMap;
use std::sync::Arc;

use super::books::{self, BACKLOG_MAX};
use super::env::{self, SimEnv};
use super::journal::Entry;
use super::shared::lock;
use super::tap::Scribe;
use super::{Field, Madsim};
use crate::clock::{Clock, RATE_PPM_MAX, RATE_PPM_MIN};
use crate::disk::{Crash, Dealt, DiskFault, DiskWeather};
use crate::entropy::v1::{between, mix};
use crate::network::{Fate, LinkWeather};
use crate::world::{CLOCK_ORIGIN_NS, ClientId, Observer, RequestHandle, Status, WorldEvent};

fn limits(raft: &squall_raft::config::Config) -> Limits {
    Limits { control_messages_max: BACKLOG_MAX, bulk_messages_max: BACKLOG_MAX, ..Limits::for_config(raft) }
}

/// Processes.
impl<M: StateMachine + Send + 'static> Madsim<M> {
    pub(super) fn start_host(&mut self, node: NodeId, observer: &mut impl Observer<Node<M>>) -> bool {
        self.read_journal(observer);
        let Some(at) = self.position(node).filter(|at| self.hosts[*at].status == Status::Down) else {
            return false;
        };
        let boot = self.next_boot(at);
        self.trace.emit(self.shared.now_ns(), observer, WorldEvent::Booted { node, boot });
        let peers: BTreeMap<NodeId, String> =
            self.hosts.iter().enumerate().map(|(at, host)| (host.id, env::address(at))).collect();
        let host = &mut self.hosts[at];
        host.status = Status::Up;
        host.server = Arc::default();
        let config = ServerConfig {
            limits: limits(&host.config.raft),
            node: host.config.clone(),
            boot: boot.number,
            listen: env::address(at),
            peers,
        };
        let env = SimEnv { shared: Arc::clone(&self.shared), machine: at, boot: boot.number };
        let (slot, shared) = (Arc::clone(&host.server), Arc::clone(&self.shared));
        let handle = self.runtime.handle();
        handle.restart(host.madsim);
        if let Some(machine) = handle.get_node(host.madsim) {
            machine.spawn(async move {
                let scribe = Scribe::new(Arc::clone(&shared), node);
                match Server::start(env, config, scribe).await {
                    Ok(server) => *lock(&slot) = Some(server),
                    Err(_) => shared.write(Entry::Halted { node, reason: "the server did not start" }),
                }
            });
        }
        true
    }

    fn next_boot(&mut self, at: usize) -> Boot {
        let host = &mut self.hosts[at];
        host.boot = BootNumber(host.boot.0 + 1);
        let key = self.boot_key;
        let draw = |field: Field| mix(key, host.id.0, u64::from(host.boot.0), 0, field as u64);
        let origin_ns = between(draw(Field::ClockOrigin), CLOCK_ORIGIN_NS.0, CLOCK_ORIGIN_NS.1);
        let origin_ns = origin_ns.saturating_add(host.clock_offset_ns);
        let now_ns = self.shared.now_ns();
        let clock = Clock::new(now_ns, origin_ns, self.shared.clock(at).rate_ppm());
        self.shared.set_clock(at, clock);
        let mut machine = self.shared.machine(at);
        machine.device.begin_boot(host.boot.0);
        machine.disk_ops = 0;
        machine.disk_busy_ns = 0;
        machine.entropy_key = draw(Field::BootEntropy);
        machine.entropy_draws = 0;
        Boot { now: clock.local(now_ns), entropy: machine.entropy_key, number: host.boot }
    }

    /// Ends a boot. What its disk was doing is done in part.
    fn end_boot(&mut self, at: usize) -> Crash {
        self.close_books(at);
        let host = &mut self.hosts[at];
        host.status = Status::Down;
        drop(lock(&host.server).take());
        self.runtime.handle().kill(host.madsim);
        self.shared.machine(at).device.crash()
    }

    /// Adds up what a server has counted, and checks what it promised.
    pub(super) fn close_books(&mut self, at: usize) {
        let host = &self.hosts[at];
        let (node, stats) = (host.id, lock(&host.server).as_ref().map(Server::stats).unwrap_or_default());
        self.traffic += books::traffic(&stats);
        if let Some(violation) = books::violation(node, &stats) {
            self.violation.get_or_insert(violation);
        }
    }

    fn running(&self, node: NodeId) -> Option<usize> {
        self.position(node).filter(|at| self.hosts[*at].status != Status::Down)
    }

    pub(super) fn kill_host(&mut self, node: NodeId, observer: &mut impl Observer<Node<M>>) -> bool {
        self.read_journal(observer);
        let Some(at) = self.running(node) else { return false };
        let crash = self.end_boot(at);
        let machine = self.shared.machine(at);
        let event = WorldEvent::Killed { node, crash, disk: machine.device.disk() };
        self.trace.emit(self.shared.now_ns(), observer, event);
        true
    }

    pub(super) fn power_loss_of_host(&mut self, node: NodeId, observer: &mut impl Observer<Node<M>>) -> bool {
        self.read_journal(observer);
        let Some(at) = self.position(node) else { return false };
        if self.hosts[at].status == Status::Down && self.shared.machine(at).device.disk().unsynced() == 0 {
            return false;
        }
        let crash = self.end_boot(at);
        let mut machine = self.shared.machine(at);
        let loss = machine.device.lose_power();
        self.counters.lost_bytes += loss.lost_bytes;
        let event = WorldEvent::PowerLost { node, crash, loss: &loss, disk: machine.device.disk() };
        self.trace.emit(self.shared.now_ns(), observer, event);
        true
    }

    /// The node gave up.
    pub(super) fn halted(&mut self, at_ns: u64, node: NodeId, reason: &'static str, observer: &mut impl Observer<Node<M>>) {
        let Some(at) = self.running(node) else { return };
        let crash = self.end_boot(at);
        let machine = self.shared.machine(at);
        let event = WorldEvent::Halted { node, reason, crash, disk: machine.device.disk() };
        self.trace.emit(at_ns, observer, event);
    }

    pub(super) fn pause_host(&mut self, node: NodeId, observer: &mut impl Observer<Node<M>>) -> bool {
        self.read_journal(observer);
        let Some(at) = self.running(node).filter(|at| self.hosts[*at].status == Status::Up) else {
            return false;
        };
        self.hosts[at].status = Status::Paused;
        self.runtime.handle().pause(self.hosts[at].madsim);
        self.trace.emit(self.shared.now_ns(), observer, WorldEvent::Paused { node });
        true
    }

    pub(super) fn resume_host(&mut self, node: NodeId, observer: &mut impl Observer<Node<M>>) -> bool {
        self.read_journal(observer);
        let Some(at) = self.running(node).filter(|at| self.hosts[*at].status == Status::Paused) else {
            return false;
        };
        self.hosts[at].status = Status::Up;
        self.runtime.handle().resume(self.hosts[at].madsim);
        self.trace.emit(self.shared.now_ns(), observer, WorldEvent::Resumed { node, waiting: 0 });
        true
    }

    pub(super) fn ask(
        &mut self,
        client: ClientId,
        handle: RequestHandle,
        to: NodeId,
        request: Request,
        observer: &mut impl Observer<Node<M>>,
    ) -> bool {
        self.read_journal(observer);
        let Some(at) = self.position(to) else { return false };
        self.counters.requests += 1;
        let now_ns = self.shared.now_ns();
        let event = WorldEvent::Requested { client, handle, to, request: &request, fate: Fate::default(), due_ns: now_ns };
        self.trace.emit(now_ns, observer, event);
        self.gateways[at].ask(client, handle, request);
        true
    }
}

/// Links, disks, clocks.
impl<M: StateMachine + Send + 'static> Madsim<M> {
    fn network(&self) -> Arc<NetSim> {
        self.runtime.block_on(async { NetSim::current() })
    }

    pub(super) fn cut_link(&mut self, from: NodeId, to: NodeId, cut: bool, observer: &mut impl Observer<Node<M>>) -> bool {
        self.read_journal(observer);
        let (Some(source), Some(target)) = (self.position(from), self.position(to)) else {
            return false;
        };
        let cuts = self.cuts.entry((source, target)).or_default();
        let Some(now) = (if cut { cuts.checked_add(1) } else { cuts.checked_sub(1) }) else {
            return false;
        };
        *cuts = now;
        let (source, target) = (self.hosts[source].madsim, self.hosts[target].madsim);
        if now == 0 {
            self.network().unclog_link(source, target);
        } else {
            self.network().clog_link(source, target);
        }
        self.trace.emit(self.shared.now_ns(), observer, WorldEvent::CutChanged { from, to, cuts: now });
        true
    }

    pub(super) fn reset_connections(&mut self, one: NodeId, other: NodeId, observer: &mut impl Observer<Node<M>>) -> bool {
        self.read_journal(observer);
        let (Some(first), Some(second)) = (self.position(one), self.position(other)) else {
            return false;
        };
        let ends = self.shared.reset(first, second);
        self.trace.emit(self.shared.now_ns(), observer, WorldEvent::ConnectionReset { one, other, in_flight: ends });
        ends > 0
    }

    pub(super) fn change_link(
        &mut self,
        from: NodeId,
        to: NodeId,
        weather: LinkWeather,
        observer: &mut impl Observer<Node<M>>,
    ) -> bool {
        self.read_journal(observer);
        let (Some(source), Some(target)) = (self.position(from), self.position(to)) else {
            return false;
        };
        self.note_inexpressible(&weather);
        let beyond = |ns: u64| ns.saturating_sub(self.base.latency_min_ns);
        let same = (weather.latency_min_ns, weather.latency_max_ns) == (self.base.latency_min_ns, self.base.latency_max_ns);
        let extra = if same { (0, 0) } else { (beyond(weather.latency_min_ns), beyond(weather.latency_max_ns)) };
        self.shared.set_extra(source, target, extra);
        self.trace.emit(self.shared.now_ns(), observer, WorldEvent::LinkWeatherSet { from, to, weather });
        true
    }

    pub(super) fn change_disk(&mut self, node: NodeId, weather: DiskWeather, observer: &mut impl Observer<Node<M>>) -> bool {
        self.read_journal(observer);
        let Some(at) = self.position(node) else { return false };
        let waker = {
            let mut machine = self.shared.machine(at);
            machine.device.set_weather(weather);
            machine.disk_waker.take_if(|_| !weather.stalled)
        };
        if let Some(waker) = waker {
            waker.wake();
        }
        self.trace.emit(self.shared.now_ns(), observer, WorldEvent::DiskWeatherSet { node, weather });
        true
    }

    pub(super) fn inflict_on_disk(
        &mut self,
        node: NodeId,
        id: u32,
        fault: DiskFault,
        allowed: bool,
        observer: &mut impl Observer<Node<M>>,
    ) -> Option<Dealt> {
        self.read_journal(observer);
        let at = self.position(node)?;
        let is_down = self.hosts[at].status == Status::Down;
        let mut machine = self.shared.machine(at);
        let dealt = match fault {
            _ if !allowed => Dealt::Suppressed,
            DiskFault::Wipe if !is_down => Dealt::Nothing,
            _ => machine.device.inflict(id, fault),
        };
        let event = WorldEvent::DiskFaulted { node, id, fault, dealt, disk: machine.device.disk() };
        self.trace.emit(self.shared.now_ns(), observer, event);
        Some(dealt)
    }

    pub(super) fn relieve_disk(&mut self, node: NodeId, id: u32, observer: &mut impl Observer<Node<M>>) -> bool {
        self.read_journal(observer);
        let Some(at) = self.position(node) else { return false };
        let ended = self.shared.machine(at).device.relieve(id);
        if ended {
            self.trace.emit(self.shared.now_ns(), observer, WorldEvent::DiskRelieved { node, id });
        }
        ended
    }

    pub(super) fn change_clock_rate(&mut self, node: NodeId, rate_ppm: u32, observer: &mut impl Observer<Node<M>>) -> bool {
        self.read_journal(observer);
        if !(RATE_PPM_MIN..=RATE_PPM_MAX).contains(&rate_ppm) {
            return false;
        }
        let Some(at) = self.position(node) else { return false };
        self.shared.change_clock(at, |clock, now_ns| clock.set_rate(now_ns, rate_ppm));
        self.trace.emit(self.shared.now_ns(), observer, WorldEvent::ClockRateSet { node, rate_ppm });
        true
    }

    pub(super) fn jump_clock(&mut self, node: NodeId, by_ns: u64, observer: &mut impl Observer<Node<M>>) -> bool {
        self.read_journal(observer);
        let Some(at) = self.running(node) else { return false };
        self.shared.change_clock(at, |clock, now_ns| clock.shift(now_ns, by_ns));
        self.trace.emit(self.shared.now_ns(), observer, WorldEvent::ClockShifted { node, by_ns });
        true
    }

    pub(super) fn change_clock_offset(&mut self, node: NodeId, offset_ns: u64, observer: &mut impl Observer<Node<M>>) -> bool {
        self.read_journal(observer);
        let Some(at) = self.position(node) else { return false };
        self.hosts[at].clock_offset_ns = offset_ns;
        self.trace.emit(self.shared.now_ns(), observer, WorldEvent::ClockOffsetSet { node, offset_ns });
        true
    }
}
