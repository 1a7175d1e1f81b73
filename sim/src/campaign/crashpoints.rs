//! Every crash point of a run: at each disk operation of each node that node dies, and dies again at each operation of
//! the recovery that follows.
//!
//! ```text
//! the run   ----o-------o-------o----      each o is the end of a disk operation
//!               |\
//!               | crash, start --o---o---o-- up, storm ends, all must be well
//!               |                |
//!               |                crash, start ------ up: all that was promised is there
//! ```
//!
//! The world is cloned at every point, so what lies before it is run once. A node dies in three ways at each operation:
//! its power fails while the operation is under way (whether it was carried out, wholly, half or not, is drawn), its power
//! fails after it has learned of the end, or it is killed then and the page cache survives. During recoveries its power fails,
//! while the operation is under way and after. The operations themselves are not chosen but exhausted; what a power
//! loss leaves of what was not synced is drawn, and differs from point to point.
//!
//! Not here: what is drawn of a scenario ([`crate::plan`]); the command line ([`crate::cli`]).

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::str::FromStr;
use std::sync::Arc;

use squall_checkers::violation::{Property, Violation};
use squall_raft::node::Node;
use squall_raft::observation::Observation;
use squall_raft::process::DiskOp;
use squall_raft::store::format::SegmentId;
use squall_raft::types::NodeId;

use super::panics;
use super::single::{How, start};
use crate::plan::Plan;
use crate::run::Run;
use crate::run::settings::SettingsError;
use crate::run::subject::Subject;
use crate::world::{Observer, WorldEvent};

/// More events than this between a start and the end of a recovery, and it hangs.
const RECOVERY_EVENTS_MAX: u64 = 200_000;

/// How a node dies at an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// Its power fails while the operation is under way.
    Under,
    /// Its power fails when the node has learned of the end.
    After,
    /// It is killed then.
    Killed,
}

impl Death {
    const ALL: [Self; 3] = [Self::Under, Self::After, Self::Killed];

    const fn name(self) -> &'static str {
        match self {
            Self::Under => "under",
            Self::After => "after",
            Self::Killed => "killed",
        }
    }
}

/// A place where a node dies: `2:57:under` or, in the recovery from that, `2:57:under:3:after`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// Whose disk.
    pub node: u64,
    /// Which of its operations, counted from 1 over the whole run.
    pub op: u64,
    /// How.
    pub death: Death,
    /// And again, at which operation of the recovery.
    pub again: Option<(u64, Death)>,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.node, self.op, self.death.name())?;
        self.again.map_or(Ok(()), |(op, death)| write!(f, ":{op}:{}", death.name()))
    }
}

impl FromStr for Point {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || format!("found {text:?}, expected a point such as 2:57:under or 2:57:under:3:after");
        let parts: Vec<&str> = text.split(':').collect();
        let number = |at: usize| parts.get(at).and_then(|part| part.parse::<u64>().ok()).ok_or_else(refused);
        let death = |at: usize| {
            let named = |death: &Death| parts.get(at) == Some(&death.name());
            Death::ALL.into_iter().find(named).ok_or_else(refused)
        };
        let again = match parts.len() {
            3 => None,
            5 => Some((number(3)?, death(4)?)),
            _ => return Err(refused()),
        };
        Ok(Self { node: number(0)?, op: number(1)?, death: death(2)?, again })
    }
}

/// What was walked, and what came of it.
#[derive(Clone, Debug, Default)]
pub struct Walk {
    /// Crashes at operations of the run.
    pub points: u64,
    /// Crashes at operations of the recoveries from those.
    pub recovery_points: u64,
    /// What happened in the run itself.
    pub facts: Facts,
    /// Where something was violated.
    pub failures: Vec<(Point, Box<Violation>)>,
}

/// What a run has to offer to whoever walks it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Disk operations of all nodes.
    pub disk_operations: u64,
    /// Segments that were made behind a full one, at the node that made the most.
    pub rotations: u64,
    /// Truncations that reached back behind the segment that was written to.
    pub truncations_over_segments: u64,
    /// Votes for another node.
    pub votes: u64,
    /// Commits, at the node that knows of the most.
    pub commits: u64,
}

/// What to walk.
#[derive(Clone, Copy, Debug, Default)]
pub struct Part {
    /// This point and no other.
    pub only: Option<Point>,
    /// Every so many-th operation of the run; 0 and 1 are every one.
    pub every: u64,
    /// Stop after so many failures; 0 is never.
    pub failures_max: usize,
}

/// Walks a run.
///
/// `told` hears after each operation of the run how far the walk is: virtual time and points so far.
///
/// # Errors
/// If the engine refuses the plan's settings.
pub fn walk<S: Subject>(
    plan: &Arc<Plan>,
    subject: &S,
    how: How,
    part: Part,
    mut told: impl FnMut(u64, &Walk),
) -> Result<Walk, SettingsError> {
    let mut spy =
        Spy { done: None, bases: vec![Vec::new(); usize::try_from(plan.nodes).unwrap_or(0) + 1], facts: Facts::default() };
    let mut trunk = start(plan, subject, how, &mut spy)?;
    let mut walker = Walker { walk: Walk::default(), part };
    let mut ops = vec![0_u64; spy.bases.len()];
    while trunk.is_in_storm() {
        let before = trunk.clone();
        spy.done = None;
        trunk.step(&mut spy);
        let Some(node) = spy.done else { continue };
        let Some(op) = usize::try_from(node.0).ok().and_then(|at| ops.get_mut(at)) else { continue };
        *op += 1;
        if trunk.is_in_storm() {
            walker.at(node, *op, &before, &trunk);
            told(trunk.now_ns(), &walker.walk);
        }
        if part.failures_max > 0 && walker.walk.failures.len() >= part.failures_max {
            break;
        }
    }
    walker.walk.facts = spy.facts;
    // A run that fails by itself has nothing to say about crash points.
    if let Some(violation) = trunk.is_over().then(|| trunk.finish(&mut ()).violation).flatten() {
        walker.walk.failures.push((Point { node: 0, op: 0, death: Death::After, again: None }, violation));
    }
    Ok(walker.walk)
}

struct Walker {
    walk: Walk,
    part: Part,
}

impl Walker {
    /// Walks the crash points of one operation.
    fn at<S: Subject>(&mut self, node: NodeId, op: u64, before: &Run<S>, after: &Run<S>) {
        if self.part.every > 1 && !op.is_multiple_of(self.part.every) {
            return;
        }
        for death in Death::ALL {
            let point = Point { node: node.0, op, death, again: None };
            if self.part.only.is_some_and(|only| (only.node, only.op, only.death) != (point.node, point.op, point.death)) {
                continue;
            }
            let at = if death == Death::Under { before } else { after };
            let mut branch = at.clone();
            if !branch.crash(node, death != Death::Killed, &mut ()) {
                continue;
            }
            self.walk.points += 1;
            let outcome = guarded(|| self.recover(branch, node, point));
            if let Err(violation) = outcome {
                self.walk.failures.push((point, violation));
            }
        }
    }

    /// Starts a node that died, walks its recovery, and demands that all is well in the end.
    fn recover<S: Subject>(&mut self, mut branch: Run<S>, node: NodeId, point: Point) -> Result<(), Box<Violation>> {
        branch.restart(node, &mut ());
        let mut spy = Done { node, done: false };
        let (mut op, mut events) = (0, 0);
        while !branch.is_running(node) {
            let before = branch.clone();
            spy.done = false;
            branch.step(&mut spy);
            events += 1;
            if branch.is_over() || events > RECOVERY_EVENTS_MAX {
                break;
            }
            if spy.done {
                op += 1;
                self.in_recovery(node, op, &before, &branch, point);
            }
        }
        if events > RECOVERY_EVENTS_MAX {
            return Err(Violation::new(Property::Stuck, format!("node {} does not come up again: {events} events", node.0)));
        }
        if self.part.only.is_some_and(|only| only.again.is_some()) {
            return Ok(());
        }
        branch.end_storm(&mut ());
        branch.finish(&mut ()).violation.map_or(Ok(()), Err)
    }

    fn in_recovery<S: Subject>(&mut self, node: NodeId, op: u64, before: &Run<S>, after: &Run<S>, point: Point) {
        for (death, at) in [(Death::Under, before), (Death::After, after)] {
            let point = Point { again: Some((op, death)), ..point };
            if self.part.only.is_some_and(|only| only != point) {
                continue;
            }
            let mut branch = at.clone();
            if !branch.crash(node, true, &mut ()) {
                continue;
            }
            self.walk.recovery_points += 1;
            if let Err(violation) = guarded(|| come_up(branch, node)) {
                self.walk.failures.push((point, violation));
            }
        }
    }
}

/// The second time nothing interferes. What the node has recovered is held against what its disk has promised.
fn come_up<S: Subject>(mut branch: Run<S>, node: NodeId) -> Result<(), Box<Violation>> {
    branch.restart(node, &mut ());
    let mut events = 0;
    while !branch.is_running(node) && !branch.is_over() {
        branch.step(&mut ());
        events += 1;
        if events > RECOVERY_EVENTS_MAX {
            return Err(Violation::new(Property::Stuck, format!("node {} does not come up again: {events} events", node.0)));
        }
    }
    if branch.is_over() { branch.finish(&mut ()).violation.map_or(Ok(()), Err) } else { Ok(()) }
}

/// A panic of the system under test is a verdict.
fn guarded(walk: impl FnOnce() -> Result<(), Box<Violation>>) -> Result<(), Box<Violation>> {
    catch_unwind(AssertUnwindSafe(walk)).unwrap_or_else(|_| Err(Violation::new(Property::Panic, panics::take())))
}

/// Hears whose disk has done something, and what a run has to offer.
struct Spy {
    done: Option<NodeId>,
    /// By node, the base index of every segment that it made.
    bases: Vec<Vec<u64>>,
    facts: Facts,
}

impl<M: squall_raft::applier::StateMachine> Observer<Node<M>> for Spy {
    fn event(&mut self, _: u64, _: u64, event: WorldEvent<'_, Node<M>>) {
        match event {
            WorldEvent::DiskDone { node, what, result: Ok(_), .. } => {
                self.done = Some(node);
                self.facts.disk_operations += 1;
                if let DiskOp::Rename { to, .. } = what
                    && let (Some(segment), Some(bases)) = (SegmentId::parse(to), self.bases.get_mut(position(node)))
                {
                    bases.push(segment.base.0);
                    self.facts.rotations = self.facts.rotations.max(bases.len() as u64 - 1);
                }
            }
            WorldEvent::Observed { node, observation } => self.observed(node, observation),
            _ => {}
        }
    }
}

impl Spy {
    fn observed(&mut self, node: NodeId, observation: &Observation) {
        match observation {
            Observation::Truncated { last, .. } => {
                let newest = self.bases.get(position(node)).and_then(|bases| bases.last());
                self.facts.truncations_over_segments += u64::from(newest.is_some_and(|base| last.0 + 1 < *base));
            }
            Observation::Voted { candidate, .. } => self.facts.votes += u64::from(*candidate != node),
            Observation::Committed { index, .. } => self.facts.commits = self.facts.commits.max(index.0),
            _ => {}
        }
    }
}

fn position(node: NodeId) -> usize {
    usize::try_from(node.0).unwrap_or(usize::MAX)
}

/// Hears whether one node's disk has done something.
struct Done {
    node: NodeId,
    done: bool,
}

impl<M: squall_raft::applier::StateMachine> Observer<Node<M>> for Done {
    fn event(&mut self, _: u64, _: u64, event: WorldEvent<'_, Node<M>>) {
        if let WorldEvent::DiskDone { node, .. } = event {
            self.done |= node == self.node;
        }
    }
}
