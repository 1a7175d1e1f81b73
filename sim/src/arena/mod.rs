//! Where a run is carried out: what a run needs of the place where its nodes live.
//!
//! [`World`](crate::world::World) is the first arena and the default: state machines in a discrete-event loop. An
//! arena is driven step by step; between steps it is told what befalls its nodes, and everything that happens in it
//! goes through the observer that each call brings along and into its trace hash.
//!
//! Not here: what a run does in it ([`crate::run`]).

pub mod kind;
#[cfg(madsim)]
pub mod madsim;
mod world;

use std::collections::BTreeMap;
use std::ops::AddAssign;

use squall_checkers::violation::{Need, Violation};
use squall_raft::process::Process;
use squall_raft::types::NodeId;

pub use self::kind::{ArenaKind, NotBuilt};
use crate::disk::{Dealt, Disk, DiskFault, DiskWeather};
use crate::entropy::Entropy;
use crate::network::LinkWeather;
use crate::scenario::Means;
use crate::world::{ClientId, Counters, Observer, RequestHandle, Settings, Step};

/// What goes over the wires of an arena that has any: sums over all nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Connections that were established.
    pub connections: u64,
    /// Frames that were sent.
    pub frames: u64,
    /// Bytes that were sent.
    pub bytes: u64,
    /// Connections that took the place of an earlier one: of one that was lost, or of the loser where both sides had dialled at once.
    pub reconnects: u64,
}

impl AddAssign for Traffic {
    fn add_assign(&mut self, other: Self) {
        self.connections += other.connections;
        self.frames += other.frames;
        self.bytes += other.bytes;
        self.reconnects += other.reconnects;
    }
}

/// What is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watch {
    /// Online checkers and marks.
    pub checks: bool,
    /// What disks have promised, too.
    pub disks: bool,
    /// Events for triggers.
    pub triggers: bool,
    /// Where commands are applied.
    pub commands: bool,
}

/// A place where processes run and things befall them.
///
/// Whatever happens to a node or a link takes effect at once, at the virtual time of the last step, is an event of the
/// trace, and answers whether it took effect: killing what is dead changes nothing and is `false`. So is what the arena
/// cannot do, and that it counts in [`Self::inexpressible`].
pub trait Arena<P: Process>: Sized {
    /// What its observers are told, and so which checkers can run.
    const PROVIDES: &'static [Need];

    /// What it can never do. A fault that asks for nothing else is not tried in it, but counted; marks that depend on
    /// it are not judged.
    const CANNOT: &'static [Means];

    /// An arena in which nothing runs yet: [`Self::start`] the nodes.
    fn new(entropy: Entropy, nodes: Vec<(NodeId, P::Config)>, settings: Settings) -> Self;

    /// Carries out the next event.
    fn step(&mut self, observer: &mut impl Observer<P>) -> Step<P::Reply>;

    /// Tells it what is looked at, before anything happens: triggers need steps that end soon, and what nobody looks at
    /// need not be kept. None of it changes what happens.
    fn watched(&mut self, _watch: Watch) {}

    /// What it has found wrong itself, in the parts of the system that only it runs; once.
    fn violation(&mut self) -> Option<Box<Violation>> {
        None
    }

    /// The same at the end of a run, when the books are closed: nothing runs any more.
    fn final_violation(&mut self) -> Option<Box<Violation>> {
        None
    }

    /// Virtual nanoseconds since the start.
    fn now(&self) -> u64;

    /// How many events went into the hash.
    fn events(&self) -> u64;

    /// The hash over everything that happened so far.
    fn hash(&self) -> u64;

    /// Where the hash stood after every [`BLOCK_EVENTS`](crate::world::BLOCK_EVENTS) events.
    fn blocks(&self) -> Vec<u64>;

    /// How often things happened so far.
    fn counters(&self) -> Counters;

    /// What went over wires so far; nothing where there are none.
    fn traffic(&self) -> Traffic;

    /// What was asked of it so far that it could not do, by name ([`Means::name`] where there is one), and how often.
    fn inexpressible(&self) -> BTreeMap<&'static str, u64>;

    /// The nodes in the order in which they were given.
    fn node_ids(&self) -> impl Iterator<Item = NodeId>;

    /// Looks at a node's process; `None` if it does not run, not even paused.
    fn with_process<R>(&self, node: NodeId, look: impl FnOnce(&P) -> R) -> Option<R>;

    /// Changes a node's configuration from its next start on.
    fn reconfigure(&mut self, node: NodeId, change: impl FnOnce(&mut P::Config), observer: &mut impl Observer<P>) -> bool;

    /// Starts a node's process on what its disk holds.
    fn start(&mut self, node: NodeId, observer: &mut impl Observer<P>) -> bool;

    /// Ends a process; the page cache survives.
    fn kill(&mut self, node: NodeId, observer: &mut impl Observer<P>) -> bool;

    /// Takes a node's power away: a drawn part of what was not synced is gone.
    fn power_loss(&mut self, node: NodeId, observer: &mut impl Observer<P>) -> bool;

    /// Stops a process for a while; its clock and its disk go on.
    fn pause(&mut self, node: NodeId, observer: &mut impl Observer<P>) -> bool;

    /// Lets a paused process go on.
    fn resume(&mut self, node: NodeId, observer: &mut impl Observer<P>) -> bool;

    /// Lays a cut over a directed link, or takes one away; cuts add up.
    fn set_cut(&mut self, from: NodeId, to: NodeId, cut: bool, observer: &mut impl Observer<P>) -> bool;

    /// Resets the connections between two nodes: what is under way between them, in both directions, is lost.
    fn reset(&mut self, one: NodeId, other: NodeId, observer: &mut impl Observer<P>) -> bool;

    /// Changes a directed link's weather for what is sent from now on.
    fn set_link_weather(&mut self, from: NodeId, to: NodeId, weather: LinkWeather, observer: &mut impl Observer<P>) -> bool;

    /// Changes the weather of all links of a client.
    fn set_client_weather(&mut self, client: ClientId, weather: LinkWeather, observer: &mut impl Observer<P>) -> bool;

    /// Changes how fast a disk is, from its next operation on.
    fn set_disk_weather(&mut self, node: NodeId, weather: DiskWeather, observer: &mut impl Observer<P>) -> bool;

    /// Lets something go wrong with a disk, under a number by which it can be ended; if that is not `allowed`, only says
    /// so. `None` if there is no such node.
    fn inflict(
        &mut self,
        node: NodeId,
        id: u32,
        fault: DiskFault,
        allowed: bool,
        observer: &mut impl Observer<P>,
    ) -> Option<Dealt>;

    /// Ends what goes wrong with a disk under this number.
    fn relieve(&mut self, node: NodeId, id: u32, observer: &mut impl Observer<P>) -> bool;

    /// Looks at a node's disk.
    fn with_disk<R>(&self, node: NodeId, look: impl FnOnce(&Disk) -> R) -> Option<R>;

    /// Asks for [`Step::AtDiskOp`] once, before the `nth` disk operation of a node's present boot completes. False where
    /// that cannot be done.
    fn break_before_disk_op(&mut self, _node: NodeId, _nth: Option<u64>) -> bool {
        false
    }

    /// Decides whether a crash that comes before the next completion finds that operation executed.
    fn decide_crash(&mut self, _node: NodeId, _executed: bool) -> bool {
        false
    }

    /// Changes how fast a clock runs, also over restarts.
    fn set_clock_rate(&mut self, node: NodeId, rate_ppm: u32, observer: &mut impl Observer<P>) -> bool;

    /// Lets a running node's clock jump forward.
    fn shift_clock(&mut self, node: NodeId, by_ns: u64, observer: &mut impl Observer<P>) -> bool;

    /// Lets a clock begin this much later at each start from now on.
    fn set_clock_offset(&mut self, node: NodeId, offset_ns: u64, observer: &mut impl Observer<P>) -> bool;

    /// Sends a client's request to a node. Answers come back as [`Step::Reply`]: none, one, or several.
    fn request(
        &mut self,
        client: ClientId,
        handle: RequestHandle,
        to: NodeId,
        request: P::Request,
        observer: &mut impl Observer<P>,
    ) -> bool;

    /// Asks for [`Step::External`] at a time; now, if that has passed.
    fn wake_at(&mut self, at_ns: u64, token: u64, observer: &mut impl Observer<P>);
}
