//! What a power loss can leave of a folder: a pure function from what was done there to folders as values.
//!
//! The model is that of `squall_raft::store::recovery`, and as hostile as POSIX lets it be:
//!
//! - what was written to a file, also its length, is durable after a sync of the file; each change that is not is kept or lost by itself;
//! - a name that was given, taken or moved is durable after a sync of the folder; each change that is not is kept or lost by itself;
//! - what was written when a sync failed is lost or kept as well, and no later sync makes it durable: the kernel calls it clean;
//! - a write that is not durable is kept in any of its sectors, one of them perhaps up to some byte or as garbage (`tear`).
//!
//! Not here: images of what a disk does on its own (rot), and who recovers them (`life`).

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use squall_raft::process::{DiskOp, FileName};
use squall_raft::server::files::Executed;

use super::tear::{Pieces, put, tears};
use crate::draws::Draws;

/// Names and contents. All of it is durable.
pub type Image = BTreeMap<FileName, Vec<u8>>;

/// A moment of a record: so many operations have ended, and the next one may have begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// Operations that have ended.
    pub ended: usize,
    /// The next one has changed what it changes and has ended towards nobody.
    pub begun: bool,
}

/// The images of one moment.
#[derive(Debug)]
pub struct Images {
    /// Each once.
    pub list: Vec<Image>,
    /// There are no others.
    pub exhaustive: bool,
}

/// The moments of a record that differ in what a power loss can leave: before and amid each operation that changes something.
pub fn points(record: &[Executed]) -> Vec<Point> {
    let changes = |ended: &usize| !matches!(record[*ended].op, DiskOp::Read { .. } | DiskOp::List);
    let amid = (0..record.len()).filter(changes).flat_map(|ended| [false, true].map(|begun| Point { ended, begun }));
    amid.chain([Point { ended: record.len(), begun: false }]).collect()
}

/// What a power loss at `point` can leave of a folder that held `start`, all of it durable, before the record.
///
/// If there are more than `max` combinations, so many are drawn, and both nothing and all that was not durable is among them.
pub fn images(start: &Image, record: &[Executed], point: Point, draws: &mut Draws, max: usize) -> Images {
    let mut folder = Folder::holding(start);
    record[..point.ended].iter().for_each(|executed| folder.end(executed));
    if point.begun {
        folder.begin(&record[point.ended].op);
    }
    folder.images(draws, max)
}

/// A change that no sync has made durable.
#[derive(Clone, Debug)]
enum Change {
    Write {
        inode: usize,
        offset: usize,
        bytes: Bytes,
    },
    SetLen {
        inode: usize,
        len: usize,
    },
    /// Names that lead somewhere else from now on.
    Names(Vec<(FileName, Option<usize>)>),
}

/// A change and what it waits for.
#[derive(Clone, Debug)]
struct Pending {
    change: Change,
    owed: Owed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owed {
    /// It is durable by the next sync.
    Sync,
    /// A sync failed, and the kernel has forgotten about it.
    Forgotten,
    /// It is durable, on top of something that is forgotten.
    Nothing,
}

/// One way in which a change can have come out: what is done to what is durable.
#[derive(Clone, Debug)]
enum Fate {
    Lost,
    Pieces { inode: usize, pieces: Pieces },
    SetLen { inode: usize, len: usize },
    Names(Vec<(FileName, Option<usize>)>),
}

/// The files behind the names, whoever has which name.
#[derive(Clone, Debug, Default)]
struct Folder {
    /// What is durable of each.
    contents: Vec<Vec<u8>>,
    /// How long the process sees each.
    lens: Vec<usize>,
    durable_names: BTreeMap<FileName, usize>,
    names: BTreeMap<FileName, usize>,
    pending: Vec<Pending>,
}

impl Folder {
    fn holding(start: &Image) -> Self {
        let names: BTreeMap<FileName, usize> = start.keys().cloned().zip(0..).collect();
        Self {
            contents: start.values().cloned().collect(),
            lens: start.values().map(Vec::len).collect(),
            durable_names: names.clone(),
            names,
            pending: Vec::new(),
        }
    }

    /// What failed may have changed something, and made nothing durable.
    fn end(&mut self, executed: &Executed) {
        self.begin(&executed.op);
        let synced = executed.op.synced_file().and_then(|file| self.names.get(file).copied());
        match (synced, &executed.result) {
            (Some(inode), Ok(_)) => self.settle(Some(inode)),
            (Some(inode), Err(_)) => self.forget(inode),
            (None, Ok(_)) if executed.op == DiskOp::SyncDir => self.settle(None),
            (None, _) => {}
        }
    }

    /// The part of an operation that changes something. A name that leads nowhere, or is taken, is an error that changes nothing.
    fn begin(&mut self, op: &DiskOp) {
        match op {
            DiskOp::Create { file } if !self.names.contains_key(file) => {
                self.contents.push(Vec::new());
                self.lens.push(0);
                self.rename([(file, Some(self.lens.len() - 1))]);
            }
            DiskOp::Rename { from, to } if from != to => {
                if let Some(inode) = self.names.get(from).copied() {
                    self.rename([(from, None), (to, Some(inode))]);
                }
            }
            DiskOp::Remove { file } => self.rename([(file, None)]),
            DiskOp::Write { file, offset, bytes } | DiskOp::WriteSync { file, offset, bytes } if !bytes.is_empty() => {
                let Some(inode) = self.names.get(file).copied() else { return };
                let offset = small(*offset);
                self.lens[inode] = self.lens[inode].max(offset + bytes.len());
                self.push(Change::Write { inode, offset, bytes: bytes.clone() });
            }
            DiskOp::Truncate { file, len } => self.set_len(file, |_| small(*len)),
            DiskOp::Allocate { file, len } => self.set_len(file, |before| before.max(small(*len))),
            _ => {}
        }
    }

    fn rename<const N: usize>(&mut self, names: [(&FileName, Option<usize>); N]) {
        let names = names.map(|(name, inode)| (name.clone(), inode)).to_vec();
        give(&mut self.names, &names);
        self.push(Change::Names(names));
    }

    fn set_len(&mut self, file: &FileName, len: impl FnOnce(usize) -> usize) {
        let Some(inode) = self.names.get(file).copied() else { return };
        self.lens[inode] = len(self.lens[inode]);
        self.push(Change::SetLen { inode, len: self.lens[inode] });
    }

    fn push(&mut self, change: Change) {
        self.pending.push(Pending { change, owed: Owed::Sync });
    }

    /// Makes the changes of a file durable, or those of the folder.
    fn settle(&mut self, inode: Option<usize>) {
        let mut has_forgotten = false;
        for mut pending in std::mem::take(&mut self.pending) {
            has_forgotten |= pending.change.inode() == inode && pending.owed == Owed::Forgotten;
            if pending.change.inode() != inode || pending.owed != Owed::Sync {
                self.pending.push(pending);
            } else if has_forgotten {
                pending.owed = Owed::Nothing;
                self.pending.push(pending);
            } else {
                pending.change.kept().apply(&mut self.contents, &mut self.durable_names);
            }
        }
    }

    fn forget(&mut self, inode: usize) {
        let unsynced =
            self.pending.iter_mut().filter(|pending| pending.change.inode() == Some(inode) && pending.owed == Owed::Sync);
        unsynced.for_each(|pending| pending.owed = Owed::Forgotten);
    }

    fn images(&self, draws: &mut Draws, max: usize) -> Images {
        let mut exhaustive = true;
        let fates: Vec<Vec<Fate>> = self.pending.iter().map(|pending| pending.fates(draws, &mut exhaustive)).collect();
        let count = fates.iter().try_fold(1_usize, |count, fates| count.checked_mul(fates.len())).filter(|count| *count <= max);
        let list: BTreeSet<Image> = match count {
            Some(count) => (0..count).map(|number| self.image(&nth(&fates, number))).collect(),
            None => (0..max).map(|number| self.image(&some(&fates, number, draws))).collect(),
        };
        Images { list: list.into_iter().collect(), exhaustive: exhaustive && count.is_some() }
    }

    fn image(&self, fates: &[&Fate]) -> Image {
        let (mut contents, mut names) = (self.contents.clone(), self.durable_names.clone());
        fates.iter().for_each(|fate| fate.apply(&mut contents, &mut names));
        names.into_iter().map(|(name, inode)| (name, contents[inode].clone())).collect()
    }
}

impl Pending {
    fn fates(&self, draws: &mut Draws, exhaustive: &mut bool) -> Vec<Fate> {
        if self.owed == Owed::Nothing { vec![self.change.kept()] } else { self.change.fates(draws, exhaustive) }
    }
}

impl Change {
    /// The file whose sync it waits for, if it is not the folder's.
    fn inode(&self) -> Option<usize> {
        match self {
            Self::Write { inode, .. } | Self::SetLen { inode, .. } => Some(*inode),
            Self::Names(_) => None,
        }
    }

    fn kept(&self) -> Fate {
        match self.clone() {
            Self::Write { inode, offset, bytes } => Fate::Pieces { inode, pieces: vec![(offset, bytes)] },
            Self::SetLen { inode, len } => Fate::SetLen { inode, len },
            Self::Names(names) => Fate::Names(names),
        }
    }

    /// The first is nothing, the last the whole.
    fn fates(&self, draws: &mut Draws, exhaustive: &mut bool) -> Vec<Fate> {
        let Self::Write { inode, offset, bytes } = self else { return vec![Fate::Lost, self.kept()] };
        let tears = tears(*offset, bytes, draws);
        *exhaustive &= tears.exhaustive;
        tears.fates.into_iter().map(|pieces| Fate::Pieces { inode: *inode, pieces }).collect()
    }
}

impl Fate {
    fn apply(&self, contents: &mut [Vec<u8>], names: &mut BTreeMap<FileName, usize>) {
        match self {
            Self::Lost => {}
            Self::Pieces { inode, pieces } => pieces.iter().for_each(|(at, bytes)| put(&mut contents[*inode], *at, bytes)),
            Self::SetLen { inode, len } => contents[*inode].resize(*len, 0),
            Self::Names(changed) => give(names, changed),
        }
    }
}

fn give(names: &mut BTreeMap<FileName, usize>, changed: &[(FileName, Option<usize>)]) {
    for (name, inode) in changed {
        match inode {
            Some(inode) => names.insert(name.clone(), *inode),
            None => names.remove(name),
        };
    }
}

/// A combination by its number: one fate for each change.
fn nth(fates: &[Vec<Fate>], mut number: usize) -> Vec<&Fate> {
    let digit = |fates: &'_ Vec<Fate>| {
        let digit = number % fates.len();
        number /= fates.len();
        digit
    };
    let digits: Vec<usize> = fates.iter().map(digit).collect();
    fates.iter().zip(digits).map(|(fates, digit)| &fates[digit]).collect()
}

/// Nothing, everything, then drawn ones; of these a third keeps no change but one, and another all but one.
fn some<'a>(fates: &'a [Vec<Fate>], number: usize, draws: &mut Draws) -> Vec<&'a Fate> {
    let one = draws.below(fates.len());
    let pick = |(at, fates): (usize, &'a Vec<Fate>)| match number {
        0 => &fates[0],
        1 => &fates[fates.len() - 1],
        _ if at != one && number % 3 == 2 => &fates[0],
        _ if at != one && number.is_multiple_of(3) => &fates[fates.len() - 1],
        _ => &fates[draws.below(fates.len())],
    };
    fates.iter().enumerate().map(pick).collect()
}

fn small(number: u64) -> usize {
    usize::try_from(number).expect("files in tests fit into memory")
}
