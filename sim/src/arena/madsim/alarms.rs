//! Alarms on clocks that run wrong: what the driver's sleeping tasks and the run's own wake-ups wait for.
//!
//! All of them share one of madsim's timers. Its own sleeps add a timer at each poll and keep it when they are
//! dropped, know one clock for all nodes, and cannot be moved when a clock changes its rate; these can.
//! What it insists on stays: no alarm that is set less than 1 ms ahead rings earlier than that.
//!
//! Not here: what the clocks show ([`crate::clock`]).

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::task::Waker;

use squall_raft::types::LocalTime;

/// Names an alarm: its place, and a number that no other alarm has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AlarmId {
    at: usize,
    serial: u64,
}

/// What rings.
#[derive(Debug)]
pub(super) enum Bell {
    /// A task sleeps until a machine's clock shows this.
    Task {
        /// Position of the machine.
        machine: usize,
        /// What its clock must show.
        local: LocalTime,
        /// The task.
        waker: Waker,
    },
    /// The run wants to know.
    Run {
        /// Its token.
        token: u64,
    },
}

struct Alarm {
    serial: u64,
    bell: Bell,
}

/// Every alarm that has not rung.
#[derive(Default)]
pub(super) struct Alarms {
    slots: Vec<Option<Alarm>>,
    free: Vec<usize>,
    serial: u64,
    /// When, in the order of their setting, which. What was taken back or moved is left behind and ignored.
    queue: BinaryHeap<Reverse<(u64, u64, usize)>>,
}

impl Alarms {
    /// Sets an alarm for a time of the world.
    pub(super) fn set(&mut self, at_ns: u64, bell: Bell) -> AlarmId {
        let at = self.free.pop().unwrap_or(self.slots.len());
        if at == self.slots.len() {
            self.slots.push(None);
        }
        self.serial += 1;
        self.slots[at] = Some(Alarm { serial: self.serial, bell });
        self.queue.push(Reverse((at_ns, self.serial, at)));
        AlarmId { at, serial: self.serial }
    }

    /// Wakes another task, or the same one by another name. False if it has rung.
    pub(super) fn rewake(&mut self, id: AlarmId, with: &Waker) -> bool {
        match self.get_mut(id) {
            Some(Alarm { bell: Bell::Task { waker, .. }, .. }) => {
                waker.clone_from(with);
                true
            }
            _ => false,
        }
    }

    /// Takes an alarm back.
    pub(super) fn cancel(&mut self, id: AlarmId) {
        if self.get_mut(id).is_some() {
            self.slots[id.at] = None;
            self.free.push(id.at);
        }
    }

    fn get_mut(&mut self, id: AlarmId) -> Option<&mut Alarm> {
        self.slots.get_mut(id.at)?.as_mut().filter(|alarm| alarm.serial == id.serial)
    }

    /// When the next one is due.
    pub(super) fn next_ns(&mut self) -> Option<u64> {
        while let Some(Reverse((at_ns, serial, at))) = self.queue.peek().copied() {
            if self.slots[at].as_ref().is_some_and(|alarm| alarm.serial == serial) {
                return Some(at_ns);
            }
            self.queue.pop();
        }
        None
    }

    /// Takes the next one if it is due.
    pub(super) fn take_due(&mut self, now_ns: u64) -> Option<Bell> {
        if self.next_ns()? > now_ns {
            return None;
        }
        let Reverse((_, _, at)) = self.queue.pop()?;
        self.free.push(at);
        self.slots[at].take().map(|alarm| alarm.bell)
    }

    /// Moves every alarm of a machine whose clock has changed. `world` says when it shows a time now.
    /// Each keeps its name: whoever waits does not notice.
    pub(super) fn clock_changed(&mut self, machine: usize, world: impl Fn(LocalTime) -> u64) {
        for (at, slot) in self.slots.iter().enumerate() {
            if let Some(Alarm { serial, bell: Bell::Task { machine: of, local, .. } }) = slot
                && *of == machine
            {
                // The old place in the queue rings too, perhaps earlier: sleepers look at their clock.
                self.queue.push(Reverse((world(*local), *serial, at)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(machine: usize, local: u64) -> Bell {
        Bell::Task { machine, local: LocalTime(local), waker: Waker::noop().clone() }
    }

    #[test]
    fn they_ring_in_order_and_only_when_due() {
        let mut alarms = Alarms::default();
        alarms.set(30, Bell::Run { token: 3 });
        alarms.set(10, Bell::Run { token: 1 });
        alarms.set(10, Bell::Run { token: 2 });
        assert!(alarms.take_due(9).is_none());
        let rung: Vec<u64> = std::iter::from_fn(|| match alarms.take_due(29)? {
            Bell::Run { token } => Some(token),
            Bell::Task { .. } => None,
        })
        .collect();
        assert_eq!(rung, [1, 2]);
        assert_eq!(alarms.next_ns(), Some(30));
    }

    #[test]
    fn what_was_taken_back_does_not_ring_and_its_place_is_used_again() {
        let mut alarms = Alarms::default();
        let first = alarms.set(10, task(0, 10));
        alarms.cancel(first);
        assert_eq!(alarms.next_ns(), None);
        let second = alarms.set(20, task(0, 20));
        alarms.cancel(first);
        assert_eq!(alarms.next_ns(), Some(20), "an old name does not take back a new alarm");
        assert!(!alarms.rewake(first, Waker::noop()) && alarms.rewake(second, Waker::noop()));
        assert_eq!(alarms.slots.len(), 1);
    }

    #[test]
    fn a_clock_that_runs_faster_rings_earlier() {
        let mut alarms = Alarms::default();
        alarms.set(100, task(0, 100));
        alarms.set(100, task(1, 100));
        alarms.clock_changed(1, |local| local.0 / 2);
        assert_eq!(alarms.next_ns(), Some(50));
        assert!(matches!(alarms.take_due(50), Some(Bell::Task { machine: 1, .. })));
        assert_eq!(alarms.next_ns(), Some(100));
        assert!(matches!(alarms.take_due(100), Some(Bell::Task { machine: 0, .. })));
        assert_eq!(alarms.next_ns(), None);
    }
}
