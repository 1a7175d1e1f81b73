//! The device: one operation after the other, each with a drawn latency, and what a crash does to those under way.
//!
//! An operation takes effect at the instant at which it completes. A crash therefore has to decide
//! about those that were under way: a drawn prefix of them was executed, though nobody heard of it.
//!
//! Not here: what operations do ([`super::Disk`]).

use std::collections::VecDeque;

use squall_raft::process::{DiskError, DiskOp, DiskReply, OpId};

use super::power::PowerLoss;
use super::{Disk, Stamp};
use crate::entropy::v1::{between, mix};

/// What a draw decides. Part of every recorded seed: never renumber.
#[derive(Clone, Copy)]
#[repr(u64)]
pub(super) enum Field {
    Latency = 1,
    ExecutedAtCrash = 2,
    PowerLossStyle = 3,
    Fate = 4,
    CutAt = 5,
    Sector = 6,
}

/// How fast a disk is. In each range all values are equally likely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskWeather {
    /// Shortest and longest time of an operation that changes a file or the folder in the page cache.
    pub write_min_ns: u64,
    /// See [`Self::write_min_ns`].
    pub write_max_ns: u64,
    /// Shortest and longest time of a read or a listing.
    pub read_min_ns: u64,
    /// See [`Self::read_min_ns`].
    pub read_max_ns: u64,
    /// Shortest and longest time of a sync of a file or of the folder.
    pub fsync_min_ns: u64,
    /// See [`Self::fsync_min_ns`].
    pub fsync_max_ns: u64,
    /// Nothing is completed, until it is no longer so.
    pub stalled: bool,
}

impl DiskWeather {
    /// Everything takes the same time each time.
    #[must_use]
    pub const fn fixed(write_ns: u64, read_ns: u64, fsync_ns: u64) -> Self {
        Self {
            write_min_ns: write_ns,
            write_max_ns: write_ns,
            read_min_ns: read_ns,
            read_max_ns: read_ns,
            fsync_min_ns: fsync_ns,
            fsync_max_ns: fsync_ns,
            stalled: false,
        }
    }

    fn latency_ns(&self, op: &DiskOp, bits: u64) -> u64 {
        let (min_ns, max_ns) = match op {
            DiskOp::WriteSync { .. } => (self.write_min_ns + self.fsync_min_ns, self.write_max_ns + self.fsync_max_ns),
            DiskOp::Sync { .. } | DiskOp::SyncDir => (self.fsync_min_ns, self.fsync_max_ns),
            DiskOp::Read { .. } | DiskOp::List => (self.read_min_ns, self.read_max_ns),
            _ => (self.write_min_ns, self.write_max_ns),
        };
        between(bits, min_ns, max_ns)
    }
}

/// What became of the operations that were under way when a process ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Crash {
    /// So many had been issued and not completed.
    pub in_flight: u64,
    /// So many of them, the first ones, were executed all the same.
    pub executed: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Issued {
    pub(crate) op: OpId,
    pub(crate) what: DiskOp,
    stamp: Stamp,
}

#[derive(Clone, Debug)]
pub(crate) struct Device {
    key: u64,
    weather: DiskWeather,
    disk: Disk,
    queue: VecDeque<Issued>,
    /// Of the next operation.
    next: Stamp,
    power_losses: u64,
}

impl Device {
    pub(crate) fn new(key: u64, weather: DiskWeather) -> Self {
        Self { key, weather, disk: Disk::default(), queue: VecDeque::new(), next: Stamp::default(), power_losses: 0 }
    }

    /// True if the disk is stalled now and was not, or the other way round: what is under way must be scheduled anew.
    pub(crate) fn set_weather(&mut self, weather: DiskWeather) -> bool {
        std::mem::replace(&mut self.weather, weather).stalled != weather.stalled
    }

    pub(crate) fn is_stalled(&self) -> bool {
        self.weather.stalled
    }

    pub(crate) fn disk(&self) -> &Disk {
        &self.disk
    }

    pub(crate) fn begin_boot(&mut self, boot: u32) {
        debug_assert!(self.queue.is_empty());
        self.next = Stamp { boot, ordinal: 0 };
    }

    /// Queues an operation. True if it is the first, so that its completion must be scheduled.
    pub(crate) fn issue(&mut self, op: OpId, what: DiskOp) -> bool {
        self.queue.push_back(Issued { op, what, stamp: self.next });
        self.next.ordinal += 1;
        self.queue.len() == 1
    }

    /// How long the first operation takes from now on, and bits to break ties with; none if there is no end in sight.
    #[inline]
    pub(crate) fn head_latency(&self) -> Option<(u64, u64)> {
        let head = self.queue.front().filter(|_| !self.weather.stalled)?;
        let bits = self.draw(head.stamp, 0, Field::Latency);
        Some((self.weather.latency_ns(&head.what, bits), bits))
    }

    /// Carries out the first operation. The bytes of a write are the disk's then, and no longer in it.
    pub(crate) fn complete(&mut self) -> Option<(Issued, Result<DiskReply, DiskError>)> {
        let mut head = self.queue.pop_front()?;
        let result = self.disk.execute_taking(&mut head.what, head.stamp);
        Some((head, result))
    }

    /// Ends the process's side: executes a drawn prefix of what was under way and forgets the rest.
    pub(crate) fn crash(&mut self) -> Crash {
        let mut crash = Crash { in_flight: self.queue.len() as u64, executed: 0 };
        while let Some(mut head) = self.queue.pop_front() {
            let draw = self.draw(head.stamp, 0, Field::ExecutedAtCrash);
            if draw & 1 == 0 {
                break;
            }
            if let DiskOp::WriteSync { file, offset, bytes } = &mut head.what
                && draw & 2 == 0
            {
                // It came as far as the page cache.
                let mut write = DiskOp::Write { file: file.clone(), offset: *offset, bytes: std::mem::take(bytes) };
                let _ = self.disk.execute_taking(&mut write, head.stamp);
                break;
            }
            // Nobody waits for the answer.
            let _ = self.disk.execute_taking(&mut head.what, head.stamp);
            crash.executed += 1;
        }
        self.queue.clear();
        crash
    }

    /// Takes the power away: what is not durable survives in part.
    pub(crate) fn lose_power(&mut self) -> PowerLoss {
        self.power_losses += 1;
        let style = mix(self.key, u64::from(self.next.boot), self.power_losses, 0, Field::PowerLossStyle as u64);
        let key = self.key;
        self.disk.lose_power(style, |stamp, sector, field| draw(key, stamp, sector, field))
    }

    fn draw(&self, stamp: Stamp, sector: u64, field: Field) -> u64 {
        draw(self.key, stamp, sector, field)
    }
}

#[inline]
fn draw(key: u64, stamp: Stamp, sector: u64, field: Field) -> u64 {
    mix(key, u64::from(stamp.boot), stamp.ordinal, sector, field as u64)
}
