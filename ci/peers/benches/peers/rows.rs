//! The rows, and who takes part in each. Conditions are the same for all: five nodes, latency
//! 1 to 10 ms, heartbeats each 50 ms, elections after 150 to 300 ms, payloads of 16 bytes.

use raft::storage::MemStorage;
use squall_peers::links::Weather;
use squall_peers::node::Tuning;
use squall_peers::trio::ours::{Direct, Ready};
use squall_peers::trio::peer::Node;
use squall_peers::trio::store::Lean;

use crate::load::{CALM, LOSSY, MIXED, WRITES};
use crate::sample::{Sample, Work};
use crate::{ours, peer, trio};

/// A virtual second.
pub const SECOND_NS: u64 = 1_000_000_000;
/// Virtual time of a loaded cluster and of a run, boot and first election included.
pub const LOADED_NS: u64 = 10 * SECOND_NS;
/// Virtual time of an idle cluster.
pub const IDLE_NS: u64 = 100 * SECOND_NS;
/// Four followers, 20 rounds each second, there and back: 160, and a beat more or less.
const MESSAGES_PER_IDLE_SECOND: std::ops::RangeInclusive<u64> = 155..=165;

/// Gives back the messages that an idle cluster sent, if they are as many as its heartbeats need.
///
/// # Panics
/// If they are not: fewer messages are not speed.
pub fn checked_idle(messages: u64) -> u64 {
    let per_second = messages * SECOND_NS / IDLE_NS;
    assert!(MESSAGES_PER_IDLE_SECOND.contains(&per_second), "{per_second} messages per virtual second");
    messages
}

/// One who takes part.
pub struct Contender {
    /// As the table names it.
    pub name: &'static str,
    /// Whether it is what the others are compared with.
    pub is_peer: bool,
    work: Box<dyn FnMut(u64) -> Work>,
}

/// A row of the table.
pub struct Row {
    /// As the table names it.
    pub name: &'static str,
    /// Of the figure.
    pub unit: &'static str,
    /// Work per CPU nanosecond times this is the figure.
    pub scale: u64,
    /// What messages and operations are counted per.
    pub per: &'static str,
    /// So much work is one of it.
    pub per_amount: u64,
    repeats: u64,
    contenders: Vec<Contender>,
}

/// What came out for one contender.
pub struct Measured {
    /// The name of the contender.
    pub name: &'static str,
    /// Whether it is a peer.
    pub is_peer: bool,
    /// One per round.
    pub samples: Vec<Sample>,
}

impl Row {
    /// Lets everybody have a turn to warm up and then one each round, each round begun by another.
    pub fn measure(mut self, rounds: usize) -> (Self, Vec<Measured>) {
        let mut measured: Vec<Measured> = Vec::new();
        for contender in &mut self.contenders {
            Sample::of(1, rounds, &mut contender.work);
            measured.push(Measured { name: contender.name, is_peer: contender.is_peer, samples: Vec::new() });
        }
        for round in 0..rounds {
            for turn in 0..measured.len() {
                let at = (turn + round) % measured.len();
                measured[at].samples.push(Sample::of(self.repeats, round, &mut self.contenders[at].work));
            }
        }
        (self, measured)
    }
}

fn peer(name: &'static str, work: impl FnMut(u64) -> Work + 'static) -> Contender {
    Contender { name, is_peer: true, work: Box::new(work) }
}

fn ours(name: &'static str, work: impl FnMut(u64) -> Work + 'static) -> Contender {
    Contender { name, is_peer: false, work: Box::new(work) }
}

const BARE: Tuning = Tuning { waits_for_sync: false, announces_commits: true };
const BARE_QUIET: Tuning = Tuning { waits_for_sync: false, announces_commits: false };
const SYNCED: Tuning = Tuning { waits_for_sync: true, announces_commits: true };
const SYNCED_QUIET: Tuning = Tuning { waits_for_sync: true, announces_commits: false };

/// All rows.
pub fn all() -> Vec<Row> {
    vec![
        loaded(),
        #[cfg(madsim)]
        loaded_calm(),
        idle(),
        runs(),
        #[cfg(madsim)]
        runs_calm(),
        in_process("in-process-1", 1, 2),
        in_process("in-process-16", 16, 4),
        in_process("in-process-256", 256, 8),
    ]
}

/// 1,000 proposals per virtual second, each sent on its own; 2 % loss and duplication.
fn loaded() -> Row {
    Row {
        name: "loaded",
        unit: "commits per CPU second",
        scale: SECOND_NS,
        per: "commit",
        per_amount: 1,
        repeats: 3,
        contenders: vec![
            peer("raft-rs", |seed| peer::loaded(BARE, Weather::LOSSY, seed)),
            ours("squall", ours::loaded),
            peer("raft-rs, quiet", |seed| peer::loaded(BARE_QUIET, Weather::LOSSY, seed)),
            ours("squall, checkers", ours::loaded_checked),
            peer("raft-rs, syncs", |seed| peer::loaded(SYNCED, Weather::LOSSY, seed)),
            peer("raft-rs, syncs, quiet", |seed| peer::loaded(SYNCED_QUIET, Weather::LOSSY, seed)),
        ],
    }
}

/// Heartbeats only.
fn idle() -> Row {
    Row {
        name: "idle",
        unit: "virtual : CPU",
        scale: 1,
        per: "virtual second",
        per_amount: SECOND_NS,
        repeats: 20,
        contenders: vec![
            peer("raft-rs", peer::idle()),
            ours("squall", ours::idle()),
            ours("squall, checkers", ours::idle_checked()),
            #[cfg(madsim)]
            peer("raft-rs on madsim", peer::streams::idle),
            #[cfg(madsim)]
            ours("squall on madsim", |_| ours::streams::idle()),
        ],
    }
}

/// A cluster is built, sees 10 virtual seconds of 100 operations each, and is dropped.
fn runs() -> Row {
    Row {
        name: "runs",
        unit: "runs per CPU second",
        scale: SECOND_NS,
        per: "run",
        per_amount: 1,
        repeats: 20,
        contenders: vec![
            peer("raft-rs", |seed| peer::run(BARE, Weather::LOSSY, seed)),
            ours("squall", ours::run(LOSSY, WRITES, false)),
            peer("raft-rs, quiet", |seed| peer::run(BARE_QUIET, Weather::LOSSY, seed)),
            ours("squall, checkers", ours::run(LOSSY, WRITES, true)),
            peer("raft-rs, syncs", |seed| peer::run(SYNCED, Weather::LOSSY, seed)),
            ours("squall, two fifths reads", ours::run(LOSSY, MIXED, false)),
            peer("raft-rs, syncs, quiet", |seed| peer::run(SYNCED_QUIET, Weather::LOSSY, seed)),
            ours("squall, two fifths reads, checkers", ours::run(LOSSY, MIXED, true)),
        ],
    }
}

/// The same without loss, which streams do not have: for whatever runs on madsim, and for the others beside it.
#[cfg(madsim)]
fn runs_calm() -> Row {
    Row {
        name: "runs-calm",
        unit: "runs per CPU second",
        scale: SECOND_NS,
        per: "run",
        per_amount: 1,
        repeats: 10,
        contenders: vec![
            peer("raft-rs", |seed| peer::run(BARE, Weather::CALM, seed)),
            ours("squall", ours::run(CALM, WRITES, false)),
            peer("raft-rs, quiet", |seed| peer::run(BARE_QUIET, Weather::CALM, seed)),
            ours("squall on madsim", ours::streams::run(WRITES, false)),
            peer("raft-rs on madsim", |seed| peer::streams::run(BARE, seed)),
            ours("squall on madsim, checkers", ours::streams::run(WRITES, true)),
            peer("raft-rs on madsim, quiet", |seed| peer::streams::run(BARE_QUIET, seed)),
        ],
    }
}

/// As [`loaded`], without loss. Squall on madsim has no part in it: a connection there delivers one flush per millisecond
/// at most, and what waits longer is proposed again or refused.
#[cfg(madsim)]
fn loaded_calm() -> Row {
    Row {
        name: "loaded-calm",
        unit: "commits per CPU second",
        scale: SECOND_NS,
        per: "commit",
        per_amount: 1,
        repeats: 2,
        contenders: vec![
            peer("raft-rs, quiet", |seed| peer::loaded(BARE_QUIET, Weather::CALM, seed)),
            ours("squall", ours::loaded_calm),
            peer("raft-rs on madsim, quiet", |seed| peer::streams::loaded(BARE_QUIET, seed)),
        ],
    }
}

/// Three nodes without links, clocks and disks: a batch is proposed, messages are carried until there are none, and so on.
fn in_process(name: &'static str, size: usize, repeats: u64) -> Row {
    Row {
        name,
        unit: "proposals per CPU second",
        scale: SECOND_NS,
        per: "proposal",
        per_amount: 1,
        repeats,
        contenders: vec![
            peer("raft-rs", trio::batches(size, |at| Node::<Lean>::new(at, true))),
            ours("squall", trio::batches(size, Direct::new)),
            peer("raft-rs, quiet", trio::batches(size, |at| Node::<Lean>::new(at, false))),
            ours("squall, ready", trio::batches(size, Ready::new)),
            peer("raft-rs, quiet, MemStorage", trio::batches(size, |at| Node::<MemStorage>::new(at, false))),
        ],
    }
}
