//! The rows as raft-rs does them.

use squall_peers::cluster::{Cluster, Tuning};
use squall_peers::links::Weather;

use crate::rows::{IDLE_NS, LOADED_NS, MESSAGES_PER_IDLE_SECOND, SECOND_NS};
use crate::sample::Work;

/// Time between two proposals of a loaded cluster.
const LOADED_EVERY_NS: u64 = 1_000_000;
/// Time between two proposals of a run.
const RUN_EVERY_NS: u64 = 10_000_000;
/// Messages that a commit costs at least: an append to each of four followers, and a quorum's answers.
const MESSAGES_PER_COMMIT_MIN: u64 = 5;

/// Counts commits.
pub fn loaded(tuning: Tuning, seed: u64) -> Work {
    let work = proposed(tuning, LOADED_EVERY_NS, seed);
    assert!(work.messages >= work.amount * MESSAGES_PER_COMMIT_MIN, "{work:?}");
    work
}

/// Counts runs.
pub fn run(tuning: Tuning, seed: u64) -> Work {
    let work = proposed(tuning, RUN_EVERY_NS, seed);
    Work { amount: 1, operations: work.amount, ..work }
}

fn proposed(tuning: Tuning, every_ns: u64, seed: u64) -> Work {
    let mut cluster = Cluster::boot(tuning, Weather::LOSSY, seed);
    cluster.propose_every(every_ns);
    cluster.run_until(LOADED_NS);
    let (commits, messages) = (cluster.commits(), cluster.messages());
    assert!(commits > LOADED_NS / every_ns * 8 / 10, "seed {seed}: {commits} commits: most proposals must get through");
    Work { amount: commits, messages, operations: 0 }
}

/// Counts virtual nanoseconds. One cluster goes on and on; its state does not grow.
pub fn idle() -> impl FnMut(u64) -> Work {
    let mut cluster = Cluster::boot(Tuning::default(), Weather::CALM, 1);
    let mut until_ns = 2 * SECOND_NS;
    cluster.run_until(until_ns);
    move |_| {
        let before = cluster.messages();
        until_ns += IDLE_NS;
        cluster.run_until(until_ns);
        let messages = cluster.messages() - before;
        let per_second = messages * SECOND_NS / IDLE_NS;
        assert!(MESSAGES_PER_IDLE_SECOND.contains(&per_second), "{per_second} messages per virtual second");
        Work { amount: IDLE_NS, messages, operations: 0 }
    }
}
