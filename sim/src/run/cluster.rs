//! Who leads, follows, is down or paused: the cluster as an observer sees it from outside.
//!
//! Faults are aimed by it and marks are read off it. Not here: invariants
//! (`squall_checkers::raft`). Read next: [`super::faults`].

use squall_raft::observation::{Observation, RoleKind};

use crate::scenario::Target;

/// One node from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeView {
    /// Runs, paused or not.
    pub up: bool,
    /// Has read its disk and takes part.
    pub running: bool,
    /// Is paused.
    pub paused: bool,
    /// Its term, as last observed.
    pub term: u64,
    /// Its role, as last observed.
    pub role: RoleKind,
}

/// All nodes; the first has number 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    nodes: Vec<NodeView>,
}

impl Cluster {
    /// A cluster of nodes that were never started.
    #[must_use]
    pub fn new(nodes: u64) -> Self {
        let down = NodeView { up: false, running: false, paused: false, term: 0, role: RoleKind::Follower };
        Self { nodes: (0..nodes).map(|_| down).collect() }
    }

    /// All node numbers.
    pub fn ids(&self) -> impl Iterator<Item = u64> + use<> {
        1..=self.nodes.len() as u64
    }

    /// A node; `None` if there is no such number.
    #[must_use]
    pub fn get(&self, node: u64) -> Option<&NodeView> {
        self.nodes.get(usize::try_from(node.checked_sub(1)?).ok()?)
    }

    fn get_mut(&mut self, node: u64) -> Option<&mut NodeView> {
        self.nodes.get_mut(usize::try_from(node.checked_sub(1)?).ok()?)
    }

    /// The running leader of the highest term.
    #[must_use]
    pub fn leader(&self) -> Option<u64> {
        self.leaders().max_by_key(|node| self.get(*node).map_or(0, |view| view.term))
    }

    /// Every node that believes to lead.
    pub fn leaders(&self) -> impl Iterator<Item = u64> + '_ {
        self.ids().filter(|node| self.get(*node).is_some_and(|view| view.running && view.role == RoleKind::Leader))
    }

    /// A process started, or ended.
    pub fn set_up(&mut self, node: u64, up: bool) {
        if let Some(view) = self.get_mut(node) {
            *view = NodeView { up, running: false, paused: false, term: view.term, role: RoleKind::Follower };
        }
    }

    /// A process was stopped for a while, or goes on.
    pub fn set_paused(&mut self, node: u64, paused: bool) {
        if let Some(view) = self.get_mut(node) {
            view.paused = paused;
        }
    }

    /// A node reported something about itself.
    pub fn observe(&mut self, node: u64, observation: &Observation) {
        let Some(view) = self.get_mut(node) else {
            return;
        };
        match *observation {
            Observation::Recovered { term, .. } => {
                view.running = true;
                view.term = term.0;
            }
            Observation::TermAdopted { term } => view.term = term.0,
            Observation::RoleChanged { term, role } => {
                view.term = term.0;
                view.role = role;
            }
            _ => {}
        }
    }

    /// Whether a target can mean this node now.
    #[must_use]
    pub fn fits(&self, target: &Target, node: u64) -> bool {
        let Some(view) = self.get(node) else {
            return false;
        };
        match target {
            Target::Node(wanted) => *wanted == node,
            Target::Leader => self.leader() == Some(node),
            Target::Candidate => view.running && matches!(view.role, RoleKind::PreCandidate | RoleKind::Candidate),
            Target::Follower => view.running && view.role == RoleKind::Follower,
            Target::Any => view.up,
            Target::All | Target::Others => true,
            // Whoever was met has a number by the time that it matters.
            Target::Met => false,
            Target::Not(inner) => view.up && !self.fits(inner, node),
        }
    }
}
