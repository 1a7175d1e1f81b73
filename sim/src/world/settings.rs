//! What a world is like at its start, and the small types that name things in it.
//!
//! Not here: changes while it runs (`control`).

use squall_raft::types::NodeId;

use crate::disk::DiskWeather;
use crate::network::LinkWeather;

/// The weather at the start.
///
/// ```
/// use squall_sim::disk::DiskWeather;
/// use squall_sim::network::LinkWeather;
/// use squall_sim::world::Settings;
///
/// let settings = Settings {
///     links: LinkWeather::calm(1_000_000, 10_000_000),
///     client_links: LinkWeather::calm(500_000, 2_000_000),
///     disks: DiskWeather::fixed(10_000, 50_000, 1_000_000),
///     clients: 4,
/// };
/// assert_eq!(settings.clients, 4);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Of every link between nodes.
    pub links: LinkWeather,
    /// Of every link between a client and a node.
    pub client_links: LinkWeather,
    /// Of every disk.
    pub disks: DiskWeather,
    /// How many clients there are, numbered from 0.
    pub clients: u32,
}

/// Names a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientId(pub u32);

/// What a client calls its request. The world hands it back and gives it no meaning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestHandle(pub u64);

/// What one step did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step<Reply> {
    /// Nothing is left to happen.
    Idle,
    /// Something inside of the world.
    Internal,
    /// What [`World::wake_at`](super::World::wake_at) asked for.
    External {
        /// The caller's token.
        token: u64,
    },
    /// A disk operation is about to complete for which somebody set a break: see
    /// [`World::break_before_disk_op`](super::World::break_before_disk_op). Nothing has happened yet.
    AtDiskOp {
        /// Whose.
        node: NodeId,
        /// Which of its present boot; the first is 1.
        nth: u64,
    },
    /// A client got an answer, perhaps not the first one to this request.
    Reply {
        /// Who asked.
        client: ClientId,
        /// Which request.
        handle: RequestHandle,
        /// Who answered.
        from: NodeId,
        /// The answer.
        reply: Reply,
    },
}

/// Whether a node runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// No process: never started, killed, halted or without power.
    Down,
    /// It runs.
    Up,
    /// It is stopped for a while; its clock and its disk are not.
    Paused,
}

/// How often things happened since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages that nodes sent.
    pub messages: u64,
    /// Messages and copies that were handed to a process.
    pub delivered: u64,
    /// Messages between nodes that were lost on the way.
    pub lost: u64,
    /// Messages between nodes that got a second copy.
    pub duplicated: u64,
    /// Messages between nodes that left the queue.
    pub reordered: u64,
    /// Messages between nodes that a cut dropped, when sent or on arrival.
    pub cut: u64,
    /// Messages and copies between nodes that were lost with their connection.
    pub reset: u64,
    /// Messages between nodes that reached nobody.
    pub undeliverable: u64,
    /// Requests that clients sent.
    pub requests: u64,
    /// Replies that reached clients.
    pub replies: u64,
    /// Disk operations that completed.
    pub disk_ops: u64,
    /// Syncs among them that succeeded.
    pub syncs: u64,
    /// Timers that fired.
    pub timers: u64,
    /// Unsynced bytes that power losses destroyed.
    pub lost_bytes: u64,
}
