//! The write-ahead log: queues values, writes them a batch at a time, says when they are durable.
//!
//! At most one operation is under way, hence at most one frame: what is not yet durable is always
//! the last frame of the newest segment, and recovery relies on that. Everything that is queued meanwhile
//! goes into the next frame together (group commit), with one sync. Beside it one read may be under way, of
//! frames that are durable.
//!
//! ```text
//!            a batch that fits: write and sync -> durable
//!            |
//! nothing ---+ one that does not: make a segment, seal the old one -> the batch
//! under way  |
//!            + a small one, and what is reserved was never written there: zero ahead, sync -> the batch
//!            |
//!            + full segments without entries that count: remove them, sync the folder
//! ```
//!
//! Not here: what is written next (`log`), the bytes ([`super::format`]), the boot ([`super::recovery`]).

mod log;

mod zeroing;

use self::log::{Item, Log};
use super::fetch::Fetched;
use super::recovery::{Next, Open, Recovery};
use super::{Options, Output, StoreError, StoreEvent};
use crate::entry::Persist;
use crate::process::{DiskError, DiskOp, DiskReply, OpId};
use crate::types::{BootNumber, IoId, LogId};

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
/// let mut wal = Wal::boot(Options::new(Default::default()), BootNumber(1), &mut out);
/// let (op, what) = out.pop().unwrap();
/// assert_eq!(what, DiskOp::List);
/// // The folder is empty, so the log is begun: a file with a header is made, synced, and given its name.
/// let mut event = wal.disk_done(op, Ok(DiskReply::Files(Vec::new())), &mut out);
/// while let Some((op, _)) = out.pop() {
///     event = wal.disk_done(op, Ok(DiskReply::Done), &mut out);
/// }
/// assert!(matches!(event, Some(StoreEvent::Recovered(found)) if found.log.is_empty()));
/// ```
#[derive(Clone, Debug)]
pub struct Wal {
    options: Options,
    boot: BootNumber,
    ops: u64,
    waiting_for: Option<OpId>,
    /// The read that is under way beside it.
    reading: Option<OpId>,
    /// What a recovery will ask for next.
    ahead: Option<Ahead>,
    state: State,
}

/// An operation that nobody has asked for yet.
#[derive(Clone, Debug)]
struct Ahead {
    op: OpId,
    what: DiskOp,
    /// If it has ended.
    result: Option<Result<DiskReply, DiskError>>,
}

#[derive(Clone, Debug)]
enum State {
    Recovering(Box<Recovery>),
    Open(Box<Log>),
    /// Stopped for good.
    Poisoned,
}

impl Wal {
    /// Starts to read the folder. The node must not act before [`StoreEvent::Recovered`].
    pub fn boot(options: Options, boot: BootNumber, out: &mut impl Output) -> Self {
        let (recovery, first) = Recovery::start(options, boot);
        let mut wal = Self {
            options,
            boot,
            ops: 0,
            waiting_for: None,
            reading: None,
            ahead: None,
            state: State::Recovering(Box::new(recovery)),
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
    #[inline(always)] // Whoever calls it knows which value it is.
    pub fn persist(&mut self, id: IoId, what: Persist) {
        self.push(id, Item::Persist(what));
    }

    /// Queues the removal of the log's head, up to an entry and with it, behind all other values. Segments in which
    /// nothing else lies are removed some time after that is durable.
    ///
    /// # Panics
    /// As [`Self::persist`]; if the log does not hold the entry, nor ended there.
    pub fn purge(&mut self, id: IoId, through: LogId) {
        self.push(id, Item::Purge(through));
    }

    #[inline(always)]
    fn push(&mut self, id: IoId, item: Item) {
        assert_eq!(id.boot, self.boot, "an id of this boot");
        match &mut self.state {
            State::Open(log) => {
                log.note_queued(id, &item);
                log.queue.push((id, item));
            }
            State::Poisoned => {}
            State::Recovering(_) => panic!("nothing can be persisted before the log is recovered"),
        }
    }

    /// Asks for an entry's payload, which is not in memory: some time after [`Self::flush`] a [`StoreEvent::Fetched`] has it.
    ///
    /// The entry is durable. If more are wanted at once than are worth remembering, this one must be asked for again.
    ///
    /// # Panics
    /// Before [`StoreEvent::Recovered`].
    pub fn fetch(&mut self, id: LogId) {
        match &mut self.state {
            State::Open(log) => log.fetch.want(id),
            State::Poisoned => {}
            State::Recovering(_) => panic!("nothing can be read back before the log is recovered"),
        }
    }

    /// Starts to write what is queued, unless an operation is under way, and to read what is wanted. To be called at the end of each input.
    pub fn flush(&mut self, out: &mut impl Output) {
        if let State::Open(log) = &mut self.state
            && log.task.is_none()
            && let Some(write) = log.next(&self.options)
        {
            self.start(write, out);
        }
        if let State::Open(log) = &mut self.state
            && log.fetch.is_wanted()
            && let Some(read) = log.fetch.next(&log.places)
        {
            self.start_reading(read, out);
        }
    }

    /// Whether values wait that no batch holds yet.
    #[must_use]
    pub fn has_queued(&self) -> bool {
        matches!(&self.state, State::Open(log) if !log.queue.is_empty())
    }

    /// In how many segments the log lies; 0 before it is recovered.
    #[must_use]
    pub fn segments(&self) -> usize {
        if let State::Open(log) = &self.state { log.closed.len() + 1 } else { 0 }
    }

    /// What is durable by the end of an operation, if that is the batch under way, as it nearly always is. Any other end
    /// is left for [`Self::disk_done`], which takes this one, too.
    #[inline(always)]
    pub fn take_durable(&mut self, op: OpId, result: &Result<DiskReply, DiskError>) -> Option<IoId> {
        let State::Open(log) = &mut self.state else { return None };
        let io = if self.waiting_for == Some(op) { log.take_written(result)? } else { return None };
        self.waiting_for = None;
        Some(io)
    }

    /// Takes the end of an operation. What belongs to another boot or is not awaited changes nothing.
    pub fn disk_done(&mut self, op: OpId, result: Result<DiskReply, DiskError>, out: &mut impl Output) -> Option<StoreEvent> {
        if self.reading == Some(op) {
            return self.read_done(result, out);
        }
        if let Some(io) = self.take_durable(op, &result) {
            return Some(StoreEvent::Durable(io));
        }
        if self.waiting_for != Some(op) {
            if let Some(ahead) = self.ahead.as_mut().filter(|ahead| ahead.op == op) {
                ahead.result = Some(result);
            }
            return None;
        }
        self.waiting_for = None;
        let outcome = match &mut self.state {
            State::Recovering(_) => self.recover(result, out),
            State::Open(log) => log.done(&result, &self.options).map(|(event, next)| {
                if let Some(next) = next {
                    self.start(next, out);
                }
                event
            }),
            State::Poisoned => Ok(None),
        };
        outcome.unwrap_or_else(|error| Some(self.fail(error)))
    }

    #[cold]
    fn read_done(&mut self, result: Result<DiskReply, DiskError>, out: &mut impl Output) -> Option<StoreEvent> {
        self.reading = None;
        let State::Open(log) = &mut self.state else { return None };
        let doing = "reading an entry back";
        let bytes = match result {
            Ok(DiskReply::Bytes(bytes)) => bytes,
            Ok(_) => return Some(self.fail(StoreError::UnexpectedReply { doing })),
            Err(error) => return Some(self.fail(StoreError::Disk { doing, error })),
        };
        match log.fetch.done(&bytes) {
            Fetched::Entries(entries) => Some(StoreEvent::Fetched(entries)),
            Fetched::Again(read) => {
                self.start_reading(read, out);
                None
            }
        }
    }

    #[cold]
    fn fail(&mut self, error: StoreError) -> StoreEvent {
        self.state = State::Poisoned;
        StoreEvent::Failed(error)
    }

    fn start(&mut self, what: DiskOp, out: &mut impl Output) {
        assert!(self.waiting_for.is_none(), "one operation at a time");
        let op = self.next_op();
        self.waiting_for = Some(op);
        out.start(op, what);
    }

    fn start_reading(&mut self, what: DiskOp, out: &mut impl Output) {
        let op = self.next_op();
        self.reading = Some(op);
        out.start(op, what);
    }

    const fn next_op(&mut self) -> OpId {
        self.ops += 1;
        OpId { boot: self.boot, seq: self.ops }
    }

    /// Takes the end of a recovery's operation, and those that had ended before they were asked for.
    fn recover(
        &mut self,
        mut result: Result<DiskReply, DiskError>,
        out: &mut impl Output,
    ) -> Result<Option<StoreEvent>, StoreError> {
        while let State::Recovering(recovery) = &mut self.state {
            let reply = result.map_err(|error| StoreError::Disk { doing: recovery.doing(), error })?;
            match recovery.step(reply)? {
                Next::Do { op: what, ahead } => {
                    let begun = self.ahead.take().filter(|begun| begun.what == what);
                    if begun.is_none() {
                        self.start(what, out);
                    }
                    self.ahead = ahead.map(|what| self.start_ahead(what, out));
                    match begun {
                        Some(Ahead { result: Some(ended), .. }) => result = ended,
                        Some(Ahead { op, .. }) => {
                            self.waiting_for = Some(op);
                            break;
                        }
                        None => break,
                    }
                }
                Next::Done(open) => return Ok(Some(self.open(*open))),
            }
        }
        Ok(None)
    }

    fn start_ahead(&mut self, what: DiskOp, out: &mut impl Output) -> Ahead {
        let op = self.next_op();
        out.start(op, what.clone());
        Ahead { op, what, result: None }
    }

    fn open(&mut self, open: Open) -> StoreEvent {
        let (log, recovered) = Log::new(self.boot, open);
        #[cfg(feature = "mutants")]
        let log = log.with_bug(self.options.bug);
        self.state = State::Open(Box::new(log));
        StoreEvent::Recovered(recovered)
    }
}
