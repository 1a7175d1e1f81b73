//! What a server has counted, at the end of its life: what went over its wires, and whether it kept its promises.
//!
//! All who speak in this arena are our own, and streams lose what they carry only together with the connection. So
//! whoever refuses what was said to it has cut it wrongly, or it was said wrongly.
//!
//! Not here: single messages ([`super::transport`]).

use squall_checkers::violation::{Property, Violation};
use squall_raft::server::stats::Stats;
use squall_raft::types::NodeId;

use crate::arena::Traffic;

/// What may wait for a peer, in each lane. Few, so that queues are full as often as peers are dead.
pub(super) const BACKLOG_MAX: usize = 64;

/// Both lanes together.
const BACKLOG_OF_PEER_MAX: u64 = 2 * BACKLOG_MAX as u64;

/// What went over the wires.
pub(super) fn traffic(stats: &Stats) -> Traffic {
    Traffic {
        connections: stats.connections + stats.sessions,
        frames: stats.frames_sent,
        bytes: stats.bytes_sent,
        reconnects: stats.reconnects,
    }
}

/// The first promise that a server has not kept.
pub(super) fn violation(node: NodeId, stats: &Stats) -> Option<Box<Violation>> {
    let backlog = stats.backlog_messages_max;
    if backlog > BACKLOG_OF_PEER_MAX {
        let found =
            format!("found {backlog} messages that waited for one peer of node {node}, expected at most {BACKLOG_OF_PEER_MAX}");
        return Some(Violation::new(Property::Bounded, found));
    }
    let (malformed, impostors) = (stats.malformed, stats.impostors);
    (malformed + impostors > 0).then(|| {
        let found = format!(
            "found connections that node {node} closed because of what came over them: {malformed} malformed, {impostors} of \
             another sender; expected none, as all others are of our own"
        );
        Violation::new(Property::Transport, found)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_or_waits_without_bound_breaks_a_promise() {
        let full = Stats { backlog_messages_max: BACKLOG_OF_PEER_MAX, dropped_full: 9, idle_closed: 9, ..Stats::default() };
        let judged = |stats: Stats| violation(NodeId(1), &stats).map(|violation| violation.property);
        assert_eq!(judged(full), None, "to drop is allowed");
        assert_eq!(judged(Stats { backlog_messages_max: BACKLOG_OF_PEER_MAX + 1, ..full }), Some(Property::Bounded));
        assert_eq!(judged(Stats { malformed: 1, ..full }), Some(Property::Transport));
        assert_eq!(judged(Stats { impostors: 1, ..full }), Some(Property::Transport));
    }
}
