//! Checks what a transport of streams promises: each message arrives at most once, unchanged, and behind those of its
//! lane that were sent before it.
//!
//! Messages may be lost, when a connection breaks or a queue is full. Nothing else may become of them.
//!
//! Not here: what the engine makes of a broken promise; it was built for worse.

use std::collections::{BTreeMap, VecDeque};

use squall_checkers::violation::{Property, Violation};
use squall_raft::message::Message;
use squall_raft::process::{Label as _, Lane};
use squall_raft::types::NodeId;

/// What was sent and has not arrived, by sender, receiver and lane.
#[derive(Clone, Debug, Default)]
pub(super) struct Transport {
    under_way: BTreeMap<(NodeId, NodeId, bool), VecDeque<(u64, Message)>>,
}

impl Transport {
    /// A message was sent; `number` is its event's.
    pub(super) fn sent(&mut self, number: u64, from: NodeId, to: NodeId, message: Message) {
        self.under_way.entry((from, to, is_bulk(&message))).or_default().push_back((number, message));
    }

    /// A message arrived. Returns the number of the event that sent it.
    ///
    /// # Errors
    /// If none was sent that could have arrived.
    pub(super) fn delivered(&mut self, from: NodeId, to: NodeId, message: &Message) -> Result<u64, Box<Violation>> {
        let queue = self.under_way.entry((from, to, is_bulk(message))).or_default();
        // What was sent before this one and is still here is lost: the lane is a queue.
        while let Some((number, sent)) = queue.pop_front() {
            if sent == *message {
                return Ok(number);
            }
        }
        let label = message.label();
        let found = format!(
            "found `{}` of term {} up to index {} from node {from} at node {to}, expected only what was sent, once and in order",
            label.kind, label.term, label.last_index
        );
        Err(Violation::new(Property::Transport, found))
    }
}

fn is_bulk(message: &Message) -> bool {
    message.lane() == Lane::Bulk
}

#[cfg(test)]
mod tests {
    use super::*;
    use squall_raft::message::{Body, Envelope};
    use squall_raft::types::LogIndex;

    const A: NodeId = NodeId(1);
    const B: NodeId = NodeId(2);

    fn beat(commit: u64) -> Message {
        Message { envelope: Envelope::default(), body: Body::Heartbeat { commit: LogIndex(commit) } }
    }

    #[test]
    fn losses_are_allowed_and_repetitions_are_not() {
        let mut transport = Transport::default();
        for number in 1..=4 {
            transport.sent(number, A, B, beat(number));
        }
        assert_eq!(transport.delivered(A, B, &beat(2)).unwrap(), 2);
        assert_eq!(transport.delivered(A, B, &beat(4)).unwrap(), 4);
        let repeated = transport.delivered(A, B, &beat(4)).unwrap_err();
        assert_eq!(repeated.property, Property::Transport);
    }

    #[test]
    fn overtaking_invention_and_the_wrong_way_are_not_allowed() {
        for arrived in [(A, B, 1), (A, B, 9), (B, A, 3)] {
            let mut transport = Transport::default();
            for number in 1..=3 {
                transport.sent(number, A, B, beat(number));
            }
            transport.delivered(A, B, &beat(2)).unwrap();
            let (from, to, commit) = arrived;
            assert!(transport.delivered(from, to, &beat(commit)).is_err(), "{arrived:?}");
        }
    }
}
