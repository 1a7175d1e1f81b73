//! Power loss: which of the unsynced writes and folder changes are on the medium afterwards.
//!
//! A page cache is written back in any order, in sectors of 512 bytes, and a file system may persist
//! folder changes in any order as well. So every unsynced change is kept or lost by a draw of its own, a
//! write may be kept in some of its sectors only, and it may end inside a record at any byte. How much
//! is kept in all is drawn per power loss, since "nothing survived" and "all but the last write
//! survived" find different bugs. Bytes that no unsynced write touches never change.
//!
//! Not here: whether operations that were under way count as executed (`device`).

use super::device::Field;
use super::{Content, Dirty, Disk, Edit, File, Stamp};
use crate::entropy::v1::{below, chance_ppm};

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
}

impl Disk {
    pub(super) fn lose_power(&mut self, style: u64, draw: impl Fn(Stamp, u64, Field) -> u64) -> PowerLoss {
        let kept_ppm = usize::try_from(below(style, KEPT_PPM.len() as u64)).map_or(0, |at| KEPT_PPM[at]);
        let mut loss = PowerLoss::default();
        for (stamp, change) in std::mem::take(&mut self.changes) {
            let kept = chance_ppm(draw(stamp, 0, Field::Fate), kept_ppm);
            if kept {
                self.durable.apply(&change);
            }
            loss.changes.push((stamp, kept));
        }
        for file in self.files.iter_mut().flatten() {
            file.lose_power(kept_ppm, &draw, &mut loss);
        }
        self.live = self.durable.clone();
        self.collect();
        loss
    }
}

impl File {
    fn lose_power(&mut self, kept_ppm: u32, draw: &impl Fn(Stamp, u64, Field) -> u64, loss: &mut PowerLoss) {
        for dirty in self.dirty.drain(..) {
            let (fate, lost_bytes) = dirty.lose_power(&mut self.durable, kept_ppm, draw);
            loss.writes.push((dirty.stamp, fate));
            loss.lost_bytes += lost_bytes;
        }
        self.len = self.durable.len();
    }
}

impl Dirty {
    /// Puts what survives on the medium; returns the fate and how many bytes are gone.
    fn lose_power(&self, medium: &mut Content, kept_ppm: u32, draw: &impl Fn(Stamp, u64, Field) -> u64) -> (WriteFate, u64) {
        if chance_ppm(draw(self.stamp, 0, Field::Fate), kept_ppm) {
            self.what.apply(medium);
            return (WriteFate::Kept, 0);
        }
        let Edit::Write { offset, bytes } = &self.what else {
            return (WriteFate::Lost, 0);
        };
        let cut = draw(self.stamp, 0, Field::CutAt);
        match cut & 3 {
            2 => write_sectors(medium, *offset, bytes, |sector| draw(self.stamp, sector, Field::Sector) & 1 == 1),
            3 => {
                let kept = below(cut, bytes.len() as u64);
                medium.write(*offset, &bytes[..usize::try_from(kept).unwrap_or(0)]);
                let fate = if kept == 0 { WriteFate::Lost } else { WriteFate::Cut { kept } };
                (fate, bytes.len() as u64 - kept)
            }
            _ => (WriteFate::Lost, bytes.len() as u64),
        }
    }
}

/// Writes only the parts of `bytes` that lie in the sectors that are kept.
fn write_sectors(medium: &mut Content, offset: u64, bytes: &[u8], keep: impl Fn(u64) -> bool) -> (WriteFate, u64) {
    let (mut kept, mut of, mut lost_bytes) = (0, 0, 0);
    let (mut position, mut rest) = (offset, bytes);
    while !rest.is_empty() {
        let room = usize::try_from(SECTOR - position % SECTOR).unwrap_or(1);
        let (part, later) = rest.split_at(rest.len().min(room));
        of += 1;
        if keep(position / SECTOR) {
            kept += 1;
            medium.write(position, part);
        } else {
            lost_bytes += part.len() as u64;
        }
        position += part.len() as u64;
        rest = later;
    }
    let fate = match kept {
        0 => WriteFate::Lost,
        all if all == of => WriteFate::Kept,
        _ => WriteFate::Sectors { kept, of },
    };
    (fate, lost_bytes)
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
        disk.lose_power(mix(seed, 0, 0, 0, 99), draw)
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
                WriteFate::Sectors { kept, of } => ("sectors", of == 4 && kept < of && (1..1800).contains(&written)),
                WriteFate::Cut { kept } => {
                    ("cut", kept == written && bytes[700..].iter().take_while(|byte| **byte == 2).count() as u64 == kept)
                }
            };
            assert!(kind.1, "{fate:?}: {written} bytes of {}", bytes.len());
            fates.insert(kind.0);
        }
        assert_eq!(fates, BTreeSet::from(["kept", "lost", "sectors", "cut"]));
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
            let (bytes, _) = torn(offset, len, seed);
            let touched = usize::try_from(offset).expect("small")..usize::try_from(offset).expect("small") + len;
            prop_assert!(bytes.len() >= 2000);
            for (at, byte) in bytes.iter().enumerate() {
                match (at < 2000, touched.contains(&at)) {
                    (true, false) => prop_assert_eq!(*byte, 1),
                    (true, true) => prop_assert!(*byte == 1 || *byte == 2),
                    (false, _) => prop_assert!(*byte == 0 || *byte == 2),
                }
            }
        }
    }
}
