//! A store that lives on real files, and what each moment of its record must be recovered to.
//!
//! Not here: the images of those moments (`image`), their recovery (`judge`).

use std::path::{Path, PathBuf};

use bytes::Bytes;
use squall_raft::entry::{Entry, HardState, Payload, Persist};
use squall_raft::process::{DiskOp, OpId};
use squall_raft::server::files::{Disk as _, Executed, Folder};
use squall_raft::store::wal::Wal;
use squall_raft::store::{Identity, Options, Recovered, StoreEvent};
use squall_raft::types::{BootNumber, IoId, LogId, LogIndex, NodeId, Term};

use super::disk::{Lie, Lying};
use super::image::{Image, Point};

/// More operations than any recovery or batch here takes: whoever needs more hangs.
const OPS_MAX: usize = 1_000;

/// What a node would know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    hard_state: HardState,
    /// The last entry that was purged.
    purged: LogId,
    /// Those behind it.
    entries: Vec<Entry>,
}

/// What is handed to the store.
#[derive(Clone, Debug)]
enum Value {
    Persist(Persist),
    Purge(LogId),
}

/// One thing that a node does.
#[derive(Clone, Debug)]
pub enum Act {
    Vote,
    /// Entries with payloads of these sizes.
    Append(&'static [usize]),
    /// Drops so many entries from the end.
    Truncate(usize),
    /// Drops all but so many entries from the head.
    Purge(usize),
    /// Everything so far is written, in one batch, and is durable.
    Settle,
    /// One operation of what is under way.
    Step,
    /// The process is killed after so many operations of what is under way, and boots again. Nothing is lost with it.
    Kill {
        ops: usize,
    },
    /// After so many operations no sync succeeds any more, the store gives up, and the process boots again. The page cache
    /// keeps what was written, and calls it clean.
    Fail {
        ops: usize,
    },
}

/// A state that the log goes through: the one behind a whole batch, or a recovered one.
#[derive(Clone, Debug)]
pub struct Mark {
    pub state: State,
    /// How many operations had ended when its last value was handed to the store.
    from: usize,
    /// How many had ended when it was acknowledged.
    acknowledged: Option<usize>,
}

/// Everything that happened in a folder.
#[derive(Clone, Debug)]
pub struct Record {
    /// What was there before.
    pub start: Image,
    pub executed: Vec<Executed>,
    /// In order.
    marks: Vec<Mark>,
}

impl Record {
    /// What a recovery at this moment may find: no less than was acknowledged, and whole batches.
    pub fn allowed(&self, point: Point) -> &[Mark] {
        let is_acknowledged = |mark: &Mark| mark.acknowledged.is_some_and(|at| at <= point.ended);
        let first = self.marks.iter().rposition(is_acknowledged).expect("the first mark is");
        let end = self.marks.iter().rposition(|mark| mark.from <= point.ended).expect("the first mark has begun");
        &self.marks[first..=end]
    }
}

/// A node's life in one folder, over several boots.
pub struct Life {
    path: PathBuf,
    options: Options,
    lie: Lie,
    record: Record,
    /// Everything that was persisted, whatever became of it.
    state: State,
    /// What no mark holds yet, and how many operations had ended then.
    stream: Vec<(IoId, Value, usize)>,
    running: Option<Running>,
}

struct Running {
    boot: BootNumber,
    disk: Lying,
    wal: Wal,
    under_way: Vec<(OpId, DiskOp)>,
    /// Operations that ended in earlier boots.
    before: usize,
    seq: u64,
}

impl Life {
    /// Boots in a folder whose log is `start`, which must be recovered to one of `allowed`.
    pub fn boot(path: &Path, options: Options, lie: Lie, start: Image, allowed: &[Mark]) -> Result<Self, String> {
        let mark = |(at, mark): (usize, &Mark)| Mark { state: mark.state.clone(), from: 0, acknowledged: (at == 0).then_some(0) };
        let marks = allowed.iter().enumerate().map(mark).collect();
        let record = Record { start, executed: Vec::new(), marks };
        let state = State::default();
        let mut life = Self { path: path.to_owned(), options, lie, record, state, stream: Vec::new(), running: None };
        life.start()?;
        Ok(life)
    }

    /// An empty folder.
    pub fn first_boot(path: &Path, options: Options, lie: Lie) -> Result<Self, String> {
        let nothing = Mark { state: State::default(), from: 0, acknowledged: Some(0) };
        Self::boot(path, options, lie, Image::new(), &[nothing])
    }

    pub fn act(&mut self, act: &Act) -> Result<(), String> {
        match act {
            Act::Vote => {
                let term = self.state.hard_state.term.next();
                self.persist(Persist::HardState(HardState { term, vote: Some(NodeId(term.0 % 3 + 1)) }));
            }
            Act::Append(sizes) => self.append(sizes),
            Act::Truncate(count) => {
                let kept = self.state.entries.len().saturating_sub(*count) as u64;
                let last = LogIndex(self.state.purged.index.0 + kept);
                self.persist(Persist::Truncate { last });
            }
            Act::Purge(kept) => self.purge(*kept),
            Act::Settle => return self.settle(),
            Act::Step => return self.step().map(drop),
            Act::Kill { ops } => {
                for _ in 0..*ops {
                    self.step()?;
                }
                return self.kill();
            }
            Act::Fail { ops } => {
                for _ in 0..*ops {
                    self.step()?;
                }
                return self.fail();
            }
        }
        Ok(())
    }

    /// Ends the process, and hands the record over.
    pub fn into_record(mut self) -> Record {
        self.stop();
        self.record
    }

    fn start(&mut self) -> Result<(), String> {
        let Folder { boot, files } = Folder::open(&self.path).map_err(|error| error.to_string())?;
        let mut under_way = Vec::new();
        let wal = Wal::boot(self.options, boot, &mut under_way);
        let before = self.record.executed.len();
        let disk = Lying::new(files, self.lie, before > 0);
        self.running = Some(Running { boot, disk, wal, under_way, before, seq: 0 });
        for _ in 0..OPS_MAX {
            if let Some(StoreEvent::Recovered(recovered)) = self.step()? {
                return self.recovered(recovered);
            }
        }
        Err(format!("not recovered after {OPS_MAX} operations"))
    }

    /// Drops the process; what it wrote stays in the page cache.
    fn stop(&mut self) {
        let Some(running) = self.running.take() else { return };
        let executed = running.disk.into_executed();
        self.record.executed.extend(executed);
    }

    /// The batch under way is written up to a byte amid it; nobody hears of its end.
    fn kill(&mut self) -> Result<(), String> {
        self.flush();
        let running = self.running.as_mut().expect("running");
        let under_way = running.under_way.pop();
        if let Some((_, DiskOp::WriteSync { file, offset, bytes })) = under_way {
            let part = DiskOp::Write { file, offset, bytes: bytes.slice(..bytes.len() * 2 / 3) };
            running.disk.execute(&part).map_err(|error| error.to_string())?;
            // It may be whole all the same: what it lacks may be zeros, which are there.
            if let Some(id) = last_id(&bytes) {
                self.mark_until(id, false);
            }
        }
        self.stream.clear();
        self.stop();
        self.start()
    }

    fn fail(&mut self) -> Result<(), String> {
        self.running().disk.fail();
        loop {
            self.flush();
            let running = self.running_mut();
            let Some((op, what)) = running.under_way.pop() else { break };
            let result = running.disk.execute(&what);
            let event = running.wal.disk_done(op, result, &mut running.under_way);
            if let DiskOp::WriteSync { bytes, .. } = &what
                && let Some(id) = last_id(bytes)
            {
                self.mark_until(id, false);
            }
            if event.is_some() {
                break;
            }
        }
        self.stream.clear();
        self.stop();
        self.start()
    }

    fn recovered(&mut self, recovered: Recovered) -> Result<(), String> {
        let hard_state = recovered.hard_state;
        let purged = recovered.purged;
        let entries = recovered.whole_entries().map_err(|id| format!("entry {id} is damaged"))?;
        let state = State { hard_state, purged, entries };
        let ended = self.running().ended();
        let allowed = self.record.allowed(Point { ended: self.running().before, begun: false });
        if !allowed.iter().any(|mark| mark.state == state) {
            return Err(objection(&state, allowed));
        }
        self.record.marks.push(Mark { state: state.clone(), from: ended, acknowledged: Some(ended) });
        self.state = state;
        self.running_mut().disk.recovered();
        Ok(())
    }

    fn settle(&mut self) -> Result<(), String> {
        for _ in 0..OPS_MAX {
            self.step()?;
            if self.stream.is_empty() && self.running().under_way.is_empty() {
                return Ok(());
            }
        }
        Err(format!("not durable after {OPS_MAX} operations"))
    }

    /// One operation, if one is to be done.
    fn step(&mut self) -> Result<Option<StoreEvent>, String> {
        self.flush();
        let running = self.running_mut();
        let Some((op, what)) = running.under_way.pop() else { return Ok(None) };
        let result = running.disk.execute(&what);
        let event = running.wal.disk_done(op, result, &mut running.under_way);
        match &event {
            Some(StoreEvent::Durable(id)) => self.mark_until(*id, true),
            Some(StoreEvent::Failed(error)) => return Err(format!("the store failed: {error}")),
            Some(StoreEvent::Recovered(_) | StoreEvent::Fetched(_)) | None => {}
        }
        Ok(event)
    }

    fn flush(&mut self) {
        let running = self.running_mut();
        if running.under_way.is_empty() {
            running.wal.flush(&mut running.under_way);
        }
        let changes = running.under_way.iter().filter(|(_, what)| !matches!(what, DiskOp::Read { .. })).count();
        assert!(changes <= 1, "one operation at a time, beside what is read");
    }

    /// What was handed over up to `id` is a whole batch.
    fn mark_until(&mut self, id: IoId, is_acknowledged: bool) {
        let count = self.stream.iter().take_while(|(io, ..)| *io <= id).count();
        let Some((_, _, from)) = self.stream[..count].last().cloned() else { return };
        let mut state = self.record.marks.last().expect("the first mark").state.clone();
        self.stream.drain(..count).for_each(|(_, value, _)| state.apply(&value));
        let acknowledged = is_acknowledged.then(|| self.running().ended());
        self.record.marks.push(Mark { state, from, acknowledged });
    }

    fn append(&mut self, sizes: &[usize]) {
        let term = self.state.hard_state.term.max(Term(1));
        let next = self.state.purged.index.0 + self.state.entries.len() as u64 + 1;
        let entry = |(size, index): (&usize, u64)| Entry {
            id: LogId { term, index: LogIndex(index) },
            payload: payload(term, index, *size),
        };
        let entries: Vec<Entry> = sizes.iter().zip(next..).map(entry).collect();
        self.persist(Persist::Append(entries.into()));
    }

    fn persist(&mut self, what: Persist) {
        let id = self.queue(Value::Persist(what.clone()));
        self.running_mut().wal.persist(id, what);
    }

    fn purge(&mut self, kept: usize) {
        let count = self.state.entries.len().saturating_sub(kept);
        let Some(last) = self.state.entries[..count].last().map(|entry| entry.id) else { return };
        let id = self.queue(Value::Purge(last));
        self.running_mut().wal.purge(id, last);
    }

    fn queue(&mut self, value: Value) -> IoId {
        self.state.apply(&value);
        let running = self.running_mut();
        running.seq += 1;
        let id = IoId { boot: running.boot, seq: running.seq };
        let ended = running.ended();
        self.stream.push((id, value, ended));
        id
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("running")
    }

    fn running_mut(&mut self) -> &mut Running {
        self.running.as_mut().expect("running")
    }
}

impl Running {
    fn ended(&self) -> usize {
        self.before + self.disk.executed().len()
    }
}

impl State {
    fn apply(&mut self, value: &Value) {
        let count = |index: LogIndex| usize::try_from(index.0 - self.purged.index.0).expect("a short log");
        match value {
            Value::Persist(Persist::HardState(hard_state)) => self.hard_state = *hard_state,
            Value::Persist(Persist::Append(entries)) => self.entries.extend(entries.iter().cloned()),
            Value::Persist(Persist::Truncate { last }) => self.entries.truncate(count(*last)),
            Value::Purge(through) => {
                self.entries.drain(..count(through.index));
                self.purged = *through;
            }
        }
    }
}

/// The last id that a frame covers, by its header.
fn last_id(frame: &[u8]) -> Option<IoId> {
    let frame = frame.strip_prefix(b"SQFR")?;
    let boot = u32::from_le_bytes(*frame.get(28..)?.first_chunk()?);
    let seq = u64::from_le_bytes(*frame.get(36..)?.first_chunk()?);
    Some(IoId { boot: BootNumber(boot), seq })
}

/// Unlike that of any other entry, and with many zeros: they look like what was never written.
fn payload(term: Term, index: u64, size: usize) -> Payload {
    if size == 0 {
        return Payload::Noop;
    }
    let mut bytes = vec![0; size];
    let mark = (term.0 << 32 | index).to_be_bytes();
    for at in [0, size / 2] {
        let len = mark.len().min(size - at);
        bytes[at..at + len].copy_from_slice(&mark[8 - len..]);
    }
    Payload::Command(Bytes::from(bytes))
}

fn objection(found: &State, allowed: &[Mark]) -> String {
    let short = |state: &State| {
        let last = state.entries.last().map(|entry| entry.id);
        format!(
            "term {} vote {:?}, {} entries, the last {last:?}",
            state.hard_state.term,
            state.hard_state.vote,
            state.entries.len()
        )
    };
    let expected: Vec<String> = allowed.iter().map(|mark| short(&mark.state)).collect();
    format!("recovered {}; expected {}", short(found), expected.join(", or "))
}

/// This node, with segments of so many bytes, of which none are zeroed ahead.
pub fn options(segment_bytes: u64, preallocate: bool) -> Options {
    Options { segment_bytes, preallocate, zero_ahead_bytes: 0, ..Options::new(Identity::default()) }
}
