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
    /// Blocks that were asked of the allocator, or asked to grow; `None` if the row does not count them.
    pub allocations: Option<u64>,
    /// CPU time that it took on a thread of its own; 0 if it had none.
    pub apart_ns: u64,
    /// CPU time of this thread that does not count.
    pub left_out_ns: u64,
}

/// How often this thread has asked for memory.
pub fn allocations() -> u64 {
    let asked = densa_alloc::thread_stats();
    asked.allocs + asked.reallocs
}

/// Does something on a fresh thread, as a run on madsim has to be: it keeps state per thread.
///
/// # Panics
/// If that thread does.
#[cfg(madsim)]
pub fn apart(work: impl FnOnce() -> Work + Send + 'static) -> Work {
    #[expect(clippy::disallowed_methods, reason = "one thread for one run; the run itself has no other")]
    let thread = std::thread::spawn(work);
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Work and its CPU time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// The work.
    pub work: Work,
    /// CPU time of this thread, and of those that it waited for.
    pub cpu_ns: u64,
}

impl Sample {
    /// Does the work so many times, each with another seed, and takes the time.
    pub fn of(repeats: u64, round: usize, mut work: impl FnMut(u64) -> Work) -> Self {
        let first_seed = u64::try_from(round).unwrap_or(0) * repeats + 1;
        let (mut done, began_ns) = (Work::default(), cpu_ns());
        for seed in first_seed..first_seed + repeats {
            let Work { amount, messages, operations, allocations, apart_ns, left_out_ns } = work(seed);
            done.amount += amount;
            done.messages += messages;
            done.operations += operations;
            done.allocations = allocations.map(|count| count + done.allocations.unwrap_or(0));
            done.apart_ns += apart_ns;
            done.left_out_ns += left_out_ns;
        }
        let cpu_ns = cpu_ns() - began_ns + done.apart_ns - done.left_out_ns;
        Self { work: done, cpu_ns: cpu_ns.max(1) }
    }
}
