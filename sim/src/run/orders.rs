//! What faults order: things to be done to the arena, and alarms to be called back by.
//!
//! Values only. Not here: who decides ([`super::faults`]), who carries them out (`storm.rs`).

use crate::disk::DiskFault;
use crate::plan::Network;
use crate::scenario::{Nanos, Range};
/// Something to be done to the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// End the process; the page cache survives.
    Kill(u64),
    /// Cut the power.
    PowerLoss(u64),
    /// Start the process again.
    Start(u64),
    /// Stop the process for a while.
    Pause(u64),
    /// Let it go on.
    Resume(u64),
    /// Cut a directed link once more.
    Cut {
        /// The sender.
        from: u64,
        /// The receiver.
        to: u64,
    },
    /// Take one cut of a directed link away.
    Mend {
        /// The sender.
        from: u64,
        /// The receiver.
        to: u64,
    },
    /// Reset the connections between two nodes.
    Reset {
        /// One end.
        one: u64,
        /// The other.
        other: u64,
    },
    /// Give a directed link this weather.
    LinkWeather {
        /// The sender.
        from: u64,
        /// The receiver.
        to: u64,
        /// The new weather.
        weather: Network,
    },
    /// Let the syncs of a disk take this long, or let nothing on it end.
    Disk {
        /// Whose disk.
        node: u64,
        /// How long.
        fsync: Range<Nanos>,
        /// Whether nothing ends.
        stalled: bool,
    },
    /// Let a clock run at this rate.
    ClockRate {
        /// Whose clock.
        node: u64,
        /// The rate; 1,000,000 is true time.
        rate_ppm: u32,
    },
    /// Let a clock jump forward.
    ClockJump {
        /// Whose clock.
        node: u64,
        /// How far.
        by_ns: u64,
    },
    /// Tell a node to campaign.
    Campaign(u64),
    /// Let something go wrong with a disk, as the fault with this place in the plan says, if the atlas allows it.
    Inflict {
        /// Whose disk.
        node: u64,
        /// The fault's place in the plan.
        fault: u32,
        /// What goes wrong.
        what: DiskFault,
        /// Whether the atlas has no say in it.
        outside_atlas: bool,
    },
    /// That is over.
    Relieve {
        /// Whose disk.
        node: u64,
        /// The fault's place in the plan.
        fault: u32,
    },
    /// Decide whether a crash that comes now finds the disk operation executed that is about to complete.
    DecideCrash {
        /// Whose.
        node: u64,
        /// Whether it is.
        executed: bool,
    },
}

/// A request to be called again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// When.
    pub at_ns: u64,
    /// What then.
    pub what: AlarmKind,
}

/// What an alarm is about; the number is the fault's place in the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlarmKind {
    /// The fault begins.
    Begin(u32),
    /// The fault ends.
    End(u32),
    /// A flapping cut changes over.
    Flap(u32),
}

/// What came of a call.
#[derive(Clone, Debug, Default)]
pub struct Orders {
    /// To be done now, in this order.
    pub actions: Vec<Action>,
    /// To be called back.
    pub alarms: Vec<Alarm>,
    /// A fault that took effect, by its place in the plan, and the nodes that it hit first.
    pub began: Vec<(u32, Vec<u64>)>,
}
