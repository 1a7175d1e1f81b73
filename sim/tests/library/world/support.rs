//! Builds worlds of toys, drives them with requests, and writes down what happens.

use bytes::Bytes;
use squall_raft::process::{Boot, DiskOp, Process};
use squall_raft::types::{LocalTime, NodeId};
use squall_sim::disk::{Crash, DiskWeather, PowerLoss};
use squall_sim::entropy::Entropy;
use squall_sim::network::{Fate, LinkWeather};
use squall_sim::world::{ClientId, DropReason, Observer, RequestHandle, Settings, Step, World, WorldEvent};

use super::toy::{Config, MS, Message, Observation, Request, SECOND, Toy};

/// What a recorder keeps of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    Sent { from: NodeId, to: NodeId, message: Message, fate: Fate, due_ns: u64 },
    Delivered { from: NodeId, to: NodeId, message: Message, copy: bool },
    Dropped { from: NodeId, to: NodeId, why: DropReason },
    Held { node: NodeId },
    Reset { in_flight: u64 },
    Synced { node: NodeId, promised_len: u64 },
    DiskDone { node: NodeId },
    RequestDelivered { to: NodeId, handle: RequestHandle, copy: bool },
    Observed { node: NodeId, observation: Observation },
    Timer { node: NodeId, local: LocalTime },
    Booted { node: NodeId, boot: Boot },
    Crashed { node: NodeId, crash: Crash, loss: Option<PowerLoss>, promised_len: u64 },
    Resumed { node: NodeId, waiting: u64 },
    Other,
}

#[derive(Default)]
pub struct Recorder {
    pub seen: Vec<(u64, Seen)>,
}

impl Recorder {
    pub fn observed(&self, node: u64) -> impl Iterator<Item = (u64, &Observation)> {
        self.seen.iter().filter_map(move |(at_ns, seen)| match seen {
            Seen::Observed { node: who, observation } if *who == NodeId(node) => Some((*at_ns, observation)),
            _ => None,
        })
    }
}

fn promised_len(disk: &squall_sim::disk::Disk) -> u64 {
    disk.promised_files().map(|(_, content)| content.len()).sum()
}

impl<P: Process<Message = Message, Observation = Observation>> Observer<P> for Recorder {
    fn event(&mut self, at_ns: u64, number: u64, event: WorldEvent<'_, P>) {
        assert_eq!(number, self.seen.len() as u64 + 1, "the recorder must see every event");
        assert!(self.seen.last().is_none_or(|(before_ns, _)| *before_ns <= at_ns), "time runs backwards");
        let crashed = |node, crash, loss, disk| Seen::Crashed { node, crash, loss, promised_len: promised_len(disk) };
        let seen = match event {
            WorldEvent::Sent { from, to, message, fate, due_ns } => {
                Seen::Sent { from, to, message: message.clone(), fate, due_ns }
            }
            WorldEvent::Delivered { from, to, message, copy, .. } => Seen::Delivered { from, to, message: message.clone(), copy },
            WorldEvent::Dropped { from, to, why, .. } => Seen::Dropped { from, to, why },
            WorldEvent::Held { node, .. } => Seen::Held { node },
            WorldEvent::ConnectionReset { in_flight, .. } => Seen::Reset { in_flight },
            WorldEvent::DiskDone { node, what: DiskOp::Sync { .. } | DiskOp::SyncDir, result: Ok(_), disk, .. } => {
                Seen::Synced { node, promised_len: promised_len(disk) }
            }
            WorldEvent::DiskDone { node, .. } => Seen::DiskDone { node },
            WorldEvent::RequestDelivered { to, handle, copy, .. } => Seen::RequestDelivered { to, handle, copy },
            WorldEvent::Observed { node, observation } => Seen::Observed { node, observation: observation.clone() },
            WorldEvent::TimerFired { node, local } => Seen::Timer { node, local },
            WorldEvent::Booted { node, boot } => Seen::Booted { node, boot },
            WorldEvent::Killed { node, crash, disk } => crashed(node, crash, None, disk),
            WorldEvent::PowerLost { node, crash, loss, disk } => crashed(node, crash, Some(loss.clone()), disk),
            WorldEvent::Resumed { node, waiting } => Seen::Resumed { node, waiting },
            _ => Seen::Other,
        };
        self.seen.push((at_ns, seen));
    }
}

pub fn calm() -> Settings {
    Settings {
        links: LinkWeather::calm(MS, 10 * MS),
        client_links: LinkWeather::calm(MS, 3 * MS),
        disks: DiskWeather::fixed(20_000, 50_000, MS),
        clients: 2,
    }
}

pub fn stormy() -> Settings {
    let links = LinkWeather {
        loss_ppm: 50_000,
        duplicate_ppm: 50_000,
        reorder_ppm: 50_000,
        extra_min_ns: MS,
        extra_max_ns: 30 * MS,
        ..LinkWeather::calm(MS, 10 * MS)
    };
    Settings { links, client_links: links, ..calm() }
}

pub fn configs(nodes: u64) -> Vec<(NodeId, Config)> {
    let config = |n| Config { me: NodeId(n), nodes, ping_interval_ns: 20 * MS, patience_ns: 200 * MS };
    (1..=nodes).map(|n| (NodeId(n), config(n))).collect()
}

/// A record of the toy, each different.
pub fn record(n: u64) -> Bytes {
    let mut bytes = [0xee; 16];
    bytes[..8].copy_from_slice(&(n + 1).to_le_bytes());
    Bytes::copy_from_slice(&bytes)
}

/// A world under a steady load: a request every few milliseconds, each record different.
#[derive(Clone)]
pub struct Story<P: Process> {
    pub world: World<P>,
    pub interval_ns: u64,
    pub record: fn(u64) -> Bytes,
    pub replies: Vec<(u64, RequestHandle, u64)>,
}

pub type Toys = Story<Toy>;

impl Toys {
    pub fn new(seed: u64, settings: Settings, observer: &mut impl Observer<Toy>) -> Self {
        let mut story = Self::with(World::new(Entropy::new(seed), configs(3), settings), observer);
        (1..=3).for_each(|n| assert!(story.world.start(NodeId(n), observer)));
        story
    }
}

impl<P: Process<Request = Request, Reply = u64>> Story<P> {
    pub fn with(mut world: World<P>, observer: &mut impl Observer<P>) -> Self {
        world.wake_at(100 * MS, 0, observer);
        Self { world, interval_ns: 4 * MS, record, replies: Vec::new() }
    }

    pub fn run_until(&mut self, at_ns: u64, observer: &mut impl Observer<P>) {
        while self.world.next_at().is_some_and(|next_ns| next_ns <= at_ns) {
            match self.world.step(observer) {
                Step::External { token } => self.ask(token, observer),
                Step::Reply { handle, reply, .. } => self.replies.push((self.world.now(), handle, reply)),
                Step::Idle | Step::Internal | Step::AtDiskOp { .. } => {}
            }
        }
    }

    fn ask(&mut self, token: u64, observer: &mut impl Observer<P>) {
        let client = ClientId(u32::try_from(token % 2).unwrap());
        let request = if token % 4 == 3 { Request::Count } else { Request::Append((self.record)(token)) };
        assert!(self.world.request(client, RequestHandle(token), NodeId(1), request, observer));
        self.world.wake_at(self.world.now() + self.interval_ns, token + 1, observer);
    }
}

/// Runs a storm of a few faults for two seconds.
pub fn eventful(story: &mut Toys, observer: &mut impl Observer<Toy>) {
    story.run_until(SECOND / 2, observer);
    assert!(story.world.kill(NodeId(2), observer));
    story.run_until(SECOND * 3 / 4, observer);
    assert!(story.world.start(NodeId(2), observer));
    assert!(story.world.pause(NodeId(3), observer));
    story.run_until(SECOND, observer);
    assert!(story.world.resume(NodeId(3), observer));
    assert!(story.world.set_cut(NodeId(1), NodeId(2), true, observer));
    assert!(story.world.set_clock_rate(NodeId(2), 1_150_000, observer));
    story.run_until(SECOND * 3 / 2, observer);
    assert!(story.world.power_loss(NodeId(3), observer));
    assert!(story.world.set_cut(NodeId(1), NodeId(2), false, observer));
    assert!(story.world.start(NodeId(3), observer));
    story.run_until(2 * SECOND, observer);
}
