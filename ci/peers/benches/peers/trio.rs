//! Three nodes in one process: commands of 16 bytes are proposed in batches and carried to an end.
//!
//! A cluster is built and warmed up, which is not counted, and takes so many proposals that its log,
//! which Squall cannot shorten yet, stays small; then comes the next one. Commands are made
//! beforehand, because making them is not the engine's work.

use bytes::Bytes;
use squall_peers::trio::{Member, Trio};
use squall_sim::campaign::sweep::cpu_ns;

use crate::sample::{Work, allocations};

/// Proposals of a cluster that are not counted.
const WARM_UP: usize = 4_096;
/// Proposals of a cluster that are.
const COUNTED: usize = 16_384;
/// An append and its acknowledgement for each of two followers.
const MESSAGES_PER_BATCH_MIN: u64 = 4;

/// Counts proposals that all nodes have applied.
pub fn batches<N: Member>(size: usize, mut node: impl FnMut(usize) -> N + Copy) -> impl FnMut(u64) -> Work {
    let commands = commands(size);
    move |_| {
        let began_ns = cpu_ns();
        let mut trio = Trio::elect(&mut node);
        propose(&mut trio, &commands, WARM_UP);
        let (messages, allocated, warm_ns) = (trio.messages(), allocations(), cpu_ns());
        propose(&mut trio, &commands, COUNTED);
        let (messages, allocations) = (trio.messages() - messages, Some(allocations() - allocated));
        trio.remind();
        assert_eq!(trio.applied().commands, (WARM_UP + COUNTED) as u64, "every proposal is applied on every node");
        assert!(messages >= (COUNTED / size) as u64 * MESSAGES_PER_BATCH_MIN, "{messages} messages");
        Work { amount: COUNTED as u64, messages, allocations, left_out_ns: warm_ns - began_ns, ..Work::default() }
    }
}

fn propose<N: Member>(trio: &mut Trio<N>, commands: &[Bytes], proposals: usize) {
    for _ in 0..proposals / commands.len() {
        trio.propose(commands);
    }
}

/// Parts of one buffer, as a connection would have received them.
fn commands(size: usize) -> Vec<Bytes> {
    let buffer: Bytes = (0..size as u64).flat_map(|n| [n.to_le_bytes(); 2].concat()).collect::<Vec<u8>>().into();
    (0..size).map(|at| buffer.slice(at * 16..at * 16 + 16)).collect()
}
