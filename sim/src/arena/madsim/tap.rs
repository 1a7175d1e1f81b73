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
    shared: Arc<Shared>,
    node: NodeId,
    /// When the last input came, if one has: no time passes until all its effects are carried out.
    now_ns: Option<u64>,
}

impl Scribe {
    /// Looks on from the boot on.
    pub(super) fn new(shared: Arc<Shared>, node: NodeId) -> Self {
        Self { shared, node, now_ns: None }
    }

    fn write(&self, entry: Entry) {
        self.shared.write_at(self.now_ns.unwrap_or_else(|| self.shared.now_ns()), entry);
    }
}

impl<M: StateMachine> Tap<M> for Scribe {
    fn input(&mut self, now: LocalTime, input: &Input<Node<M>>) {
        self.now_ns = Some(self.shared.now_ns());
        match input {
            Input::Message { from, message } => {
                self.write(Entry::Delivered { from: *from, to: self.node, message: message.clone() });
            }
            Input::Timer => self.write(Entry::TimerFired { node: self.node, local: now }),
            // Requests are written down where they are made, completions where they happen.
            Input::Request { .. } | Input::Requests(_) | Input::DiskDone { .. } => {}
        }
    }

    fn effect(&mut self, _now: LocalTime, effect: &Effect<Node<M>>) {
        let node = self.node;
        match effect {
            Effect::Send { to, message } => self.write(Entry::Sent { from: node, to: *to, message: message.clone() }),
            Effect::Disk { op, what } => self.write(Entry::DiskStarted { node, op: *op, what: what.clone() }),
            Effect::Observe(observation) => self.write(Entry::Observed { node, observation: *observation }),
            Effect::Halt { reason } => self.write(Entry::Halted { node, reason }),
            Effect::Reply { .. } => {}
        }
    }
}
