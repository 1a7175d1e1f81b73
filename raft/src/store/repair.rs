//! What would have to be done to a folder that a boot refuses, so that it is accepted, and what is lost by it.
//!
//! Nothing is invented: files are set aside, a segment gets back the length that it was made with (in zeros), and a log is ended
//! behind its last intact frame. Each of these is tried on the folder *as it would be then*, by rehearsing a recovery, until one is
//! accepted or nothing is left to try. So a plan is right because the recovery says so, not because the planner understands damage.
//!
//! *What is lost.* A plan that only takes away what the chain of the others does not need loses nothing. As soon as the log ends
//! earlier than it did, acknowledged entries and votes may be gone: [`Plan::discards`].
//!
//! *Crashes.* [`Plan::changes`] come in an order in which every folder between the first and the last is refused, or is read as the last: first
//! files go, newest first, then a segment is made longer, then zeros are written. Whoever is interrupted plans anew.
//!
//! Not here: copies of what goes, and carrying it out (the `squall` binary).

use std::collections::BTreeMap;

use bytes::Bytes;

use super::format::{RECORD_HEADER_BYTES, SegmentId, frame_bytes};
use super::recovery::{Forecast, Rehearsal};
use super::segments::zeros;
use super::{Identity, StoreError};
use crate::process::{DiskOp, DiskReply, FileName};

/// What is changed in a folder before a recovery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A file goes to where nobody looks for it.
    SetAside {
        /// Which.
        file: FileName,
    },
    /// A file is made longer, with zeros.
    Lengthen {
        /// Which.
        file: FileName,
        /// To so many bytes.
        len: u64,
    },
    /// Zeros are written, to the end of the file.
    Zero {
        /// Into which.
        file: FileName,
        /// From here on.
        from: u64,
    },
}

impl Change {
    /// Which file.
    #[must_use]
    pub const fn file(&self) -> &FileName {
        match self {
            Self::SetAside { file } | Self::Lengthen { file, .. } | Self::Zero { file, .. } => file,
        }
    }

    /// What makes it, and makes it durable, in a file of so many bytes; nothing for a file that goes: where to is not the store's business.
    #[must_use]
    pub fn ops(&self, bytes: u64) -> Vec<DiskOp> {
        let sync = DiskOp::Sync { file: self.file().clone() };
        match self {
            Self::SetAside { .. } => Vec::new(),
            Self::Lengthen { file, len } => vec![DiskOp::Allocate { file: file.clone(), len: *len }, sync],
            Self::Zero { file, from } => zeros(file, *from, bytes.saturating_sub(*from)).chain([sync]).collect(),
        }
    }
}

/// A change, and what a recovery said without it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// What was wrong.
    pub against: StoreError,
    /// What is done about it.
    pub changes: Vec<Change>,
    /// Whether acknowledged entries and votes may be lost by it.
    pub discards: bool,
}

/// Everything that makes a boot accept the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What is to be done first; nothing if the folder is accepted as it is.
    pub remedies: Vec<Remedy>,
    /// What the recovery then finds and does.
    pub forecast: Forecast,
}

impl Plan {
    /// Whether acknowledged entries and votes may be lost by it.
    #[must_use]
    pub fn discards(&self) -> bool {
        self.remedies.iter().any(|remedy| remedy.discards)
    }

    /// All changes, in the order in which they must be made.
    #[must_use]
    pub fn changes(&self) -> Vec<Change> {
        let mut changes: Vec<_> = self.remedies.iter().flat_map(|remedy| remedy.changes.iter().cloned()).collect();
        // What goes afterwards as a whole needs nothing else.
        let goes = |changes: &[Change], file: &FileName| changes.contains(&Change::SetAside { file: file.clone() });
        let all = changes.clone();
        changes.retain(|change| match change {
            Change::SetAside { .. } => true,
            Change::Lengthen { file, .. } | Change::Zero { file, .. } => !goes(&all, file),
        });
        changes.sort_by_key(|change| match change {
            Change::SetAside { file } => (0, u64::MAX - SegmentId::parse(file).map_or(0, |segment| segment.unique)),
            Change::Lengthen { .. } => (1, 0),
            Change::Zero { .. } => (2, 0),
        });
        changes
    }
}

/// A folder as it would be.
#[derive(Clone, Debug, Default)]
struct Attempt {
    remedies: Vec<Remedy>,
    /// Whether another remedy may be added. Not where the first one is a guess.
    is_open: bool,
}

/// The search for a plan, one disk operation at a time; all of them only read.
#[derive(Clone, Debug)]
pub struct Planner {
    identity: Identity,
    /// As it is.
    files: Vec<(FileName, u64)>,
    attempt: Attempt,
    /// What else could be tried, the next one last.
    others: Vec<Attempt>,
    /// How often a recovery may still be rehearsed, so that a mistake of ours ends in a refusal.
    attempts_left: usize,
    rehearsal: Rehearsal,
    op: DiskOp,
    /// Why the folder is refused as it is.
    first: Option<StoreError>,
}

/// What comes after an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Another one.
    Do(DiskOp),
    /// The folder can be put in order, or is.
    Plan(Plan),
    /// It cannot, for this reason.
    Hopeless(StoreError),
}

impl Planner {
    /// Starts with the operation that is returned.
    #[must_use]
    pub fn start(identity: Identity) -> (Self, DiskOp) {
        let (rehearsal, op) = Rehearsal::start(identity);
        let attempt = Attempt { remedies: Vec::new(), is_open: true };
        let others = Vec::new();
        let planner =
            Self { identity, files: Vec::new(), attempt, others, attempts_left: 0, rehearsal, op: op.clone(), first: None };
        (planner, op)
    }

    /// Takes the end of the operation that is under way.
    pub fn step(&mut self, reply: DiskReply) -> Next {
        let mut reply = match reply {
            DiskReply::Files(files) => {
                self.attempts_left = 8 + 4 * files.len();
                self.files = files;
                DiskReply::Files(self.files.clone())
            }
            DiskReply::Bytes(bytes) => DiskReply::Bytes(self.changed(bytes)),
            DiskReply::Done => DiskReply::Done,
        };
        loop {
            let error = match self.rehearsal.step(reply) {
                Ok(Ok(op)) => {
                    self.op = op.clone();
                    return Next::Do(op);
                }
                Ok(Err(forecast)) => return Next::Plan(Plan { remedies: self.attempt.remedies.clone(), forecast }),
                Err(error) => error,
            };
            self.first.get_or_insert_with(|| error.clone());
            self.consider(&error);
            let (Some(next), Some(left)) = (self.others.pop(), self.attempts_left.checked_sub(1)) else {
                return Next::Hopeless(self.first.clone().unwrap_or(error));
            };
            (self.attempt, self.attempts_left) = (next, left);
            self.rehearsal = Rehearsal::start(self.identity).0;
            reply = DiskReply::Files(self.listing());
        }
    }

    /// Adds what can be tried against an error behind what is tried already.
    fn consider(&mut self, error: &StoreError) {
        if !self.attempt.is_open {
            return;
        }
        let remedies = self.remedies(error);
        for (changes, discards, is_open) in remedies.into_iter().rev() {
            if changes.is_empty() {
                continue;
            }
            let mut attempt = Attempt { is_open, ..self.attempt.clone() };
            attempt.remedies.push(Remedy { against: error.clone(), changes, discards });
            self.others.push(attempt);
        }
    }

    /// What could be done about an error, the best first: changes, whether they discard, and whether more may be needed.
    fn remedies(&self, error: &StoreError) -> Vec<(Vec<Change>, bool, bool)> {
        match error {
            StoreError::UnknownFile { file } => vec![(vec![Change::SetAside { file: file.clone() }], false, true)],
            StoreError::StraySegment { file, behind, .. } => {
                [file, behind].map(|file| (vec![Change::SetAside { file: file.clone() }], false, false)).into()
            }
            StoreError::Cut { file, expected, .. } => {
                // Where another follows, that one says whether a frame is missing.
                let is_newest = self.of_chain(file, |unique, this| unique > this).is_empty();
                let lengthened = vec![Change::Lengthen { file: file.clone(), len: *expected }];
                vec![(lengthened, is_newest, true)]
            }
            // A copy of what is there under its own name as well.
            StoreError::WrongName { file, found } if self.listing().iter().any(|(there, _)| there == found) => {
                let copy = (vec![Change::SetAside { file: file.clone() }], false, false);
                vec![copy, self.without_head(file), self.without_tail(file)]
            }
            StoreError::Damaged { file, offset: 0, .. } | StoreError::WrongName { file, .. } => {
                vec![self.without_head(file), self.without_tail(file)]
            }
            StoreError::Damaged { file, offset, .. } => {
                let mut changes = self.of_chain(file, |unique, this| unique > this);
                changes.push(Change::Zero { file: file.clone(), from: *offset });
                vec![self.without_head(file), (changes, true, true)]
            }
            StoreError::MissingSegment { file, what: "is followed by", .. } => {
                let seal_bytes = frame_bytes(RECORD_HEADER_BYTES) as u64;
                let from = self.rehearsal.offset().saturating_sub(seal_bytes);
                vec![(vec![Change::Zero { file: file.clone(), from }], true, true)]
            }
            StoreError::MissingSegment { file, .. } => vec![self.without_tail(file)],
            // What somebody has to decide, or another release can read, and what the disk failed in.
            StoreError::NewerVersion { .. }
            | StoreError::WrongCluster { .. }
            | StoreError::WrongNode { .. }
            | StoreError::NoLog { .. }
            | StoreError::Disk { .. }
            | StoreError::ShortRead { .. }
            | StoreError::UnexpectedReply { .. } => Vec::new(),
        }
    }

    /// A segment and those before it may hold nothing but what was purged. If not, this is not accepted.
    fn without_head(&self, file: &FileName) -> (Vec<Change>, bool, bool) {
        (self.of_chain(file, |unique, this| unique <= this), false, false)
    }

    /// A segment and those behind it.
    fn without_tail(&self, file: &FileName) -> (Vec<Change>, bool, bool) {
        (self.of_chain(file, |unique, this| unique >= this), true, true)
    }

    /// Sets those segments aside that are there and stand so to another.
    fn of_chain(&self, file: &FileName, stands: impl Fn(u64, u64) -> bool) -> Vec<Change> {
        let unique = |file: &FileName| SegmentId::parse(file).map(|segment| segment.unique);
        let Some(this) = unique(file) else { return Vec::new() };
        let listing = self.listing();
        let stands = |other: &FileName| unique(other).is_some_and(|unique| stands(unique, this));
        let there = listing.into_iter().map(|(other, _)| other).filter(stands);
        there.map(|file| Change::SetAside { file }).collect()
    }

    /// What the attempt's changes make of the files.
    fn effects(&self) -> BTreeMap<&FileName, Effect> {
        let mut effects: BTreeMap<&FileName, Effect> = BTreeMap::new();
        for change in self.attempt.remedies.iter().flat_map(|remedy| &remedy.changes) {
            match change {
                Change::SetAside { file } => effects.entry(file).or_default().is_gone = true,
                Change::Lengthen { file, len } => effects.entry(file).or_default().len = Some(*len),
                Change::Zero { file, from } => {
                    let effect = effects.entry(file).or_default();
                    effect.zero_from = Some(effect.zero_from.map_or(*from, |earlier| earlier.min(*from)));
                }
            }
        }
        effects
    }

    fn listing(&self) -> Vec<(FileName, u64)> {
        let effects = self.effects();
        let effect = |file: &FileName| effects.get(file).copied().unwrap_or_default();
        let there = self.files.iter().filter(|(file, _)| !effect(file).is_gone);
        there.map(|(file, len)| (file.clone(), effect(file).len.unwrap_or(*len))).collect()
    }

    /// What would be read if the changes were made.
    fn changed(&self, bytes: Bytes) -> Bytes {
        let DiskOp::Read { file, offset, len } = &self.op else { return bytes };
        let Some(effect) = self.effects().get(file).copied() else { return bytes };
        let mut changed = bytes.to_vec();
        if effect.len.is_some() {
            changed.resize(usize::try_from(*len).unwrap_or(usize::MAX).max(changed.len()), 0);
        }
        if let Some(from) = effect.zero_from {
            let kept = usize::try_from(from.saturating_sub(*offset)).unwrap_or(usize::MAX).min(changed.len());
            changed[kept..].fill(0);
        }
        changed.into()
    }
}

/// What changes make of a file.
#[derive(Clone, Copy, Debug, Default)]
struct Effect {
    is_gone: bool,
    len: Option<u64>,
    zero_from: Option<u64>,
}
