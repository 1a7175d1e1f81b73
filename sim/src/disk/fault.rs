//! What goes wrong with a disk beside power: errors, a full device, lies, operations that go astray, rot.
//!
//! A fault that lasts stands under a number until it is ended; what has nothing in force costs one comparison per
//! operation. What an operation suffered is told as a [`Touch`], beside its result.
//!
//! Not here: what a lie or an error does to a file (`file`), what damage may hit (`damage`).

use squall_raft::process::{DiskError, DiskOp, DiskReply, FileName};

use super::device::{Field, Issued};
use super::{Disk, Draw};
use crate::entropy::v1::{below, mix};

/// Kinds of operations that may fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kinds {
    /// Writes.
    pub write: bool,
    /// Syncs, those of the folder and the second half of a write that syncs among them.
    pub sync: bool,
    /// Reads and listings.
    pub read: bool,
    /// Creations, renames, removals, truncations and allocations.
    pub meta: bool,
}

impl Kinds {
    /// All of them.
    pub const ALL: Self = Self { write: true, sync: true, read: true, meta: true };

    /// As a word, for hashes.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.write as u64 | (self.sync as u64) << 1 | (self.read as u64) << 2 | (self.meta as u64) << 3
    }
}

/// Something that goes wrong with a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskFault {
    /// The next operations of these kinds fail.
    Errors {
        /// Which kinds.
        on: Kinds,
        /// With what.
        error: DiskError,
        /// So many; all of them if nothing is said.
        times: Option<u64>,
        /// Whether what a sync that failed forgot may be lost after a later one answered Ok.
        outside_atlas: bool,
    },
    /// Files may grow by so many bytes.
    Full {
        /// How many.
        free_bytes: u64,
    },
    /// Syncs answer Ok and make nothing durable.
    Lying {
        /// Whether what they promised may be lost.
        outside_atlas: bool,
    },
    /// The next operations hit another place.
    Misdirect {
        /// So many reads.
        reads: u64,
        /// So many writes.
        writes: u64,
        /// Whether they may hit what makes the end of a log look like another end.
        outside_atlas: bool,
    },
    /// Operations complete in any order that keeps to what they depend on.
    Reorder,
    /// Bits of what is on the medium flip, once.
    Rot {
        /// What is drawn depends on it.
        key: u64,
        /// How many.
        bits: u64,
        /// In which part of each file.
        within_ppm: (u32, u32),
        /// Whether several may hit the end of a log.
        outside_atlas: bool,
    },
    /// Every file is gone, once.
    Wipe,
}

/// What came of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dealt {
    /// It is in force, or happened.
    Done,
    /// It hit nothing.
    Nothing,
    /// So many bits rotted, and so many were spared because the atlas forbids it.
    Rotted {
        /// Flipped.
        flipped: u64,
        /// Not flipped.
        spared: u64,
    },
    /// The atlas forbids it.
    Suppressed,
}

/// What an operation suffered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touch {
    /// It failed because a fault said so.
    Failed(DiskError),
    /// There was no room for it.
    NoRoom,
    /// It answered Ok and made nothing durable.
    Lied,
    /// It read what lies elsewhere.
    ReadAstray,
    /// It wrote elsewhere.
    WroteAstray,
    /// It would have gone astray, but the atlas forbids it.
    Spared,
    /// It completed before one that was issued earlier.
    OutOfOrder,
}

/// The faults of a disk that last.
#[derive(Clone, Debug, Default)]
pub(super) struct InForce(Vec<(u32, DiskFault)>);

impl InForce {
    #[inline]
    pub(super) fn is_calm(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn begin(&mut self, id: u32, fault: DiskFault) {
        self.0.push((id, fault));
    }

    pub(super) fn end(&mut self, id: u32) -> bool {
        let before = self.0.len();
        self.0.retain(|(other, _)| *other != id);
        self.0.len() < before
    }

    pub(super) fn reorders(&self) -> bool {
        self.0.iter().any(|(_, fault)| *fault == DiskFault::Reorder)
    }

    /// The room that the fault which leaves the least gives.
    pub(super) fn free_bytes(&self) -> Option<u64> {
        let free =
            |(_, fault): &(u32, DiskFault)| if let DiskFault::Full { free_bytes } = fault { Some(*free_bytes) } else { None };
        self.0.iter().filter_map(free).min()
    }

    fn lies(&self) -> Option<bool> {
        let lies = |fault: &DiskFault| if let DiskFault::Lying { outside_atlas } = fault { Some(*outside_atlas) } else { None };
        self.0.iter().filter_map(|(_, fault)| lies(fault)).reduce(|one, other| one && other)
    }

    /// Whether an operation of one of these kinds fails: with what, and whether that lies outside the atlas.
    fn fails(&mut self, kinds: Kinds) -> Option<(DiskError, bool)> {
        self.0.iter_mut().find_map(|(_, fault)| {
            let DiskFault::Errors { on, error, times, outside_atlas } = fault else { return None };
            let left = times.is_none_or(|times| times > 0);
            if !left || on.bits() & kinds.bits() == 0 {
                return None;
            }
            *times = times.map(|times| times - 1);
            Some((*error, *outside_atlas))
        })
    }

    /// The counter of the operations that still go astray, reads or writes, and whether that lies outside the atlas.
    fn astray(&mut self, is_read: bool) -> Option<(&mut u64, bool)> {
        self.0.iter_mut().find_map(|(_, fault)| {
            let DiskFault::Misdirect { reads, writes, outside_atlas } = fault else { return None };
            let left = if is_read { reads } else { writes };
            (*left > 0).then_some((left, *outside_atlas))
        })
    }
}

/// How an operation ended under faults.
pub(super) type Suffered = (Result<DiskReply, DiskError>, Option<Touch>);

impl Disk {
    /// Carries out an operation while faults are in force.
    pub(super) fn suffer(&mut self, issued: &mut Issued, faults: &mut InForce, draw: &Draw<'_>) -> Suffered {
        if let Some((error, outside_atlas)) = faults.fails(first_kind(&issued.what)) {
            self.fail(issued, outside_atlas, draw);
            return (Err(error), Some(Touch::Failed(error)));
        }
        if let DiskOp::WriteSync { .. } = &issued.what
            && let Some((error, outside_atlas)) = faults.fails(Kinds { sync: true, ..Kinds::default() })
        {
            return self.fail_half(issued, error, outside_atlas, draw);
        }
        if let Some(ended) = self.go_astray(issued, faults, draw) {
            return ended;
        }
        if let Some(outside_atlas) = faults.lies()
            && issued.what.is_sync()
        {
            return self.lie(issued, outside_atlas);
        }
        let (what, stamp) = (issued.what.clone(), issued.stamp);
        let result = self.execute_taking(&mut issued.what, stamp);
        let is_full = result == Err(DiskError::NoSpace);
        if is_full {
            self.write_in_part(&what, issued, draw);
        }
        (result, is_full.then_some(Touch::NoRoom))
    }

    /// The first half of a write that syncs was done, and the second failed.
    fn fail_half(&mut self, issued: &Issued, error: DiskError, outside_atlas: bool, draw: &Draw<'_>) -> Suffered {
        let DiskOp::WriteSync { file, offset, bytes } = &issued.what else { return (Err(error), None) };
        let mut write = DiskOp::Write { file: file.clone(), offset: *offset, bytes: bytes.clone() };
        let written = self.execute_taking(&mut write, issued.stamp);
        if written.is_err() {
            return (written, Some(Touch::NoRoom));
        }
        self.forget(file, issued, outside_atlas, draw);
        (Err(error), Some(Touch::Failed(error)))
    }

    /// What an operation leaves behind that fails.
    fn fail(&mut self, issued: &Issued, outside_atlas: bool, draw: &Draw<'_>) {
        match &issued.what {
            DiskOp::Sync { file } => self.forget(file, issued, outside_atlas, draw),
            DiskOp::SyncDir => self.folder.sync_failing(issued.stamp.boot, outside_atlas, draw),
            DiskOp::Write { .. } | DiskOp::WriteSync { .. } => self.write_in_part(&issued.what, issued, draw),
            _ => {}
        }
    }

    /// A sync of a file fails.
    fn forget(&mut self, file: &FileName, issued: &Issued, outside_atlas: bool, draw: &Draw<'_>) {
        let reverts = draw(issued.stamp, 0, Field::Reverts) & 1 == 1;
        if let Ok(file) = self.file_mut(file) {
            file.sync_failing(issued.stamp.boot, outside_atlas, reverts, draw);
        }
    }

    /// A drawn part of the bytes is in the page cache all the same, if there is room.
    fn write_in_part(&mut self, what: &DiskOp, issued: &Issued, draw: &Draw<'_>) {
        let (DiskOp::Write { file, offset, bytes } | DiskOp::WriteSync { file, offset, bytes }) = what else { return };
        let kept = below(draw(issued.stamp, 0, Field::FailedWrite), bytes.len() as u64);
        let part = bytes.slice(..usize::try_from(kept).unwrap_or(0));
        let mut write = DiskOp::Write { file: file.clone(), offset: *offset, bytes: part };
        // Where nothing fits, nothing is there.
        let _ = self.execute_taking(&mut write, issued.stamp);
    }

    fn go_astray(&mut self, issued: &mut Issued, faults: &mut InForce, draw: &Draw<'_>) -> Option<Suffered> {
        match &issued.what {
            DiskOp::Read { file, offset, len } => {
                let (left, outside_atlas) = faults.astray(true)?;
                let wrong = self.read_astray((file, *offset, *len), issued.stamp, outside_atlas, draw)?;
                *left -= 1;
                Some((Ok(DiskReply::Bytes(wrong)), Some(Touch::ReadAstray)))
            }
            DiskOp::Write { file, offset, bytes } | DiskOp::WriteSync { file, offset, bytes } => {
                let (left, outside_atlas) = faults.astray(false)?;
                match self.write_astray((file, *offset, bytes), issued.stamp, outside_atlas, draw) {
                    Ok(true) => {
                        *left -= 1;
                        if let DiskOp::WriteSync { file, .. } = &issued.what
                            && let Ok(file) = self.file_mut(file)
                        {
                            self.synced_from = file.sync(issued.stamp.boot);
                        }
                        Some((Ok(DiskReply::Done), Some(Touch::WroteAstray)))
                    }
                    Ok(false) => {
                        let result = self.execute_taking(&mut issued.what, issued.stamp);
                        Some((result, Some(Touch::Spared)))
                    }
                    Err(error) => Some((Err(error), None)),
                }
            }
            _ => None,
        }
    }

    fn lie(&mut self, issued: &mut Issued, outside_atlas: bool) -> Suffered {
        if let DiskOp::WriteSync { file, offset, bytes } = &mut issued.what {
            let mut write = DiskOp::Write { file: file.clone(), offset: *offset, bytes: std::mem::take(bytes) };
            if let Err(error) = self.execute_taking(&mut write, issued.stamp) {
                return (Err(error), Some(Touch::NoRoom));
            }
        }
        let boot = issued.stamp.boot;
        match issued.what.synced_file().map(|file| self.file_mut(file)) {
            Some(Ok(file)) => self.synced_from = file.sync_lying(boot, outside_atlas),
            Some(Err(error)) => return (Err(error), None),
            None => self.folder.sync_lying(boot, outside_atlas),
        }
        (Ok(DiskReply::Done), Some(Touch::Lied))
    }

    /// What happens once.
    pub(super) fn befall(&mut self, disk_key: u64, fault: DiskFault) -> Dealt {
        match fault {
            DiskFault::Rot { key, bits, within_ppm, outside_atlas } => {
                let draw = |n: u64| mix(disk_key, key, n, 0, Field::Rot as u64);
                match self.rot(bits, within_ppm, outside_atlas, draw) {
                    (0, 0) => Dealt::Nothing,
                    (flipped, spared) => Dealt::Rotted { flipped, spared },
                }
            }
            DiskFault::Wipe => {
                self.wipe();
                if self.is_wiped() { Dealt::Done } else { Dealt::Nothing }
            }
            _ => Dealt::Done,
        }
    }
}

/// The kind of an operation; of a write that syncs, that of its first half.
const fn first_kind(op: &DiskOp) -> Kinds {
    let none = Kinds { write: false, sync: false, read: false, meta: false };
    match op {
        DiskOp::Write { .. } | DiskOp::WriteSync { .. } => Kinds { write: true, ..none },
        DiskOp::Sync { .. } | DiskOp::SyncDir => Kinds { sync: true, ..none },
        DiskOp::Read { .. } | DiskOp::List => Kinds { read: true, ..none },
        DiskOp::Create { .. }
        | DiskOp::Rename { .. }
        | DiskOp::Remove { .. }
        | DiskOp::Truncate { .. }
        | DiskOp::Allocate { .. } => Kinds { meta: true, ..none },
    }
}
