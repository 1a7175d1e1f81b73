//! Answers that come twice, late, in any order, from another session, round or term: harmless by construction.
//!
//! A cluster whose network forgets nothing: whatever was ever sent may arrive again at any time.
//! After each step a leader's books are compared with what really happened: `matched` never falls and is
//! durable there, `matched < next`, a round counts as heard only by who heard it, and what is under
//! way is bounded and lies between the two. In the end, when all is quiet, nothing is left under way.
//! Not here: the invariants of consensus, which the cluster itself checks at each step (`stories/invariants.rs`).

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::{Config as ProptestConfig, TestCaseError, TestRunner};
use squall_raft::core::Core;
use squall_raft::core::progress::Progress;
use squall_raft::core::role::{Leader, Role};
use squall_raft::message::{Body, Message};
use squall_raft::types::{LogId, LogIndex, NodeId, Term};

use crate::stories::cluster::{Cluster, Setup};
use crate::stories::invariants::log_ids;

/// One step; the numbers choose among what is there when it is made.
#[derive(Clone, Copy, Debug)]
enum Move {
    /// Any message under way.
    Deliver(usize),
    /// Any message that was ever sent, once more.
    Again(usize),
    Lose(usize),
    Sync(usize, usize),
    Tick(usize),
    Propose(usize),
    Read(usize),
    Crash(usize),
    Restart(usize),
    Settle,
}

fn a_move() -> impl Strategy<Value = Move> {
    let n = || any::<u16>().prop_map(usize::from);
    prop_oneof![
        30 => n().prop_map(Move::Deliver),
        20 => n().prop_map(Move::Again),
        5 => n().prop_map(Move::Lose),
        12 => (n(), n()).prop_map(|(node, count)| Move::Sync(node, count)),
        6 => n().prop_map(Move::Tick),
        10 => n().prop_map(Move::Propose),
        4 => n().prop_map(Move::Read),
        1 => n().prop_map(Move::Crash),
        2 => n().prop_map(Move::Restart),
        2 => Just(Move::Settle),
    ]
}

/// A leadership and one of its followers.
type Pair = (NodeId, Term, NodeId);

/// What really happened.
#[derive(Default)]
struct Truth {
    /// Whatever was ever under way.
    sent: Vec<Message>,
    /// The highest round that a follower heard of a leadership.
    heard: BTreeMap<Pair, u64>,
    /// What the leader believed to be durable there.
    matched: BTreeMap<Pair, LogIndex>,
    /// Everything that was ever durable anywhere.
    durable: BTreeSet<(NodeId, LogId)>,
    requests: usize,
}

/// What was seen over all cases: without it they prove little.
#[derive(Default)]
struct Seen {
    replayed: u64,
    acknowledged: u64,
    confirmed: u64,
    full: u64,
    sessions: u32,
}

struct Play {
    cluster: Cluster,
    truth: Truth,
    inflight_max: usize,
}

impl Play {
    fn new(mut setup: Setup, size: u64, inflight_max: u32, batch: u32) -> Result<Self, String> {
        (setup.limits.inflight_appends_max, setup.limits.append_entries_max) = (inflight_max, batch);
        Ok(Self { cluster: Cluster::new(size, setup)?, truth: Truth::default(), inflight_max: inflight_max as usize })
    }

    fn make(&mut self, a_move: Move, seen: &mut Seen) -> Result<(), String> {
        let up: Vec<NodeId> = self.cluster.nodes.iter().filter(|node| node.core.is_some()).map(|node| node.id).collect();
        let of = |from: &[NodeId], n: usize| if from.is_empty() { None } else { from.get(n % from.len()).copied() };
        match a_move {
            Move::Deliver(n) => self.deliver(n)?,
            Move::Again(n) => {
                if let Some(message) = nth(&self.truth.sent, n).cloned() {
                    self.cluster.forge(message);
                    seen.replayed += 1;
                    self.deliver(self.cluster.network.len() - 1)?;
                }
            }
            Move::Lose(n) if !self.cluster.network.is_empty() => self.cluster.lose(n % self.cluster.network.len()),
            Move::Sync(n, count) => {
                if let Some(id) = of(&up, n) {
                    let under_way = self.cluster.node(id)?.disk.under_way();
                    self.cluster.sync(id, count % (under_way + 1))?;
                }
            }
            Move::Tick(n) => of(&up, n).map_or(Ok(()), |id| self.cluster.tick(id))?,
            Move::Propose(n) => {
                let name = self.name();
                self.leader().or(of(&up, n)).map_or(Ok(()), |id| self.cluster.propose(id, &name))?;
            }
            Move::Read(n) => {
                let name = self.name();
                self.leader().or(of(&up, n)).map_or(Ok(()), |id| self.cluster.read(id, &name))?;
            }
            Move::Crash(n) => of(&up, n).map_or(Ok(()), |id| self.cluster.crash(id, 0))?,
            Move::Restart(n) => {
                let down: Vec<NodeId> =
                    self.cluster.nodes.iter().filter(|node| node.core.is_none()).map(|node| node.id).collect();
                of(&down, n).map_or(Ok(()), |id| self.cluster.restart(id))?;
            }
            Move::Settle => self.settle()?,
            Move::Lose(_) => {}
        }
        self.look(seen)
    }

    fn name(&mut self) -> String {
        self.truth.requests += 1;
        format!("r{}", self.truth.requests)
    }

    fn leader(&self) -> Option<NodeId> {
        let leads = |core: &Core| matches!(core.role(), Role::Leader(_)).then(|| core.hard_state().term);
        let leaders = self.cluster.nodes.iter().filter_map(|node| Some((leads(node.core.as_ref()?)?, node.id)));
        leaders.max().map(|(_, id)| id)
    }

    fn deliver(&mut self, n: usize) -> Result<(), String> {
        let Some(message) = nth(&self.cluster.network, n).cloned() else {
            return Ok(());
        };
        let (from, to) = (message.envelope.from.node, message.envelope.to.node);
        if self.cluster.node(to)?.core.is_some() && matches!(message.body, Body::Append { .. } | Body::Heartbeat { .. }) {
            let heard = self.truth.heard.entry((from, message.envelope.term, to)).or_default();
            *heard = (*heard).max(message.envelope.round);
        }
        self.cluster.deliver(n % self.cluster.network.len())
    }

    /// Delivers and syncs everything, in order.
    fn settle(&mut self) -> Result<(), String> {
        for _ in 0..10_000 {
            let busy = self.cluster.nodes.iter().find(|node| node.disk.under_way() > 0).map(|node| node.id);
            if let Some(id) = busy {
                let writes = self.cluster.node(id)?.disk.under_way();
                self.cluster.sync(id, writes)?;
            } else if self.cluster.network.is_empty() {
                return Ok(());
            } else {
                self.note();
                self.deliver(0)?;
            }
            self.note();
        }
        Err("it never comes to rest".to_owned())
    }

    /// Takes down what can be seen from outside.
    fn note(&mut self) {
        for message in &self.cluster.network {
            if !self.truth.sent.contains(message) {
                self.truth.sent.push(message.clone());
            }
        }
        for node in &self.cluster.nodes {
            let ids = log_ids(&node.disk.log);
            self.truth.durable.extend(ids.map(|id| (node.id, id)));
        }
    }

    /// Compares every leader's books with the truth.
    fn look(&mut self, seen: &mut Seen) -> Result<(), String> {
        self.note();
        for node in &self.cluster.nodes {
            let Some(core) = &node.core else { continue };
            if let Role::Leader(leader) = core.role() {
                for (follower, progress) in &leader.followers {
                    let pair = (node.id, core.hard_state().term, *follower);
                    self.truth.judge(pair, core, progress, self.inflight_max)?;
                    seen.full += u64::from(progress.inflight().is_some_and(|under_way| under_way.len() == self.inflight_max));
                    seen.acknowledged += progress.matched.0;
                    seen.sessions = seen.sessions.max(progress.session);
                }
                self.truth.judge_rounds((node.id, core.hard_state().term), leader)?;
                seen.confirmed += leader.round_confirmed;
            }
        }
        Ok(())
    }

    /// Ends all trouble: whoever leads then has nothing under way, and has reached everybody.
    fn rest(&mut self) -> Result<(), String> {
        for id in (1..=self.cluster.nodes.len() as u64).map(NodeId) {
            if self.cluster.node(id)?.core.is_none() {
                self.cluster.restart(id)?;
            }
        }
        self.cluster.wait(150);
        for turn in 0..40 {
            self.settle()?;
            let id = self.leader().unwrap_or(NodeId(1 + turn % self.cluster.nodes.len() as u64));
            self.cluster.tick(id)?;
        }
        self.settle()?;
        let id = self.leader().ok_or("nobody leads")?;
        let core = self.cluster.node(id)?.core.as_ref().ok_or("the leader is down")?;
        let Role::Leader(leader) = core.role() else { return Err("the leader does not lead".to_owned()) };
        let last = core.log().last().index;
        for (follower, progress) in &leader.followers {
            if progress.inflight().is_none_or(|under_way| !under_way.is_empty())
                || progress.matched != last
                || progress.next != last.next()
            {
                return Err(format!("at rest node {id} thinks of node {follower}, whose log ends at {last}: {progress:?}"));
            }
        }
        Ok(())
    }
}

impl Truth {
    fn judge(&mut self, pair: Pair, core: &Core, progress: &Progress, inflight_max: usize) -> Result<(), String> {
        let (leader, term, follower) = pair;
        let whose = || format!("node {leader} in term {term} of node {follower}: {progress:?}");
        let before = self.matched.insert(pair, progress.matched).unwrap_or_default();
        if progress.matched < before {
            return Err(format!("matched falls from {before}: {}", whose()));
        }
        if progress.matched >= progress.next {
            return Err(format!("matched is not below next: {}", whose()));
        }
        let id = LogId { term: core.log().term_at(progress.matched).unwrap_or_default(), index: progress.matched };
        if id.index.0 > 0 && !self.durable.contains(&(follower, id)) {
            return Err(format!("{id} was never durable there: {}", whose()));
        }
        let heard = self.heard.get(&pair).copied().unwrap_or_default();
        if progress.round_acked > heard {
            return Err(format!("it heard round {heard} at most: {}", whose()));
        }
        let within = |end: LogIndex| progress.matched < end && end < progress.next;
        match progress.inflight() {
            Some(under_way) if under_way.len() > inflight_max || !under_way.ends().all(within) => {
                Err(format!("what is under way does not fit: {}", whose()))
            }
            _ => Ok(()),
        }
    }

    fn judge_rounds(&self, (node, term): (NodeId, Term), leader: &Leader) -> Result<(), String> {
        let confirmed = leader.round_confirmed;
        let heard = |follower: &NodeId| self.heard.get(&(node, term, *follower)).is_some_and(|round| *round >= confirmed);
        let by = 1 + leader.followers.iter().filter(|(follower, _)| heard(follower)).count();
        if confirmed > 0 && by * 2 <= leader.followers.len() + 1 {
            return Err(format!("node {node} takes round {confirmed} of term {term} as confirmed, which {by} have heard"));
        }
        Ok(())
    }
}

fn nth<T>(from: &[T], n: usize) -> Option<&T> {
    if from.is_empty() { None } else { from.get(n % from.len()) }
}

fn try_schedules(setup: Setup) -> Result<Seen, String> {
    let seen = RefCell::new(Seen::default());
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    let cases =
        (prop_oneof![1 => Just(2u64), 4 => Just(3), 1 => Just(5)], 1..5u32, 1..4u32, prop::collection::vec(a_move(), 1..250));
    let run = TestRunner::new(config).run(&cases, |(size, inflight_max, batch, moves)| {
        let mut play = Play::new(setup, size, inflight_max, batch).map_err(TestCaseError::fail)?;
        // Somebody leads, or most of it would be about nothing.
        play.cluster.tick(NodeId(1)).and_then(|()| play.settle()).map_err(TestCaseError::fail)?;
        for a_move in moves {
            play.make(a_move, &mut seen.borrow_mut()).map_err(TestCaseError::fail)?;
        }
        play.rest().map_err(TestCaseError::fail)
    });
    run.map_err(|failure| failure.to_string())?;
    Ok(seen.into_inner())
}

#[test]
fn no_answer_says_more_than_it_meant() {
    let seen = match try_schedules(Setup::default()) {
        Ok(seen) => seen,
        Err(failure) => panic!("{failure}"),
    };
    let Seen { replayed, acknowledged, confirmed, full, sessions } = seen;
    assert!(
        replayed > 0 && acknowledged > 0 && confirmed > 0,
        "{replayed} replayed, {acknowledged} acknowledged, {confirmed} confirmed"
    );
    assert!(full > 0 && sessions > 1, "full pipelines: {full}, sessions: {sessions}");
}

/// A rejection that counts as an acknowledgement shows in the books, before it commits anything.
#[cfg(feature = "mutants")]
#[test]
fn books_that_say_too_much_are_told() {
    let setup = Setup { bug: Some(squall_raft::mutants::Bug::L07), ..Setup::default() };
    assert!(try_schedules(setup).is_err_and(|failure| failure.contains("was never durable there")));
}
