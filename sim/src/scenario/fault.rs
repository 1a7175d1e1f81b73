//! The vocabulary of faults: what happens, when, and to whom. Scenarios and plans share it.
//!
//! Not here: how a target is resolved or a fault takes effect; that is the world's business.
//! Read next: [`super::schema`], where faults stand.

use serde::{Deserialize, Serialize};

use super::nanos::Nanos;
use super::range::{Range, given};

/// To whom something happens. Roles are resolved when the fault fires, drawn among the nodes that fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// The node with this number; the first is 1.
    Node(u64),
    /// The leader of the highest term.
    Leader,
    /// A node that campaigns or asks whether it could, drawn.
    Candidate,
    /// A node that follows, drawn.
    Follower,
    /// Any node that is up, drawn.
    Any,
    /// All nodes.
    All,
    /// All nodes but the other end; only as an end of `OneWay`, `Link` and `Reset`.
    Others,
    /// The node at which the trigger fired; only where the trigger is `On` or `DiskOp`.
    Met,
    /// A node that the inner target does not mean, drawn.
    Not(Box<Target>),
}

/// A kind of disk operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename = "Operation")]
pub enum OpKind {
    /// Writes.
    Write,
    /// Syncs, those of the folder and of a write that syncs among them.
    Sync,
    /// Reads and listings.
    Read,
    /// Creations, renames, removals, truncations and allocations.
    Meta,
}

/// How a disk operation fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "Error")]
pub enum DiskFailure {
    /// The device failed.
    #[default]
    Io,
    /// The device is full.
    NoSpace,
}

/// What a trigger waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Event {
    /// The node's log grew by an entry that is not durable yet.
    Append,
    /// The node's commit index rose.
    Commit,
    /// The node applied an entry.
    Apply,
    /// The node became leader.
    BecomeLeader,
    /// The node began to ask for pre-votes.
    BecomePreCandidate,
    /// The node began to campaign.
    BecomeCandidate,
    /// The node became follower.
    BecomeFollower,
    /// The node decided a vote, its own as a candidate included.
    Vote,
    /// The node removed its log's tail.
    Truncate,
    /// A sync of the node's disk was done.
    Sync,
    /// The node has read its disk after a start.
    Recovered,
    /// The node adopted a higher term.
    TermAdopted,
}

impl Event {
    /// Every event.
    pub const ALL: [Self; 12] = [
        Self::Append,
        Self::Commit,
        Self::Apply,
        Self::BecomeLeader,
        Self::BecomePreCandidate,
        Self::BecomeCandidate,
        Self::BecomeFollower,
        Self::Vote,
        Self::Truncate,
        Self::Sync,
        Self::Recovered,
        Self::TermAdopted,
    ];
}

/// What of the network is cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Cut {
    /// Every link of the target, in both directions.
    Isolate(Target),
    /// The target and drawn companions on one side, the rest on the other.
    Split {
        /// Who is on the first side.
        with: Target,
        /// How many nodes are on that side, the target included.
        size: Range<u64>,
    },
    /// No link between different groups. A node in no group keeps all its links, and so bridges them.
    Groups(Vec<Vec<u64>>),
    /// Messages in one direction only.
    OneWay {
        /// The senders.
        from: Target,
        /// The receivers.
        to: Target,
    },
}

/// What happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum What {
    /// The process dies and is started again at the end; what it wrote survives in the page cache.
    Kill(Target),
    /// The machine loses power: of what was written but not synced, a drawn part survives.
    PowerLoss(Target),
    /// The process stands still while its clock runs on.
    Pause(Target),
    /// Links are cut.
    Cut(Cut),
    /// Links are cut and restored again and again; whom it meets is resolved once.
    Flap {
        /// What is cut.
        cut: Cut,
        /// How long each cut lasts; each draws anew.
        down: Range<Nanos>,
        /// How long the links work in between; each time draws anew.
        up: Range<Nanos>,
    },
    /// Links get other weather. What is left out stays as it is.
    Link {
        /// The senders.
        from: Target,
        /// The receivers.
        to: Target,
        /// Latency of each message.
        #[serde(default, skip_serializing_if = "Option::is_none", with = "given")]
        latency: Option<Range<Nanos>>,
        /// Lost messages of a million.
        #[serde(default, skip_serializing_if = "Option::is_none", with = "given")]
        loss_ppm: Option<Range<u32>>,
        /// Duplicated messages of a million.
        #[serde(default, skip_serializing_if = "Option::is_none", with = "given")]
        duplicate_ppm: Option<Range<u32>>,
        /// Messages of a million that are held back so that later ones overtake them.
        #[serde(default, skip_serializing_if = "Option::is_none", with = "given")]
        reorder_ppm: Option<Range<u32>>,
    },
    /// The connections between the two ends are reset, once: what is under way on them, in both directions, is lost.
    Reset {
        /// One end.
        from: Target,
        /// The other.
        to: Target,
    },
    /// Syncs of a disk take this long.
    SlowFsync {
        /// Whose disk.
        who: Target,
        /// Latency of each sync.
        fsync: Range<Nanos>,
    },
    /// Nothing that a disk was given ends, and it ends when this does.
    StallDisk(Target),
    /// Disk operations fail. A write that fails may be in the page cache in part; what a sync that fails was to make durable
    /// is marked clean, so that no later sync makes it durable.
    DiskErrors {
        /// Whose disk.
        who: Target,
        /// Which operations; all if nothing is said.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        on: Vec<OpKind>,
        /// With what.
        #[serde(default)]
        error: DiskFailure,
        /// How many of them; all while it lasts, if nothing is said.
        #[serde(default, skip_serializing_if = "Option::is_none", with = "given")]
        times: Option<Range<u64>>,
    },
    /// A disk has no more room than this.
    FullDisk {
        /// Whose disk.
        who: Target,
        /// By how many bytes its files may still grow.
        free: Range<u64>,
    },
    /// Syncs of a disk answer that all is durable, and nothing is.
    LyingFsync(Target),
    /// Bits of what is on a disk flip, once.
    BitRot {
        /// Whose disk.
        who: Target,
        /// How many bits.
        bits: Range<u64>,
        /// In which part of each file's data.
        #[serde(default = "whole")]
        within_ppm: Range<u32>,
    },
    /// Operations of a disk hit another place of a file, or another file.
    Misdirect {
        /// Whose disk.
        who: Target,
        /// So many reads.
        #[serde(default)]
        reads: Range<u64>,
        /// So many writes.
        #[serde(default)]
        writes: Range<u64>,
    },
    /// The machine loses power and all its files. At the end it is started again, and has to notice.
    WipeDisk(Target),
    /// A disk completes what does not depend on each other in any order.
    ReorderDisk(Target),
    /// A clock runs at another rate.
    ClockRate {
        /// Whose clock.
        who: Target,
        /// Its rate; 1,000,000 is true time.
        rate_ppm: Range<u32>,
    },
    /// A clock jumps forward, once.
    ClockJump {
        /// Whose clock.
        who: Target,
        /// How far.
        by: Range<Nanos>,
    },
    /// An operator tells the node to campaign, once.
    Campaign(Target),
}

impl What {
    /// The names of all kinds, as [`Self::kind`] gives them.
    pub const KINDS: [&'static str; 22] = [
        "kill",
        "power_loss",
        "pause",
        "isolate",
        "split",
        "groups",
        "one_way",
        "flap",
        "link",
        "reset",
        "slow_fsync",
        "stall_disk",
        "disk_errors",
        "full_disk",
        "lying_fsync",
        "bit_rot",
        "misdirect",
        "wipe_disk",
        "reorder_disk",
        "clock_rate",
        "clock_jump",
        "campaign",
    ];

    /// The stable name of its kind: a swarm switches kinds off as a whole, and summaries count by kind.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Kill(_) => "kill",
            Self::PowerLoss(_) => "power_loss",
            Self::Pause(_) => "pause",
            Self::Cut(Cut::Isolate(_)) => "isolate",
            Self::Cut(Cut::Split { .. }) => "split",
            Self::Cut(Cut::Groups(_)) => "groups",
            Self::Cut(Cut::OneWay { .. }) => "one_way",
            Self::Flap { .. } => "flap",
            Self::Link { .. } => "link",
            Self::Reset { .. } => "reset",
            Self::SlowFsync { .. } => "slow_fsync",
            Self::StallDisk(_) => "stall_disk",
            Self::DiskErrors { .. } => "disk_errors",
            Self::FullDisk { .. } => "full_disk",
            Self::LyingFsync(_) => "lying_fsync",
            Self::BitRot { .. } => "bit_rot",
            Self::Misdirect { .. } => "misdirect",
            Self::WipeDisk(_) => "wipe_disk",
            Self::ReorderDisk(_) => "reorder_disk",
            Self::ClockRate { .. } => "clock_rate",
            Self::ClockJump { .. } => "clock_jump",
            Self::Campaign(_) => "campaign",
        }
    }

    /// Whether it is over at once, so that it has no end to give.
    #[must_use]
    pub const fn is_instant(&self) -> bool {
        matches!(self, Self::ClockJump { .. } | Self::Reset { .. } | Self::Campaign(_) | Self::BitRot { .. })
    }

    /// Whether it may cost what no log can do without, so that the atlas has a say in it.
    #[must_use]
    pub const fn is_in_atlas(&self) -> bool {
        matches!(
            self,
            Self::DiskErrors { .. } | Self::LyingFsync(_) | Self::BitRot { .. } | Self::Misdirect { .. } | Self::WipeDisk(_)
        )
    }

    /// Whose disk goes wrong, if that is what happens.
    #[must_use]
    pub const fn disk_of(&self) -> Option<&Target> {
        match self {
            Self::DiskErrors { who, .. }
            | Self::FullDisk { who, .. }
            | Self::LyingFsync(who)
            | Self::BitRot { who, .. }
            | Self::Misdirect { who, .. }
            | Self::WipeDisk(who)
            | Self::ReorderDisk(who) => Some(who),
            _ => None,
        }
    }

    /// The same with this node in the place of [`Target::Met`].
    #[must_use]
    pub fn met(&self, node: u64) -> Self {
        let mut what = self.clone();
        for target in what.targets_mut() {
            let inner = if let Target::Not(inner) = target { inner } else { target };
            if *inner == Target::Met {
                *inner = Target::Node(node);
            }
        }
        what
    }

    fn targets_mut(&mut self) -> Vec<&mut Target> {
        match self {
            Self::Kill(who)
            | Self::PowerLoss(who)
            | Self::Pause(who)
            | Self::StallDisk(who)
            | Self::Campaign(who)
            | Self::LyingFsync(who)
            | Self::WipeDisk(who)
            | Self::ReorderDisk(who)
            | Self::SlowFsync { who, .. }
            | Self::DiskErrors { who, .. }
            | Self::FullDisk { who, .. }
            | Self::BitRot { who, .. }
            | Self::Misdirect { who, .. }
            | Self::ClockRate { who, .. }
            | Self::ClockJump { who, .. } => vec![who],
            Self::Cut(cut) | Self::Flap { cut, .. } => match cut {
                Cut::Isolate(who) | Cut::Split { with: who, .. } => vec![who],
                Cut::OneWay { from, to } => vec![from, to],
                Cut::Groups(_) => Vec::new(),
            },
            Self::Link { from, to, .. } | Self::Reset { from, to } => vec![from, to],
        }
    }
}

/// When a fault begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum When {
    /// At this time of the safety phase.
    At(Nanos),
    /// At a time that is drawn between the two.
    Between(Nanos, Nanos),
    /// When something happened often enough.
    On {
        /// What is counted.
        event: Event,
        /// At whom, by the role at that moment.
        #[serde(default = "anyone")]
        who: Target,
        /// The fault begins at the `nth` time, counted over all nodes that fit.
        #[serde(default = "once")]
        nth: Range<u64>,
        /// Counting starts at this time of the safety phase.
        #[serde(default)]
        after: Nanos,
        /// This much later.
        #[serde(default)]
        plus: Range<Nanos>,
        /// How often it begins: each time another `nth` events later.
        #[serde(default = "one")]
        times: u64,
    },
    /// Right before a disk operation completes: what the fault does comes before the process hears of it.
    DiskOp {
        /// Whose, by the role at that moment.
        #[serde(default = "anyone")]
        who: Target,
        /// The fault begins at the `nth` operation of a boot.
        nth: Range<u64>,
        /// Operations before this time of the safety phase do not count.
        #[serde(default)]
        after: Nanos,
        /// Whether the operation is carried out if the fault ends the process; drawn if nothing is said.
        #[serde(default, skip_serializing_if = "Option::is_none", with = "given")]
        executed: Option<bool>,
        /// How often it begins; each time draws its `nth`.
        #[serde(default = "one")]
        times: u64,
    },
}

const fn whole() -> Range<u32> {
    Range { low: 0, high: 1_000_000 }
}

const fn anyone() -> Target {
    Target::Any
}

const fn once() -> Range<u64> {
    Range::fixed(1)
}

const fn one() -> u64 {
    1
}
