//! Bugs of real systems, planted to measure what the simulator and the checkers are worth.
//!
//! Compiled only with the feature `mutants`. At most one is active in a node, chosen at
//! run time, so one build hunts them all. The catalogue is `sim/bugs/README.md`.

/// A planted bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bug {
    /// Whoever becomes a follower forgets its vote, though the term is the same.
    E01,
    /// Who asks for pre-votes clears its vote and writes that down.
    E02,
    /// Votes of earlier terms are counted.
    E03,
    /// Votes are counted, not collected: a duplicated grant counts twice.
    E05,
    /// Votes leave before they are durable.
    E06,
    /// *Up-to-date* compares the last index and forgets the term.
    E09,
    /// A leader does not learn of a higher term from the answer to a heartbeat.
    E11,
    /// Entries of earlier terms are committed by counting replicas.
    L01,
    /// A follower commits up to its last index instead of what the append covered.
    L02,
    /// Whatever an append does not cover is erased, though nothing conflicts.
    L04,
    /// A rejection counts as an acknowledgement of what lies before the next probe.
    L07,
    /// The commit index follows the leader's, down as well as up.
    L08,
    /// Half of an even number of voters commits.
    L10,
    /// An entry that does not fit into an append is left out, and smaller ones behind it are sent.
    L12,
    /// Heartbeats carry the leader's commit index, whatever the follower holds.
    L15,
    /// A leader counts itself before its own disk has the entry.
    L16,
    /// The search for the point of agreement is bounded, and begins again at the end.
    L20,
    /// The log in memory keeps the payloads of truncated entries for those that take their places.
    L21,
    /// The answer to a heartbeat vouches for the log before its own term is durable.
    L22,
    /// Reads are served without confirming the leadership.
    R01,
    /// The log is synced only when term or vote changed.
    D02,
    /// Followers campaign in term 0 only: the first election is the last.
    Z01,
    /// Election timers run out at whole multiples of the shortest timeout, everywhere alike.
    V10,
    /// Pre-votes teach no terms, in neither direction.
    V02,
    /// Who asks for pre-votes stays loyal to the leader that it lost.
    V03,
    /// Requests of clients postpone elections.
    V07,
    /// Of the reads that a round confirms only the last is answered.
    V11,
    /// Neither heartbeats nor elections care about the node's own disk.
    V08,
    /// The driver: what is left of a frame after a read is thrown away.
    T01,
    /// The driver: a sync is reported as done before it is.
    T02,
    /// The driver: after a reconnect the last batch is sent again.
    T03,
    /// The driver: a peer's backlog has no bound.
    T04,
    /// The driver: a half-open breaker never closes.
    T05,
}

impl Bug {
    /// All of them, in the order of the catalogue.
    pub const ALL: [Self; 33] = [
        Self::E01,
        Self::E02,
        Self::E03,
        Self::E05,
        Self::E06,
        Self::E09,
        Self::E11,
        Self::L01,
        Self::L02,
        Self::L04,
        Self::L07,
        Self::L08,
        Self::L10,
        Self::L12,
        Self::L15,
        Self::L16,
        Self::L20,
        Self::L21,
        Self::L22,
        Self::R01,
        Self::D02,
        Self::Z01,
        Self::V10,
        Self::V02,
        Self::V03,
        Self::V07,
        Self::V11,
        Self::V08,
        Self::T01,
        Self::T02,
        Self::T03,
        Self::T04,
        Self::T05,
    ];

    /// The id in the catalogue.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::E01 => "E01",
            Self::E02 => "E02",
            Self::E03 => "E03",
            Self::E05 => "E05",
            Self::E06 => "E06",
            Self::E09 => "E09",
            Self::E11 => "E11",
            Self::L01 => "L01",
            Self::L02 => "L02",
            Self::L04 => "L04",
            Self::L07 => "L07",
            Self::L08 => "L08",
            Self::L10 => "L10",
            Self::L12 => "L12",
            Self::L15 => "L15",
            Self::L16 => "L16",
            Self::L20 => "L20",
            Self::L21 => "L21",
            Self::L22 => "L22",
            Self::R01 => "R01",
            Self::D02 => "D02",
            Self::Z01 => "Z01",
            Self::V10 => "V10",
            Self::V02 => "V02",
            Self::V03 => "V03",
            Self::V07 => "V07",
            Self::V11 => "V11",
            Self::V08 => "V08",
            Self::T01 => "T01",
            Self::T02 => "T02",
            Self::T03 => "T03",
            Self::T04 => "T04",
            Self::T05 => "T05",
        }
    }

    /// What is wrong, in a sentence.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::E01 => "whoever becomes a follower forgets its vote, though the term is the same",
            Self::E02 => "who asks for pre-votes clears its vote and writes that down",
            Self::E03 => "votes of earlier terms are counted",
            Self::E06 => "votes leave before they are durable",
            Self::E11 => "a leader does not learn of a higher term from the answer to a heartbeat",
            Self::V10 => "election timers run out at whole multiples of the shortest timeout, everywhere alike",
            Self::V08 => "neither heartbeats nor elections care about the node's own disk",
            Self::E05 => "votes are counted, not collected: a duplicated grant counts twice",
            Self::E09 => "up-to-date compares the last index and forgets the term",
            Self::L01 => "entries of earlier terms are committed by counting replicas",
            Self::L02 => "a follower commits up to its last index, not up to what the append covered",
            Self::L04 => "whatever an append does not cover is erased, though nothing conflicts",
            Self::L07 => "a rejection counts as an acknowledgement of what lies before the next probe",
            Self::L08 => "the commit index follows the leader's, down as well as up",
            Self::L10 => "half of an even number of voters commits",
            Self::L12 => "an entry that does not fit into an append is left out, and smaller ones behind it are sent",
            Self::L15 => "heartbeats carry the leader's commit index, whatever the follower holds",
            Self::L16 => "a leader counts itself before its own disk has the entry",
            Self::L20 => "the search for the point of agreement is bounded, and begins again at the end",
            Self::L21 => "the log in memory keeps the payloads of truncated entries for those that take their places",
            Self::L22 => "the answer to a heartbeat vouches for the log before its own term is durable",
            Self::V02 => "pre-votes teach no terms, in neither direction",
            Self::V03 => "who asks for pre-votes stays loyal to the leader that it lost",
            Self::V07 => "requests of clients postpone elections",
            Self::V11 => "of the reads that a round confirms only the last is answered",
            Self::R01 => "reads are served without confirming the leadership",
            Self::D02 => "the log is synced only when term or vote changed",
            Self::Z01 => "followers campaign in term 0 only: the first election is the last",
            Self::T01 => "the driver throws away what is left of a frame after a read",
            Self::T02 => "the driver reports a sync as done before it is",
            Self::T03 => "the driver sends the last batch again after a reconnect",
            Self::T04 => "the driver's backlog for a peer has no bound",
            Self::T05 => "a half-open breaker of the driver never closes",
        }
    }

    /// Whether it is in the driver, which only arenas that run the driver can find.
    #[must_use]
    pub const fn is_in_driver(self) -> bool {
        matches!(self, Self::T01 | Self::T02 | Self::T03 | Self::T04 | Self::T05)
    }

    /// Finds a bug by its id, in any case.
    #[must_use]
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|bug| bug.id().eq_ignore_ascii_case(id))
    }
}
