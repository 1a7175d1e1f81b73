//! Power loss: which of the unsynced writes and folder changes are on the medium afterwards.
//!
//! A page cache is written back in any order, in sectors of 512 bytes, and a file system may persist
//! folder changes in any order as well. So every unsynced change is kept or lost by a draw of its own, a
//! write may be kept in some of its sectors only, a sector may hold garbage where it was being written, and a write may
//! end inside a record at any byte. How much is kept in all is drawn per power loss, since "nothing survived" and "all
//! but the last write survived" find different bugs. Bytes that no unsynced write touches never change.
//!
//! What was promised and is not on the medium, because a device lied or forgot it after a sync that failed, would be
//! lost without a trace. No log can tell that from a write that never was, so the *atlas* forbids it: it is kept, and
//! counted, unless the fault that it comes from says that it lies outside.
//!
//! Not here: whether operations that were under way count as executed (`device`).

use super::content::Content;
use super::device::Field;
use super::directory::Folder;
use super::file::{Edit, File, Hold, Pending};
use super::{Disk, Draw, Stamp};
use crate::entropy::v1::{below, chance_ppm, mix};

const SECTOR: u64 = 512;

/// Share of the unsynced changes that are kept, one of which is drawn per power loss.
const KEPT_PPM: [u32; 4] = [0, 250_000, 500_000, 900_000];

/// What a power loss made of one unsynced change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteFate {
    /// It is on the medium.
    Kept,
    /// It is not.
    Lost,
    /// So many of the sectors that it touches were written.
    Sectors {
        /// Written.
        kept: u64,
        /// Touched.
        of: u64,
        /// Neither old nor new: the power failed while they were written.
        garbage: u64,
    },
    /// It ends after so many bytes.
    Cut {
        /// Written.
        kept: u64,
    },
}

/// What a power loss did to a disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PowerLoss {
    /// The fate of every unsynced write and truncation.
    pub writes: Vec<(Stamp, WriteFate)>,
    /// The unsynced changes of the folder: whether each was kept.
    pub changes: Vec<(Stamp, bool)>,
    /// Bytes that had been written and not synced, and that are gone.
    pub lost_bytes: u64,
    /// Changes that had been promised, were not on the medium, and are there now because the atlas forbids their loss.
    pub spared: u64,
    /// Changes that had been promised and are gone.
    pub broken: u64,
}

impl PowerLoss {
    /// How many unsynced writes are wholly gone.
    #[must_use]
    pub fn writes_lost(&self) -> usize {
        self.writes.iter().filter(|(_, fate)| *fate == WriteFate::Lost).count()
    }

    /// How many unsynced writes are on the medium in part.
    #[must_use]
    pub fn writes_torn(&self) -> usize {
        self.writes.iter().filter(|(_, fate)| matches!(fate, WriteFate::Sectors { .. } | WriteFate::Cut { .. })).count()
    }

    /// How many sectors hold garbage.
    #[must_use]
    pub fn garbage_sectors(&self) -> u64 {
        let of = |fate: &WriteFate| if let WriteFate::Sectors { garbage, .. } = fate { *garbage } else { 0 };
        self.writes.iter().map(|(_, fate)| of(fate)).sum()
    }
}

/// A power loss under way.
struct Failing<'a> {
    kept_ppm: u32,
    draw: &'a Draw<'a>,
    loss: PowerLoss,
    /// Promises of the present file that were lost.
    broken: u64,
}

/// What becomes of a promise that the medium does not keep.
enum Promise {
    Spared,
    Drawn,
    Broken,
}

impl Disk {
    pub(super) fn lose_power(&mut self, style: u64, draw: &Draw<'_>) -> PowerLoss {
        let kept_ppm = usize::try_from(below(style, KEPT_PPM.len() as u64)).map_or(0, |at| KEPT_PPM[at]);
        let mut failing = Failing { kept_ppm, draw, loss: PowerLoss::default(), broken: 0 };
        failing.folder(&mut self.folder);
        for file in self.files.iter_mut().flatten() {
            failing.file(file);
        }
        self.collect();
        failing.loss
    }
}

impl Failing<'_> {
    fn folder(&mut self, folder: &mut Folder) {
        for pending in std::mem::take(&mut folder.changes) {
            let kept = pending.on_media
                || match self.promise(&pending) {
                    Some(Promise::Spared) => true,
                    Some(Promise::Broken) => false,
                    Some(Promise::Drawn) | None => self.is_kept(&pending),
                };
            if kept && !pending.on_media {
                folder.media.apply(&pending.what);
            }
            if kept
                && !pending.promised
                && let Some(parted) = &mut folder.parted
            {
                parted.apply(&pending.what);
            }
            if !kept && pending.promised {
                folder.scarred = true;
                self.loss.broken += 1;
            }
            self.loss.changes.push((pending.stamp, kept));
        }
        folder.live = folder.media.clone();
        folder.agree();
    }

    /// Of a change that is not on the medium: none if it was never promised and may still be written.
    fn promise<T>(&mut self, pending: &Pending<T>) -> Option<Promise> {
        let (outside_atlas, otherwise) = match pending.hold {
            Hold::Dirty => return None,
            Hold::Lied { outside_atlas } => (outside_atlas, Promise::Drawn),
            Hold::Forgotten { outside_atlas, .. } | Hold::Astray { outside_atlas } => (outside_atlas, Promise::Broken),
        };
        if pending.promised && !outside_atlas {
            self.loss.spared += 1;
            return Some(Promise::Spared);
        }
        Some(otherwise)
    }

    fn is_kept<T>(&self, pending: &Pending<T>) -> bool {
        chance_ppm((self.draw)(pending.stamp, 0, Field::Fate), self.kept_ppm)
    }

    fn file(&mut self, file: &mut File) {
        let edits = std::mem::take(&mut file.edits);
        // What went astray is missed only by what lies behind it, so that is settled first.
        let (astray, others): (Vec<_>, Vec<_>) = edits.into_iter().partition(|edit| matches!(edit.hold, Hold::Astray { .. }));
        // A device that lies keeps what it took in a cache of its own, which it empties in order: a beginning of it is
        // there. What that leaves out has left no trace.
        let lies: Vec<Stamp> = others.iter().filter(|edit| edit.is_broken_lie()).map(|edit| edit.stamp).collect();
        let mut kept = lies.first().map_or(0, |first| below((self.draw)(*first, 0, Field::LiesKept), lies.len() as u64));
        for edit in others {
            if edit.is_broken_lie() && kept == 0 {
                self.lose(file, &edit);
            } else {
                kept -= u64::from(edit.is_broken_lie());
                self.edit(file, &edit);
            }
        }
        for edit in astray {
            self.astray(file, &edit);
        }
        file.len = file.media.len();
        let broken = std::mem::take(&mut self.broken);
        if file.parted.as_ref().is_some_and(|parted| !parted.same(&file.media)) {
            self.loss.broken += broken;
        }
        file.agree();
    }

    /// What was promised is gone, unless something lies over it.
    fn lose(&mut self, file: &mut File, edit: &Pending<Edit>) {
        file.scarred = true;
        self.broken += 1;
        self.loss.writes.push((edit.stamp, WriteFate::Lost));
    }

    fn edit(&mut self, file: &mut File, edit: &Pending<Edit>) {
        if edit.on_media {
            // Again: what came before it may have been put over it just now.
            edit.what.apply(&mut file.media);
            if !edit.promised
                && let Some(parted) = &mut file.parted
            {
                edit.what.apply(parted);
            }
            return;
        }
        let fate = match self.promise(edit) {
            Some(Promise::Broken) if edit.promised => return self.lose(file, edit),
            Some(Promise::Broken) => {
                self.loss.lost_bytes += edit.what.len();
                WriteFate::Lost
            }
            Some(Promise::Drawn) if !edit.promised => self.draw_fate(file, edit),
            Some(Promise::Spared | Promise::Drawn) => {
                edit.what.apply(&mut file.media);
                WriteFate::Kept
            }
            None => self.draw_fate(file, edit),
        };
        self.loss.writes.push((edit.stamp, fate));
    }

    /// What a device put elsewhere is gone from where it belongs. A log notices if anything lies behind; if nothing
    /// does, the log looks as if it ended there.
    fn astray(&mut self, file: &mut File, edit: &Pending<Edit>) {
        let Edit::Write { offset, bytes } = &edit.what else { return };
        let Hold::Astray { outside_atlas } = edit.hold else { return };
        let is_last = file.media.data_len() <= offset + bytes.len() as u64;
        let spared = edit.promised && is_last && !outside_atlas;
        if spared {
            edit.what.apply(&mut file.media);
            self.loss.spared += 1;
        }
        if edit.promised && !spared {
            return self.lose(file, edit);
        }
        self.loss.writes.push((edit.stamp, if spared { WriteFate::Kept } else { WriteFate::Lost }));
    }

    /// Puts what survives on the medium. What nobody was promised and survives is promised from now on.
    fn draw_fate(&mut self, file: &mut File, edit: &Pending<Edit>) -> WriteFate {
        let kept = self.is_kept(edit);
        let images = std::iter::once(&mut file.media).chain(&mut file.parted);
        let (mut fate, mut lost_bytes) = (WriteFate::Kept, 0);
        for image in images {
            (fate, lost_bytes) = edit.survive(image, kept, self.draw);
        }
        self.loss.lost_bytes += lost_bytes;
        fate
    }
}

impl Edit {
    fn len(&self) -> u64 {
        if let Self::Write { bytes, .. } = self { bytes.len() as u64 } else { 0 }
    }
}

impl Pending<Edit> {
    /// Whether it was promised by a device that lied, and may be lost for all that.
    fn is_broken_lie(&self) -> bool {
        self.promised && !self.on_media && self.hold == Hold::Lied { outside_atlas: true }
    }

    /// Puts what survives into an image; returns the fate and how many bytes are gone.
    fn survive(&self, image: &mut Content, kept: bool, draw: &Draw<'_>) -> (WriteFate, u64) {
        if kept {
            self.what.apply(image);
            return (WriteFate::Kept, 0);
        }
        let Edit::Write { offset, bytes } = &self.what else {
            return (WriteFate::Lost, 0);
        };
        let cut = draw(self.stamp, 0, Field::CutAt);
        match cut & 3 {
            2 => write_sectors(image, *offset, bytes, |sector, field| draw(self.stamp, sector, field)),
            3 => {
                let kept = below(cut, bytes.len() as u64);
                image.write(*offset, &bytes[..usize::try_from(kept).unwrap_or(0)]);
                let fate = if kept == 0 { WriteFate::Lost } else { WriteFate::Cut { kept } };
                (fate, bytes.len() as u64 - kept)
            }
            _ => (WriteFate::Lost, bytes.len() as u64),
        }
    }
}

/// Writes only the parts of `bytes` that lie in the sectors that are kept; every eighth of those is garbage.
fn write_sectors(medium: &mut Content, offset: u64, bytes: &[u8], draw: impl Fn(u64, Field) -> u64) -> (WriteFate, u64) {
    let (mut kept, mut of, mut garbage, mut lost_bytes) = (0, 0, 0, 0);
    let (mut position, mut rest) = (offset, bytes);
    while !rest.is_empty() {
        let room = usize::try_from(SECTOR - position % SECTOR).unwrap_or(1);
        let (part, later) = rest.split_at(rest.len().min(room));
        let sector = position / SECTOR;
        let noise = draw(sector, Field::Garbage);
        of += 1;
        if draw(sector, Field::Sector) & 1 == 0 {
            lost_bytes += part.len() as u64;
        } else if noise & 7 == 0 {
            garbage += 1;
            lost_bytes += part.len() as u64;
            medium.write(position, &noisy(noise, part.len()));
        } else {
            kept += 1;
            medium.write(position, part);
        }
        position += part.len() as u64;
        rest = later;
    }
    let fate = match kept {
        0 if garbage == 0 => WriteFate::Lost,
        all if all == of => WriteFate::Kept,
        _ => WriteFate::Sectors { kept, of, garbage },
    };
    (fate, lost_bytes)
}

fn noisy(key: u64, len: usize) -> Vec<u8> {
    let words = (0..len.div_ceil(8)).flat_map(|at| mix(key, at as u64, 0, 0, Field::Garbage as u64).to_le_bytes());
    words.take(len).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use bytes::Bytes;
    use proptest::prelude::*;
    use squall_raft::process::{DiskOp, FileName};

    use super::*;
    use crate::entropy::v1::mix;

    fn fail(disk: &mut Disk, seed: u64) -> PowerLoss {
        let draw = |stamp: Stamp, sector, field| mix(seed, stamp.ordinal, sector, 0, field as u64);
        disk.lose_power(mix(seed, 0, 0, 0, 99), &draw)
    }

    fn durable(disk: &Disk, name: &str) -> Option<Vec<u8>> {
        let content = disk.promised(&name.into())?;
        let mut bytes = vec![0; usize::try_from(content.len()).expect("short")];
        content.read(0, &mut bytes);
        Some(bytes)
    }

    /// Everything that was synced, plus a write of `len` bytes at an offset that was not.
    fn torn(offset: u64, len: usize, seed: u64) -> (Vec<u8>, WriteFate) {
        let mut disk = Disk::default();
        let file = FileName::from("log");
        let write = |offset, byte, len| DiskOp::Write { file: file.clone(), offset, bytes: Bytes::from(vec![byte; len]) };
        let synced =
            [DiskOp::Create { file: file.clone() }, write(0, 1, 2000), DiskOp::Sync { file: file.clone() }, DiskOp::SyncDir];
        for (op, ordinal) in synced.iter().chain([&write(offset, 2, len)]).zip(0..) {
            disk.execute(op, Stamp { boot: 1, ordinal }).expect("a legal operation");
        }
        let loss = fail(&mut disk, seed);
        (durable(&disk, "log").expect("its name is synced"), loss.writes[0].1)
    }

    #[test]
    fn every_fate_happens_and_is_what_it_says() {
        let mut fates = BTreeSet::new();
        for seed in 0..400 {
            let (bytes, fate) = torn(700, 1800, seed);
            let written = bytes.iter().filter(|byte| **byte == 2).count() as u64;
            let kind = match fate {
                WriteFate::Kept => ("kept", written == 1800),
                WriteFate::Lost => ("lost", written == 0 && bytes.len() == 2000),
                WriteFate::Sectors { kept, of, garbage: 0 } => ("sectors", of == 4 && kept < of && (1..1800).contains(&written)),
                WriteFate::Sectors { kept, of, garbage } => {
                    ("garbage", of == 4 && kept + garbage <= of && bytes.iter().any(|byte| *byte > 2))
                }
                WriteFate::Cut { kept } => {
                    ("cut", kept == written && bytes[700..].iter().take_while(|byte| **byte == 2).count() as u64 == kept)
                }
            };
            assert!(kind.1, "{fate:?}: {written} bytes of {}", bytes.len());
            fates.insert(kind.0);
        }
        assert_eq!(fates, BTreeSet::from(["kept", "lost", "sectors", "garbage", "cut"]));
    }

    #[test]
    fn unsynced_names_come_and_go_and_synced_ones_stay() {
        let (mut created, mut renamed, mut removed) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for seed in 0..200 {
            let mut disk = Disk::default();
            let [kept, old, gone, new, fresh] = ["kept", "old", "gone", "new", "fresh"].map(FileName::from);
            let create = |file: &FileName| DiskOp::Create { file: file.clone() };
            let ops = [
                create(&kept),
                create(&old),
                create(&gone),
                DiskOp::SyncDir,
                DiskOp::Rename { from: old, to: new },
                DiskOp::Remove { file: gone },
                create(&fresh),
            ];
            for (op, ordinal) in ops.iter().zip(0..) {
                disk.execute(op, Stamp { boot: 1, ordinal }).expect("a legal operation");
            }
            fail(&mut disk, seed);
            let there = |name: &str| disk.promised(&name.into()).is_some();
            assert!(there("kept"));
            assert!(there("old") != there("new"), "a rename happens or does not");
            created.insert(there("fresh"));
            renamed.insert(there("new"));
            removed.insert(!there("gone"));
            let names: Vec<FileName> = disk.promised_files().map(|(name, _)| name.clone()).collect();
            assert_eq!(
                names
                    .iter()
                    .filter(|name| disk.execute(&DiskOp::Sync { file: (*name).clone() }, Stamp::default()).is_ok())
                    .count(),
                names.len()
            );
        }
        let both = BTreeSet::from([false, true]);
        assert_eq!([created, renamed, removed], [both.clone(), both.clone(), both]);
    }

    proptest! {
        #[test]
        fn bytes_that_no_unsynced_write_touches_survive(offset in 0..2500u64, len in 1..2000usize, seed in any::<u64>()) {
            let (bytes, fate) = torn(offset, len, seed);
            let fate_is_noisy = matches!(fate, WriteFate::Sectors { garbage: 1.., .. });
            let touched = usize::try_from(offset).expect("small")..usize::try_from(offset).expect("small") + len;
            prop_assert!(bytes.len() >= 2000);
            for (at, byte) in bytes.iter().enumerate() {
                match (at < 2000, touched.contains(&at)) {
                    (true, false) => prop_assert_eq!(*byte, 1),
                    (true, true) => prop_assert!(*byte == 1 || *byte == 2 || fate_is_noisy),
                    (false, true) => prop_assert!(*byte == 0 || *byte == 2 || fate_is_noisy),
                    (false, false) => prop_assert_eq!(*byte, 0),
                }
            }
        }
    }
}
