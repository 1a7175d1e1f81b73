//! Damage to what is on the medium: bits that rot, operations that go astray, files that are gone.
//!
//! None of it touches what was promised, so that the difference can be seen. The limits of one file (see the store's
//! recovery) are kept here, because only here it is known which bytes are a file's last: within the latest promised writes
//! more than one flipped bit may look like a write that was torn, and what overwrites it does. Unless a fault says that
//! it lies outside the atlas, such damage is left out and counted as spared.
//!
//! Not here: which operations and when (`fault`).

use bytes::Bytes;
use squall_raft::process::{DiskError, FileName};

use super::directory::FileId;
use super::file::{Edit, File, Hold, Pending};
use super::{Disk, Draw, Stamp};
use crate::entropy::v1::below;

use super::device::Field;

const SECTOR: u64 = 512;

/// How often another place is looked for from which a read may come.
const TRIES: u64 = 8;

impl Disk {
    /// Whether a process that starts now finds everything that was promised, as it was.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        if self.folder.parted.is_none() && self.files.iter().flatten().all(|file| file.parted.is_none()) {
            return true;
        }
        let mut due = self.folder.promised().clone();
        self.folder.changes.iter().filter(|change| !change.promised).for_each(|change| due.apply(&change.what));
        let is_whole = |id: FileId| self.files[id.at()].as_ref().is_none_or(File::is_intact);
        due.iter().all(|(name, id)| self.folder.live.get(name) == Some(id) && is_whole(id))
    }

    /// Whether all that was promised is gone, names and all.
    #[must_use]
    pub fn is_wiped(&self) -> bool {
        self.folder.media.iter().next().is_none() && self.folder.promised().iter().next().is_some()
    }

    /// Takes every file away.
    pub(super) fn wipe(&mut self) {
        let promised = self.folder.promised().clone();
        self.folder.scarred |= promised.iter().next().is_some();
        self.folder.parted = Some(promised);
        self.folder.live = super::directory::Directory::default();
        self.folder.media = super::directory::Directory::default();
        self.folder.changes.clear();
        self.folder.agree();
        self.collect();
    }

    /// Flips so many drawn bits of what is on the medium, within a part of each file's data; returns how many were
    /// flipped and how many were spared.
    pub(super) fn rot(
        &mut self,
        bits: u64,
        within_ppm: (u32, u32),
        outside_atlas: bool,
        draw: impl Fn(u64) -> u64,
    ) -> (u64, u64) {
        let (mut flipped, mut spared) = (0, 0);
        for n in 0..bits {
            let spans: Vec<(FileId, u64, u64)> = self.spans(within_ppm).collect();
            let total: u64 = spans.iter().map(|(_, from, to)| to - from).sum();
            let Some((id, position)) = place(&spans, below(draw(2 * n), total)) else { break };
            let mask = 1 << (draw(2 * n + 1) & 7);
            let Some(file) = &mut self.files[id.at()] else { continue };
            if file.rot(position, mask, outside_atlas) { flipped += 1 } else { spared += 1 }
        }
        (flipped, spared)
    }

    /// Which bytes of which files may rot.
    fn spans(&self, within_ppm: (u32, u32)) -> impl Iterator<Item = (FileId, u64, u64)> {
        self.folder.media.iter().filter_map(move |(_, id)| {
            let data = self.files[id.at()].as_ref()?.media.data_len();
            let part = |ppm: u32| below_ppm(data, ppm);
            let (from, to) = (part(within_ppm.0), part(within_ppm.1));
            (from < to).then_some((id, from, to))
        })
    }

    /// Puts a write somewhere else and lets the page cache show it where it belongs. False if there is no place that it
    /// may hit.
    pub(super) fn write_astray(
        &mut self,
        (name, offset, bytes): (&FileName, u64, &Bytes),
        stamp: Stamp,
        outside_atlas: bool,
        draw: &Draw<'_>,
    ) -> Result<bool, DiskError> {
        let own = self.folder.live.get(name).ok_or(DiskError::NotFound)?;
        let len = bytes.len() as u64;
        let spans: Vec<(FileId, u64, u64)> = self
            .folder
            .media
            .iter()
            .filter_map(|(_, id)| {
                let file = self.files[id.at()].as_ref()?;
                let limit = if outside_atlas { file.media.data_len() } else { file.latest.from() };
                (len > 0 && len <= limit).then(|| (id, 0, (limit - len) / SECTOR + 1))
            })
            .collect();
        let total: u64 = spans.iter().map(|(_, from, to)| to - from).sum();
        let Some((id, slot)) = place(&spans, below(draw(stamp, 0, Field::AstrayTo), total)) else { return Ok(false) };
        let at = slot * SECTOR;
        if id == own && at < offset + len && offset < at + len {
            return Ok(false);
        }
        if let Some(target) = &mut self.files[id.at()] {
            target.part();
            target.scarred = true;
            target.media.write(at, bytes);
        }
        let file = self.files[own.at()].as_mut().ok_or(DiskError::NotFound)?;
        file.write(stamp, offset, bytes.clone())?;
        file.part();
        if let Some(Pending { hold, .. }) = file.edits.last_mut() {
            *hold = Hold::Astray { outside_atlas };
        }
        Ok(true)
    }

    /// What lies elsewhere, instead of what was asked for; none if there is nothing that must be noticed. Inside the
    /// atlas only a read of a file's beginning goes astray: every file says in its first sector which one it is.
    pub(super) fn read_astray(
        &self,
        (name, offset, len): (&FileName, u64, u64),
        stamp: Stamp,
        outside_atlas: bool,
        draw: &Draw<'_>,
    ) -> Option<Bytes> {
        if offset > 0 && !outside_atlas {
            return None;
        }
        let right = self.file(name).ok()?.read(offset, len);
        let spans: Vec<(FileId, u64, u64)> = self
            .folder
            .live
            .iter()
            .filter_map(|(_, id)| Some((id, 0, self.files[id.at()].as_ref()?.media.data_len().div_ceil(SECTOR))))
            .collect();
        let total: u64 = spans.iter().map(|(_, from, to)| to - from).sum();
        (0..TRIES).find_map(|n| {
            let (id, sector) = place(&spans, below(draw(stamp, n, Field::AstrayFrom), total))?;
            let mut wrong = self.files[id.at()].as_ref()?.read(sector * SECTOR, right.len() as u64).to_vec();
            wrong.resize(right.len(), 0);
            let first = wrong.len().min(512);
            let shows = wrong[..first] != right[..first] && wrong[..first].iter().any(|byte| *byte != 0);
            shows.then(|| wrong.into())
        })
    }
}

impl File {
    fn is_intact(&self) -> bool {
        self.parted.is_none() || self.seen().same(&self.due())
    }

    /// False if it may not rot there.
    fn rot(&mut self, position: u64, mask: u8, outside_atlas: bool) -> bool {
        let hit = self.latest.0.iter_mut().filter(|extent| (extent.from..extent.to).contains(&position));
        for extent in hit {
            if extent.flips > 0 && !outside_atlas {
                return false;
            }
            extent.flips += 1;
        }
        // What is promised and pending lies over it, and is not what rots.
        let covered = |edit: &Pending<Edit>| match &edit.what {
            Edit::Write { offset, bytes } => (*offset..offset + bytes.len() as u64).contains(&position),
            Edit::Truncate { len } => position >= *len,
        };
        if self.edits.iter().any(covered) {
            return false;
        }
        self.part();
        self.scarred = true;
        self.media.flip(position, mask);
        true
    }
}

/// Finds the place with this number in spans that stand one behind the other.
fn place(spans: &[(FileId, u64, u64)], mut number: u64) -> Option<(FileId, u64)> {
    for (id, from, to) in spans {
        if number < to - from {
            return Some((*id, from + number));
        }
        number -= to - from;
    }
    None
}

fn below_ppm(of: u64, ppm: u32) -> u64 {
    u64::try_from(u128::from(of) * u128::from(ppm) / 1_000_000).unwrap_or(of)
}
