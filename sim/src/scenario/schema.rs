//! What a scenario file may say: one struct per section, one field per word.
//!
//! The guide `sim/scenarios/README.md` documents the same fields with examples; a test holds the two together.
//! Not here: which values make sense together, see [`super::validate`]; what a seed draws from it, see [`crate::plan`].

use serde::{Deserialize, Serialize};

use super::fault::{What, When};
use super::marks::Mark;
use super::nanos::Nanos;
use super::property::Property;
use super::range::{Range, given};

/// A story: a cluster, its clients, and what befalls them.
///
/// ```
/// use squall_sim::scenario::Scenario;
///
/// let scenario = Scenario::parse("calm.ron", r#"Scenario(nodes: 3, safety: "5s", clients: [Kv(count: 4)])"#).unwrap();
/// assert_eq!(scenario.nodes.high, 3);
/// let error = Scenario::parse("calm.ron", r#"Scenario(nodes: 3, safety: "5", clients: [])"#).unwrap_err();
/// assert!(error.to_string().starts_with("calm.ron:1:28: found `\"5\"`, expected a duration with a unit"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// How many nodes the cluster has.
    pub nodes: Range<u64>,
    /// Length of the phase in which faults happen.
    pub safety: Nanos,
    /// How soon all must be well after everything was healed, in largest election timeouts.
    #[serde(default = "settle_default")]
    pub settle_election_timeouts: u64,
    /// Timings and limits of the engine.
    #[serde(default)]
    pub engine: Engine,
    /// Groups of clients.
    pub clients: Vec<Kv>,
    /// The weather of all links.
    #[serde(default)]
    pub network: Network,
    /// The weather of all disks.
    #[serde(default)]
    pub disk: Disk,
    /// Clocks that are not true.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clocks: Vec<Clock>,
    /// What goes wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
    /// Whether each seed goes to extremes and leaves whole kinds of faults out.
    #[serde(default)]
    pub swarm: bool,
    /// What must have happened at least once in a campaign.
    #[serde(default)]
    pub sometimes: Vec<Mark>,
    /// How runs end.
    #[serde(default)]
    pub expect: Expect,
}

const fn settle_default() -> u64 {
    40
}

/// Timings and limits of the engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Engine {
    /// The range from which a node draws each election timeout.
    pub election_timeout: Range<Nanos>,
    /// Time between two heartbeat rounds.
    pub heartbeat: Range<Nanos>,
    /// Whether nodes ask before they campaign.
    pub pre_vote: Range<bool>,
    /// Whether a leader that hears from no quorum steps down.
    pub check_quorum: Range<bool>,
    /// How soon each node campaigns: the highest first.
    pub priority: Range<u64>,
    /// Whether followers pass commands on to their leader; drawn for the cluster.
    pub forward_proposals: Range<bool>,
    /// How long a disk may owe something before its node gives way; five of the longest election timeouts if nothing is said.
    #[serde(skip_serializing_if = "Option::is_none", with = "given")]
    pub disk_stall: Option<Range<Nanos>>,
    /// Size of a segment of the log; small, so that there are several.
    pub segment_bytes: Range<u64>,
    /// Whether the space of a segment is reserved when it is made.
    pub preallocate: Range<bool>,
    /// How much of what is reserved is zeroed at once ahead of small batches.
    pub zero_ahead_bytes: Range<u64>,
    /// Upper bounds.
    pub limits: Limits,
}

impl Default for Engine {
    fn default() -> Self {
        Self {
            election_timeout: Range { low: Nanos::ms(150), high: Nanos::ms(300) },
            heartbeat: Range::fixed(Nanos::ms(50)),
            pre_vote: Range::fixed(true),
            check_quorum: Range::fixed(true),
            priority: Range::fixed(super::check::PRIORITY_MAX),
            forward_proposals: Range::fixed(false),
            disk_stall: None,
            segment_bytes: Range { low: 32 << 10, high: 256 << 10 },
            preallocate: Range::fixed(true),
            zero_ahead_bytes: Range { low: 0, high: 256 << 10 },
            limits: Limits::default(),
        }
    }
}

impl Engine {
    /// How long a disk may owe something, said or not.
    #[must_use]
    pub fn disk_stall(&self) -> Range<Nanos> {
        self.disk_stall.unwrap_or_else(|| Range::fixed(Nanos(self.election_timeout.high.0.saturating_mul(5))))
    }
}

/// Upper bounds on what a node holds or sends; the defaults are the engine's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Appends under way to one follower.
    pub inflight_appends_max: Range<u64>,
    /// Payload bytes under way to one follower, at which no further append leaves.
    pub inflight_bytes_max: Range<u64>,
    /// Payload bytes in one append, unless a single entry is larger.
    pub append_bytes_max: Range<u64>,
    /// Entries in one append.
    pub append_entries_max: Range<u64>,
    /// Payload bytes of one command.
    pub command_bytes_max: Range<u64>,
    /// Payload bytes that a leader holds uncommitted before it is busy.
    pub uncommitted_bytes_max: Range<u64>,
    /// Reads that wait for a round before a leader is busy.
    pub pending_reads_max: Range<u64>,
    /// Commands that a follower has passed on and not seen applied.
    pub forwards_max: Range<u64>,
    /// Client sessions.
    pub sessions_max: Range<u64>,
    /// Cached answers of one session.
    pub session_answers_max: Range<u64>,
    /// Payload bytes of the log that stay in memory.
    pub log_cache_bytes_max: Range<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            inflight_appends_max: Range::fixed(256),
            inflight_bytes_max: Range::fixed(16 << 20),
            append_bytes_max: Range::fixed(1 << 20),
            append_entries_max: Range::fixed(1_024),
            command_bytes_max: Range::fixed(1 << 20),
            uncommitted_bytes_max: Range::fixed(64 << 20),
            pending_reads_max: Range::fixed(4_096),
            forwards_max: Range::fixed(1_024),
            sessions_max: Range::fixed(4_096),
            session_answers_max: Range::fixed(128),
            log_cache_bytes_max: Range::fixed(64 << 20),
        }
    }
}

/// A group of clients of the key-value store. In RON it may be written with its name: `Kv(count: 4)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Kv {
    /// How many clients.
    pub count: Range<u64>,
    /// How many keys they share; groups share keys of the same number.
    pub keys: Range<u64>,
    /// How fast they ask.
    pub load: Load,
    /// What they ask, as weights.
    pub mix: Mix,
    /// Size of a written value.
    pub value_bytes: Range<u64>,
    /// How long a client waits for an answer before it tries again.
    pub timeout: Range<Nanos>,
    /// How often it tries again, with the same id, before it gives up and the outcome is unknown.
    pub retries: u64,
    /// Answered requests of a million that are sent once more, later.
    pub late_duplicates_ppm: Range<u32>,
    /// How much later.
    pub late_duplicate_delay: Range<Nanos>,
}

impl Default for Kv {
    fn default() -> Self {
        Self {
            count: Range::fixed(4),
            keys: Range::fixed(2),
            load: Load::default(),
            mix: Mix::default(),
            value_bytes: Range { low: 8, high: 16 },
            timeout: Range::fixed(Nanos::ms(400)),
            retries: 20,
            late_duplicates_ppm: Range::fixed(0),
            late_duplicate_delay: Range { low: Nanos::ms(100), high: Nanos::ms(2_000) },
        }
    }
}

/// How fast a client asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Load {
    /// The next request follows the outcome of the last one.
    Closed {
        /// After this long.
        think: Range<Nanos>,
    },
    /// Requests follow each other at a rate, whatever becomes of them.
    Rate {
        /// Requests per second of each client.
        per_second: Range<u64>,
    },
}

impl Default for Load {
    fn default() -> Self {
        Self::Closed { think: Range { low: Nanos::ms(2), high: Nanos::ms(20) } }
    }
}

/// How often each operation is asked for, as weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mix {
    /// Linearizable reads.
    #[serde(default)]
    pub get: u64,
    /// Writes.
    #[serde(default)]
    pub put: u64,
    /// Writes behind the present value.
    #[serde(default)]
    pub append: u64,
    /// Compare and set.
    #[serde(default)]
    pub cas: u64,
    /// Removals.
    #[serde(default)]
    pub delete: u64,
}

impl Default for Mix {
    fn default() -> Self {
        Self { get: 4, put: 3, append: 1, cas: 1, delete: 1 }
    }
}

impl Mix {
    /// The sum of the weights; saturates.
    #[must_use]
    pub fn total(&self) -> u64 {
        [self.put, self.append, self.cas, self.delete].into_iter().fold(self.get, u64::saturating_add)
    }
}

/// The weather of all links. Each message draws its own fate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Network {
    /// Time that a message is under way.
    pub latency: Range<Nanos>,
    /// Lost messages of a million.
    pub loss_ppm: Range<u32>,
    /// Duplicated messages of a million.
    pub duplicate_ppm: Range<u32>,
    /// Messages of a million that are held back so that later ones overtake them.
    pub reorder_ppm: Range<u32>,
    /// For how long they are held back; duplicates come this much later, too.
    pub reorder_delay: Range<Nanos>,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            latency: Range { low: Nanos::ms(1), high: Nanos::ms(10) },
            loss_ppm: Range::fixed(0),
            duplicate_ppm: Range::fixed(0),
            reorder_ppm: Range::fixed(0),
            reorder_delay: Range { low: Nanos::ms(10), high: Nanos::ms(400) },
        }
    }
}

/// The weather of all disks. Each operation draws its own latency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Disk {
    /// Time that a write into the page cache takes.
    pub write: Range<Nanos>,
    /// Time that a sync takes.
    pub fsync: Range<Nanos>,
    /// Operations of a million that take another time than that.
    pub slow_ppm: Range<u32>,
    /// Which time.
    pub slow: Range<Nanos>,
}

impl Default for Disk {
    fn default() -> Self {
        Self {
            write: Range { low: Nanos::us(5), high: Nanos::us(50) },
            fsync: Range { low: Nanos::us(300), high: Nanos::ms(2) },
            slow_ppm: Range::fixed(0),
            slow: Range { low: Nanos::ms(10), high: Nanos::ms(100) },
        }
    }
}

/// Whose clock it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Whose {
    /// The node with this number; the first is 1.
    Node(u64),
    /// Every node that no other entry names; each draws its own.
    All,
}

/// A clock that is not true from the start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// Whose.
    pub who: Whose,
    /// How far it is ahead at the start.
    #[serde(default)]
    pub offset: Range<Nanos>,
    /// Its rate; 1,000,000 is true time.
    #[serde(default = "true_rate")]
    pub rate_ppm: Range<u32>,
}

const fn true_rate() -> Range<u32> {
    Range::fixed(1_000_000)
}

/// Something that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// When it begins.
    pub when: When,
    /// It begins again after this long, until the phase ends.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "given")]
    pub every: Option<Range<Nanos>>,
    /// When it ends, as a time of the safety phase.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "given")]
    pub until: Option<Nanos>,
    /// How long it lasts.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "given")]
    pub lasts: Option<Range<Nanos>>,
    /// Whether it outlasts the phase. Not written where it does not, because a fault's draws depend on its text.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub permanent: bool,
    /// In how many of a million cases it happens at all; each occurrence draws.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "given")]
    pub chance_ppm: Option<u32>,
    /// Whether it may cost what no cluster survives. Not written where it may not, as `permanent`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub outside_atlas: bool,
    /// What happens.
    pub what: What,
}

/// How runs of a scenario end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Expect {
    /// Nothing is violated, and all is well soon after everything was healed that does not stay.
    #[default]
    Pass,
    /// This property is violated.
    Violates(Property),
    /// All is not well soon enough after everything was healed.
    Stalls,
    /// As `Pass`, also where no core can be found: nodes that are well must make do without one.
    Progresses,
    /// No core can be found.
    Unavailable,
}
