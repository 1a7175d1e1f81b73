//! The write-ahead log: queues values, writes them a batch at a time, says when they are durable.
//!
//! At most one operation is under way, hence at most one frame: what is not yet durable is always
//! the last frame of the file, and recovery relies on that. Everything that is queued meanwhile
//! goes into the next frame together (group commit), with one sync.
//!
//! Not here: the bytes ([`super::format`]), the boot ([`super::recovery`]).

use super::format::Cursor;
use super::recovery::{Next, Open, Recovery};
use super::writer::{FrameWriter, body_bytes_at_most};
use super::{Options, Output, StoreError, StoreEvent};
use crate::entry::Persist;
use crate::process::{DiskError, DiskOp, DiskReply, FileName, OpId};
use crate::types::{BootNumber, IoId, LogIndex};

/// A batch closes when it holds this much. One value may be larger; it is never split.
pub const BATCH_BYTES: u64 = 16 << 20;

/// A write-ahead log of one node, for one boot.
///
/// ```
/// use squall_raft::process::{DiskOp, DiskReply};
/// use squall_raft::store::{Options, StoreEvent, wal::Wal};
/// use squall_raft::types::BootNumber;
///
/// let mut out = Vec::new();
/// let mut wal = Wal::boot(Options::default(), BootNumber(1), &mut out);
/// let (op, what) = out.pop().unwrap();
/// assert_eq!(what, DiskOp::List);
/// // The folder is empty, so the log is created: create, write the header, sync both.
/// let mut event = wal.disk_done(op, Ok(DiskReply::Files(Vec::new())), &mut out);
/// while let Some((op, _)) = out.pop() {
///     event = wal.disk_done(op, Ok(DiskReply::Done), &mut out);
/// }
/// assert!(matches!(event, Some(StoreEvent::Recovered(log)) if log.entries.is_empty()));
/// ```
#[derive(Clone, Debug)]
pub struct Wal {
    boot: BootNumber,
    ops: u64,
    waiting_for: Option<OpId>,
    state: State,
    #[cfg(feature = "mutants")]
    bug: Option<crate::mutants::Bug>,
}

#[derive(Clone, Debug)]
enum State {
    Recovering(Box<Recovery>),
    Open(Box<Log>),
    /// Stopped for good.
    Poisoned,
}

#[derive(Clone, Debug)]
struct Log {
    file: FileName,
    cursor: Cursor,
    last: LogIndex,
    queued: IoId,
    queue: Vec<(IoId, Persist)>,
    /// The last id of the frame that is on its way.
    batch: Option<IoId>,
    writer: FrameWriter,
}

impl Wal {
    /// Starts to read the folder. The node must not act before [`StoreEvent::Recovered`].
    pub fn boot(options: Options, boot: BootNumber, out: &mut impl Output) -> Self {
        let (recovery, first) = Recovery::start(options.identity, boot);
        let mut wal = Self {
            boot,
            ops: 0,
            waiting_for: None,
            state: State::Recovering(Box::new(recovery)),
            #[cfg(feature = "mutants")]
            bug: options.bug,
        };
        wal.start(first, out);
        wal
    }

    /// Queues a value behind all others. Nothing is written before [`Self::flush`].
    ///
    /// A poisoned store drops it: the node is told to stop.
    ///
    /// # Panics
    /// Before [`StoreEvent::Recovered`]; if ids do not ascend or entries do not follow each other.
    pub fn persist(&mut self, id: IoId, what: Persist) {
        assert_eq!(id.boot, self.boot, "an id of this boot");
        match &mut self.state {
            State::Open(log) => log.push(id, what),
            State::Poisoned => {}
            State::Recovering(_) => panic!("nothing can be persisted before the log is recovered"),
        }
    }

    /// Starts to write what is queued, unless a batch is on its way. To be called at the end of each input.
    pub fn flush(&mut self, out: &mut impl Output) {
        let State::Open(log) = &mut self.state else { return };
        #[cfg(feature = "mutants")]
        let unsynced = self.bug == Some(crate::mutants::Bug::D02)
            && !log.queue.iter().any(|(_, what)| matches!(what, Persist::HardState(_)));
        if let Some(write) = log.next_batch() {
            #[cfg(feature = "mutants")]
            let write = match write {
                DiskOp::WriteSync { file, offset, bytes } if unsynced => DiskOp::Write { file, offset, bytes },
                other => other,
            };
            self.start(write, out);
        }
    }

    /// Whether values wait that no batch holds yet.
    #[must_use]
    pub fn has_queued(&self) -> bool {
        matches!(&self.state, State::Open(log) if !log.queue.is_empty())
    }

    /// Takes the end of an operation. What belongs to another boot or is not awaited changes nothing.
    pub fn disk_done(&mut self, op: OpId, result: Result<DiskReply, DiskError>, out: &mut impl Output) -> Option<StoreEvent> {
        if self.waiting_for != Some(op) {
            return None;
        }
        self.waiting_for = None;
        let outcome = match &mut self.state {
            State::Recovering(recovery) => match result {
                Ok(reply) => recovery.step(reply).map(|next| self.recovered(next, out)),
                Err(error) => Err(StoreError::Disk { doing: recovery.doing(), error }),
            },
            State::Open(log) => log.batch_done(result).map(Some),
            State::Poisoned => Ok(None),
        };
        outcome.unwrap_or_else(|error| {
            self.state = State::Poisoned;
            Some(StoreEvent::Failed(error))
        })
    }

    fn start(&mut self, what: DiskOp, out: &mut impl Output) {
        assert!(self.waiting_for.is_none(), "one operation at a time");
        self.ops += 1;
        let op = OpId { boot: self.boot, seq: self.ops };
        self.waiting_for = Some(op);
        out.start(op, what);
    }

    fn recovered(&mut self, next: Next, out: &mut impl Output) -> Option<StoreEvent> {
        match next {
            Next::Do(what) => {
                self.start(what, out);
                None
            }
            Next::Done(Open { recovered, file, cursor }) => {
                let last = LogIndex(recovered.entries.len() as u64);
                self.state = State::Open(Box::new(Log::new(self.boot, file, cursor, last)));
                Some(StoreEvent::Recovered(recovered))
            }
        }
    }
}

impl Log {
    fn new(boot: BootNumber, file: FileName, cursor: Cursor, last: LogIndex) -> Self {
        let queued = IoId { boot, seq: 0 };
        Self { file, cursor, last, queued, queue: Vec::new(), batch: None, writer: FrameWriter::default() }
    }

    fn push(&mut self, id: IoId, what: Persist) {
        assert!(id > self.queued, "ids ascend: {id} came behind {}", self.queued);
        self.queued = id;
        match &what {
            Persist::HardState(_) => {}
            Persist::Truncate { last } => self.last = self.last.min(*last),
            Persist::Append(entries) => {
                for entry in entries.iter() {
                    assert_eq!(entry.id.index, self.last.next(), "entries follow each other");
                    self.last = entry.id.index;
                }
            }
        }
        self.queue.push((id, what));
    }

    fn batch_done(&mut self, result: Result<DiskReply, DiskError>) -> Result<StoreEvent, StoreError> {
        let io = self.batch.take().expect("an operation was under way");
        let doing = "writing and syncing the log";
        match result {
            Ok(DiskReply::Done) => Ok(StoreEvent::Durable(io)),
            Ok(_) => Err(StoreError::UnexpectedReply { doing }),
            Err(error) => Err(StoreError::Disk { doing, error }),
        }
    }

    fn next_batch(&mut self) -> Option<DiskOp> {
        if self.batch.is_some() || self.queue.is_empty() {
            return None;
        }
        let count = self.batch_len();
        let items = &self.queue[..count];
        let io = items[count - 1].0;
        self.batch = Some(io);
        let offset = self.cursor.offset;
        let bytes = self.writer.encode(&mut self.cursor, io, items.iter().map(|(_, what)| what));
        self.queue.drain(..count);
        Some(DiskOp::WriteSync { file: self.file.clone(), offset, bytes })
    }

    /// How many of the queued values the next frame takes: at least one.
    fn batch_len(&self) -> usize {
        let mut bytes = 0;
        let fits = self.queue.iter().take_while(|(_, what)| {
            let before = bytes;
            bytes += body_bytes_at_most(what);
            before == 0 || bytes <= BATCH_BYTES
        });
        fits.count()
    }
}
