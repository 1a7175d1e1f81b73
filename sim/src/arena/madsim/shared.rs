//! What the arena and everything that runs inside of it share: machines, alarms, links and the journal.
//!
//! A run has one thread, so no lock is ever waited for.
//!
//! Not here: who changes it ([`super::Madsim`]), what tasks see of it ([`super::env`]).

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;
use std::time::Duration;

use madsim::time::{Sleep, TimeHandle};
use tokio::sync::Notify;

use super::alarms::{Alarms, Bell};
use super::journal::{Entry, Journal};
use super::stream::Fuse;
use crate::clock::{Clock, RATE_PPM_TRUE};
use crate::disk::device::Device;
use crate::entropy::v1::between;

/// A machine's clock. Read several times per message, and so without a lock; a run has one thread.
struct SharedClock {
    world_ns: AtomicU64,
    local_ns: AtomicU64,
    rate_ppm: AtomicU32,
}

impl SharedClock {
    fn new() -> Self {
        Self { world_ns: AtomicU64::new(0), local_ns: AtomicU64::new(0), rate_ppm: AtomicU32::new(RATE_PPM_TRUE) }
    }

    fn load(&self) -> Clock {
        let (world_ns, local_ns) = (self.world_ns.load(Relaxed), self.local_ns.load(Relaxed));
        Clock::new(world_ns, local_ns, self.rate_ppm.load(Relaxed))
    }

    fn store(&self, clock: Clock) {
        let (world_ns, local_ns, rate_ppm) = clock.parts();
        self.world_ns.store(world_ns, Relaxed);
        self.local_ns.store(local_ns, Relaxed);
        self.rate_ppm.store(rate_ppm, Relaxed);
    }
}

/// A machine: a node's, or the one on which all clients live.
pub(super) struct Machine {
    pub(super) device: Device,
    /// Disk operations of this boot so far.
    pub(super) disk_ops: u64,
    /// Until when the disk is busy with what it has been given.
    pub(super) disk_busy_ns: u64,
    /// Whom to wake when the disk is stalled no longer.
    pub(super) disk_waker: Option<Waker>,
    /// Of the boot's random numbers.
    pub(super) entropy_key: u64,
    pub(super) entropy_draws: u64,
}

impl Machine {
    pub(super) fn new(device: Device) -> Self {
        Self { device, disk_ops: 0, disk_busy_ns: 0, disk_waker: None, entropy_key: 0, entropy_draws: 0 }
    }
}

/// Latency of a link that is slower than the rest, beyond that of the rest.
pub(super) type Extra = (u64, u64);

pub(super) struct Shared {
    time: TimeHandle,
    machines: Vec<Mutex<Machine>>,
    clocks: Vec<SharedClock>,
    alarms: Mutex<Alarms>,
    /// Told when an alarm was set that rings before all others.
    alarms_changed: Notify,
    journal: Mutex<Journal>,
    /// Told when something is in the journal that cannot wait.
    urgent: Notify,
    links: Mutex<Links>,
    /// Whether any link is slower than the rest.
    has_extra: AtomicBool,
}

#[derive(Default)]
struct Links {
    /// By sender and receiver.
    extra: BTreeMap<(usize, usize), Extra>,
    /// Both ends of every connection, by the machine at that end and the other.
    fuses: BTreeMap<(usize, usize), Vec<Weak<Fuse>>>,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn new(time: TimeHandle, machines: Vec<Machine>) -> Self {
        Self {
            time,
            clocks: machines.iter().map(|_| SharedClock::new()).collect(),
            machines: machines.into_iter().map(Mutex::new).collect(),
            alarms: Mutex::default(),
            alarms_changed: Notify::new(),
            journal: Mutex::default(),
            urgent: Notify::new(),
            links: Mutex::default(),
            has_extra: AtomicBool::new(false),
        }
    }

    /// Virtual nanoseconds since the start.
    pub(super) fn now_ns(&self) -> u64 {
        u64::try_from(self.time.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Sleeps until a time of the world: for what no machine's clock measures, and who sleeps to the end.
    pub(super) fn sleep_until(&self, at_ns: u64) -> Sleep {
        self.time.sleep(Duration::from_nanos(at_ns.saturating_sub(self.now_ns())))
    }

    pub(super) fn machine(&self, at: usize) -> MutexGuard<'_, Machine> {
        lock(&self.machines[at])
    }

    /// A machine's clock as it runs now.
    pub(super) fn clock(&self, machine: usize) -> Clock {
        self.clocks[machine].load()
    }

    /// Sets a machine's clock while nothing on it sleeps.
    pub(super) fn set_clock(&self, machine: usize, clock: Clock) {
        self.clocks[machine].store(clock);
    }

    /// Writes down what happened now.
    pub(super) fn write(&self, entry: Entry) {
        self.write_at(self.now_ns(), entry);
    }

    /// Writes down what happened now, for who knows what time it is.
    pub(super) fn write_at(&self, now_ns: u64, entry: Entry) {
        if lock(&self.journal).write(now_ns, entry) {
            self.urgent.notify_one();
        }
    }

    pub(super) fn journal(&self) -> MutexGuard<'_, Journal> {
        lock(&self.journal)
    }

    /// Waits until the run must look into the journal.
    pub(super) async fn until_urgent(&self) {
        while !self.journal().urgent() {
            self.urgent.notified().await;
        }
    }
}

/// Alarms.
impl Shared {
    pub(super) fn alarms(&self) -> MutexGuard<'_, Alarms> {
        lock(&self.alarms)
    }

    /// Sets an alarm for a time of the world.
    pub(super) fn set_alarm(&self, at_ns: u64, bell: Bell) -> super::alarms::AlarmId {
        let mut alarms = self.alarms();
        let earlier = alarms.next_ns().is_none_or(|next_ns| at_ns < next_ns);
        let id = alarms.set(at_ns, bell);
        if earlier {
            self.alarms_changed.notify_one();
        }
        id
    }

    /// Changes a machine's clock and with it all alarms on it.
    pub(super) fn change_clock(&self, machine: usize, change: impl FnOnce(&mut Clock, u64)) {
        let mut clock = self.clock(machine);
        change(&mut clock, self.now_ns());
        self.set_clock(machine, clock);
        self.alarms().clock_changed(machine, |local| clock.world(local));
        self.alarms_changed.notify_one();
    }

    /// Rings, for ever.
    pub(super) async fn keep_time(self: Arc<Self>) {
        loop {
            while let Some(bell) = { self.alarms().take_due(self.now_ns()) } {
                match bell {
                    Bell::Task { waker, .. } => waker.wake(),
                    Bell::Run { token } => self.write(Entry::Woken { token }),
                }
            }
            let next_ns = self.alarms().next_ns();
            let changed = self.alarms_changed.notified();
            match next_ns {
                None => changed.await,
                Some(next_ns) => {
                    tokio::select! {
                        biased;
                        () = changed => {}
                        () = self.sleep_until(next_ns) => {}
                    }
                }
            }
        }
    }
}

/// Links.
impl Shared {
    /// What a message from one machine to another needs beyond madsim's latency.
    pub(super) fn extra_latency_ns(&self, from: usize, to: usize, bits: impl FnOnce() -> u64) -> u64 {
        if !self.has_extra.load(Relaxed) {
            return 0;
        }
        lock(&self.links).extra.get(&(from, to)).map_or(0, |(low_ns, high_ns)| between(bits(), *low_ns, *high_ns))
    }

    /// Makes a link slower than the rest, or as the rest.
    pub(super) fn set_extra(&self, from: usize, to: usize, extra: Extra) {
        let extras = &mut lock(&self.links).extra;
        if extra == (0, 0) {
            extras.remove(&(from, to));
        } else {
            extras.insert((from, to), extra);
        }
        self.has_extra.store(!extras.is_empty(), Relaxed);
    }

    pub(super) fn add_fuse(&self, here: usize, there: usize, fuse: &Arc<Fuse>) {
        let fuses = &mut lock(&self.links).fuses;
        let of_pair = fuses.entry((here, there)).or_default();
        of_pair.retain(|fuse| fuse.strong_count() > 0);
        of_pair.push(Arc::downgrade(fuse));
    }

    /// Resets every connection between two machines; says how many ends they had.
    pub(super) fn reset(&self, one: usize, other: usize) -> u64 {
        let mut links = lock(&self.links);
        let mut ends = 0;
        for pair in [(one, other), (other, one)] {
            for fuse in links.fuses.remove(&pair).unwrap_or_default().iter().filter_map(Weak::upgrade) {
                fuse.blow();
                ends += 1;
            }
        }
        ends
    }
}
