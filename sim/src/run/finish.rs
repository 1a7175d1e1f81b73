//! The end of a run: what must be true after healing, the clients' history, and the outcome.
//!
//! Not here: online checks (`judge.rs`). Read next: `campaign`, which adds outcomes up.

use std::collections::BTreeMap;

use squall_checkers::history::History;
use squall_checkers::linearizability::{self, Limits, Verdict as Linearizability};
use squall_checkers::liveness::{EndOfRun, Replica};
use squall_checkers::violation::{Need, Property, Violation};
use squall_raft::applier::StateMachine;
use squall_raft::node::Node;
use squall_raft::types::NodeId;

use super::clients::{Desk, Source};
use super::healing::REIGN;
use super::subject::Subject;
use super::{Ending, Run};
use crate::arena::{Arena, Traffic};
use crate::scenario::Mark;

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The first property that was violated, if any.
    pub violation: Option<Box<Violation>>,
    /// The faults that stay left no core, so no progress was demanded.
    pub unavailable: bool,
    /// The trace hash: equal for equal runs, everywhere.
    pub hash: u64,
    /// The hash after every block of events, to find a first difference.
    pub blocks: Vec<u64>,
    /// Events that went into it.
    pub events: u64,
    /// Messages between nodes.
    pub messages: u64,
    /// What went over wires.
    pub traffic: Traffic,
    /// Operations with a definite outcome.
    pub operations: u64,
    /// Reads among them.
    pub reads: u64,
    /// Operations whose outcome nobody knows.
    pub unknown: u64,
    /// Operations under way at the same time, at most.
    pub max_in_flight: u64,
    /// Virtual duration.
    pub virtual_ns: u64,
    /// How often a leader was elected.
    pub leaders: u64,
    /// Highest commit index.
    pub commits: u64,
    /// Faults that took effect, by kind.
    pub faults: BTreeMap<String, u64>,
    /// What the atlas forbade, by kind.
    pub suppressed: BTreeMap<&'static str, u64>,
    /// What the plan asked for and the arena cannot do, by name, and how often.
    pub inexpressible: BTreeMap<&'static str, u64>,
    /// Marks that were reached.
    pub marks: BTreeMap<Mark, u64>,
    /// The clients' history, as the subject writes it, if [`Options::history`](super::Options::history) asks for it.
    pub history: Option<String>,
}

/// What is demanded of the core, as it stands now.
pub(super) fn facts<S: Subject, A: Arena<Node<S::Machine>>>(run: &Run<S, A>, commit_index_at_healing: u64) -> EndOfRun {
    let faults_stay = run.faults.any_in_force() || run.arena.node_ids().any(|node| run.is_damaged(node));
    let reign_ns = run.reign.map_or(0, |reign| run.arena.now() - reign.since_ns);
    EndOfRun {
        leader: run.reign.map(|reign| reign.leader),
        reign_ns: faults_stay.then_some(reign_ns),
        reign_election_timeouts: if faults_stay { REIGN } else { 0 },
        outside: run.arena.node_ids().filter(|node| !run.core.contains(node)).map(|node| node.0).collect(),
        committed_since_heal: run.commit_index() > commit_index_at_healing,
        unanswered: run.clients.iter().filter_map(|client| Some((client.id(), client.unanswered()?.0))).collect(),
        owed: run.judge.duties.owed().filter(|(node, _)| run.core.contains(&NodeId(*node))).collect(),
        replicas: equal_ones(run).into_iter().map(|node| replica(run, node)).collect(),
        elapsed_ns: run.arena.now().saturating_sub(run.healed_at_ns),
        election_timeout_ns: run.plan.engine.election_timeout.high.0,
        bound_election_timeouts: run.plan.settle_election_timeouts,
    }
}

/// Whose replicas must be equal: the leader's and those of the core that it is linked with.
fn equal_ones<S: Subject, A: Arena<Node<S::Machine>>>(run: &Run<S, A>) -> Vec<NodeId> {
    let Some(leader) = run.reign.map(|reign| NodeId(reign.leader)) else {
        return run.core.clone();
    };
    let is_reached = |node: &NodeId| *node == leader || run.core.contains(node) && run.faults.are_linked(leader.0, node.0);
    run.arena.node_ids().filter(|node| is_reached(node) && run.is_well(*node)).collect()
}

/// The leader that a quorum follows in one term, behind that term.
pub(super) fn agreed_leader<S: Subject, A: Arena<Node<S::Machine>>>(run: &Run<S, A>) -> Option<(u64, u64)> {
    let mut followers: BTreeMap<(u64, u64), u64> = BTreeMap::new();
    let of = |process: &Node<S::Machine>| {
        let core = process.core()?;
        Some((core.hard_state().term.0, core.leader()?.0))
    };
    for followed in run.arena.node_ids().filter_map(|node| run.arena.with_process(node, of).flatten()) {
        *followers.entry(followed).or_default() += 1;
    }
    followers.into_iter().find(|(_, count)| count * 2 > run.plan.nodes).map(|(followed, _)| followed)
}

fn replica<S: Subject, A: Arena<Node<S::Machine>>>(run: &Run<S, A>, node: NodeId) -> Replica {
    let of = |process: &Node<S::Machine>| {
        let (core, applier) = (process.core(), process.applier());
        Replica {
            node: node.0,
            last_index: core.map_or(0, |core| core.log().last().index.0),
            commit_index: core.map_or(0, |core| core.commit_index().0),
            applied_index: applier.map_or(0, |applier| applier.applied().0),
            digest: applier.map_or(0, |applier| applier.digest()),
        }
    };
    let down = Replica { node: node.0, last_index: 0, commit_index: 0, applied_index: 0, digest: 0 };
    run.arena.with_process(node, of).unwrap_or(down)
}

/// Closes the books and judges the clients' history.
pub(super) fn judge<S: Subject, A: Arena<Node<S::Machine>>>(mut run: Run<S, A>) -> Outcome
where
    S::Machine: StateMachine,
{
    close(&mut run);
    let commits = run.commit_index();
    let unavailable = matches!(run.ended, Some(Ending::Unavailable));
    let violation = match run.ended.take() {
        Some(Ending::Violated(violation)) => Some(violation),
        _ => run.arena.final_violation().or_else(|| {
            let judged = run.options.checks && A::PROVIDES.contains(&Need::ClientHistory);
            let is_known = run.live.as_mut().is_some_and(|live| live.verdict() == Some(true));
            if judged && !is_known { linearizability(&run) } else { None }
        }),
    };
    let counters = run.arena.counters();
    let history = written(&run);
    Outcome {
        violation,
        unavailable,
        hash: run.arena.hash(),
        blocks: run.arena.blocks(),
        events: run.arena.events(),
        messages: counters.messages,
        traffic: run.arena.traffic(),
        operations: run.totals.completed,
        reads: run.totals.reads,
        unknown: run.totals.unknown,
        max_in_flight: run.totals.in_flight_max,
        virtual_ns: run.arena.now(),
        leaders: run.judge.marks.leaders(),
        commits,
        faults: run.faults_that_took_effect(),
        suppressed: run.judge.disks.suppressed().clone(),
        inexpressible: inexpressible(&run),
        marks: run.judge.marks.counts().clone(),
        history,
    }
}

/// What the arena was asked for and could not do, and the faults that were not even tried.
fn inexpressible<S: Subject, A: Arena<Node<S::Machine>>>(run: &Run<S, A>) -> BTreeMap<&'static str, u64> {
    let mut all = run.arena.inexpressible();
    for (kind, count) in run.faults.inexpressible() {
        *all.entry(kind).or_default() += count;
    }
    all
}

fn close<S: Subject, A: Arena<Node<S::Machine>>>(run: &mut Run<S, A>) {
    let mut wishes = Vec::new();
    let mut desk = Desk {
        now_ns: run.arena.now(),
        open: false,
        may_give_up: true,
        nodes: &run.core,
        subject: &run.subject,
        history: &mut run.history,
        sources: run.sources.as_mut(),
        live: run.live.as_mut(),
        totals: &mut run.totals,
        wishes: &mut wishes,
    };
    for client in &mut run.clients {
        client.close(&mut desk);
    }
    let marks = &mut run.judge.marks;
    marks.finish();
    marks.hit_if(run.faults.has_flapped(), Mark::LinkFlapped);
    marks.hit_if(run.totals.retried > 0, Mark::ClientRetried);
    marks.hit_if(run.totals.unknown > 0, Mark::UnknownOutcome);
}

/// The history as text, with the order in which the log has it as witness.
fn written<S: Subject, A: Arena<Node<S::Machine>>>(run: &Run<S, A>) -> Option<String> {
    let sources = run.sources.as_ref()?;
    let operations: Vec<_> = run.history.iter().cloned().collect();
    // By log index; reads of a state come after the write that made it, in the order in which they began.
    let mut places: Vec<(u64, bool, u64, usize)> = Vec::new();
    for (position, (source, operation)) in sources.iter().zip(&operations).enumerate() {
        let place = match *source {
            Source::Command { session, sequence } => run.judge.commands.get(&(session.0, sequence)).map(|index| (*index, false)),
            Source::Answered(index) => Some((index.0, true)),
            Source::Nowhere => None,
        };
        places.extend(place.map(|(index, is_read)| (index, is_read, operation.invoked_at, position)));
    }
    places.sort_unstable();
    let mut witness = vec![None; operations.len()];
    for (place, (.., position)) in (0..).zip(places) {
        witness[position] = Some(place);
    }
    run.subject.write_history(&History::new(operations).ok()?, &witness)
}

/// Judges the history so far as a whole.
pub(super) fn linearizability<S: Subject, A: Arena<Node<S::Machine>>>(run: &Run<S, A>) -> Option<Box<Violation>> {
    let history = match History::new(run.history.iter().cloned().collect()) {
        Ok(history) => history,
        Err(error) => return Some(Violation::new(Property::GaveUp, format!("the history is no history: {error}"))),
    };
    let limits = Limits { configurations: run.options.search_max, ..Limits::default() };
    let model = run.subject.model();
    match linearizability::check(&model, &history, limits) {
        Linearizability::Ok(_) => None,
        Linearizability::Illegal(illegal) => {
            let explanation = linearizability::explain(&model, &history, &illegal, limits);
            Some(Violation::new(Property::Linearizability, explanation.text(&model, &history)))
        }
        Linearizability::Unknown { limit, .. } => Some(Violation::new(Property::GaveUp, format!("linearizability: {limit:?}"))),
    }
}
