//! The log store: one ordered stream of what must not be forgotten, as operations on files.
//!
//! A [`wal::Wal`] owns no disk. It is handed [`Persist`](crate::entry::Persist) values and
//! ends of operations, and gives operations out; the gap between any two is a crash point.
//! At boot it reads the folder through the same operations and tells what it found.
//!
//! The log is a chain of *segments*. Frames are appended to the newest; when it is full the next one is made, and those at
//! the other end go as soon as nothing in them is needed any more.
//!
//! What it promises: after [`StoreEvent::Durable`] and after [`StoreEvent::Recovered`] the
//! values meant survive a power loss; what was not yet durable survives whole batches at a
//! time, in order, or not at all; damage to what was durable is reported, never cut away.
//!
//! Not here: what the values mean ([`crate::core`]), the disk that carries operations out.
//! Read next: [`mod@format`] for the bytes, [`reader`] and [`recovery`] for how they are judged
//! after a crash, [`wal`] for how they get there, [`places`] for how they are found again; [`inspect`] and [`repair`] for people with a log in hand.

use crate::config::{Config, Limits, Log};
use crate::entry::{Entry, HardState, Payload, StoredEntry};
use crate::log_view::{LogView, View};
use crate::process::{DiskOp, OpId};
use crate::types::{ClusterId, IoId, LogId, Peer};

pub mod error;

pub mod format;

pub mod configuration;

pub mod writer;

mod body;

pub mod reader;

pub mod segments;

pub mod places;

mod fetch;

pub mod replay;

pub mod recovery;

pub mod wal;

pub mod inspect;

pub mod repair;

#[cfg(feature = "mutants")]
mod planted;

pub use error::{Fault, StoreError};

const SECTOR: u64 = format::SECTOR_BYTES as u64;

/// Whose log it is. Files of anyone else are refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Which cluster.
    pub cluster: ClusterId,
    /// Which member, in which life.
    pub me: Peer,
}

/// What a store is told at its boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whose log it is.
    pub identity: Identity,
    /// Where a segment ends: a frame that does not fit begins the next one. A frame that fits into none has one of its own.
    pub segment_bytes: u64,
    /// Whether a segment's space is reserved when it is made.
    pub preallocate: bool,
    /// How much of what is reserved is zeroed at once, at most, before small frames get there. 0: nothing.
    pub zero_ahead_bytes: u64,
    /// Whether a folder without a log is where one begins. If not, it is where one has been lost.
    pub initialize: bool,
    /// How many payload bytes of the log a recovery keeps in memory at most; those of the newest entries.
    pub cache_bytes: u64,
    /// The planted bug that is active, if any.
    #[cfg(feature = "mutants")]
    pub bug: Option<crate::mutants::Bug>,
}

impl Options {
    /// The defaults for one member, who may begin a log.
    #[must_use]
    pub fn new(identity: Identity) -> Self {
        let Log { segment_bytes, preallocate, zero_ahead_bytes } = Log::default();
        Self {
            identity,
            segment_bytes,
            preallocate,
            zero_ahead_bytes,
            initialize: true,
            cache_bytes: Limits::default().log_cache_bytes_max,
            #[cfg(feature = "mutants")]
            bug: None,
        }
    }
}

impl From<&Config> for Options {
    fn from(config: &Config) -> Self {
        Self {
            identity: Identity { cluster: config.cluster, me: config.me },
            segment_bytes: config.log.segment_bytes,
            preallocate: config.log.preallocate,
            zero_ahead_bytes: config.log.zero_ahead_bytes,
            initialize: config.initialize,
            cache_bytes: config.limits.log_cache_bytes_max,
            #[cfg(feature = "mutants")]
            bug: config.bug,
        }
    }
}

/// Where the store puts the operations that it starts, in order.
///
/// A vector keeps them as values, which is what tests want; a node hands each on as it comes,
/// which saves two moves of every operation.
pub trait Output {
    /// Takes the next operation.
    fn start(&mut self, op: OpId, what: DiskOp);
}

impl Output for Vec<(OpId, DiskOp)> {
    fn start(&mut self, op: OpId, what: DiskOp) {
        self.push((op, what));
    }
}

/// What a store tells its node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreEvent {
    /// The disk was read, repaired where that is safe, and synced. Comes once, first.
    Recovered(Recovered),
    /// Everything up to this id is durable.
    Durable(IoId),
    /// Entries were read back: the one that was asked for and those beside it, whole or not.
    Fetched(Vec<StoredEntry>),
    /// The store has stopped for good: nothing more will become durable in this boot.
    Failed(StoreError),
}

/// What a disk held at boot. All of it is durable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Term and vote.
    pub hard_state: HardState,
    /// The last entry that was purged from the log's head; index 0 if none was.
    pub purged: LogId,
    /// The log behind that. Of the oldest entries only identifiers are in memory if there are too many, and of those whose
    /// payloads have rotted: they are intact, so the node still votes by them.
    pub log: LogView,
    /// Bytes of an unfinished write that were overwritten with zeros behind the last whole frame.
    pub torn_bytes: u64,
    /// Frames that were read.
    pub frames: u64,
    /// Segments that the log lies in.
    pub segments: u64,
}

impl Recovered {
    /// The entries, if all of them are whole and in memory.
    ///
    /// # Errors
    /// Names the first that is not.
    pub fn whole_entries(&self) -> Result<Vec<Entry>, LogId> {
        let whole = |(id, payload)| match payload {
            View::Ready(payload) => Ok(Entry { id, payload: Payload::clone(payload) }),
            View::Pending | View::Damaged(_) => Err(id),
        };
        self.log.iter().map(whole).collect()
    }
}
