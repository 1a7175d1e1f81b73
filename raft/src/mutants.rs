//! Bugs of real systems, planted to measure what the simulator and the checkers are worth.
//!
//! Compiled only with the feature `mutants`. At most one is active in a node, chosen at
//! run time, so one build hunts them all. The catalogue is `sim/bugs/README.md`.

macro_rules! bugs {
    ($($id:ident = $sentence:literal,)+) => {
        /// A planted bug.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Bug {
            $(#[doc = $sentence] $id,)+
        }

        impl Bug {
            /// All of them, in the order of the catalogue.
            pub const ALL: &'static [Self] = &[$(Self::$id,)+];

            /// The id in the catalogue.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $(Self::$id => stringify!($id),)+ }
            }

            /// What is wrong, in a sentence.
            #[must_use]
            pub const fn describe(self) -> &'static str {
                match self { $(Self::$id => $sentence,)+ }
            }
        }
    };
}

bugs! {
    E01 = "whoever becomes a follower forgets its vote, though the term is the same",
    E02 = "who asks for pre-votes clears its vote and writes that down",
    E03 = "votes of earlier terms are counted",
    E05 = "votes are counted, not collected: a duplicated grant counts twice",
    E06 = "votes leave before they are durable",
    E09 = "up-to-date compares the last index and forgets the term",
    E11 = "a leader does not learn of a higher term from the answer to a heartbeat",
    L01 = "entries of earlier terms are committed by counting replicas",
    L02 = "a follower commits up to its last index, not up to what the append covered",
    L04 = "whatever an append does not cover is erased, though nothing conflicts",
    L07 = "a rejection counts as an acknowledgement of what lies before the next probe",
    L08 = "the commit index follows the leader's, down as well as up",
    L10 = "half of an even number of voters commits",
    L12 = "an entry that does not fit into an append is left out, and smaller ones behind it are sent",
    L15 = "heartbeats carry the leader's commit index, whatever the follower holds",
    L16 = "a leader counts itself before its own disk has the entry",
    L20 = "the search for the point of agreement is bounded, and begins again at the end",
    L21 = "the log in memory keeps the payloads of truncated entries for those that take their places",
    L22 = "the answer to a heartbeat vouches for the log before its own term is durable",
    R01 = "reads are served without confirming the leadership",
    D01 = "an append that brings nothing new is acknowledged at once, durable or not",
    D02 = "the log is synced only when term or vote changed",
    D06 = "what a torn write has left stays where it is, and the next frame is written over its beginning",
    D07 = "a segment has its name before it has a header",
    D08 = "the folder is not synced when a segment was made",
    D09 = "the last frame of a segment is not synced before the next one is used",
    D11 = "the log is truncated in memory only; what is read back is put into its places, one by one",
    D12 = "a sync that failed is tried again, and believed then",
    D13 = "whatever does not match its checksum is taken for torn, and cut off with all that follows",
    D16 = "an append that failed is ignored",
    D18 = "payloads are not held against their checksums when a node starts",
    Z01 = "followers campaign in term 0 only: the first election is the last",
    V10 = "election timers run out at whole multiples of the shortest timeout, everywhere alike",
    V02 = "pre-votes teach no terms, in neither direction",
    V03 = "who asks for pre-votes stays loyal to the leader that it lost",
    V07 = "requests of clients postpone elections",
    V11 = "of the reads that a round confirms only the last is answered",
    V08 = "neither heartbeats nor elections care about the node's own disk",
    T01 = "the driver throws away what is left of a frame after a read",
    T02 = "the driver reports a sync as done before it is",
    T03 = "the driver sends the last batch again after a reconnect",
    T04 = "the driver's backlog for a peer has no bound",
    T05 = "a half-open breaker of the driver never closes",
}

impl Bug {
    /// Whether it is in the driver, which only arenas that run the driver can find.
    #[must_use]
    pub const fn is_in_driver(self) -> bool {
        matches!(self, Self::T01 | Self::T02 | Self::T03 | Self::T04 | Self::T05)
    }

    /// Finds a bug by its id, in any case.
    #[must_use]
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|bug| bug.id().eq_ignore_ascii_case(id))
    }
}
