//! Reads a log's folder: each segment frame by frame, and then as a boot would. Nothing is changed, and no more than a frame is held.
//!
//! These are the objects of `--json`, which `README.md` here documents; names of fields are not changed.

use std::io;

use bytes::Bytes;
use serde::Serialize;
use squall_raft::entry::Entry;
use squall_raft::process::{DiskOp, DiskReply, FileName};
use squall_raft::server::files::{Disk, Place, ReadOnly};
use squall_raft::store::format::{FileHeader, HeaderFault, RecordHeader, SegmentId};
use squall_raft::store::inspect::{Found, Place as Piece, Walk};
use squall_raft::store::reader::{Frame, Record, Run};
use squall_raft::store::recovery::{Forecast, Rehearsal};
use squall_raft::store::{Identity, StoreError};
use squall_raft::types::LogId;

use super::super::Refused;

/// How often a log that moves is read again.
const AGAIN: usize = 3;

/// Everything about a log.
#[derive(Debug, Serialize)]
pub(super) struct Survey {
    /// The folder with the log's files.
    pub log: String,
    /// Whether a server had the folder before or after it was read: then all of this may be of different moments.
    pub running: bool,
    /// By the newest header that is intact.
    pub identity: Option<IdentityJson>,
    /// Oldest first.
    pub segments: Vec<SegmentJson>,
    /// Files that are no segments.
    pub others: Vec<OtherJson>,
    pub totals: TotalsJson,
    pub boot: BootJson,
}

impl Survey {
    /// Whether a boot accepts the log and no entry is damaged.
    pub fn is_fine(&self) -> bool {
        matches!(&self.boot, BootJson::Accepts(accepts) if accepts.damaged.is_empty())
    }
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct IdentityJson {
    pub cluster: u64,
    pub node: u64,
    pub incarnation: u32,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct SegmentJson {
    pub file: String,
    /// Unique id of this segment, of the one before it by its header, and of the one that its seal names: as in names of files.
    pub unique: String,
    pub previous: Option<String>,
    pub sealed_by: Option<String>,
    /// Index of the first entry that it could hold.
    pub base: u64,
    /// How long it is, and how long it was made.
    pub bytes: u64,
    pub reserved_bytes: Option<u64>,
    pub frames: u64,
    pub records: u64,
    pub entries: u64,
    pub payload_bytes: u64,
    /// Payloads that do not match their checksums.
    pub damaged: u64,
    /// Frames with such payloads that were not written to their ends: torn, if nothing follows.
    pub unwritten_frames: u64,
    /// Behind the last frame.
    pub end: u64,
    /// Pieces that are no frames and not all zeros.
    pub pieces: Vec<PieceJson>,
    /// Why it has no header, or could not be read to its end.
    pub error: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct PieceJson {
    pub offset: u64,
    pub end: u64,
    pub fault: String,
    /// Whether what begins there was written to its end: then no power loss is to blame.
    pub written: bool,
    /// Whether an intact frame follows.
    pub followed: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct OtherJson {
    pub file: String,
    pub bytes: u64,
    /// `unfinished`, a segment that never was whole, or `unknown`.
    pub what: &'static str,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct TotalsJson {
    pub bytes: u64,
    pub frames: u64,
    pub records: u64,
    pub entries: u64,
    pub payload_bytes: u64,
    pub damaged: u64,
    pub pieces: u64,
}

/// What a boot would do.
#[derive(Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub(super) enum BootJson {
    Accepts(Box<AcceptsJson>),
    Refuses { reason: &'static str, file: Option<String>, error: String },
}

#[derive(Debug, Serialize)]
pub(super) struct AcceptsJson {
    pub term: u64,
    pub vote: Option<u64>,
    pub purged: IdJson,
    pub entries: u64,
    pub last: u64,
    pub damaged: Vec<IdJson>,
    pub frames: u64,
    pub segments: Vec<String>,
    pub torn_bytes: u64,
    /// In words, in this order; syncs alone are not listed.
    pub does: Vec<String>,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct IdJson {
    pub index: u64,
    pub term: u64,
}

impl From<LogId> for IdJson {
    fn from(id: LogId) -> Self {
        Self { index: id.index.0, term: id.term.0 }
    }
}

/// A line of `--records --json`.
#[derive(Debug, Serialize)]
pub(super) struct FrameJson<'a> {
    pub file: &'a str,
    pub offset: u64,
    pub bytes: u64,
    pub frame: u64,
    pub boot: u32,
    pub seq: u64,
    pub records: Vec<RecordJson>,
}

#[derive(Debug, Serialize)]
pub(super) struct RecordJson {
    pub kind: &'static str,
    /// Of a hard state the vote, of a seal nothing.
    pub index: Option<u64>,
    pub term: Option<u64>,
    pub payload_bytes: u32,
    pub intact: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl<'a> FrameJson<'a> {
    pub fn new(file: &'a str, frame: &Frame) -> Self {
        let records = frame.records.iter().zip(&frame.headers).map(|(record, header)| RecordJson::new(record, header)).collect();
        let (boot, seq) = (frame.header.io.boot.0, frame.header.io.seq);
        Self { file, offset: frame.offset, bytes: frame.len, frame: frame.header.sequence, boot, seq, records }
    }
}

impl RecordJson {
    fn new(record: &Record, header: &RecordHeader) -> Self {
        let plain = |kind, index, term| Self { kind, index, term, payload_bytes: header.payload_bytes, intact: true, next: None };
        match record {
            Record::HardState(state) => plain("hard_state", state.vote.map(|vote| vote.0), Some(state.term.0)),
            Record::Truncate { last } => plain("truncate", Some(last.0), None),
            Record::Purge { through } => plain("purge", Some(through.index.0), Some(through.term.0)),
            Record::Sealed { next } => Self { next: Some(unique(*next)), ..plain("sealed", None, None) },
            Record::Entry(Entry { id, .. }) | Record::Intact(Run { first: id, .. }) | Record::Damaged(id) => {
                let intact = !matches!(record, Record::Damaged(_));
                Self { intact, ..plain(header.kind_name(), Some(id.index.0), Some(id.term.0)) }
            }
        }
    }
}

/// As in names of files.
pub(super) fn unique(number: u64) -> String {
    format!("{number:016x}")
}

/// Reads the whole folder; `told` hears of every frame.
pub(super) fn survey(place: &Place, mut told: impl FnMut(&str, &Frame) -> io::Result<()>) -> Result<Survey, Refused> {
    let mut disk = place.read_only();
    let was_running = place.is_locked()?;
    let (mut segments, mut others, mut identity) = (Vec::new(), Vec::new(), None);
    let mut files = list(&mut disk)?;
    files.sort_by_key(|(file, _)| SegmentId::parse(file).map(|segment| segment.unique));
    for (file, bytes) in files {
        let Some(id) = SegmentId::parse(&file) else {
            let what = if SegmentId::parse_unfinished(&file).is_some() { "unfinished" } else { "unknown" };
            others.push(OtherJson { file: file.to_string(), bytes, what });
            continue;
        };
        let mut segment =
            SegmentJson { file: file.to_string(), unique: unique(id.unique), base: id.base.0, bytes, ..Default::default() };
        if let Some(header) = segment.walk(&mut disk, &file, &mut told)? {
            identity = identity.max(Some((
                id.unique,
                header.identity.cluster.0,
                header.identity.me.node.0,
                header.identity.me.incarnation.0,
            )));
        }
        segments.push(segment);
    }
    let identity = identity.map(|(_, cluster, node, incarnation)| IdentityJson { cluster, node, incarnation });
    let running = place.is_locked()? || was_running;
    let mut found = boot(&mut disk, identity);
    for _ in 0..AGAIN {
        // A file may have been made or removed between the listing and the reading.
        if running && matches!(found, BootJson::Refuses { .. }) {
            found = boot(&mut disk, identity);
        }
    }
    let totals = TotalsJson::of(&segments);
    Ok(Survey { log: place.log.display().to_string(), running, identity, segments, others, totals, boot: found })
}

/// What is in the folder.
pub(super) fn list(disk: &mut ReadOnly) -> Result<Vec<(FileName, u64)>, Refused> {
    match disk.execute(&DiskOp::List) {
        Ok(DiskReply::Files(files)) => Ok(files),
        _ => Err(Refused(failure(disk))),
    }
}

fn failure(disk: &ReadOnly) -> String {
    disk.last_failure().map_or_else(|| "the disk gave the reply of another operation".to_owned(), ToString::to_string)
}

impl TotalsJson {
    fn of(segments: &[SegmentJson]) -> Self {
        let sum = |pick: fn(&SegmentJson) -> u64| segments.iter().map(pick).sum();
        Self {
            bytes: sum(|one| one.bytes),
            frames: sum(|one| one.frames),
            records: sum(|one| one.records),
            entries: sum(|one| one.entries),
            payload_bytes: sum(|one| one.payload_bytes),
            damaged: sum(|one| one.damaged),
            pieces: sum(|one| one.pieces.len() as u64),
        }
    }
}

impl SegmentJson {
    /// Reads the segment; gives its header, if it has one.
    fn walk(
        &mut self,
        disk: &mut ReadOnly,
        file: &FileName,
        told: &mut impl FnMut(&str, &Frame) -> io::Result<()>,
    ) -> io::Result<Option<FileHeader>> {
        let (mut walk, mut header, mut said) = (Walk::of(self.bytes), None, Ok(()));
        while let Some((offset, len)) = walk.wants() {
            // What has no bytes may be no file, and must not be opened.
            let read = DiskOp::Read { file: file.clone(), offset, len };
            let bytes = match (len > 0).then(|| disk.execute(&read)) {
                None => Bytes::new(),
                Some(Ok(DiskReply::Bytes(bytes))) => bytes,
                Some(_) => {
                    self.error = Some(failure(disk));
                    break;
                }
            };
            walk.take(&bytes, |found| match found {
                Found::Header(found) => header = Some(self.header(found)),
                Found::NoHeader(fault) => self.error = Some(no_header(fault)),
                Found::Bytes(piece) => self.pieces.push(PieceJson::from(piece)),
                Found::Frame(frame) => {
                    self.count(&frame);
                    if said.is_ok() {
                        said = told(&self.file, &frame);
                    }
                }
            });
        }
        said.map(|()| header)
    }

    fn header(&mut self, header: FileHeader) -> FileHeader {
        self.previous = (header.previous != 0).then(|| unique(header.previous));
        self.reserved_bytes = Some(header.file_bytes);
        self.end = squall_raft::store::format::SECTOR_BYTES as u64;
        header
    }

    fn count(&mut self, frame: &Frame) {
        self.frames += 1;
        self.records += frame.records.len() as u64;
        self.payload_bytes += frame.header.payload_bytes;
        self.damaged += u64::from(frame.damaged);
        self.unwritten_frames += u64::from(frame.damaged > 0 && !frame.written);
        self.end = frame.offset + frame.len;
        for record in &frame.records {
            match record {
                Record::Entry(_) | Record::Damaged(_) => self.entries += 1,
                Record::Intact(run) => self.entries += run.commands.len() as u64,
                Record::Sealed { next } => self.sealed_by = Some(unique(*next)),
                _ => {}
            }
        }
    }
}

fn no_header(fault: HeaderFault) -> String {
    match fault {
        HeaderFault::Damaged => "the file header does not match its checksum".to_owned(),
        HeaderFault::Newer(version) => format!("found format version {version}, which a later release has written"),
    }
}

impl From<Piece> for PieceJson {
    fn from(piece: Piece) -> Self {
        let Piece { offset, end, fault, written, followed } = piece;
        Self { offset, end, fault: fault.to_string(), written, followed }
    }
}

/// Whose log it is, for those who read it as a boot does.
pub(super) fn identity(found: Option<IdentityJson>) -> Identity {
    use squall_raft::types::{ClusterId, Incarnation, NodeId, Peer};
    let Some(IdentityJson { cluster, node, incarnation }) = found else { return Identity::default() };
    Identity { cluster: ClusterId(cluster), me: Peer { node: NodeId(node), incarnation: Incarnation(incarnation) } }
}

/// What a boot would do. Whose log it is has been read from it, so no other is refused but a mixture.
fn boot(disk: &mut ReadOnly, found: Option<IdentityJson>) -> BootJson {
    let (mut rehearsal, mut op) = Rehearsal::start(identity(found));
    loop {
        let reply = match disk.execute(&op) {
            Ok(reply) => reply,
            Err(_) => return BootJson::Refuses { reason: "a disk operation failed", file: None, error: failure(disk) },
        };
        match rehearsal.step(reply) {
            Ok(Ok(next)) => op = next,
            Ok(Err(forecast)) => return BootJson::Accepts(Box::new(AcceptsJson::from(&forecast))),
            Err(error) => return BootJson::refuses(&error, found.is_some()),
        }
    }
}

impl BootJson {
    fn refuses(error: &StoreError, has_identity: bool) -> Self {
        let text = match error {
            StoreError::NoLog { .. } if !has_identity => "found no log".to_owned(),
            error => error.to_string(),
        };
        Self::Refuses { reason: error.reason(), file: error.file().map(ToString::to_string), error: text }
    }
}

impl From<&Forecast> for AcceptsJson {
    fn from(forecast: &Forecast) -> Self {
        Self {
            term: forecast.hard_state.term.0,
            vote: forecast.hard_state.vote.map(|vote| vote.0),
            purged: forecast.purged.into(),
            entries: forecast.entries,
            last: forecast.last.0,
            damaged: forecast.damaged.iter().copied().map(IdJson::from).collect(),
            frames: forecast.frames,
            segments: forecast.segments.iter().map(ToString::to_string).collect(),
            torn_bytes: forecast.torn_bytes,
            does: forecast.ops.iter().filter_map(super::text::op).collect(),
        }
    }
}
