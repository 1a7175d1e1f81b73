//! A view of everything that goes into a node and comes out of it, for metrics, traces and checkers.
//!
//! A tap sees inputs before the node does and effects before they are carried out, under the
//! engine's lock and in the one order that they have. It must be quick and cannot change anything.
//! [`Tracing`] is the one that production uses: it hands observations to `tracing`.
//!
//! Not here: what observations mean ([`crate::observation`]).

use crate::applier::StateMachine;
use crate::node::Node;
use crate::process::{Effect, Input};
use crate::types::{LocalTime, NodeId};

/// Looks on.
pub trait Tap<S: StateMachine>: Send + 'static {
    /// The node is about to take an input.
    fn input(&mut self, now: LocalTime, input: &Input<Node<S>>) {
        let _ = (now, input);
    }

    /// The node wants this done.
    fn effect(&mut self, now: LocalTime, effect: &Effect<Node<S>>) {
        let _ = (now, effect);
    }
}

/// Looks away.
impl<S: StateMachine> Tap<S> for () {}

/// Hands every observation to `tracing`, at level debug and with the target `squall`.
#[derive(Clone, Copy, Debug)]
pub struct Tracing {
    /// Whose observations they are.
    pub node: NodeId,
}

impl<S: StateMachine> Tap<S> for Tracing {
    fn effect(&mut self, now: LocalTime, effect: &Effect<Node<S>>) {
        match effect {
            Effect::Observe(observation) => {
                tracing::debug!(target: "squall", node = self.node.0, local_ns = now.0, ?observation);
            }
            Effect::Halt { reason } => tracing::error!(target: "squall", node = self.node.0, local_ns = now.0, reason, "halted"),
            Effect::Send { .. } | Effect::Disk { .. } | Effect::Reply { .. } => {}
        }
    }
}
