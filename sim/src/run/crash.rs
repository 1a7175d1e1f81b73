//! What a walk over crash points does to a run from outside: end a node at an exact place, start it, end the storm.
//!
//! Not here: which points there are and what is demanded (`campaign::crashpoints`).

use squall_raft::node::Node;
use squall_raft::types::NodeId;

use super::subject::Subject;
use super::{Both, Phase, Run};
use crate::arena::Arena;
use crate::world::{Observer, World};

impl<S: Subject> Run<S, World<Node<S::Machine>>> {
    /// Ends a node's process, by taking its power away or not; false if it does not run.
    pub(crate) fn crash(&mut self, node: NodeId, power: bool, observer: &mut impl Observer<Node<S::Machine>>) -> bool {
        let mut both = Both { judge: &mut self.judge, other: observer };
        if power { Arena::power_loss(&mut self.arena, node, &mut both) } else { Arena::kill(&mut self.arena, node, &mut both) }
    }

    /// Starts it again.
    pub(crate) fn restart(&mut self, node: NodeId, observer: &mut impl Observer<Node<S::Machine>>) {
        Arena::start(&mut self.arena, node, &mut Both { judge: &mut self.judge, other: observer });
    }

    /// Whether a node has read its disk and takes part.
    pub(crate) fn is_running(&self, node: NodeId) -> bool {
        self.judge.cluster.get(node.0).is_some_and(|view| view.running)
    }

    /// Whether faults still happen.
    pub(crate) fn is_in_storm(&self) -> bool {
        self.phase == Phase::Safety && self.ended.is_none()
    }

    /// Ends the storm now and not when the plan says.
    pub(crate) fn end_storm(&mut self, observer: &mut impl Observer<Node<S::Machine>>) {
        if self.is_in_storm() {
            self.heal(observer);
        }
    }
}
