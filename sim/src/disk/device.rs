//! The device: one operation after the other, each with a drawn latency, and what a crash does to those under way.
//!
//! An operation takes effect at the instant at which it completes. A crash therefore has to decide
//! about those that were under way: a drawn prefix of them was executed, though nobody heard of it. Where the device
//! reorders, it is a drawn set instead, with all that its members depend on (`order`).
//!
//! Not here: what operations do ([`super::Disk`]), what goes wrong with them (`fault`).

use std::collections::VecDeque;

use squall_raft::process::{DiskError, DiskOp, DiskReply, OpId};

use super::fault::{Dealt, DiskFault, InForce, Touch};
use super::order::depends;
use super::power::PowerLoss;
use super::{Disk, Stamp};
use crate::entropy::v1::{between, chance_ppm, mix};

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
    Slow = 7,
    SlowLatency = 8,
    Order = 9,
    Garbage = 10,
    FailedWrite = 11,
    SyncFailed = 12,
    Reverts = 13,
    Rot = 14,
    AstrayTo = 15,
    AstrayFrom = 16,
    LiesKept = 17,
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
    /// In how many of a million cases an operation takes another time than that: [`Self::slow_min_ns`] and on.
    pub slow_ppm: u32,
    /// Shortest and longest time of an operation that is slow.
    pub slow_min_ns: u64,
    /// See [`Self::slow_min_ns`].
    pub slow_max_ns: u64,
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
            slow_ppm: 0,
            slow_min_ns: 0,
            slow_max_ns: 0,
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
    /// So many of them were executed all the same: the first ones, unless the device reorders.
    pub executed: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Issued {
    pub(crate) op: OpId,
    pub(crate) what: DiskOp,
    pub(super) stamp: Stamp,
}

/// An operation that is done.
#[derive(Debug)]
pub(crate) struct Completed {
    pub(crate) issued: Issued,
    pub(crate) result: Result<DiskReply, DiskError>,
    /// What went wrong with it, if anything did.
    pub(crate) touch: Option<Touch>,
}

#[derive(Clone, Debug)]
pub(crate) struct Device {
    key: u64,
    weather: DiskWeather,
    disk: Disk,
    faults: InForce,
    queue: VecDeque<Issued>,
    /// Which of the queue it works on.
    serving: usize,
    /// Of the next operation.
    next: Stamp,
    /// How many operations of this boot are done.
    done: u64,
    /// Before which one somebody wants to be asked.
    break_before: Option<u64>,
    /// Whether a crash that comes now finds the operation that it works on executed; drawn if nobody says.
    executed_at_crash: Option<bool>,
    power_losses: u64,
}

impl Device {
    pub(crate) fn new(key: u64, weather: DiskWeather) -> Self {
        Self {
            key,
            weather,
            disk: Disk::default(),
            faults: InForce::default(),
            queue: VecDeque::new(),
            serving: 0,
            next: Stamp::default(),
            done: 0,
            break_before: None,
            executed_at_crash: None,
            power_losses: 0,
        }
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
        (self.done, self.break_before, self.executed_at_crash) = (0, None, None);
    }

    /// A fault begins, or happens at once.
    pub(crate) fn inflict(&mut self, id: u32, fault: DiskFault) -> Dealt {
        match fault {
            DiskFault::Rot { .. } | DiskFault::Wipe => self.disk.befall(self.key, fault),
            _ => {
                self.faults.begin(id, fault);
                self.limit();
                Dealt::Done
            }
        }
    }

    /// A fault that lasts is over. False if there is none of this number.
    pub(crate) fn relieve(&mut self, id: u32) -> bool {
        let ended = self.faults.end(id);
        self.limit();
        ended
    }

    fn limit(&mut self) {
        self.disk.limit(self.faults.free_bytes());
    }

    /// Asks to be told before the operation with this number of the present boot completes; the first is 1.
    pub(crate) fn break_before(&mut self, nth: Option<u64>) {
        self.break_before = nth.filter(|nth| *nth > self.done);
    }

    /// The number of the operation that is about to complete, if somebody wants to be told: once.
    #[inline]
    pub(crate) fn take_break(&mut self) -> Option<u64> {
        self.break_before.take_if(|nth| *nth == self.done + 1)
    }

    /// Decides whether a crash that comes next finds the operation that it works on executed.
    pub(crate) fn decide_crash(&mut self, executed: bool) {
        self.executed_at_crash = Some(executed);
    }

    /// Queues an operation. True if it is the first, so that its completion must be scheduled.
    pub(crate) fn issue(&mut self, op: OpId, what: DiskOp) -> bool {
        // Made where it will lie (see `Effects::push_with`).
        self.queue.extend(std::iter::once_with(|| Issued { op, what, stamp: self.next }));
        self.next.ordinal += 1;
        self.queue.len() == 1
    }

    /// How long the operation that it works on takes from now on, and bits to break ties with; none if there is no end
    /// in sight.
    #[inline]
    pub(crate) fn head_latency(&self) -> Option<(u64, u64)> {
        let head = self.queue.get(self.serving).filter(|_| !self.weather.stalled)?;
        let bits = self.draw(head.stamp, 0, Field::Latency);
        if self.weather.slow_ppm > 0 && chance_ppm(self.draw(head.stamp, 0, Field::Slow), self.weather.slow_ppm) {
            let slow = self.draw(head.stamp, 0, Field::SlowLatency);
            return Some((between(slow, self.weather.slow_min_ns, self.weather.slow_max_ns), bits));
        }
        Some((self.weather.latency_ns(&head.what, bits), bits))
    }

    /// Carries out the operation that it works on. The bytes of a write are the disk's then, and no longer in it.
    #[inline(always)] // One caller, which takes the parts.
    pub(crate) fn complete(&mut self) -> Option<Completed> {
        let at = std::mem::take(&mut self.serving);
        let mut issued = if at == 0 { self.queue.pop_front() } else { self.queue.remove(at) }?;
        self.done += 1;
        self.executed_at_crash = None;
        if self.faults.is_calm() {
            let result = self.disk.execute_taking(&mut issued.what, issued.stamp);
            return Some(Completed { issued, result, touch: None });
        }
        let (result, touch) = self.execute(&mut issued);
        self.serving = self.pick();
        Some(Completed { issued, result, touch: touch.or((at > 0).then_some(Touch::OutOfOrder)) })
    }

    fn execute(&mut self, issued: &mut Issued) -> (Result<DiskReply, DiskError>, Option<Touch>) {
        let key = self.key;
        self.disk.suffer(issued, &mut self.faults, &|stamp, sector, field| draw(key, stamp, sector, field))
    }

    /// What it works on next: the first, or any that depends on none before it.
    fn pick(&self) -> usize {
        if self.queue.len() < 2 || !self.faults.reorders() {
            return 0;
        }
        let is_free = |at: &usize| !self.queue.range(..*at).any(|earlier| depends(&self.queue[*at].what, &earlier.what));
        let rank = |at: &usize| self.draw(self.queue[*at].stamp, 0, Field::Order);
        (0..self.queue.len()).filter(is_free).min_by_key(rank).unwrap_or(0)
    }

    /// Ends the process's side: executes a drawn prefix of what was under way and forgets the rest.
    pub(crate) fn crash(&mut self) -> Crash {
        let mut crash = Crash { in_flight: self.queue.len() as u64, executed: 0 };
        let (reorders, serving) = (self.faults.reorders(), std::mem::take(&mut self.serving));
        let decided = self.executed_at_crash.take();
        let mut left_out: Vec<DiskOp> = Vec::new();
        for (at, mut issued) in std::mem::take(&mut self.queue).into_iter().enumerate() {
            if left_out.iter().any(|earlier| depends(&issued.what, earlier)) {
                left_out.push(issued.what);
                continue;
            }
            let bits = self.draw(issued.stamp, 0, Field::ExecutedAtCrash);
            let decided = decided.filter(|_| at == serving);
            let is_executed = decided.unwrap_or(bits & 1 == 1);
            if let DiskOp::WriteSync { file, offset, bytes } = &mut issued.what
                && is_executed
                && decided.is_none()
                && bits & 2 == 0
            {
                // It came as far as the page cache.
                let (file, bytes) = (file.clone(), std::mem::take(bytes));
                let mut write = DiskOp::Write { file: file.clone(), offset: *offset, bytes };
                let _ = self.disk.execute_taking(&mut write, issued.stamp);
                left_out.push(DiskOp::Sync { file });
            } else if is_executed {
                // Nobody waits for the answer.
                let _ = self.execute(&mut issued);
                crash.executed += 1;
            } else {
                left_out.push(issued.what);
            }
            if !left_out.is_empty() && !reorders {
                break;
            }
        }
        crash
    }

    /// Takes the power away: what is not durable survives in part.
    pub(crate) fn lose_power(&mut self) -> PowerLoss {
        self.power_losses += 1;
        let style = mix(self.key, u64::from(self.next.boot), self.power_losses, 0, Field::PowerLossStyle as u64);
        let key = self.key;
        self.disk.lose_power(style, &|stamp, sector, field| draw(key, stamp, sector, field))
    }

    fn draw(&self, stamp: Stamp, sector: u64, field: Field) -> u64 {
        draw(self.key, stamp, sector, field)
    }
}

#[inline]
fn draw(key: u64, stamp: Stamp, sector: u64, field: Field) -> u64 {
    mix(key, u64::from(stamp.boot), stamp.ordinal, sector, field as u64)
}
