//! The discrete-event world as an arena: it can do all that a plan may ask for, and has no wires.
//!
//! Each method passes on to the world's own of the same name, which says more about it.

use std::collections::BTreeMap;

use squall_checkers::violation::Need;
use squall_raft::process::Process;
use squall_raft::types::NodeId;

use super::{Arena, Traffic};
use crate::disk::{Dealt, Disk, DiskFault, DiskWeather};
use crate::entropy::Entropy;
use crate::network::LinkWeather;
use crate::scenario::Means;
use crate::world::{ClientId, Counters, Observer, RequestHandle, Settings, Step, World};

impl<P: Process> Arena<P> for World<P> {
    const PROVIDES: &'static [Need] = &[Need::GlobalOrder, Need::GhostDisks, Need::NodeOrder, Need::ClientHistory];
    const CANNOT: &'static [Means] = &[];

    fn new(entropy: Entropy, nodes: Vec<(NodeId, P::Config)>, settings: Settings) -> Self {
        Self::new(entropy, nodes, settings)
    }

    #[inline]
    fn step(&mut self, observer: &mut impl Observer<P>) -> Step<P::Reply> {
        self.step(observer)
    }

    #[inline]
    fn now(&self) -> u64 {
        self.now()
    }

    #[inline]
    fn events(&self) -> u64 {
        self.events()
    }

    fn hash(&self) -> u64 {
        self.hash()
    }

    fn blocks(&self) -> Vec<u64> {
        self.blocks().iter().copied().collect()
    }

    fn counters(&self) -> Counters {
        *self.counters()
    }

    fn traffic(&self) -> Traffic {
        Traffic::default()
    }

    fn inexpressible(&self) -> BTreeMap<&'static str, u64> {
        BTreeMap::new()
    }

    fn node_ids(&self) -> impl Iterator<Item = NodeId> {
        self.nodes()
    }

    #[inline]
    fn with_process<R>(&self, node: NodeId, look: impl FnOnce(&P) -> R) -> Option<R> {
        self.process(node).map(look)
    }

    fn reconfigure(&mut self, node: NodeId, change: impl FnOnce(&mut P::Config), observer: &mut impl Observer<P>) -> bool {
        let Some(mut config) = self.config(node).cloned() else { return false };
        change(&mut config);
        self.reconfigure(node, config, observer)
    }

    fn start(&mut self, node: NodeId, observer: &mut impl Observer<P>) -> bool {
        self.start(node, observer)
    }

    fn kill(&mut self, node: NodeId, observer: &mut impl Observer<P>) -> bool {
        self.kill(node, observer)
    }

    fn power_loss(&mut self, node: NodeId, observer: &mut impl Observer<P>) -> bool {
        self.power_loss(node, observer)
    }

    fn pause(&mut self, node: NodeId, observer: &mut impl Observer<P>) -> bool {
        self.pause(node, observer)
    }

    fn resume(&mut self, node: NodeId, observer: &mut impl Observer<P>) -> bool {
        self.resume(node, observer)
    }

    fn set_cut(&mut self, from: NodeId, to: NodeId, cut: bool, observer: &mut impl Observer<P>) -> bool {
        self.set_cut(from, to, cut, observer)
    }

    fn reset(&mut self, one: NodeId, other: NodeId, observer: &mut impl Observer<P>) -> bool {
        self.reset(one, other, observer)
    }

    fn set_link_weather(&mut self, from: NodeId, to: NodeId, weather: LinkWeather, observer: &mut impl Observer<P>) -> bool {
        self.set_link_weather(from, to, weather, observer)
    }

    fn set_client_weather(&mut self, client: ClientId, weather: LinkWeather, observer: &mut impl Observer<P>) -> bool {
        self.set_client_weather(client, weather, observer)
    }

    fn set_disk_weather(&mut self, node: NodeId, weather: DiskWeather, observer: &mut impl Observer<P>) -> bool {
        self.set_disk_weather(node, weather, observer)
    }

    fn inflict(
        &mut self,
        node: NodeId,
        id: u32,
        fault: DiskFault,
        allowed: bool,
        observer: &mut impl Observer<P>,
    ) -> Option<Dealt> {
        self.inflict(node, id, fault, allowed, observer)
    }

    fn relieve(&mut self, node: NodeId, id: u32, observer: &mut impl Observer<P>) -> bool {
        self.relieve(node, id, observer)
    }

    fn with_disk<R>(&self, node: NodeId, look: impl FnOnce(&Disk) -> R) -> Option<R> {
        self.disk(node).map(look)
    }

    fn break_before_disk_op(&mut self, node: NodeId, nth: Option<u64>) -> bool {
        self.break_before_disk_op(node, nth)
    }

    fn decide_crash(&mut self, node: NodeId, executed: bool) -> bool {
        self.decide_crash(node, executed)
    }

    fn set_clock_rate(&mut self, node: NodeId, rate_ppm: u32, observer: &mut impl Observer<P>) -> bool {
        self.set_clock_rate(node, rate_ppm, observer)
    }

    fn shift_clock(&mut self, node: NodeId, by_ns: u64, observer: &mut impl Observer<P>) -> bool {
        self.shift_clock(node, by_ns, observer)
    }

    fn set_clock_offset(&mut self, node: NodeId, offset_ns: u64, observer: &mut impl Observer<P>) -> bool {
        self.set_clock_offset(node, offset_ns, observer)
    }

    #[inline]
    fn request(
        &mut self,
        client: ClientId,
        handle: RequestHandle,
        to: NodeId,
        request: P::Request,
        observer: &mut impl Observer<P>,
    ) -> bool {
        self.request(client, handle, to, request, observer)
    }

    #[inline]
    fn wake_at(&mut self, at_ns: u64, token: u64, observer: &mut impl Observer<P>) {
        self.wake_at(at_ns, token, observer);
    }
}
