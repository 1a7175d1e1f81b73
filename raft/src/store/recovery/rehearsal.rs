//! What a boot would do about a folder, without doing it: the same recovery, which changes nothing before it has read all.
//!
//! Not here: what lies in the folder beside that ([`crate::store::inspect`]).

use super::{Next, Recovery};
use crate::entry::HardState;
use crate::process::{DiskOp, DiskReply, FileName};
use crate::store::{Identity, Options, StoreError};
use crate::types::{BootNumber, LogId, LogIndex};

/// A recovery that stops before it changes anything. Entries are counted and not kept, so memory does not grow with the log.
#[derive(Clone, Debug)]
pub struct Rehearsal {
    recovery: Recovery,
}

/// What a boot would find and do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// Term and vote.
    pub hard_state: HardState,
    /// The last entry that was purged from the log's head; index 0 if none was.
    pub purged: LogId,
    /// Index of the last entry.
    pub last: LogIndex,
    /// How many entries there are.
    pub entries: u64,
    /// Those whose payloads are damaged.
    pub damaged: Vec<LogId>,
    /// Frames that would be read.
    pub frames: u64,
    /// Segments that the log lies in, oldest first.
    pub segments: Vec<FileName>,
    /// Bytes of a torn write that would be overwritten, and where they begin.
    pub torn_bytes: u64,
    /// Where the next frame would go, in the newest segment.
    pub end: u64,
    /// What would be done, in this order.
    pub ops: Vec<DiskOp>,
}

impl Rehearsal {
    /// Starts with the operation that is returned. A folder without a log is refused.
    #[must_use]
    pub fn start(identity: Identity) -> (Self, DiskOp) {
        let options = Options { initialize: false, ..Options::new(identity) };
        let (recovery, first) = Recovery::start(options, BootNumber(0));
        (Self { recovery: Recovery { counts: true, ..recovery } }, first)
    }

    /// Takes the end of the operation that is under way: the next one, which only reads, or what a boot would do.
    ///
    /// # Errors
    /// Those of a recovery.
    pub fn step(&mut self, reply: DiskReply) -> Result<Result<DiskOp, Forecast>, StoreError> {
        match self.recovery.step(reply)? {
            Next::Do { op: op @ (DiskOp::List | DiskOp::Read { .. }), .. } => Ok(Ok(op)),
            Next::Do { op: first, .. } => Ok(Err(self.forecast(first))),
            Next::Done(_) => unreachable!("every recovery ends with a sync"),
        }
    }

    /// Where the last frame ends that was read, in the segment that is read.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.recovery.reader.offset()
    }

    fn forecast(&self, first: DiskOp) -> Forecast {
        let Recovery { replay, folder, chain, .. } = &self.recovery;
        Forecast {
            hard_state: replay.hard_state,
            purged: replay.purged,
            last: replay.last(),
            entries: replay.count(),
            damaged: replay.damaged().to_vec(),
            frames: replay.frames,
            segments: chain.iter().map(|(at, _)| folder.segments[*at].file.clone()).collect(),
            torn_bytes: self.recovery.torn_bytes,
            end: self.recovery.reader.offset(),
            ops: std::iter::once(first).chain(self.recovery.repairs().cloned()).collect(),
        }
    }
}
