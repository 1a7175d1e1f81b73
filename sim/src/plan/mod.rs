//! A scenario and a seed make a plan: everything drawn, nothing left to chance but the weather.
//!
//! A plan is what a run obeys and what a recorded seed holds. It can be edited: a fault or an operation that is
//! removed leaves all others as they were, because each owner drew from a stream of its own when the plan was made.
//! Not here: fates of messages and disk operations (drawn while a run goes on), and targets (resolved when a fault
//! begins). Read next: [`draw`], then `text`.

pub mod draw;
pub(crate) mod text;
pub mod validate;
mod value;
mod workload;

use serde::{Deserialize, Serialize};
use squall_raft::wire::Sink as _;

pub use self::value::Value;
use crate::entropy::v1::Fold;
use crate::scenario::given;
use crate::scenario::{Event, Expect, Mark, Nanos, Range, Target, What, Whose};

/// All that a seed decided before a run begins.
///
/// ```
/// use squall_sim::plan::Plan;
/// use squall_sim::scenario::Scenario;
///
/// let scenario = Scenario::parse("calm.ron", r#"Scenario(nodes: (3, 5), safety: "5s", clients: [Kv(count: 4)])"#).unwrap();
/// let plan = Plan::draw("calm", &scenario, 7);
/// assert_eq!(plan, Plan::draw("calm", &scenario, 7));
/// assert_eq!(plan, Plan::from_ron("plan.ron", &plan.to_ron()).unwrap());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The scenario that it was drawn from.
    pub scenario: String,
    /// The seed: it decided this plan, and decides what is drawn during the run.
    pub seed: u64,
    /// How many nodes; they are numbered from 1.
    pub nodes: u64,
    /// Length of the phase in which faults happen.
    pub safety: Nanos,
    /// How soon all must be well after everything was healed, in largest election timeouts.
    pub settle_election_timeouts: u64,
    /// Timings and limits of the engine.
    pub engine: Engine,
    /// Each node's priority in elections; empty where all have the highest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub priorities: Vec<u64>,
    /// The weather of all links.
    pub network: Network,
    /// The weather of all disks.
    pub disk: Disk,
    /// Clocks that are not true, by node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clocks: Vec<Clock>,
    /// What goes wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
    /// Who asks for what.
    pub clients: Vec<Client>,
    /// What must have happened at least once in a campaign.
    #[serde(default)]
    pub sometimes: Vec<Mark>,
    /// How the run ends.
    #[serde(default)]
    pub expect: Expect,
}

/// Timings and limits of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Engine {
    /// The range from which a node draws each election timeout.
    pub election_timeout: Range<Nanos>,
    /// Time between two heartbeat rounds.
    pub heartbeat: Nanos,
    /// Whether nodes ask before they campaign. A plan from before there was a choice says nothing, and ran without.
    #[serde(default)]
    pub pre_vote: bool,
    /// Whether a leader that hears from no quorum steps down. The same holds of it.
    #[serde(default)]
    pub check_quorum: bool,
    /// Whether followers pass commands on. A plan from before there was a choice says nothing, and they did not.
    #[serde(default)]
    pub forward_proposals: bool,
    /// How long a disk may owe something before its node gives way. A plan from before says nothing, and no node did.
    #[serde(default = "never")]
    pub disk_stall: Nanos,
    /// Size of a segment of the log. A plan from before says nothing, and had one.
    #[serde(default = "one_segment")]
    pub segment_bytes: u64,
    /// Whether its space is reserved. The same holds of it.
    #[serde(default)]
    pub preallocate: bool,
    /// How much of it is zeroed at once ahead of small batches. A plan from before says nothing, and none was.
    #[serde(default)]
    pub zero_ahead_bytes: u64,
    /// Upper bounds.
    pub limits: Limits,
}

const fn one_segment() -> u64 {
    crate::scenario::check::SEGMENT_BYTES.1
}

const fn never() -> Nanos {
    crate::scenario::check::DISK_STALL_MAX
}

/// Upper bounds on what a node holds or sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Appends under way to one follower.
    pub inflight_appends_max: u64,
    /// Payload bytes under way to one follower. A plan from before there was such a limit says nothing.
    #[serde(default = "unlimited")]
    pub inflight_bytes_max: u64,
    /// Payload bytes in one append, unless a single entry is larger.
    pub append_bytes_max: u64,
    /// Entries in one append.
    pub append_entries_max: u64,
    /// Payload bytes of one command.
    pub command_bytes_max: u64,
    /// Payload bytes that a leader holds uncommitted before it is busy.
    pub uncommitted_bytes_max: u64,
    /// Reads that wait for a round before a leader is busy.
    pub pending_reads_max: u64,
    /// Commands that a follower has passed on and not seen applied.
    #[serde(default = "one")]
    pub forwards_max: u64,
    /// Client sessions.
    pub sessions_max: u64,
    /// Cached answers of one session.
    pub session_answers_max: u64,
    /// Payload bytes of the log that stay in memory. In a plan from before there was such a limit all did.
    #[serde(default = "unlimited")]
    pub log_cache_bytes_max: u64,
}

/// Where nothing is passed on.
const fn one() -> u64 {
    1
}

const fn unlimited() -> u64 {
    1 << 30
}

/// The weather of all links; each message draws from the ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Time that a message is under way.
    pub latency: Range<Nanos>,
    /// Lost messages of a million.
    pub loss_ppm: u32,
    /// Duplicated messages of a million.
    pub duplicate_ppm: u32,
    /// Messages of a million that are held back so that later ones overtake them.
    pub reorder_ppm: u32,
    /// For how long they are held back; duplicates come this much later, too.
    pub reorder_delay: Range<Nanos>,
}

/// The weather of all disks; each operation draws from the ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disk {
    /// Time that a write into the page cache takes.
    pub write: Range<Nanos>,
    /// Time that a sync takes.
    pub fsync: Range<Nanos>,
    /// Operations of a million that take another time than that. A plan from before says nothing, and there were none.
    #[serde(default, skip_serializing_if = "is_none")]
    pub slow_ppm: u32,
    /// Which time.
    #[serde(default = "slow", skip_serializing_if = "is_usual")]
    pub slow: Range<Nanos>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_none(ppm: &u32) -> bool {
    *ppm == 0
}

fn slow() -> Range<Nanos> {
    crate::scenario::Disk::default().slow
}

fn is_usual(span: &Range<Nanos>) -> bool {
    *span == slow()
}

/// A clock that is not true from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// Whose; a plan names each node by itself.
    pub who: Whose,
    /// How far it is ahead at the start.
    pub offset: Nanos,
    /// Its rate; 1,000,000 is true time.
    pub rate_ppm: u32,
}

impl Clock {
    /// The node whose clock it is; none in a plan that was not validated.
    #[must_use]
    pub const fn node(&self) -> Option<u64> {
        match self.who {
            Whose::Node(node) => Some(node),
            Whose::All => None,
        }
    }
}

/// One occurrence of a fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Names this occurrence: what is drawn when it begins depends on its name, not on its place in the list.
    pub id: String,
    /// When it begins.
    pub when: When,
    /// When it ends.
    #[serde(default)]
    pub ends: Ends,
    /// Whether it may cost what no cluster survives.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub outside_atlas: bool,
    /// What happens. Ranges are drawn, but for those that each message, sync or turn of a flapping link draws from.
    pub what: What,
}

impl Fault {
    /// The number of the stream that resolves its targets: [`crate::entropy::Owner::Target`].
    #[must_use]
    pub fn key(&self) -> u64 {
        let mut fold = Fold::new();
        fold.bytes(self.id.as_bytes());
        fold.value()
    }
}

/// When a planned fault begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum When {
    /// At this time of the safety phase.
    At(Nanos),
    /// When something happened for the `nth` time.
    On {
        /// What is counted.
        event: Event,
        /// At whom, by the role at that moment.
        who: Target,
        /// Counted over all nodes that fit.
        nth: u64,
        /// Counting starts at this time of the safety phase.
        #[serde(default)]
        after: Nanos,
        /// This much later.
        #[serde(default)]
        plus: Nanos,
    },
    /// Right before the `nth` disk operation of a boot completes.
    DiskOp {
        /// Whose, by the role at that moment.
        who: Target,
        /// Counted from 1 at each boot.
        nth: u64,
        /// Operations before this time of the safety phase do not count.
        #[serde(default)]
        after: Nanos,
        /// Whether it is carried out if the fault ends the process; drawn if nothing is said.
        #[serde(default, skip_serializing_if = "Option::is_none", with = "given")]
        executed: Option<bool>,
    },
}

/// When a planned fault ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Ends {
    /// With the safety phase.
    #[default]
    WithPhase,
    /// This long after it began, at the latest with the phase.
    After(Nanos),
    /// At this time of the safety phase; it never begins if that has passed.
    At(Nanos),
    /// Not at all: it stays when everything else is healed, unless that heals the core.
    Never,
}

/// One client and all that it will ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// Its number, from which its stream comes.
    pub id: u64,
    /// What its think times are counted from.
    pub pace: Pace,
    /// How long it waits for an answer before it tries again.
    pub timeout: Nanos,
    /// How often it tries again, with the same id, before it gives up and the outcome is unknown.
    pub retries: u64,
    /// In order; it stops early if the phase ends.
    pub operations: Vec<Operation>,
}

/// What a think time is counted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pace {
    /// From the outcome of the operation before (closed loop).
    AfterOutcome,
    /// From when the operation before was due (a rate); one that is due while another is under way follows at once.
    AfterDue,
}

/// One operation of a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// How long the client thinks before it asks.
    pub think: Nanos,
    /// On which key; keys are numbered from 1.
    pub key: u64,
    /// What it asks for.
    pub op: Op,
    /// Its request is sent once more, this long after its answer.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "given")]
    pub late_duplicate: Option<Nanos>,
}

/// What is asked of the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Op {
    /// A linearizable read.
    Get,
    /// A write.
    Put(Value),
    /// A write behind the present value.
    Append(Value),
    /// A write if the present value is the expected one.
    Cas {
        /// Which one.
        expected: Expected,
        /// What is written then.
        new: Value,
    },
    /// A removal.
    Delete,
}

/// What a compare-and-set expects to find.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Expected {
    /// What this client last read or wrote there; nothing, if it did neither.
    LastSeen,
    /// Nothing.
    Absent,
    /// This very value.
    Value(Value),
}
