//! Everything that happens in a world, as typed, borrowed events, and who looks at them.
//!
//! The trace hash folds every field of every event (`encode`), so what is not an event did not happen.
//!
//! Not here: text for people. Read next: [`super::World`].

use squall_raft::process::{Boot, DiskError, DiskOp, DiskReply, OpId, Process, RequestId};
use squall_raft::types::{LocalTime, NodeId};

use super::settings::{ClientId, RequestHandle};
use crate::disk::{Crash, Dealt, Disk, DiskFault, DiskWeather, PowerLoss, Touch};
use crate::network::{Fate, LinkWeather};

/// Looks at a world. It cannot change anything: the hash is the same with any observer.
///
/// The unit type looks at nothing.
pub trait Observer<P: Process> {
    /// Takes an event, its virtual time and its number (counted from 1 over the whole run).
    fn event(&mut self, at_ns: u64, number: u64, event: WorldEvent<'_, P>);
}

impl<P: Process> Observer<P> for () {
    #[inline]
    fn event(&mut self, _at_ns: u64, _number: u64, _event: WorldEvent<'_, P>) {}
}

/// Why something that was sent reached nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// The link was cut when it arrived.
    Cut,
    /// The receiver was not running.
    Down,
    /// There is no such node.
    NoSuchNode,
    /// Its connection was reset while it was under way.
    Reset,
}

/// Something happened.
pub enum WorldEvent<'a, P: Process> {
    /// A node sent a message.
    Sent {
        /// The sender.
        from: NodeId,
        /// The receiver.
        to: NodeId,
        /// What.
        message: &'a P::Message,
        /// What was drawn for it.
        fate: Fate,
        /// When it is due, if it arrives.
        due_ns: u64,
    },
    /// A process takes a message.
    Delivered {
        /// The sender.
        from: NodeId,
        /// The receiver.
        to: NodeId,
        /// What.
        message: &'a P::Message,
        /// The number of the event `Sent`.
        sent: u64,
        /// It is the second copy.
        copy: bool,
    },
    /// A message reached nobody.
    Dropped {
        /// The sender.
        from: NodeId,
        /// The intended receiver.
        to: NodeId,
        /// What.
        message: &'a P::Message,
        /// The number of the event `Sent`.
        sent: u64,
        /// Why.
        why: DropReason,
    },
    /// Something arrived at a paused node and waits there.
    Held {
        /// The node.
        node: NodeId,
        /// How much waits now.
        waiting: u64,
    },
    /// A process issued a disk operation.
    DiskStarted {
        /// The node.
        node: NodeId,
        /// Its name for the operation.
        op: OpId,
        /// What it is to do.
        what: &'a DiskOp,
    },
    /// A disk operation took effect. (The process learns of it at once unless it is paused.)
    DiskDone {
        /// The node.
        node: NodeId,
        /// Its name for the operation.
        op: OpId,
        /// What it was to do; the bytes of a write are the disk's now and not in it ([`Self::DiskStarted`] has them).
        what: &'a DiskOp,
        /// How it ended.
        result: &'a Result<DiskReply, DiskError>,
        /// The disk behind it, whose promised images can be read: a sync made them grow.
        disk: &'a Disk,
    },
    /// Something went wrong with the disk operation that completes next.
    DiskTouched {
        /// The node.
        node: NodeId,
        /// Its name for the operation.
        op: OpId,
        /// What.
        touch: Touch,
    },
    /// A fault of a disk began or happened, or was forbidden to.
    DiskFaulted {
        /// The node.
        node: NodeId,
        /// The fault's number.
        id: u32,
        /// What went wrong.
        fault: DiskFault,
        /// What came of it.
        dealt: Dealt,
        /// The disk as it is now.
        disk: &'a Disk,
    },
    /// A fault of a disk is over.
    DiskRelieved {
        /// The node.
        node: NodeId,
        /// The fault's number.
        id: u32,
    },
    /// A client sent a request.
    Requested {
        /// The client.
        client: ClientId,
        /// Its name for the request.
        handle: RequestHandle,
        /// Whom it asks.
        to: NodeId,
        /// What it asks.
        request: &'a P::Request,
        /// What was drawn for it.
        fate: Fate,
        /// When it is due, if it arrives.
        due_ns: u64,
    },
    /// A process takes a request.
    RequestDelivered {
        /// The client.
        client: ClientId,
        /// Its name for the request.
        handle: RequestHandle,
        /// Who is asked.
        to: NodeId,
        /// What is asked.
        request: &'a P::Request,
        /// The process's name for the request.
        id: RequestId,
        /// The number of the event `Requested`.
        sent: u64,
        /// It is the second copy.
        copy: bool,
    },
    /// A request reached nobody.
    RequestDropped {
        /// The client.
        client: ClientId,
        /// Its name for the request.
        handle: RequestHandle,
        /// Who should have been asked.
        to: NodeId,
        /// The number of the event `Requested`.
        sent: u64,
        /// Why.
        why: DropReason,
    },
    /// A process answered a request.
    Replied {
        /// The client.
        client: ClientId,
        /// Its name for the request.
        handle: RequestHandle,
        /// Who answers.
        from: NodeId,
        /// The answer.
        reply: &'a P::Reply,
        /// What was drawn for it.
        fate: Fate,
        /// When it is due, if it arrives.
        due_ns: u64,
    },
    /// A process answered a request that it was not asked, or again.
    RepliedToNobody {
        /// Who answers.
        from: NodeId,
        /// Its name for the request.
        id: RequestId,
        /// The answer.
        reply: &'a P::Reply,
    },
    /// A client takes an answer.
    ReplyDelivered {
        /// The client.
        client: ClientId,
        /// Its name for the request.
        handle: RequestHandle,
        /// Who answered.
        from: NodeId,
        /// The answer.
        reply: &'a P::Reply,
        /// The number of the event `Replied`.
        sent: u64,
        /// It is the second copy.
        copy: bool,
    },
    /// An answer was cut off on arrival.
    ReplyDropped {
        /// The client.
        client: ClientId,
        /// Its name for the request.
        handle: RequestHandle,
        /// Who answered.
        from: NodeId,
        /// The number of the event `Replied`.
        sent: u64,
    },
    /// A process reported something about itself.
    Observed {
        /// The node.
        node: NodeId,
        /// What.
        observation: &'a P::Observation,
    },
    /// A process was woken at its deadline.
    TimerFired {
        /// The node.
        node: NodeId,
        /// What its clock shows.
        local: LocalTime,
    },
    /// A process starts.
    Booted {
        /// The node.
        node: NodeId,
        /// What is new about this boot.
        boot: Boot,
    },
    /// A process was killed; the page cache is still there.
    Killed {
        /// The node.
        node: NodeId,
        /// What became of its disk operations. Those that were executed may have changed what is promised.
        crash: Crash,
        /// The disk as it is now.
        disk: &'a Disk,
    },
    /// A node lost its power.
    PowerLost {
        /// The node.
        node: NodeId,
        /// What became of the disk operations that were under way.
        crash: Crash,
        /// What became of everything unsynced.
        loss: &'a PowerLoss,
        /// The disk as it is now.
        disk: &'a Disk,
    },
    /// A process gave up.
    Halted {
        /// The node.
        node: NodeId,
        /// Its reason.
        reason: &'static str,
        /// What became of its disk operations. Those that were executed may have changed what is promised.
        crash: Crash,
        /// The disk as it is now.
        disk: &'a Disk,
    },
    /// A process was stopped for a while.
    Paused {
        /// The node.
        node: NodeId,
    },
    /// It goes on.
    Resumed {
        /// The node.
        node: NodeId,
        /// How many inputs have waited for it.
        waiting: u64,
    },
    /// A cut was laid over a link, or taken away.
    CutChanged {
        /// One end.
        from: NodeId,
        /// The other.
        to: NodeId,
        /// How many lie over it now.
        cuts: u32,
    },
    /// A cut was laid over both links between a client and a node, or taken away.
    ClientCutChanged {
        /// The client.
        client: ClientId,
        /// The node.
        node: NodeId,
        /// How many lie over them now.
        cuts: u32,
    },
    /// The connections between two nodes were reset: what was under way between them is lost.
    ConnectionReset {
        /// One end.
        one: NodeId,
        /// The other.
        other: NodeId,
        /// How many messages and copies were under way.
        in_flight: u64,
    },
    /// A link's weather changed.
    LinkWeatherSet {
        /// One end.
        from: NodeId,
        /// The other.
        to: NodeId,
        /// The new weather.
        weather: LinkWeather,
    },
    /// The weather of all links of a client changed.
    ClientWeatherSet {
        /// The client.
        client: ClientId,
        /// The new weather.
        weather: LinkWeather,
    },
    /// A disk's weather changed.
    DiskWeatherSet {
        /// The node.
        node: NodeId,
        /// The new weather.
        weather: DiskWeather,
    },
    /// A node will start with another configuration from now on. (What the process makes of it, its events show.)
    Reconfigured {
        /// The node.
        node: NodeId,
    },
    /// A clock runs at another rate from now on.
    ClockRateSet {
        /// The node.
        node: NodeId,
        /// Local per world nanoseconds, in millionths.
        rate_ppm: u32,
    },
    /// A clock jumped forward.
    ClockShifted {
        /// The node.
        node: NodeId,
        /// How far.
        by_ns: u64,
    },
    /// A clock will begin this much later at each boot from now on.
    ClockOffsetSet {
        /// The node.
        node: NodeId,
        /// How much.
        offset_ns: u64,
    },
    /// The caller wants to be woken.
    WakeSet {
        /// When.
        at_ns: u64,
        /// Its token.
        token: u64,
    },
    /// The caller was woken.
    Woken {
        /// Its token.
        token: u64,
    },
}

// Derived impls would ask for `P: Copy`, though no `P` is in here.
impl<P: Process> Copy for WorldEvent<'_, P> {}

impl<P: Process> Clone for WorldEvent<'_, P> {
    fn clone(&self) -> Self {
        *self
    }
}
