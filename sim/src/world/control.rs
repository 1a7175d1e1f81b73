//! What whoever drives a world may do between two steps: faults, requests, wake-ups.
//!
//! Everything takes effect at once, at the virtual time of the last step, so that a fault can strike
//! between any two events. Each call is an event of the trace and says whether it took
//! effect: killing what is dead, or a name that does not exist, changes nothing and is `false`.
//!
//! Not here: when faults strike and whom; that is a plan's business.

use squall_raft::process::{Boot, Lane, Process};
use squall_raft::types::{BootNumber, NodeId};

use super::event::{Observer, WorldEvent};
use super::node::{Call, Letter};
use super::settings::{ClientId, RequestHandle, Status};
use super::{Field, World};
use crate::clock::{Clock, RATE_PPM_MAX, RATE_PPM_MIN};
use crate::disk::{Dealt, DiskFault, DiskWeather};
use crate::entropy::v1::{between, mix};
use crate::events::What;
use crate::network::{LinkWeather, Passage};

/// Where a boot's clock may begin, so that a time of one boot means nothing to another.
pub(crate) const CLOCK_ORIGIN_NS: (u64, u64) = (1_000_000_000, 1 << 44);

impl<P: Process> World<P> {
    /// Starts a node's process on what its disk holds. Only a node that is down starts.
    pub fn start(&mut self, node: NodeId, observer: &mut impl Observer<P>) -> bool {
        let Some(at) = self.position(node).filter(|at| self.nodes[*at].status() == Status::Down) else {
            return false;
        };
        let boot = self.next_boot(at);
        self.trace.emit(self.now_ns, observer, WorldEvent::Booted { node, boot });
        let config = self.nodes[at].config.clone();
        self.nodes[at].process = Some(P::boot(config, boot, &mut self.effects));
        self.carry_out(at, observer);
        self.arm(at);
        true
    }

    fn next_boot(&mut self, at: usize) -> Boot {
        let node = &mut self.nodes[at];
        node.boot = BootNumber(node.boot.0 + 1);
        node.device.begin_boot(node.boot.0);
        let draw = |field: Field| mix(self.boot_key, node.id.0, u64::from(node.boot.0), 0, field as u64);
        let origin_ns = between(draw(Field::ClockOrigin), CLOCK_ORIGIN_NS.0, CLOCK_ORIGIN_NS.1);
        let origin_ns = origin_ns.saturating_add(node.clock_offset_ns);
        node.clock = Clock::new(self.now_ns, origin_ns, node.clock.rate_ppm());
        Boot { now: node.clock.local(self.now_ns), entropy: draw(Field::BootEntropy), number: node.boot }
    }

    /// Gives a node another configuration from its next start on, for example another version.
    pub fn reconfigure(&mut self, node: NodeId, config: P::Config, observer: &mut impl Observer<P>) -> bool {
        let Some(at) = self.position(node) else { return false };
        self.nodes[at].config = config;
        self.trace.emit(self.now_ns, observer, WorldEvent::Reconfigured { node });
        true
    }

    /// Ends a process. What it wrote is still in the page cache; a drawn part of what it was just doing was done.
    pub fn kill(&mut self, node: NodeId, observer: &mut impl Observer<P>) -> bool {
        let Some(at) = self.running(node) else { return false };
        let target = &mut self.nodes[at];
        let crash = target.device.crash();
        target.end_boot();
        self.trace.emit(self.now_ns, observer, WorldEvent::Killed { node, crash, disk: target.device.disk() });
        true
    }

    /// Takes a node's power away: the process ends and a drawn part of what was not synced is gone.
    /// Also for a node that is down, whose page cache is lost then.
    pub fn power_loss(&mut self, node: NodeId, observer: &mut impl Observer<P>) -> bool {
        let Some(at) = self.position(node) else { return false };
        let target = &mut self.nodes[at];
        if target.process.is_none() && target.device.disk().unsynced() == 0 {
            return false;
        }
        let crash = target.device.crash();
        let loss = target.device.lose_power();
        target.end_boot();
        self.counters.lost_bytes += loss.lost_bytes;
        let event = WorldEvent::PowerLost { node, crash, loss: &loss, disk: target.device.disk() };
        self.trace.emit(self.now_ns, observer, event);
        true
    }

    /// The process ends itself.
    pub(super) fn halt(&mut self, at: usize, reason: &'static str, observer: &mut impl Observer<P>) {
        let node = &mut self.nodes[at];
        let crash = node.device.crash();
        node.end_boot();
        let event = WorldEvent::Halted { node: node.id, reason, crash, disk: node.device.disk() };
        self.trace.emit(self.now_ns, observer, event);
    }

    /// Stops a process for a while. Its clock runs on, its disk works on, and what arrives waits.
    pub fn pause(&mut self, node: NodeId, observer: &mut impl Observer<P>) -> bool {
        let Some(at) = self.running(node).filter(|at| !self.nodes[*at].paused) else {
            return false;
        };
        self.nodes[at].paused = true;
        self.trace.emit(self.now_ns, observer, WorldEvent::Paused { node });
        true
    }

    /// Lets a paused process go on: it takes all that has waited, in order, and its timer if that is due.
    pub fn resume(&mut self, node: NodeId, observer: &mut impl Observer<P>) -> bool {
        let Some(at) = self.running(node).filter(|at| self.nodes[*at].paused) else {
            return false;
        };
        self.nodes[at].paused = false;
        let waiting = self.nodes[at].held.len() as u64;
        self.trace.emit(self.now_ns, observer, WorldEvent::Resumed { node, waiting });
        self.schedule_held(at);
        self.arm(at);
        true
    }

    /// Lays a cut over a directed link, or takes one away. Cuts add up: the link works when all are gone.
    pub fn set_cut(&mut self, from: NodeId, to: NodeId, cut: bool, observer: &mut impl Observer<P>) -> bool {
        let Some(at) = self.link_position(from, to) else { return false };
        let link = &mut self.links[at];
        let changed = link.set_cut(cut);
        if changed {
            self.trace.emit(self.now_ns, observer, WorldEvent::CutChanged { from, to, cuts: link.cuts() });
        }
        changed
    }

    /// Resets the connections between two nodes that run: what is under way between them, in both directions, is lost,
    /// and what is sent from now on does not queue behind it. What waits at a paused node has arrived.
    pub fn reset(&mut self, one: NodeId, other: NodeId, observer: &mut impl Observer<P>) -> bool {
        let (Some(a), Some(b)) = (self.running(one), self.running(other).filter(|_| one != other)) else {
            return false;
        };
        let ways = [a * self.nodes.len() + b, b * self.nodes.len() + a];
        let way = |letter: &Letter<P::Message>| letter.from as usize * self.nodes.len() + letter.to as usize;
        let is_lost =
            |letter: &&Letter<P::Message>| ways.contains(&way(letter)) && !self.links[way(letter)].went_down_with(letter.sent());
        let in_flight = self.letters.values().filter(is_lost).count() as u64;
        let number = self.trace.emit(self.now_ns, observer, WorldEvent::ConnectionReset { one, other, in_flight });
        for way in ways {
            self.links[way].reset(number);
        }
        true
    }

    /// Lays a cut over both links between a client and a node, or takes one away.
    pub fn set_client_cut(&mut self, client: ClientId, node: NodeId, cut: bool, observer: &mut impl Observer<P>) -> bool {
        let Some(at) = self.client_link_position(client, node) else { return false };
        let links = &mut self.client_links[at];
        let changed = links.to_node.set_cut(cut) && links.to_client.set_cut(cut);
        if changed {
            let event = WorldEvent::ClientCutChanged { client, node, cuts: links.to_node.cuts() };
            self.trace.emit(self.now_ns, observer, event);
        }
        changed
    }

    /// Changes how a directed link treats what is sent from now on.
    pub fn set_link_weather(&mut self, from: NodeId, to: NodeId, weather: LinkWeather, observer: &mut impl Observer<P>) -> bool {
        let Some(at) = self.link_position(from, to) else { return false };
        self.links[at].set_weather(weather);
        self.trace.emit(self.now_ns, observer, WorldEvent::LinkWeatherSet { from, to, weather });
        true
    }

    /// Changes how all links of a client, in both directions, treat what is sent from now on.
    pub fn set_client_weather(&mut self, client: ClientId, weather: LinkWeather, observer: &mut impl Observer<P>) -> bool {
        let nodes = self.nodes.len();
        let Some(mine) = self.client_links.chunks_mut(nodes.max(1)).nth(client.0 as usize) else {
            return false;
        };
        for links in mine {
            links.to_node.set_weather(weather);
            links.to_client.set_weather(weather);
        }
        self.trace.emit(self.now_ns, observer, WorldEvent::ClientWeatherSet { client, weather });
        true
    }

    /// Changes how fast a disk is, from its next operation on.
    pub fn set_disk_weather(&mut self, node: NodeId, weather: DiskWeather, observer: &mut impl Observer<P>) -> bool {
        let Some(at) = self.position(node) else { return false };
        let anew = self.nodes[at].device.set_weather(weather);
        self.trace.emit(self.now_ns, observer, WorldEvent::DiskWeatherSet { node, weather });
        if anew {
            self.schedule_disk(at);
        }
        true
    }

    /// Lets something go wrong with a disk, under a number by which it can be ended; or, if that is not `allowed`, only
    /// says so. `None` if there is no such node. Files are taken away only while the node is down.
    pub fn inflict(
        &mut self,
        node: NodeId,
        id: u32,
        fault: DiskFault,
        allowed: bool,
        observer: &mut impl Observer<P>,
    ) -> Option<Dealt> {
        let at = self.position(node)?;
        let target = &mut self.nodes[at];
        let dealt = match fault {
            _ if !allowed => Dealt::Suppressed,
            DiskFault::Wipe if target.process.is_some() => Dealt::Nothing,
            _ => target.device.inflict(id, fault),
        };
        let event = WorldEvent::DiskFaulted { node, id, fault, dealt, disk: target.device.disk() };
        self.trace.emit(self.now_ns, observer, event);
        Some(dealt)
    }

    /// Ends what goes wrong with a disk under this number.
    pub fn relieve(&mut self, node: NodeId, id: u32, observer: &mut impl Observer<P>) -> bool {
        let Some(at) = self.position(node) else { return false };
        let ended = self.nodes[at].device.relieve(id);
        if ended {
            self.trace.emit(self.now_ns, observer, WorldEvent::DiskRelieved { node, id });
        }
        ended
    }

    /// Asks for [`Step::AtDiskOp`](super::Step::AtDiskOp) once, before the `nth` disk operation of a node's present boot
    /// completes. That this was asked is no event: only what is done then is.
    pub fn break_before_disk_op(&mut self, node: NodeId, nth: Option<u64>) -> bool {
        let Some(at) = self.running(node) else { return false };
        self.nodes[at].device.break_before(nth);
        true
    }

    /// Decides whether a crash that comes before the next completion finds that operation executed. Otherwise it is drawn.
    pub fn decide_crash(&mut self, node: NodeId, executed: bool) -> bool {
        let Some(at) = self.running(node) else { return false };
        self.nodes[at].device.decide_crash(executed);
        true
    }

    /// Changes how fast a clock runs, also over restarts: from 800,000 to 1,200,000; other rates are refused.
    pub fn set_clock_rate(&mut self, node: NodeId, rate_ppm: u32, observer: &mut impl Observer<P>) -> bool {
        if !(RATE_PPM_MIN..=RATE_PPM_MAX).contains(&rate_ppm) {
            return false;
        }
        let Some(at) = self.position(node) else { return false };
        self.nodes[at].clock.set_rate(self.now_ns, rate_ppm);
        self.trace.emit(self.now_ns, observer, WorldEvent::ClockRateSet { node, rate_ppm });
        self.rearm(at);
        true
    }

    /// Lets a running node's clock jump forward. (Backward would not be monotonic.)
    pub fn shift_clock(&mut self, node: NodeId, by_ns: u64, observer: &mut impl Observer<P>) -> bool {
        let Some(at) = self.running(node) else { return false };
        self.nodes[at].clock.shift(self.now_ns, by_ns);
        self.trace.emit(self.now_ns, observer, WorldEvent::ClockShifted { node, by_ns });
        self.rearm(at);
        true
    }

    /// Lets a clock begin this much later at each start from now on.
    pub fn set_clock_offset(&mut self, node: NodeId, offset_ns: u64, observer: &mut impl Observer<P>) -> bool {
        let Some(at) = self.position(node) else { return false };
        self.nodes[at].clock_offset_ns = offset_ns;
        self.trace.emit(self.now_ns, observer, WorldEvent::ClockOffsetSet { node, offset_ns });
        true
    }

    /// Arms the timer anew, because the clock tells another world time for the same deadline now.
    fn rearm(&mut self, at: usize) {
        self.nodes[at].timer = None;
        if !self.nodes[at].paused {
            self.arm(at);
        }
    }

    /// Sends a client's request to a node. Answers come back as [`Step::Reply`](super::Step::Reply): none, one, or several.
    pub fn request(
        &mut self,
        client: ClientId,
        handle: RequestHandle,
        to: NodeId,
        request: P::Request,
        observer: &mut impl Observer<P>,
    ) -> bool {
        let Some(at) = self.client_link_position(client, to) else { return false };
        self.counters.requests += 1;
        let Passage { fate, due_ns, tie, copy_due_ns } = self.client_links[at].to_node.send(self.now_ns, Lane::Control);
        let event = WorldEvent::Requested { client, handle, to, request: &request, fate, due_ns };
        let sent = self.trace.emit(self.now_ns, observer, event);
        if !fate.arrives() {
            return true;
        }
        let node = at % self.nodes.len();
        if let Some(copy_due_ns) = copy_due_ns {
            let call = Call { client, handle, node, sent, copy: true, body: request.clone() };
            self.queue.push(copy_due_ns, tie, What::Request(self.requests.insert(call)));
        }
        let call = Call { client, handle, node, sent, copy: false, body: request };
        self.queue.push(due_ns, tie, What::Request(self.requests.insert(call)));
        true
    }

    /// Asks for [`Step::External`](super::Step::External) at a time; now, if that has passed.
    pub fn wake_at(&mut self, at_ns: u64, token: u64, observer: &mut impl Observer<P>) {
        let at_ns = at_ns.max(self.now_ns);
        self.trace.emit(self.now_ns, observer, WorldEvent::WakeSet { at_ns, token });
        let tie = mix(self.tie_key, token, at_ns, 0, Field::WakeTie as u64);
        let slot = self.wakes.insert(token);
        self.queue.push(at_ns, tie, What::Wake(slot));
    }

    fn running(&self, node: NodeId) -> Option<usize> {
        self.position(node).filter(|at| self.nodes[*at].process.is_some())
    }
}
