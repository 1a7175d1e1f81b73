//! The second arena: the production driver on madsim's executor and TCP, with our disks and clocks.
//!
//! The driver's tasks run inside of madsim's executor; the run stands outside. Between two steps it inflicts
//! faults; a step lets the executor go on until something is in the journal that cannot wait. What happened is
//! emitted in its order and with its times, so observers see the same events here as in the world.
//!
//! What streams cannot express is counted, never silently skipped: loss, duplication and reordering of messages,
//! and a link that is faster than the network.
//!
//! Not here: other runs, threads and the watchdog ([`crate::campaign`]). Read next: `shared`, `env`, `stream`.

mod alarms;
mod books;
mod control;
mod emit;
mod env;
mod gateway;
mod journal;
mod shared;
mod stream;
mod tap;
mod transport;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use madsim::runtime::Runtime;
use madsim::task::AbortHandle;
use squall_checkers::violation::{Need, Violation};
use squall_raft::applier::StateMachine;
use squall_raft::node::request::Reply;
use squall_raft::node::{Node, NodeConfig};
use squall_raft::server::Server;
use squall_raft::types::{BootNumber, NodeId};

use self::alarms::Bell;
use self::env::SimEnv;
use self::gateway::Gateway;
use self::shared::{Machine, Shared, lock};
use self::transport::Transport;
use super::{Arena, Traffic, Watch};
use crate::disk::device::Device;
use crate::disk::{Dealt, Disk, DiskFault, DiskWeather};
use crate::entropy::v1::mix;
use crate::entropy::{Entropy, Owner};
use crate::network::LinkWeather;
use crate::scenario::Means;
use crate::world::trace::Trace;
use crate::world::{ClientId, Counters, Observer, RequestHandle, Settings, Status, Step, WorldEvent};

/// What a draw decides.
#[derive(Clone, Copy)]
#[repr(u64)]
enum Field {
    Device = 1,
    BootEntropy = 2,
    ClockOrigin = 3,
}

/// After a kill, madsim drops tasks only when their turn comes.
const BURIAL: Duration = Duration::from_millis(2);

/// A server, once it has started.
type Slot<M> = Arc<Mutex<Option<Server<M, SimEnv>>>>;

/// One node's machine as the run sees it.
struct Host<M: StateMachine + Send + 'static> {
    id: NodeId,
    config: NodeConfig<M>,
    status: Status,
    boot: BootNumber,
    clock_offset_ns: u64,
    madsim: madsim::task::NodeId,
    server: Slot<M>,
}

/// A cluster of production drivers on madsim.
pub struct Madsim<M: StateMachine + Send + 'static> {
    hosts: Vec<Host<M>>,
    shared: Arc<Shared>,
    gateways: Vec<Gateway>,
    /// Empty; kept for its space.
    space: Vec<(u64, journal::Entry)>,
    /// Answers and wake-ups that the run has not taken yet.
    steps: VecDeque<Step<Reply>>,
    cuts: BTreeMap<(usize, usize), u32>,
    base: LinkWeather,
    transport: Transport,
    violation: Option<Box<Violation>>,
    trace: Trace,
    counters: Counters,
    /// Of servers that have ended.
    traffic: Traffic,
    inexpressible: BTreeMap<&'static str, u64>,
    boot_key: u64,
    timekeeper: AbortHandle,
    clients: madsim::task::NodeId,
    runtime: Runtime,
}

impl<M: StateMachine + Send + 'static> Drop for Madsim<M> {
    fn drop(&mut self) {
        // Tasks that are pending when the runtime goes are never freed.
        for host in &self.hosts {
            drop(lock(&host.server).take());
            self.runtime.handle().kill(host.madsim);
        }
        self.gateways.clear();
        self.runtime.handle().kill(self.clients);
        self.timekeeper.abort();
        if !std::thread::panicking() {
            self.runtime.block_on(async { madsim::time::sleep(BURIAL).await });
        }
    }
}

impl<M: StateMachine + Send + 'static> Madsim<M> {
    fn build(entropy: Entropy, nodes: Vec<(NodeId, NodeConfig<M>)>, settings: Settings) -> Self {
        let base = settings.links;
        let runtime = Runtime::with_seed_and_config(entropy.key(Owner::Executor, 0), config(&base));
        let disk_key = entropy.key(Owner::Disk, 0);
        // One more than there are nodes: all clients live on the last one.
        let machines = (0..=nodes.len() as u64)
            .map(|at| Machine::new(Device::new(mix(disk_key, at, 0, 0, Field::Device as u64), settings.disks)))
            .collect();
        let shared = Arc::new(Shared::new(madsim_time(&runtime), machines));
        let machine = |at: usize| runtime.create_node().ip(env::ip(at)).build();
        let hosts: Vec<Host<M>> = nodes
            .into_iter()
            .enumerate()
            .map(|(at, (id, config))| Host {
                id,
                config,
                status: Status::Down,
                boot: BootNumber(0),
                clock_offset_ns: 0,
                madsim: machine(at).id(),
                server: Arc::default(),
            })
            .collect();
        let clients = machine(hosts.len());
        let env = SimEnv { shared: Arc::clone(&shared), machine: hosts.len(), boot: BootNumber(0) };
        let gateways =
            hosts.iter().enumerate().map(|(at, host)| Gateway::open(&runtime, &clients, &env, at, &host.config.raft)).collect();
        let keeper = Arc::clone(&shared);
        let timekeeper = runtime.block_on(async { madsim::task::spawn(keeper.keep_time()).abort_handle() });
        let mut arena = Self {
            hosts,
            shared,
            gateways,
            space: Vec::new(),
            steps: VecDeque::new(),
            cuts: BTreeMap::new(),
            base,
            transport: Transport::default(),
            violation: None,
            trace: Trace::default(),
            counters: Counters::default(),
            traffic: Traffic::default(),
            inexpressible: BTreeMap::new(),
            boot_key: entropy.key(Owner::Boot, 0),
            timekeeper,
            clients: clients.id(),
            runtime,
        };
        arena.note_inexpressible(&base);
        arena
    }

    fn position(&self, node: NodeId) -> Option<usize> {
        self.hosts.iter().position(|host| host.id == node)
    }

    /// Counts what streams cannot do.
    fn note_inexpressible(&mut self, weather: &LinkWeather) {
        let slowest_ns = self.base.latency_max_ns;
        let kinds = [
            (Means::Loss.name(), weather.loss_ppm > 0),
            (Means::Duplication.name(), weather.duplicate_ppm > 0),
            (Means::Reordering.name(), weather.reorder_ppm > 0),
            ("faster_link", weather.latency_max_ns < slowest_ns),
        ];
        for (kind, _) in kinds.into_iter().filter(|(_, asked)| *asked) {
            *self.inexpressible.entry(kind).or_default() += 1;
        }
    }
}

fn config(base: &LinkWeather) -> madsim::Config {
    let latency = Duration::from_nanos(base.latency_min_ns)..Duration::from_nanos(base.latency_max_ns.saturating_add(1));
    let mut config = madsim::Config::default();
    config.net.send_latency = latency;
    config
}

fn madsim_time(runtime: &Runtime) -> madsim::time::TimeHandle {
    runtime.block_on(async { madsim::time::TimeHandle::current() })
}

impl<M: StateMachine + Send + 'static> Arena<Node<M>> for Madsim<M> {
    const PROVIDES: &'static [Need] = &Need::ALL;
    const CANNOT: &'static [Means] = &[Means::Loss, Means::Duplication, Means::Reordering, Means::DiskReordering, Means::DiskOps];

    fn new(entropy: Entropy, nodes: Vec<(NodeId, NodeConfig<M>)>, settings: Settings) -> Self {
        Self::build(entropy, nodes, settings)
    }

    fn step(&mut self, observer: &mut impl Observer<Node<M>>) -> Step<Reply> {
        self.read_journal(observer);
        if let Some(step) = self.steps.pop_front() {
            return step;
        }
        let shared = Arc::clone(&self.shared);
        self.runtime.block_on(async move { shared.until_urgent().await });
        self.read_journal(observer);
        self.steps.pop_front().unwrap_or(Step::Internal)
    }

    fn watched(&mut self, watch: Watch) {
        self.shared.journal().watch = watch;
    }

    fn violation(&mut self) -> Option<Box<Violation>> {
        self.violation.take()
    }

    fn final_violation(&mut self) -> Option<Box<Violation>> {
        for at in 0..self.hosts.len() {
            self.close_books(at);
            drop(lock(&self.hosts[at].server).take());
        }
        self.violation.take()
    }

    fn now(&self) -> u64 {
        self.shared.now_ns()
    }

    fn events(&self) -> u64 {
        self.trace.events()
    }

    fn hash(&self) -> u64 {
        self.trace.hash()
    }

    fn blocks(&self) -> Vec<u64> {
        self.trace.blocks().iter().copied().collect()
    }

    fn counters(&self) -> Counters {
        self.counters
    }

    fn traffic(&self) -> Traffic {
        let mut sum = self.traffic;
        for host in &self.hosts {
            if let Some(server) = &*lock(&host.server) {
                sum += books::traffic(&server.stats());
            }
        }
        sum
    }

    fn inexpressible(&self) -> BTreeMap<&'static str, u64> {
        self.inexpressible.clone()
    }

    fn node_ids(&self) -> impl Iterator<Item = NodeId> {
        self.hosts.iter().map(|host| host.id)
    }

    fn with_process<R>(&self, node: NodeId, look: impl FnOnce(&Node<M>) -> R) -> Option<R> {
        let host = &self.hosts[self.position(node)?];
        lock(&host.server).as_ref().map(|server| server.inspect(look))
    }

    fn reconfigure(
        &mut self,
        node: NodeId,
        change: impl FnOnce(&mut NodeConfig<M>),
        observer: &mut impl Observer<Node<M>>,
    ) -> bool {
        self.read_journal(observer);
        let Some(at) = self.position(node) else { return false };
        change(&mut self.hosts[at].config);
        self.trace.emit(self.shared.now_ns(), observer, WorldEvent::Reconfigured { node });
        true
    }

    fn start(&mut self, node: NodeId, observer: &mut impl Observer<Node<M>>) -> bool {
        self.start_host(node, observer)
    }

    fn kill(&mut self, node: NodeId, observer: &mut impl Observer<Node<M>>) -> bool {
        self.kill_host(node, observer)
    }

    fn power_loss(&mut self, node: NodeId, observer: &mut impl Observer<Node<M>>) -> bool {
        self.power_loss_of_host(node, observer)
    }

    fn pause(&mut self, node: NodeId, observer: &mut impl Observer<Node<M>>) -> bool {
        self.pause_host(node, observer)
    }

    fn resume(&mut self, node: NodeId, observer: &mut impl Observer<Node<M>>) -> bool {
        self.resume_host(node, observer)
    }

    fn set_cut(&mut self, from: NodeId, to: NodeId, cut: bool, observer: &mut impl Observer<Node<M>>) -> bool {
        self.cut_link(from, to, cut, observer)
    }

    fn reset(&mut self, one: NodeId, other: NodeId, observer: &mut impl Observer<Node<M>>) -> bool {
        self.reset_connections(one, other, observer)
    }

    fn set_link_weather(
        &mut self,
        from: NodeId,
        to: NodeId,
        weather: LinkWeather,
        observer: &mut impl Observer<Node<M>>,
    ) -> bool {
        self.change_link(from, to, weather, observer)
    }

    fn set_client_weather(&mut self, client: ClientId, weather: LinkWeather, observer: &mut impl Observer<Node<M>>) -> bool {
        self.read_journal(observer);
        self.trace.emit(self.shared.now_ns(), observer, WorldEvent::ClientWeatherSet { client, weather });
        true
    }

    fn set_disk_weather(&mut self, node: NodeId, weather: DiskWeather, observer: &mut impl Observer<Node<M>>) -> bool {
        self.change_disk(node, weather, observer)
    }

    fn inflict(
        &mut self,
        node: NodeId,
        id: u32,
        fault: DiskFault,
        allowed: bool,
        observer: &mut impl Observer<Node<M>>,
    ) -> Option<Dealt> {
        self.inflict_on_disk(node, id, fault, allowed, observer)
    }

    fn relieve(&mut self, node: NodeId, id: u32, observer: &mut impl Observer<Node<M>>) -> bool {
        self.relieve_disk(node, id, observer)
    }

    fn with_disk<R>(&self, node: NodeId, look: impl FnOnce(&Disk) -> R) -> Option<R> {
        let at = self.position(node)?;
        Some(look(self.shared.machine(at).device.disk()))
    }

    fn set_clock_rate(&mut self, node: NodeId, rate_ppm: u32, observer: &mut impl Observer<Node<M>>) -> bool {
        self.change_clock_rate(node, rate_ppm, observer)
    }

    fn shift_clock(&mut self, node: NodeId, by_ns: u64, observer: &mut impl Observer<Node<M>>) -> bool {
        self.jump_clock(node, by_ns, observer)
    }

    fn set_clock_offset(&mut self, node: NodeId, offset_ns: u64, observer: &mut impl Observer<Node<M>>) -> bool {
        self.change_clock_offset(node, offset_ns, observer)
    }

    fn request(
        &mut self,
        client: ClientId,
        handle: RequestHandle,
        to: NodeId,
        request: squall_raft::node::request::Request,
        observer: &mut impl Observer<Node<M>>,
    ) -> bool {
        self.ask(client, handle, to, request, observer)
    }

    fn wake_at(&mut self, at_ns: u64, token: u64, observer: &mut impl Observer<Node<M>>) {
        self.read_journal(observer);
        let now_ns = self.shared.now_ns();
        let at_ns = at_ns.max(now_ns);
        self.trace.emit(now_ns, observer, WorldEvent::WakeSet { at_ns, token });
        self.shared.set_alarm(at_ns, Bell::Run { token });
    }
}
