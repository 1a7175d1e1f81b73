//! Bugs of real systems, planted to measure what the simulator and the checkers are worth.
//!
//! Compiled only with the feature `mutants`. At most one is active in a node, chosen at
//! run time, so one build hunts them all. The catalogue is `sim/bugs/README.md`.

/// A planted bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bug {
    /// Votes are counted, not collected: a duplicated grant counts twice.
    E05,
    /// *Up-to-date* compares the last index and forgets the term.
    E09,
    /// Entries of earlier terms are committed by counting replicas.
    L01,
    /// A follower commits up to its last index instead of what the append covered.
    L02,
    /// Reads are served without confirming the leadership.
    R01,
    /// The log is synced only when term or vote changed.
    D02,
    /// Followers campaign in term 0 only: the first election is the last.
    Z01,
}

impl Bug {
    /// All of them, in the order of the catalogue.
    pub const ALL: [Self; 7] = [Self::E05, Self::E09, Self::L01, Self::L02, Self::R01, Self::D02, Self::Z01];

    /// The id in the catalogue.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::E05 => "E05",
            Self::E09 => "E09",
            Self::L01 => "L01",
            Self::L02 => "L02",
            Self::R01 => "R01",
            Self::D02 => "D02",
            Self::Z01 => "Z01",
        }
    }

    /// What is wrong, in a sentence.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::E05 => "votes are counted, not collected: a duplicated grant counts twice",
            Self::E09 => "up-to-date compares the last index and forgets the term",
            Self::L01 => "entries of earlier terms are committed by counting replicas",
            Self::L02 => "a follower commits up to its last index, not up to what the append covered",
            Self::R01 => "reads are served without confirming the leadership",
            Self::D02 => "the log is synced only when term or vote changed",
            Self::Z01 => "followers campaign in term 0 only: the first election is the last",
        }
    }

    /// Finds a bug by its id, in any case.
    #[must_use]
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|bug| bug.id().eq_ignore_ascii_case(id))
    }
}
