//! What went wrong with each node's disk, as far as it shows in events: reasons to give up, and marks.
//!
//! Kept whether checkers look or not, because who is started again depends on it.
//! Not here: the judgement ([`squall_checkers::recoverability`]), and what is promised (`ghost.rs`).

use std::collections::BTreeMap;

use squall_checkers::recoverability::GaveUp;

use super::marks::Marks;
use crate::disk::{Dealt, Disk, DiskFault, PowerLoss, Touch};
use crate::scenario::Mark;

/// What is remembered of all disks.
#[derive(Clone, Debug)]
pub(super) struct Disks {
    nodes: Vec<Notes>,
    /// What the atlas forbade, by kind.
    suppressed: BTreeMap<&'static str, u64>,
    power_losses: u64,
}

/// What is remembered of one disk.
#[derive(Clone, Copy, Debug, Default)]
struct Notes {
    /// An operation of this boot went wrong: it failed ..
    failed: bool,
    /// .. for want of room ..
    no_room: bool,
    /// .. or did something else than it was told.
    strange: bool,
    /// It led when the first of these happened.
    led: bool,
    /// A write went astray, ever.
    wrote_astray: bool,
    /// The media lack something that was promised.
    broken: bool,
}

impl Disks {
    pub fn new(nodes: u64) -> Self {
        Self { nodes: (0..nodes).map(|_| Notes::default()).collect(), suppressed: BTreeMap::new(), power_losses: 0 }
    }

    pub const fn suppressed(&self) -> &BTreeMap<&'static str, u64> {
        &self.suppressed
    }

    pub const fn power_losses(&self) -> u64 {
        self.power_losses
    }

    fn of(&mut self, node: u64) -> Option<&mut Notes> {
        self.nodes.get_mut(usize::try_from(node.checked_sub(1)?).ok()?)
    }

    /// Whether the media lacked something when they were last looked at.
    pub fn is_broken(&mut self, node: u64) -> bool {
        self.of(node).is_some_and(|notes| notes.broken)
    }

    fn look(&mut self, node: u64, disk: &Disk) {
        if let Some(notes) = self.of(node) {
            notes.broken = !disk.is_intact();
        }
    }

    fn suppress(&mut self, kind: &'static str, count: u64, marks: &mut Marks) {
        if count > 0 {
            *self.suppressed.entry(kind).or_default() += count;
            marks.hit(Mark::FaultSuppressedByAtlas);
        }
    }

    pub fn booted(&mut self, node: u64) {
        if let Some(notes) = self.of(node) {
            (notes.failed, notes.no_room, notes.strange, notes.led) = (false, false, false, false);
        }
    }

    /// An operation went wrong; a node that leads then gives its leadership up before it ends itself.
    pub fn touched(&mut self, node: u64, touch: Touch, leads: bool, marks: &mut Marks) {
        let Some(notes) = self.of(node) else { return };
        notes.led |= leads;
        match touch {
            Touch::Failed(_) => notes.failed = true,
            Touch::NoRoom => notes.no_room = true,
            Touch::Lied => {
                notes.strange = true;
                marks.hit(Mark::FsyncLied);
            }
            Touch::ReadAstray => {
                notes.strange = true;
                marks.hit(Mark::ReadWentAstray);
            }
            Touch::WroteAstray => {
                (notes.strange, notes.wrote_astray) = (true, true);
                marks.hit(Mark::WriteWentAstray);
            }
            Touch::Spared => self.suppress("misdirect", 1, marks),
            Touch::OutOfOrder => {}
        }
    }

    pub fn faulted(&mut self, node: u64, fault: &DiskFault, dealt: Dealt, disk: &Disk, marks: &mut Marks) {
        self.look(node, disk);
        match dealt {
            Dealt::Suppressed => self.suppress(kind(fault), 1, marks),
            Dealt::Rotted { flipped, spared } => {
                self.suppress(kind(fault), spared, marks);
                marks.hit_if(flipped > 0, Mark::BitsRotted);
            }
            Dealt::Done => marks.hit_if(*fault == DiskFault::Wipe, Mark::DiskWiped),
            Dealt::Nothing => {}
        }
    }

    pub fn lost_power(&mut self, node: u64, loss: &PowerLoss, disk: &Disk, marks: &mut Marks) {
        self.power_losses += 1;
        self.look(node, disk);
        self.suppress("lost_promise", loss.spared, marks);
        marks.hit_if(loss.broken > 0, Mark::PromiseBroken);
        marks.hit_if(loss.garbage_sectors() > 0, Mark::TornSectorWithGarbage);
    }

    pub fn killed(&mut self, node: u64, disk: &Disk) {
        self.look(node, disk);
    }

    /// A node gave up. Why it may.
    pub fn halted(&mut self, node: u64, at_ns: u64, reason: &str, disk: &Disk, marks: &mut Marks) -> GaveUp {
        self.look(node, disk);
        let notes = self.of(node).copied().unwrap_or_default();
        marks.hit_if(notes.led, Mark::LeaderHaltedByDisk);
        marks.hit_if(notes.failed, Mark::DiskErrorHaltedNode);
        marks.hit_if(notes.no_room, Mark::FullDiskHaltedNode);
        marks.hit_if(notes.broken, Mark::DamageHaltedNode);
        marks.hit_if(notes.broken && notes.wrote_astray, Mark::MisdirectedWriteReported);
        marks.hit_if(disk.is_wiped(), Mark::WipedNodeStayedOut);
        let touched = notes.failed || notes.no_room || notes.strange;
        GaveUp { node, at_ns, reason: reason.to_owned(), touched, intact: !notes.broken }
    }
}

const fn kind(fault: &DiskFault) -> &'static str {
    match fault {
        DiskFault::Errors { .. } => "disk_errors",
        DiskFault::Full { .. } => "full_disk",
        DiskFault::Lying { .. } => "lying_fsync",
        DiskFault::Misdirect { .. } => "misdirect",
        DiskFault::Reorder => "reorder_disk",
        DiskFault::Rot { .. } => "bit_rot",
        DiskFault::Wipe => "wipe_disk",
    }
}
