//! What one turn of a contender did, and in how much CPU time.

use squall_sim::campaign::sweep::cpu_ns;

/// What was done: commits, virtual nanoseconds or runs; and the messages it took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// The unit is the row's.
    pub amount: u64,
    /// Sent from node to node, lost ones included.
    pub messages: u64,
    /// In a run: proposals that were committed, or clients' operations that came to an end. Else 0.
    pub operations: u64,
}

/// Work and its CPU time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// The work.
    pub work: Work,
    /// CPU time of this thread.
    pub cpu_ns: u64,
}

impl Sample {
    /// Does the work so many times, each with another seed, and takes the time.
    pub fn of(repeats: u64, round: usize, mut work: impl FnMut(u64) -> Work) -> Self {
        let first_seed = u64::try_from(round).unwrap_or(0) * repeats + 1;
        let (mut done, began_ns) = (Work::default(), cpu_ns());
        for seed in first_seed..first_seed + repeats {
            let Work { amount, messages, operations } = work(seed);
            done.amount += amount;
            done.messages += messages;
            done.operations += operations;
        }
        Self { work: done, cpu_ns: (cpu_ns() - began_ns).max(1) }
    }
}
