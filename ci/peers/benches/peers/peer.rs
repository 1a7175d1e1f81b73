//! The rows as raft-rs does them.

use squall_peers::cluster::Cluster;
use squall_peers::links::Weather;
use squall_peers::node::Tuning;

use crate::rows::{IDLE_NS, LOADED_NS, SECOND_NS, checked_idle};
use crate::sample::Work;

/// Time between two proposals of a loaded cluster.
const LOADED_EVERY_NS: u64 = 1_000_000;
/// Time between two proposals of a run.
const RUN_EVERY_NS: u64 = 10_000_000;
/// Messages that a commit costs at least: an append to each of four followers, and a quorum's answers.
const MESSAGES_PER_COMMIT_MIN: u64 = 5;

/// Counts commits.
pub fn loaded(tuning: Tuning, weather: Weather, seed: u64) -> Work {
    checked(proposed(tuning, weather, LOADED_EVERY_NS, seed))
}

/// Counts runs.
pub fn run(tuning: Tuning, weather: Weather, seed: u64) -> Work {
    as_run(proposed(tuning, weather, RUN_EVERY_NS, seed))
}

fn checked(work: Work) -> Work {
    assert!(work.messages >= work.amount * MESSAGES_PER_COMMIT_MIN, "{work:?}");
    work
}

fn as_run(commits: Work) -> Work {
    Work { amount: 1, operations: commits.amount, ..commits }
}

fn proposed(tuning: Tuning, weather: Weather, every_ns: u64, seed: u64) -> Work {
    let mut cluster = Cluster::boot(tuning, weather, seed);
    cluster.propose_every(every_ns);
    cluster.run_until(LOADED_NS);
    committed((cluster.commits(), cluster.messages()), every_ns, seed)
}

fn committed((commits, messages): (u64, u64), every_ns: u64, seed: u64) -> Work {
    assert!(commits > LOADED_NS / every_ns * 8 / 10, "seed {seed}: {commits} commits: most proposals must get through");
    Work { amount: commits, messages, ..Work::default() }
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
        Work { amount: IDLE_NS, messages: checked_idle(cluster.messages() - before), ..Work::default() }
    }
}

/// The same on madsim, on a fresh thread each time.
#[cfg(madsim)]
pub mod streams {
    use squall_peers::links::Weather;
    use squall_peers::node::Tuning;
    use squall_peers::streams::Cluster;
    use squall_sim::campaign::sweep::cpu_ns;

    use super::{LOADED_EVERY_NS, RUN_EVERY_NS, as_run, checked, committed};
    use crate::rows::{IDLE_NS, LOADED_NS, SECOND_NS, checked_idle};
    use crate::sample::{Work, apart};

    /// Counts commits.
    pub fn loaded(tuning: Tuning, seed: u64) -> Work {
        checked(proposed(tuning, LOADED_EVERY_NS, seed))
    }

    /// Counts runs.
    pub fn run(tuning: Tuning, seed: u64) -> Work {
        as_run(proposed(tuning, RUN_EVERY_NS, seed))
    }

    fn proposed(tuning: Tuning, every_ns: u64, seed: u64) -> Work {
        apart(move || {
            let mut cluster = Cluster::boot(tuning, Weather::CALM, seed);
            cluster.propose_until(LOADED_NS, every_ns);
            let work = committed((cluster.commits(), cluster.messages()), every_ns, seed);
            drop(cluster);
            Work { apart_ns: cpu_ns(), ..work }
        })
    }

    /// Counts virtual nanoseconds, the first two seconds left out.
    pub fn idle(seed: u64) -> Work {
        apart(move || {
            let mut cluster = Cluster::boot(Tuning::default(), Weather::CALM, seed);
            cluster.run_until(2 * SECOND_NS);
            let (before, began_ns) = (cluster.messages(), cpu_ns());
            cluster.run_until(2 * SECOND_NS + IDLE_NS);
            let apart_ns = cpu_ns() - began_ns;
            Work { amount: IDLE_NS, messages: checked_idle(cluster.messages() - before), apart_ns, ..Work::default() }
        })
    }
}
