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
