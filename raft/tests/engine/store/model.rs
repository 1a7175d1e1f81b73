//! A store beside the model of what it may forget, with a crash after any disk operation.

use bytes::Bytes;
use squall_raft::entry::{Entry, HardState, Payload, Persist, StoredEntry};
use squall_raft::log_view::View;
use squall_raft::membership::Configuration;
use squall_raft::process::{DiskOp, DiskReply, OpId};
use squall_raft::store::{Options, Recovered, StoreEvent, wal::Wal};
use squall_raft::types::{BootNumber, IoId, LogId, LogIndex, NodeId};

use crate::store::disk::{Disk, Draws, Lies};

/// What a node would know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    pub hard_state: HardState,
    /// Index of the last entry that was purged.
    pub purged: LogIndex,
    /// Those behind it.
    pub entries: Vec<Entry>,
}

/// What is persisted.
#[derive(Clone, Debug)]
pub enum Value {
    Persist(Persist),
    Purge(LogId),
}

impl State {
    fn apply(&mut self, what: &Value) {
        match what {
            Value::Persist(Persist::HardState(state)) => self.hard_state = *state,
            Value::Persist(Persist::Append(entries)) => self.entries.extend(entries.iter().cloned()),
            Value::Persist(Persist::Truncate { last }) => self.entries.truncate(count(last.0 - self.purged.0)),
            Value::Purge(through) => {
                self.entries.drain(..count(through.index.0 - self.purged.0));
                self.purged = through.index;
            }
        }
    }

    fn is_recovered_in(&self, found: &Recovered) -> bool {
        let is_same = |((id, payload), entry): ((LogId, View<&Payload>), &Entry)| {
            let is_payload = match payload {
                View::Ready(payload) => *payload == entry.payload,
                View::Pending => found.log.payload_bytes(id.index) == entry.payload.len_bytes(),
                View::Damaged(_) => false,
            };
            id == entry.id && is_payload
        };
        (self.hard_state, self.purged, self.last()) == (found.hard_state, found.purged.index, found.log.last().index)
            && found.log.iter().zip(&self.entries).all(is_same)
    }

    fn last(&self) -> LogIndex {
        LogIndex(self.purged.0 + self.entries.len() as u64)
    }
}

fn count(number: u64) -> usize {
    usize::try_from(number).expect("a short log")
}

/// One thing that a node does. Numbers are reduced to what is possible at that moment.
#[derive(Clone, Debug)]
pub enum Do {
    Vote(Option<u64>),
    /// Entries with payloads of these sizes.
    Append(Vec<usize>),
    Configure(u64),
    Truncate(u64),
    /// All but so many entries.
    Purge(u64),
    Flush,
    /// One disk operation ends.
    Complete,
}

/// Which of its duties the store is deprived of, to see that the model notices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Planted {
    pub lies: Lies,
    /// No sync takes effect before the log is recovered.
    pub no_sync_at_boot: bool,
    /// What a torn write has left stays where it is.
    pub no_zeros_at_boot: bool,
}

/// What is persisted since the last recovery, and how much of it.
#[derive(Clone, Debug, Default)]
struct History {
    base: State,
    stream: Vec<(IoId, Value)>,
    /// How much of the stream each frame ends with; the first is nothing.
    frames: Vec<usize>,
    /// How many of these frames are acknowledged.
    durable: usize,
}

impl History {
    fn starting_from(base: State) -> Self {
        Self { base, stream: Vec::new(), frames: vec![0], durable: 1 }
    }

    fn state_after(&self, count: usize) -> State {
        let mut state = self.base.clone();
        self.stream[..count].iter().for_each(|(_, what)| state.apply(what));
        state
    }

    fn acknowledge(&mut self, id: IoId) {
        let count = self.stream.iter().take_while(|(io, _)| *io <= id).count();
        self.durable = self.frames.iter().take_while(|end| **end <= count).count().max(self.durable);
    }

    /// A recovered state must be that after some frame: no earlier one than was acknowledged. Of entries that it has let go of there
    /// is the length.
    fn check(&self, found: &Recovered) -> Result<State, String> {
        let allowed = &self.frames[self.durable - 1..];
        if let Some(state) = allowed.iter().map(|count| self.state_after(*count)).find(|state| state.is_recovered_in(found)) {
            return Ok(state);
        }
        let entries = |state: &State| state.entries.iter().map(|entry| entry.id).collect::<Vec<_>>();
        let most = self.state_after(self.stream.len());
        Err(format!(
            "recovered {:?} {:?}, expected the state after {} to {} of the values that lead to {:?} {:?}",
            found.hard_state,
            found.log,
            allowed[0],
            allowed[allowed.len() - 1],
            most.hard_state,
            entries(&most)
        ))
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Crashed,
    Quiet,
}

/// What is done when half of an operation is.
fn half(what: &DiskOp) -> Option<DiskOp> {
    let DiskOp::WriteSync { file, offset, bytes } = what else { return None };
    Some(DiskOp::Write { file: file.clone(), offset: *offset, bytes: bytes.clone() })
}

/// The last id of the frame that an operation writes, if it writes one.
fn frame_io(what: &DiskOp) -> Option<IoId> {
    let DiskOp::WriteSync { bytes, .. } = what else { return None };
    let frame = bytes.strip_prefix(b"SQFR")?;
    let boot = u32::from_le_bytes(frame[28..32].try_into().expect("four bytes"));
    let seq = u64::from_le_bytes(frame[36..44].try_into().expect("eight bytes"));
    Some(IoId { boot: BootNumber(boot), seq })
}

/// A node's life across crashes.
#[derive(Clone, Debug)]
pub struct Life {
    pub disk: Disk,
    pub ops: usize,
    planted: Planted,
    options: Options,
    history: History,
    boot: u32,
    wal: Option<Wal>,
    under_way: Vec<(OpId, DiskOp)>,
    next_io: u64,
    unique: u64,
}

/// Less than the larger logs have, so that payloads are let go of.
const CACHE_BYTES: u64 = 1_000;

impl Life {
    pub fn new(options: Options, planted: Planted) -> Self {
        let options = Options { cache_bytes: CACHE_BYTES, ..options };
        Self {
            disk: Disk::lying(planted.lies),
            ops: 0,
            planted,
            options,
            history: History::starting_from(State::default()),
            boot: 0,
            wal: None,
            under_way: Vec::new(),
            next_io: 0,
            unique: 0,
        }
    }

    /// The state with everything that was persisted.
    pub fn state(&self) -> State {
        self.history.state_after(self.history.stream.len())
    }

    /// Boots and recovers; crashes once `crash_at` operations (counted over the whole life) have run.
    pub fn boot(&mut self, crash_at: Option<usize>) -> Result<Ended, String> {
        self.boot += 1;
        self.next_io = 0;
        self.under_way.clear();
        self.wal = Some(Wal::boot(self.options, BootNumber(self.boot), &mut self.under_way));
        let lies = self.disk.lies;
        self.disk.lies.sync |= self.planted.no_sync_at_boot;
        let ended = self.settle(crash_at);
        self.disk.lies = lies;
        ended
    }

    /// Runs operations until none is under way.
    pub fn settle(&mut self, crash_at: Option<usize>) -> Result<Ended, String> {
        loop {
            if self.complete(crash_at)? == Ended::Crashed {
                return Ok(Ended::Crashed);
            }
            if self.under_way.is_empty() {
                self.flush();
            }
            if self.under_way.is_empty() {
                return Ok(Ended::Quiet);
            }
        }
    }

    pub fn act(&mut self, what: &Do, crash_at: Option<usize>) -> Result<Ended, String> {
        let state = self.state();
        match what {
            Do::Vote(vote) => {
                let term = state.hard_state.term.next();
                self.persist(Persist::HardState(HardState { term, vote: vote.map(NodeId) }));
            }
            Do::Append(sizes) => {
                let payloads = sizes.iter().map(|size| self.payload(*size)).collect();
                self.append(&state, payloads);
            }
            Do::Configure(voters) => {
                let configuration = Configuration::of_voters((1..=voters % 7 + 1).map(NodeId)).expect("1 to 7 voters");
                self.append(&state, vec![Payload::Configuration(configuration.into())]);
            }
            Do::Truncate(back) => {
                let last = LogIndex(state.last().0.saturating_sub(*back)).max(state.purged);
                self.persist(Persist::Truncate { last });
            }
            Do::Purge(kept) => {
                let purged = state.entries.len().saturating_sub(count(*kept));
                if let Some(last) = purged.checked_sub(1).map(|at| state.entries[at].id) {
                    let id = self.next_id();
                    self.wal.as_mut().expect("running").purge(id, last);
                    self.history.stream.push((id, Value::Purge(last)));
                }
            }
            Do::Flush => self.flush(),
            Do::Complete => return self.complete(crash_at),
        }
        Ok(Ended::Quiet)
    }

    /// Takes the power away, or only the process.
    pub fn crash(&mut self, draws: &mut Draws) {
        self.wal = None;
        self.under_way.clear();
        if draws.below(4) > 0 {
            self.disk.lose_power(draws);
        }
    }

    pub fn lose_power(&mut self, draws: &mut Draws) {
        self.crash(draws);
        self.disk.lose_power(draws);
    }

    /// Whether a repair is not done, though the store is told that it was.
    fn is_spared(&self, what: &DiskOp) -> bool {
        let recovers = self.wal.as_ref().is_some_and(|wal| wal.segments() == 0);
        let is_zeros = matches!(what, DiskOp::Write { bytes, .. } if bytes.iter().all(|byte| *byte == 0));
        self.planted.no_zeros_at_boot && recovers && is_zeros
    }

    /// Goes on until a frame is written, and not synced. Only a crash can follow.
    pub fn write_unsynced(&mut self) -> Result<(), String> {
        self.flush();
        loop {
            let (_, what) = self.under_way.first().ok_or("nothing is written")?;
            if let Some(write) = half(what).filter(|_| frame_io(what).is_some()) {
                return self.disk.carry_out(&write).map(|_| ()).map_err(|error| error.to_string());
            }
            self.complete(None)?;
        }
    }

    fn append(&mut self, state: &State, payloads: Vec<Payload>) {
        let term = state.hard_state.term;
        let entries = (state.last().0 + 1..).zip(payloads);
        let entries: Vec<Entry> =
            entries.map(|(index, payload)| Entry { id: LogId { term, index: LogIndex(index) }, payload }).collect();
        self.persist(Persist::Append(entries.into()));
    }

    /// A payload unlike all others, with many zeros: they look like what was never written.
    fn payload(&mut self, size: usize) -> Payload {
        if size == 0 {
            return Payload::Noop;
        }
        self.unique += 1;
        let mut bytes = vec![0; size];
        let mark = self.unique.to_be_bytes();
        for at in [0, size / 2] {
            let len = mark.len().min(size - at);
            bytes[at..at + len].copy_from_slice(&mark[8 - len..]);
        }
        Payload::Command(Bytes::from(bytes))
    }

    fn next_id(&mut self) -> IoId {
        self.next_io += 1;
        IoId { boot: BootNumber(self.boot), seq: self.next_io }
    }

    fn persist(&mut self, what: Persist) {
        let id = self.next_id();
        self.wal.as_mut().expect("running").persist(id, what.clone());
        self.history.stream.push((id, Value::Persist(what)));
    }

    fn flush(&mut self) {
        let Some(wal) = &mut self.wal else { return };
        wal.flush(&mut self.under_way);
        self.note_frame();
    }

    /// Notes with which value the frame ends that is on its way, if one is: its header says it.
    fn note_frame(&mut self) {
        let is_read = |what: &DiskOp| matches!(what, DiskOp::Read { .. });
        let mut others = self.under_way.iter().filter(|(_, what)| !is_read(what));
        let first = others.next();
        assert!(others.next().is_none(), "one operation at a time, beside what is read");
        let Some(io) = first.and_then(|(_, what)| frame_io(what)) else { return };
        let end = self.history.stream.iter().take_while(|(id, _)| *id <= io).count();
        if self.history.frames.last().is_some_and(|last| *last < end) {
            self.history.frames.push(end);
        }
    }

    fn complete(&mut self, crash_at: Option<usize>) -> Result<Ended, String> {
        if crash_at == Some(self.ops) {
            return Ok(Ended::Crashed);
        }
        if self.under_way.is_empty() {
            return Ok(Ended::Quiet);
        }
        // A recovery asks for two pieces at once. Either may end first.
        let (op, what) = self.under_way.remove(self.ops % self.under_way.len());
        if let Some(write) = half(&what) {
            // It has a middle: written, and not synced.
            self.ops += 1;
            if crash_at == Some(self.ops) {
                self.disk.carry_out(&write).map_err(|error| error.to_string())?;
                return Ok(Ended::Crashed);
            }
        }
        let result = if self.is_spared(&what) { Ok(DiskReply::Done) } else { self.disk.carry_out(&what) };
        self.ops += 1;
        if crash_at == Some(self.ops) {
            return Ok(Ended::Crashed); // done, but the process never learns of it
        }
        let wal = self.wal.as_mut().expect("running");
        let event = wal.disk_done(op, result, &mut self.under_way);
        self.note_frame();
        match event {
            None => {}
            Some(StoreEvent::Durable(id)) => {
                self.history.acknowledge(id);
                let entries = self.durable_entries();
                if let Some(some) = self.ops.checked_rem(entries.len()) {
                    self.read_back(&entries[some])?;
                }
            }
            Some(StoreEvent::Recovered(recovered)) => {
                self.recovered(&recovered)?;
                self.durable_entries().iter().try_for_each(|entry| self.read_back(entry))?;
            }
            Some(StoreEvent::Fetched(entries)) => return Err(format!("nobody asked for {entries:?}")),
            Some(StoreEvent::Failed(error)) => return Err(format!("the store failed: {error}")),
        }
        Ok(Ended::Quiet)
    }

    fn recovered(&mut self, recovered: &Recovered) -> Result<(), String> {
        let kept = |(_, payload)| if let View::Ready(payload) = payload { Payload::len_bytes(payload) } else { 0 };
        let in_memory: u64 = recovered.log.iter().map(kept).sum();
        if in_memory > CACHE_BYTES {
            return Err(format!("recovered payloads of {in_memory} bytes, expected at most {CACHE_BYTES}"));
        }
        self.history = History::starting_from(self.history.check(recovered)?);
        Ok(())
    }

    /// What is durable and was neither truncated nor purged since. Terms may stay the same here, so that what takes the place of what was
    /// truncated may look like it.
    fn durable_entries(&self) -> Vec<Entry> {
        let durable = self.history.frames[self.history.durable - 1];
        let truncated = |(_, what): &(IoId, Value)| match what {
            Value::Persist(Persist::Truncate { last }) => Some(*last),
            _ => None,
        };
        let kept = self.history.stream[durable..].iter().filter_map(truncated).min().unwrap_or(LogIndex(u64::MAX));
        let purged = self.state().purged;
        let entries = self.history.state_after(durable).entries;
        entries.into_iter().filter(|entry| purged < entry.id.index && entry.id.index <= kept).collect()
    }

    /// A copy of the store reads it back from the disk as it is.
    fn read_back(&mut self, entry: &Entry) -> Result<(), String> {
        let mut wal = self.wal.clone().expect("running");
        let mut ops = Vec::new();
        wal.fetch(entry.id);
        wal.flush(&mut ops);
        let read = ops.into_iter().find(|(_, what)| matches!(what, DiskOp::Read { .. }));
        let (op, what) = read.ok_or_else(|| format!("entry {} is not read", entry.id))?;
        let event = wal.disk_done(op, self.disk.carry_out(&what), &mut Vec::new());
        let Some(StoreEvent::Fetched(found)) = event else { return Err(format!("entry {} came back as {event:?}", entry.id)) };
        let is_same = |found: &StoredEntry| found.id == entry.id && found.payload.as_ref() == Some(&entry.payload);
        if found.iter().any(is_same) { Ok(()) } else { Err(format!("entry {} came back among {found:?}", entry.id)) }
    }
}
