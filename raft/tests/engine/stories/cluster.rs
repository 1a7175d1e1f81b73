//! Cores with a network and disks that are moved by hand; the invariants look at every move.
//!
//! There is one clock for all. It stands still, but jumps to a node's deadline when that node's timer
//! is fired: whatever happens meanwhile takes no time.
//! Not here: the words of commands ([`super::interpreter`]).

use bytes::Bytes;
use squall_raft::config::{Config, Elections, Limits};
use squall_raft::core::{Core, Effect, Input, Proposal, Proposals, RequestError, Restored};
use squall_raft::membership::Configuration;
use squall_raft::message::{Body, Message};
use squall_raft::process::{Boot, RequestId};
use squall_raft::types::{BootNumber, ClusterId, IoId, LocalTime, LogId, LogIndex, NodeId};

use super::disk::Disk;
use super::event::Event;
use super::invariants::{Checked, Invariants};

/// What all members have in common.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// Their limits.
    pub limits: Limits,
    /// How they hold elections.
    pub elections: Elections,
    /// Whether followers pass proposals on.
    pub forward_proposals: bool,
    /// The planted bug, if any.
    #[cfg(feature = "mutants")]
    pub bug: Option<squall_raft::mutants::Bug>,
}

impl Default for Setup {
    /// The paper's Raft: what the thesis adds to elections is off, because a story is about one rule.
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            elections: Elections { pre_vote: false, check_quorum: false, ..Elections::default() },
            forward_proposals: false,
            #[cfg(feature = "mutants")]
            bug: None,
        }
    }
}

/// One member.
#[derive(Clone, Debug)]
pub struct Node {
    /// Who.
    pub id: NodeId,
    /// Its consensus; none while it is down.
    pub core: Option<Core>,
    /// Its disk.
    pub disk: Disk,
    priority: u8,
    boot: BootNumber,
    /// Durable as far as the core was told.
    durable: IoId,
    /// Messages that wait for the disk, with the entry that they acknowledge.
    held: Vec<(IoId, Message, Option<LogId>)>,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing yet.
    Open,
    /// A proposal has its place.
    Placed(LogId),
    /// A read may be answered there.
    Ready(LogIndex),
    /// An order to campaign is carried out.
    Campaigning,
    /// The leader was told.
    Forwarded,
    /// It had no effect.
    Refused(RequestError),
}

/// All of it.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// The members; node 1 is first.
    pub nodes: Vec<Node>,
    /// Messages under way, oldest first.
    pub network: Vec<Message>,
    /// Requests by ticket: name and outcome.
    pub requests: Vec<(String, Outcome)>,
    setup: Setup,
    now: LocalTime,
    invariants: Invariants,
    events: Vec<Event>,
}

impl Cluster {
    /// A cluster whose disks are empty.
    pub fn new(size: u64, setup: Setup) -> Result<Self, String> {
        let nodes = (1..=size).map(|id| Node::new(NodeId(id), setup.elections.priority)).collect();
        let mut cluster = Self {
            nodes,
            network: Vec::new(),
            requests: Vec::new(),
            setup,
            now: LocalTime(0),
            invariants: Invariants::default(),
            events: Vec::new(),
        };
        for id in 1..=size {
            cluster.start(NodeId(id))?;
        }
        cluster.events.clear();
        Ok(cluster)
    }

    /// Replaces a node by one that finds this disk. Part of the setting, not of the plot.
    pub fn set_disk(&mut self, id: NodeId, disk: Disk) -> Checked {
        let priority = self.node(id)?.priority;
        *self.node_mut(id)? = Node { disk, ..Node::new(id, priority) };
        self.start(id)?;
        self.events.clear();
        Ok(())
    }

    /// Gives a node a priority of its own. Part of the setting, not of the plot.
    pub fn set_priority(&mut self, id: NodeId, priority: u8) -> Checked {
        let disk = std::mem::take(&mut self.node_mut(id)?.disk);
        self.node_mut(id)?.priority = priority;
        self.set_disk(id, disk)
    }

    /// What happened since the last call.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// The member of that number.
    pub fn node(&self, id: NodeId) -> Result<&Node, String> {
        self.nodes.iter().find(|node| node.id == id).ok_or_else(|| format!("found node {id}, expected 1 to {}", self.nodes.len()))
    }

    fn node_mut(&mut self, id: NodeId) -> Result<&mut Node, String> {
        let size = self.nodes.len();
        self.nodes.iter_mut().find(|node| node.id == id).ok_or_else(|| format!("found node {id}, expected 1 to {size}"))
    }

    fn start(&mut self, id: NodeId) -> Checked {
        let members = Configuration::of_voters(self.nodes.iter().map(|node| node.id)).map_err(|error| error.to_string())?;
        let mut config = Config::new(ClusterId(1), id, members);
        config.limits = self.setup.limits;
        config.forward_proposals = self.setup.forward_proposals;
        config.elections = Elections { priority: self.node(id)?.priority, ..self.setup.elections };
        #[cfg(feature = "mutants")]
        {
            config.bug = self.setup.bug;
        }
        config.validate().map_err(|error| error.to_string())?;
        let now = self.now;
        let node = self.node_mut(id)?;
        node.boot = BootNumber(node.boot.0 + 1);
        node.durable = IoId { boot: node.boot, seq: 0 };
        let boot = Boot { now, entropy: id.0 << 32 | u64::from(node.boot.0), number: node.boot };
        node.core = Some(Core::new(config, boot, Restored { hard_state: node.disk.hard, log: node.disk.log.clone() }));
        let (disk, started) = (node.disk.clone(), Event::Started(id, node.disk.hard, node.disk.log.last()));
        self.invariants.started(id, &disk);
        self.events.push(started);
        Ok(())
    }

    /// Starts a node that is down.
    pub fn restart(&mut self, id: NodeId) -> Checked {
        if self.node(id)?.core.is_some() {
            return Err(format!("node {id} runs, expected it to be down"));
        }
        self.start(id)?;
        self.invariants.check(&self.nodes)
    }

    /// Stops a node. Of what it had not synced, the first `kept` writes happen to survive.
    pub fn crash(&mut self, id: NodeId, kept: usize) -> Checked {
        for _ in 0..kept {
            self.sync_next(id)?;
        }
        let node = self.node_mut(id)?;
        node.core.take().ok_or_else(|| format!("node {id} is down, expected it to run"))?;
        let event = Event::Crashed(id, node.disk.under_way(), node.held.len());
        node.disk.lose_unsynced();
        node.held.clear();
        self.events.push(event);
        self.invariants.check(&self.nodes)
    }

    /// Lets time pass until a node's timer is due, and fires it.
    pub fn tick(&mut self, id: NodeId) -> Checked {
        if let Some(core) = &self.node(id)?.core {
            self.now = self.now.max(core.deadline());
        }
        self.input(id, Input::Timer)
    }

    /// Lets time pass; timers that are due are late.
    pub fn wait(&mut self, span_ms: u64) {
        self.now = self.now.plus_ns(span_ms * 1_000_000);
    }

    /// Orders a node to campaign.
    pub fn order(&mut self, id: NodeId, name: &str) -> Checked {
        let ticket = self.request(name);
        self.input(id, Input::Campaign { ticket })
    }

    /// Proposes a command; its bytes are its name.
    pub fn propose(&mut self, id: NodeId, name: &str) -> Checked {
        let ticket = self.request(name);
        self.input(id, Input::Propose(proposal(ticket, name).into()))
    }

    /// Proposes commands together, as [`Self::propose`] does one.
    pub fn propose_all(&mut self, id: NodeId, names: &[&str]) -> Checked {
        let batch = names.iter().map(|name| proposal(self.request(name), name)).collect();
        self.input(id, Input::Propose(Proposals::Many(batch)))
    }

    /// Asks for a read.
    pub fn read(&mut self, id: NodeId, name: &str) -> Checked {
        let ticket = self.request(name);
        self.invariants.read_arrived(ticket);
        self.input(id, Input::Read { ticket })
    }

    fn request(&mut self, name: &str) -> RequestId {
        self.requests.push((name.to_owned(), Outcome::Open));
        RequestId(self.requests.len() as u64 - 1)
    }

    /// Makes the next `count` writes of a node durable and tells it.
    pub fn sync(&mut self, id: NodeId, count: usize) -> Checked {
        let mut last = None;
        for _ in 0..count {
            last = self.sync_next(id)?.or(last);
        }
        let Some(durable) = last else {
            return Ok(());
        };
        self.events.push(Event::Durable(id, durable));
        let node = self.node_mut(id)?;
        node.durable = durable;
        let held = std::mem::take(&mut node.held);
        let (free, held): (Vec<_>, Vec<_>) = held.into_iter().partition(|(after, ..)| *after <= durable);
        node.held = held;
        for (_, message, promised) in free {
            self.release(message, promised)?;
        }
        self.input(id, Input::Durable(durable))
    }

    fn sync_next(&mut self, id: NodeId) -> Result<Option<IoId>, String> {
        let node = self.node_mut(id)?;
        let before = node.disk.hard;
        let Some((io, what)) = node.disk.sync_next() else {
            return Ok(None);
        };
        let disk = &self.nodes.iter().find(|node| node.id == id).ok_or("no such node")?.disk;
        self.invariants.synced(id, before, disk, &what)?;
        Ok(Some(io))
    }

    /// Delivers the message at a position of the network.
    pub fn deliver(&mut self, position: usize) -> Checked {
        let message = self.network.remove(position);
        let (from, to) = (message.envelope.from.node, message.envelope.to.node);
        if self.node(to)?.core.is_none() {
            self.events.push(Event::Lost(message));
            return Ok(());
        }
        self.events.push(Event::Arrived(message.clone()));
        self.input(to, Input::Message { from, message })
    }

    /// Loses the message at a position of the network.
    pub fn lose(&mut self, position: usize) {
        let message = self.network.remove(position);
        self.events.push(Event::Lost(message));
    }

    /// Copies the message at a position of the network; the copy travels last.
    pub fn double(&mut self, position: usize) {
        let message = self.network[position].clone();
        self.events.push(Event::Doubled(message.clone()));
        self.network.push(message);
    }

    /// Puts a message on the network that no core has sent.
    pub fn forge(&mut self, message: Message) {
        self.events.push(Event::Sent(message.clone()));
        self.network.push(message);
    }

    /// Delivers and syncs among these nodes until nothing is left to do.
    pub fn settle(&mut self, among: &[NodeId]) -> Checked {
        for _ in 0..100_000 {
            let inside = |id: NodeId| among.contains(&id);
            if let Some(node) = self.nodes.iter().find(|node| inside(node.id) && node.disk.under_way() > 0) {
                self.sync(node.id, node.disk.under_way())?;
                continue;
            }
            let next = self.network.iter().position(|m| inside(m.envelope.from.node) && inside(m.envelope.to.node));
            let Some(next) = next else {
                return Ok(());
            };
            self.deliver(next)?;
        }
        Err(format!("nodes {among:?} never come to rest"))
    }

    pub fn input(&mut self, id: NodeId, input: Input) -> Checked {
        let now = self.now;
        let node = self.node_mut(id)?;
        let core = node.core.as_mut().ok_or_else(|| format!("node {id} is down, expected it to run"))?;
        let mut effects = Vec::new();
        core.handle(now, input, &mut effects);
        for effect in effects {
            self.carry_out(id, effect)?;
        }
        self.invariants.check(&self.nodes)
    }

    fn carry_out(&mut self, id: NodeId, effect: Effect) -> Checked {
        match effect {
            Effect::Persist { id: io, what } => {
                self.events.push(Event::Written(id, io, what.clone()));
                self.node_mut(id)?.disk.write(io, what);
                Ok(())
            }
            Effect::Send { message, after } => self.send(id, message, after),
            Effect::Observe(observation) => {
                self.events.push(Event::Observed(id, observation));
                let core =
                    self.nodes.iter().find(|node| node.id == id).and_then(|node| node.core.as_ref()).ok_or("no such node")?;
                self.invariants.observed(id, core, &observation)
            }
            Effect::Fetch { id: wanted } => {
                self.events.push(Event::Wanted(id, wanted));
                Ok(())
            }
            Effect::Proposed { ticket, id: place } => {
                self.events.push(Event::Proposed(id, ticket, place));
                self.conclude(ticket, Outcome::Placed(place))
            }
            Effect::ReadReady { ticket, index } => {
                self.events.push(Event::ReadReady(id, ticket, index));
                self.invariants.read_ready(id, ticket, index)?;
                self.conclude(ticket, Outcome::Ready(index))
            }
            Effect::Campaigning { ticket } => {
                self.events.push(Event::Campaigning(id, ticket));
                self.conclude(ticket, Outcome::Campaigning)
            }
            Effect::Forwarded { ticket } => {
                self.events.push(Event::Forwarded(id, ticket));
                self.conclude(ticket, Outcome::Forwarded)
            }
            Effect::Refused { ticket, why } => {
                self.events.push(Event::Refused(id, ticket, why));
                self.conclude(ticket, Outcome::Refused(why))
            }
        }
    }

    fn conclude(&mut self, ticket: RequestId, outcome: Outcome) -> Checked {
        let request = usize::try_from(ticket.0).ok().and_then(|ticket| self.requests.get_mut(ticket));
        let (name, before) = request.ok_or_else(|| format!("an answer to ticket {ticket:?}, which was never given out"))?;
        if *before != Outcome::Open {
            return Err(format!("request {name} is answered twice: {before:?}, then {outcome:?}"));
        }
        *before = outcome;
        Ok(())
    }

    fn send(&mut self, id: NodeId, message: Message, after: IoId) -> Checked {
        let node = self.node_mut(id)?;
        let promised = node.core.as_ref().and_then(|core| acknowledged(core, &message.body));
        if after <= node.durable {
            return self.release(message, promised);
        }
        node.held.push((after, message.clone(), promised));
        self.events.push(Event::Held(message, after));
        Ok(())
    }

    fn release(&mut self, message: Message, promised: Option<LogId>) -> Checked {
        let disk = &self.node(message.envelope.from.node)?.disk;
        self.invariants.released(disk, &message, promised)?;
        self.events.push(Event::Sent(message.clone()));
        self.network.push(message);
        Ok(())
    }
}

fn proposal(ticket: RequestId, name: &str) -> Proposal {
    Proposal { ticket, command: Bytes::copy_from_slice(name.as_bytes()), may_forward: true }
}

impl Node {
    fn new(id: NodeId, priority: u8) -> Self {
        let (boot, durable) = (BootNumber(0), IoId::default());
        Self { id, core: None, disk: Disk::default(), priority, boot, durable, held: Vec::new() }
    }

    /// How many of its messages wait for its disk.
    pub fn held(&self) -> usize {
        self.held.len()
    }
}

/// The last entry that a message says is durable at its sender.
fn acknowledged(core: &Core, body: &Body) -> Option<LogId> {
    let index = match body {
        Body::Appended { matched } | Body::HeartbeatAck { matched, .. } if matched.0 > 0 => *matched,
        _ => return None,
    };
    Some(LogId { term: core.log().term_at(index).unwrap_or_default(), index })
}
