//! What a plan may ask of the place where it is run: the kinds of things that go wrong there, and of weather.
//!
//! Not every place can do all of it: a stream loses no single message, for example. Faults say what they ask for, marks
//! what they depend on. Not here: who can do what, which is said where it is done.

use std::collections::BTreeSet;

use super::fault::{Cut, What, When};
use super::schema::{Fault, Scenario};

/// Something that a plan may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Means {
    /// A process that dies and is started again.
    Kill,
    /// A machine that loses power, and what was not synced with it.
    PowerLoss,
    /// A process that stands still.
    Pause,
    /// A link that is cut in both directions.
    Cut,
    /// A link that is cut in one direction.
    OneWayCut,
    /// A connection that is reset.
    Reset,
    /// A latency of each link's own.
    Latency,
    /// Single messages that are lost.
    Loss,
    /// Messages that arrive twice.
    Duplication,
    /// Messages that overtake others.
    Reordering,
    /// A latency of each disk's own.
    DiskLatency,
    /// A disk on which nothing ends for a while.
    DiskStall,
    /// Disk operations that fail.
    DiskErrors,
    /// A disk without room.
    FullDisk,
    /// A disk whose syncs lie.
    LyingFsync,
    /// Bits that flip on a disk.
    BitRot,
    /// Disk operations that go astray.
    Misdirection,
    /// A disk that loses all its files.
    Wipe,
    /// A disk that completes operations in another order.
    DiskReordering,
    /// Single disk operations as triggers.
    DiskOps,
    /// A clock that starts ahead of others.
    ClockOffset,
    /// A clock that runs at a rate of its own.
    ClockRate,
    /// A clock that jumps.
    ClockJump,
    /// An operator who tells nodes to campaign.
    Campaign,
}

impl Means {
    /// All of them.
    pub const ALL: [Self; 24] = [
        Self::Kill,
        Self::PowerLoss,
        Self::Pause,
        Self::Cut,
        Self::OneWayCut,
        Self::Reset,
        Self::Latency,
        Self::Loss,
        Self::Duplication,
        Self::Reordering,
        Self::DiskLatency,
        Self::DiskStall,
        Self::DiskErrors,
        Self::FullDisk,
        Self::LyingFsync,
        Self::BitRot,
        Self::Misdirection,
        Self::Wipe,
        Self::DiskReordering,
        Self::DiskOps,
        Self::ClockOffset,
        Self::ClockRate,
        Self::ClockJump,
        Self::Campaign,
    ];

    /// Its name in summaries; that of the kind of fault, where there is one that asks for nothing else.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::PowerLoss => "power_loss",
            Self::Pause => "pause",
            Self::Cut => "cut",
            Self::OneWayCut => "one_way",
            Self::Reset => "reset",
            Self::Latency => "latency",
            Self::Loss => "loss",
            Self::Duplication => "duplication",
            Self::Reordering => "reordering",
            Self::DiskLatency => "slow_fsync",
            Self::DiskStall => "stall_disk",
            Self::DiskErrors => "disk_errors",
            Self::FullDisk => "full_disk",
            Self::LyingFsync => "lying_fsync",
            Self::BitRot => "bit_rot",
            Self::Misdirection => "misdirect",
            Self::Wipe => "wipe_disk",
            Self::DiskReordering => "reorder_disk",
            Self::DiskOps => "disk_op",
            Self::ClockOffset => "clock_offset",
            Self::ClockRate => "clock_rate",
            Self::ClockJump => "clock_jump",
            Self::Campaign => "campaign",
        }
    }
}

impl What {
    /// What it asks for, one thing at least. It takes effect where any of it can be done.
    #[must_use]
    pub fn asks_for(&self) -> Vec<Means> {
        match self {
            Self::Kill(_) => vec![Means::Kill],
            Self::PowerLoss(_) => vec![Means::PowerLoss],
            Self::Pause(_) => vec![Means::Pause],
            Self::Cut(Cut::OneWay { .. }) | Self::Flap { cut: Cut::OneWay { .. }, .. } => vec![Means::OneWayCut],
            Self::Cut(_) | Self::Flap { .. } => vec![Means::Cut],
            Self::Link { latency, loss_ppm, duplicate_ppm, reorder_ppm, .. } => [
                (latency.is_some(), Means::Latency),
                (loss_ppm.is_some(), Means::Loss),
                (duplicate_ppm.is_some(), Means::Duplication),
                (reorder_ppm.is_some(), Means::Reordering),
            ]
            .into_iter()
            .filter_map(|(asked, means)| asked.then_some(means))
            .collect(),
            Self::Reset { .. } => vec![Means::Reset],
            Self::SlowFsync { .. } => vec![Means::DiskLatency],
            Self::StallDisk(_) => vec![Means::DiskStall],
            Self::DiskErrors { .. } => vec![Means::DiskErrors],
            Self::FullDisk { .. } => vec![Means::FullDisk],
            Self::LyingFsync(_) => vec![Means::LyingFsync],
            Self::BitRot { .. } => vec![Means::BitRot],
            Self::Misdirect { .. } => vec![Means::Misdirection],
            Self::WipeDisk(_) => vec![Means::Wipe],
            Self::ReorderDisk(_) => vec![Means::DiskReordering],
            Self::ClockRate { .. } => vec![Means::ClockRate],
            Self::ClockJump { .. } => vec![Means::ClockJump],
            Self::Campaign(_) => vec![Means::Campaign],
        }
    }
}

impl Scenario {
    /// What goes wrong in it: what its faults ask for, its network and its clocks.
    #[must_use]
    pub fn asks_for(&self) -> BTreeSet<Means> {
        self.asks_where(&[])
    }

    /// The same where some of it can never be: a fault whose trigger is impossible asks for nothing else.
    #[must_use]
    pub fn asks_where(&self, cannot: &[Means]) -> BTreeSet<Means> {
        let network = &self.network;
        let weather = [
            (network.loss_ppm.high > 0, Means::Loss),
            (network.duplicate_ppm.high > 0, Means::Duplication),
            (network.reorder_ppm.high > 0, Means::Reordering),
            (!self.clocks.is_empty(), Means::ClockRate),
            (self.faults.iter().any(|fault| matches!(fault.when, When::DiskOp { .. })), Means::DiskOps),
        ];
        let weather = weather.into_iter().filter_map(|(asked, means)| asked.then_some(means));
        let begins = |fault: &&Fault| !matches!(fault.when, When::DiskOp { .. }) || !cannot.contains(&Means::DiskOps);
        self.faults.iter().filter(begins).flat_map(|fault| fault.what.asks_for()).chain(weather).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Mark, bundled};

    #[test]
    fn names_differ_and_those_of_kinds_of_faults_mean_these() {
        let mut names: Vec<_> = Means::ALL.iter().map(|means| means.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Means::ALL.len());
        assert!(Mark::ALL.iter().all(|mark| !names.contains(&mark.name()) && !What::KINDS.contains(&mark.name())));
        let scenarios: Vec<Scenario> = bundled().iter().map(|source| source.scenario().expect("a valid scenario")).collect();
        for what in scenarios.iter().flat_map(|scenario| &scenario.faults).map(|fault| &fault.what) {
            let asked = what.asks_for();
            assert!(!asked.is_empty(), "{what:?}");
            if names.contains(&what.kind()) {
                assert_eq!(asked.iter().map(|means| means.name()).collect::<Vec<_>>(), [what.kind()]);
            }
        }
    }

    /// Each thing that only a fault or a weather can bring about is judged only where there is that.
    #[test]
    fn marks_of_bundled_scenarios_need_what_their_faults_and_weather_ask_for() {
        for source in bundled() {
            let scenario = source.scenario().expect("a valid scenario");
            let mut asked = scenario.asks_for();
            asked.insert(Means::DiskLatency);
            for mark in &scenario.sometimes {
                let needs = mark.needs();
                assert!(needs.is_empty() || needs.iter().any(|need| asked.contains(need)), "{}: {mark} {asked:?}", source.name);
            }
        }
    }
}
