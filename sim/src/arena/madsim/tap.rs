//! Writes down what goes into a node and comes out of it.

use std::sync::Arc;

use squall_raft::applier::StateMachine;
use squall_raft::node::Node;
use squall_raft::process::{Effect, Input};
use squall_raft::server::tap::Tap;
use squall_raft::types::{LocalTime, NodeId};

use super::journal::Entry;
use super::shared::Shared;

/// Looks on at one boot of a node.
pub(super) struct Scribe {
    pub(super) shared: Arc<Shared>,
    pub(super) node: NodeId,
}

impl<M: StateMachine> Tap<M> for Scribe {
    fn input(&mut self, now: LocalTime, input: &Input<Node<M>>) {
        match input {
            Input::Message { from, message } => {
                self.shared.write(Entry::Delivered { from: *from, to: self.node, message: message.clone() });
            }
            Input::Timer => self.shared.write(Entry::TimerFired { node: self.node, local: now }),
            // Requests are written down where they are made, completions where they happen.
            Input::Request { .. } | Input::DiskDone { .. } => {}
        }
    }

    fn effect(&mut self, _now: LocalTime, effect: &Effect<Node<M>>) {
        let node = self.node;
        match effect {
            Effect::Send { to, message } => self.shared.write(Entry::Sent { from: node, to: *to, message: message.clone() }),
            Effect::Disk { op, what } => self.shared.write(Entry::DiskStarted { node, op: *op, what: what.clone() }),
            Effect::Observe(observation) => self.shared.write(Entry::Observed { node, observation: *observation }),
            Effect::Halt { reason } => self.shared.write(Entry::Halted { node, reason }),
            Effect::Reply { .. } => {}
        }
    }
}
