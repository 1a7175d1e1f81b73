//! A discrete-event world: processes on simulated clocks, networks and disks.
//!
//! [`World::step`] carries out exactly one event. Between steps whoever drives the world may
//! inject faults, send requests and ask to be woken (`control`); all of it goes into the
//! trace hash. The world draws nothing from outside: entropy, configurations and those calls decide
//! everything. It is `Clone` in time proportional to what is live, so that a run can branch.
//!
//! Read next, in this order: `settings`, `event`, `node`, `effects` (what a process sets in
//! motion), `arrivals` (what reaches it), `control` (faults), `trace`, `encode` and `fold` (the hash).

mod arrivals;
mod control;
mod effects;
mod encode;
mod event;
mod fold;
mod node;
mod settings;
pub(crate) mod trace;

use squall_raft::process::{Effects, Process};
use squall_raft::types::{LocalTime, NodeId};

#[cfg(madsim)]
pub(crate) use control::CLOCK_ORIGIN_NS;
pub use event::{DropReason, Observer, WorldEvent};
pub use settings::{ClientId, Counters, RequestHandle, Settings, Status, Step};
pub use trace::BLOCK_EVENTS;

use crate::disk::Disk;
use crate::disk::device::Device;
use crate::entropy::v1::mix;
use crate::entropy::{Entropy, Owner};
use crate::events::{Queue, Slab, What};
use crate::network::Link;
use node::{Call, Letter, Node};
use squall_raft::shared::SharedVec;
use trace::Trace;

/// What a draw decides. Part of every recorded seed: never renumber.
#[derive(Clone, Copy)]
#[repr(u64)]
enum Field {
    Node = 1,
    BootEntropy = 2,
    ClockOrigin = 3,
    TimerTie = 4,
    HeldTie = 5,
    WakeTie = 6,
    LinkKey = 7,
    ToNodeKey = 8,
    ToClientKey = 9,
}

/// The links between a client and a node.
#[derive(Clone, Debug)]
struct ClientLinks {
    to_node: Link,
    to_client: Link,
}

/// A world that runs processes of one type.
#[derive(Clone)]
pub struct World<P: Process> {
    now_ns: u64,
    nodes: Vec<Node<P>>,
    /// From every node to every node, by sender then receiver.
    links: Vec<Link>,
    /// Between every client and every node, by client then node.
    client_links: Vec<ClientLinks>,
    queue: Queue,
    letters: Slab<Letter<P::Message>>,
    requests: Slab<Call<P::Request>>,
    replies: Slab<Call<P::Reply>>,
    wakes: Slab<u64>,
    /// Empty between steps; kept for its space.
    effects: Effects<P>,
    trace: Trace,
    counters: Counters,
    boot_key: u64,
    tie_key: u64,
}

impl<P: Process> World<P> {
    /// A world in which nothing runs yet: [`Self::start`] the nodes.
    ///
    /// # Panics
    ///
    /// If two nodes have the same id.
    #[must_use]
    pub fn new(entropy: Entropy, nodes: Vec<(NodeId, P::Config)>, settings: Settings) -> Self {
        let ids: Vec<NodeId> = nodes.iter().map(|(id, _)| *id).collect();
        assert!(ids.iter().enumerate().all(|(at, id)| !ids[..at].contains(id)), "node ids must differ: {ids:?}");
        let disk_key = entropy.key(Owner::Disk, 0);
        let device = |id: NodeId| Device::new(mix(disk_key, id.0, 0, 0, Field::Node as u64), settings.disks);
        Self {
            now_ns: 0,
            links: links(entropy, &ids, &settings),
            client_links: client_links(entropy, &ids, &settings),
            nodes: nodes.into_iter().map(|(id, config)| Node::new(id, config, device(id))).collect(),
            queue: Queue::default(),
            letters: Slab::default(),
            requests: Slab::default(),
            replies: Slab::default(),
            wakes: Slab::default(),
            effects: Effects::default(),
            trace: Trace::default(),
            counters: Counters::default(),
            boot_key: entropy.key(Owner::Boot, 0),
            tie_key: entropy.key(Owner::Tie, 0),
        }
    }

    /// Carries out the next event.
    pub fn step(&mut self, observer: &mut impl Observer<P>) -> Step<P::Reply> {
        while let Some(event) = self.queue.pop() {
            debug_assert!(event.at_ns >= self.now_ns);
            self.now_ns = event.at_ns;
            let happened = match event.what {
                What::Deliver(slot) => self.deliver(slot, observer),
                What::Timer(node) => self.timer(node as usize, event.ticket(), observer),
                What::Request(slot) => self.deliver_request(slot, observer),
                What::Held(node) => self.deliver_held(node as usize, event.ticket(), observer),
                What::Disk(node) => match self.disk_done(node as usize, event.ticket(), observer) {
                    Some(step) => return step,
                    None => false,
                },
                What::Reply(slot) => match self.deliver_reply(slot, observer) {
                    Some(step) => return step,
                    None => false,
                },
                What::Wake(slot) => match self.wake(slot, observer) {
                    Some(step) => return step,
                    None => false,
                },
            };
            // If not: a timer that was moved, a completion of a boot that is over.
            if happened {
                return Step::Internal;
            }
        }
        Step::Idle
    }

    /// Virtual nanoseconds since the start.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.now_ns
    }

    /// When the next event is due, if there is one. It may turn out to be a moved timer, so that nothing happens then.
    #[must_use]
    pub fn next_at(&self) -> Option<u64> {
        self.queue.next_at_ns()
    }

    /// The hash over everything that happened so far.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.trace.hash()
    }

    /// How many events went into the hash.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.trace.events()
    }

    /// Where the hash stood after every [`BLOCK_EVENTS`] events.
    #[must_use]
    pub fn blocks(&self) -> &SharedVec<u64> {
        self.trace.blocks()
    }

    /// How often things happened so far.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The nodes in the order in which they were given.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> {
        self.nodes.iter().map(|node| node.id)
    }

    /// Whether a node runs; `None` if there is no such node.
    #[must_use]
    pub fn status(&self, node: NodeId) -> Option<Status> {
        self.position(node).map(|at| self.nodes[at].status())
    }

    /// A node's process, if it runs or is paused.
    #[must_use]
    pub fn process(&self, node: NodeId) -> Option<&P> {
        self.nodes[self.position(node)?].process.as_ref()
    }

    /// What a node's next process is configured with.
    #[must_use]
    pub fn config(&self, node: NodeId) -> Option<&P::Config> {
        self.position(node).map(|at| &self.nodes[at].config)
    }

    /// A node's disk.
    #[must_use]
    pub fn disk(&self, node: NodeId) -> Option<&Disk> {
        self.position(node).map(|at| self.nodes[at].device.disk())
    }

    /// What a node's clock shows now.
    #[must_use]
    pub fn local_now(&self, node: NodeId) -> Option<LocalTime> {
        self.position(node).map(|at| self.nodes[at].clock.local(self.now_ns))
    }

    /// Whether at least one cut lies over a link.
    #[must_use]
    pub fn is_cut(&self, from: NodeId, to: NodeId) -> bool {
        self.link_position(from, to).is_some_and(|at| self.links[at].is_cut())
    }

    /// Where a node stands in all lists.
    #[inline]
    fn position(&self, id: NodeId) -> Option<usize> {
        // Ids are nearly always consecutive, then the first guess is right.
        let guess = usize::try_from(id.0.wrapping_sub(self.nodes.first()?.id.0)).unwrap_or(usize::MAX);
        match self.nodes.get(guess) {
            Some(node) if node.id == id => Some(guess),
            _ => self.nodes.iter().position(|node| node.id == id),
        }
    }

    fn link_position(&self, from: NodeId, to: NodeId) -> Option<usize> {
        Some(self.position(from)? * self.nodes.len() + self.position(to)?)
    }

    fn client_link_position(&self, client: ClientId, node: NodeId) -> Option<usize> {
        let at = usize::try_from(client.0).ok()? * self.nodes.len() + self.position(node)?;
        (at < self.client_links.len()).then_some(at)
    }
}

fn links(entropy: Entropy, ids: &[NodeId], settings: &Settings) -> Vec<Link> {
    let key = entropy.key(Owner::Link, 0);
    let pairs = ids.iter().flat_map(|from| ids.iter().map(move |to| (from, to)));
    pairs.map(|(from, to)| Link::new(mix(key, from.0, to.0, 0, Field::LinkKey as u64), settings.links)).collect()
}

fn client_links(entropy: Entropy, ids: &[NodeId], settings: &Settings) -> Vec<ClientLinks> {
    let key = entropy.key(Owner::ClientLink, 0);
    let weather = settings.client_links;
    let link = |client: u32, id: &NodeId, field: Field| Link::new(mix(key, u64::from(client), id.0, 0, field as u64), weather);
    let pairs = (0..settings.clients).flat_map(|client| ids.iter().map(move |id| (client, id)));
    let both = |(client, id)| ClientLinks {
        to_node: link(client, id, Field::ToNodeKey),
        to_client: link(client, id, Field::ToClientKey),
    };
    pairs.map(both).collect()
}
