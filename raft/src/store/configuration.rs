//! A configuration as the payload of a record.
//!
//! ```text
//! u32 voters, u32 outgoing voters, u32 learners, u32 zero; then a u64 for each, in this order
//! ```

use bytes::Bytes;

use super::Fault;
use super::format::{u32_at, u64_at};
use crate::membership::Configuration;
use crate::types::NodeId;

/// Puts a configuration's payload behind what `out` holds.
pub fn encode_configuration(configuration: &Configuration, out: &mut Vec<u8>) {
    let sets = [configuration.voters(), configuration.outgoing(), configuration.learners()];
    for set in sets {
        let count = u32::try_from(set.len()).expect("a cluster has fewer than 2^32 members");
        out.extend_from_slice(&count.to_le_bytes());
    }
    out.extend_from_slice(&[0; 4]);
    for node in sets.into_iter().flatten() {
        out.extend_from_slice(&node.0.to_le_bytes());
    }
}

/// Reads a configuration's payload.
///
/// Joint ones and those with learners are read although nothing makes them yet: a peer may send
/// them, they are written as they come, and what was written must be readable.
///
/// # Errors
/// If the payload is not exactly one configuration.
pub fn decode_configuration(payload: &Bytes, record: u32) -> Result<Configuration, Fault> {
    let refused = Fault::Configuration { record };
    let (counts, nodes) = payload.split_at_checked(16).ok_or(refused)?;
    let [voters, outgoing, learners] = [0, 4, 8].map(|at| u32_at(counts, at) as usize);
    let listed = [voters, outgoing, learners].iter().map(|count| *count as u64).sum::<u64>();
    if u32_at(counts, 12) != 0 || nodes.len() as u64 != listed * 8 {
        return Err(refused);
    }
    let nodes = || nodes.chunks_exact(8).map(|node| NodeId(u64_at(node, 0)));
    let (first, second) = (nodes().take(voters), nodes().skip(voters).take(outgoing));
    Configuration::from_parts(first, second, nodes().skip(voters + outgoing)).map_err(|_| refused)
}
