//! Random schedules of small clusters: messages delivered in any order, lost or doubled,
//! disks as slow as they like, crashes that lose what was not durable.
//!
//! Schedules are drawn as commands of stories: the invariants that stories obey are checked
//! after each step, and a failing schedule is printed as a story that can be kept.
//! Afterwards everything is healed, and the cluster must elect, commit and agree.
//! Not here: time, which only simulation has (`squall-sim`).

mod replies;

use std::cell::RefCell;

use crate::stories::cluster::{Cluster, Node, Outcome, Setup};
use crate::stories::interpreter::{Failure, Story};
use proptest::prelude::*;
use proptest::test_runner::{Config as ProptestConfig, TestCaseError, TestRunner};
use squall_raft::core::Core;
use squall_raft::observation::RoleKind;
use squall_raft::types::NodeId;

/// One step; the numbers choose among what is there when it is made.
#[derive(Clone, Copy, Debug)]
enum Move {
    Deliver(usize),
    Lose(usize),
    Double(usize),
    /// Some writes of one node become durable.
    Sync(usize, usize),
    /// All is quick among these nodes for a while.
    Settle(usize),
    /// A leader's timer.
    Beat(usize),
    /// Somebody else's.
    Campaign(usize),
    /// An operator's order.
    Order(usize),
    Wait(usize),
    Propose(usize),
    Read(usize),
    Crash(usize, usize),
    Restart(usize),
}

fn a_move() -> impl Strategy<Value = Move> {
    let n = any::<u16>().prop_map(usize::from);
    let m = any::<u16>().prop_map(usize::from);
    prop_oneof![
        30 => n.clone().prop_map(Move::Deliver),
        4 => n.clone().prop_map(Move::Lose),
        3 => n.clone().prop_map(Move::Double),
        14 => (n.clone(), m.clone()).prop_map(|(node, count)| Move::Sync(node, count)),
        6 => n.clone().prop_map(Move::Settle),
        4 => n.clone().prop_map(Move::Beat),
        3 => n.clone().prop_map(Move::Campaign),
        1 => n.clone().prop_map(Move::Order),
        1 => n.clone().prop_map(Move::Wait),
        6 => n.clone().prop_map(Move::Propose),
        4 => n.clone().prop_map(Move::Read),
        2 => (n.clone(), m).prop_map(|(node, kept)| Move::Crash(node, kept)),
        3 => n.prop_map(Move::Restart),
    ]
}

/// A cluster's size and limits, and what happens to it.
#[derive(Clone, Debug)]
struct Schedule {
    size: u64,
    batch: u64,
    inflight: u64,
    pre_vote: bool,
    check_quorum: bool,
    /// Of node 1.
    priority: u8,
    moves: Vec<Move>,
}

fn schedule() -> impl Strategy<Value = Schedule> {
    let size = prop_oneof![1 => Just(1u64), 2 => Just(2), 6 => Just(3), 2 => Just(4), 4 => Just(5)];
    (
        size,
        prop_oneof![Just(1u64), Just(2), Just(64)],
        prop_oneof![Just(1u64), Just(3), Just(64)],
        (any::<bool>(), any::<bool>(), 0..4u8),
        prop::collection::vec(a_move(), 1..400),
    )
        .prop_map(|(size, batch, inflight, (pre_vote, check_quorum, priority), moves)| Schedule {
            size,
            batch,
            inflight,
            pre_vote,
            check_quorum,
            priority,
            moves,
        })
}

/// A story that is written while it happens.
struct Play {
    story: Story,
    text: String,
    names: usize,
}

impl Play {
    fn begin(schedule: &Schedule, setup: Setup) -> Result<Self, String> {
        let mut play = Self { story: Story::new(setup), text: String::new(), names: 0 };
        play.run(&format!("cluster {}", schedule.size))?;
        play.run(&format!("limit batch {}", schedule.batch))?;
        play.run(&format!("limit inflight {}", schedule.inflight))?;
        for (on, what) in [(schedule.pre_vote, "pre-vote"), (schedule.check_quorum, "check-quorum")] {
            if on {
                play.run(&format!("with {what}"))?;
            }
        }
        play.run(&format!("priority 1: {}", schedule.priority))?;
        Ok(play)
    }

    fn run(&mut self, command: &str) -> Result<(), String> {
        self.text.push_str(command);
        self.text.push('\n');
        self.story.command(command).map(|_| ())
    }

    fn make(&mut self, a_move: Move) -> Result<(), String> {
        match self.command(a_move) {
            Some(command) => self.run(&command),
            None => Ok(()),
        }
    }

    /// The command for a move; none if there is nothing to choose from.
    fn command(&mut self, a_move: Move) -> Option<String> {
        let cluster = self.story.cluster().ok()?;
        let running = |role: fn(RoleKind) -> bool| -> Vec<NodeId> {
            let has_role = |node: &&Node| node.core.as_ref().is_some_and(|core| role(core.role().kind()));
            cluster.nodes.iter().filter(has_role).map(|node| node.id).collect()
        };
        let leaders = running(|role| role == RoleKind::Leader);
        let anybody = running(|_| true);
        Some(match a_move {
            Move::Deliver(n) => format!("deliver {}", flight(cluster, n)?),
            Move::Lose(n) => format!("drop {}", flight(cluster, n)?),
            Move::Double(n) => format!("duplicate {}", flight(cluster, n)?),
            Move::Sync(n, count) => {
                let busy: Vec<&Node> = cluster.nodes.iter().filter(|node| node.disk.under_way() > 0).collect();
                let node = choose(&busy, n)?;
                format!("durable {} first {}", node.id, 1 + count % node.disk.under_way())
            }
            Move::Settle(mask) => format!("settle {}", among(cluster, mask)?),
            Move::Beat(n) => format!("tick {}", choose(&leaders, n)?),
            Move::Campaign(n) => format!("tick {}", choose(&running(|role| role != RoleKind::Leader), n)?),
            Move::Order(n) => {
                self.names += 1;
                format!("order {} o{}", choose(&anybody, n)?, self.names)
            }
            Move::Wait(n) => format!("wait {}", 1 + n % 400),
            Move::Propose(n) => {
                self.names += 1;
                format!("propose {} p{}", choose(&leaders, n).or_else(|| choose(&anybody, n))?, self.names)
            }
            Move::Read(n) => {
                self.names += 1;
                format!("read {} r{}", choose(&leaders, n).or_else(|| choose(&anybody, n))?, self.names)
            }
            Move::Crash(n, kept) => {
                let id = *choose(&anybody, n)?;
                let under_way = cluster.node(id).ok()?.disk.under_way();
                format!("crash {id} keeping {}", kept % (under_way + 1))
            }
            Move::Restart(n) => {
                let down: Vec<NodeId> = cluster.nodes.iter().filter(|node| node.core.is_none()).map(|node| node.id).collect();
                format!("restart {}", choose(&down, n)?)
            }
        })
    }

    /// Ends all trouble and waits, in steps that are counted, until the cluster agrees.
    fn heal(&mut self) -> Result<(), String> {
        while let Some(restart) = self.command(Move::Restart(0)) {
            self.run(&restart)?;
        }
        // Whoever has just started grants nothing yet.
        self.run("wait 150")?;
        self.agree()?;
        // Nobody is elected twice in a row, and what is asked now is done now.
        let leader = self.leader().ok_or("nobody leads a healed cluster")?;
        self.run(&format!("propose {leader} last"))?;
        self.run(&format!("read {leader} end"))?;
        self.agree()?;
        let cluster = self.story.cluster()?;
        let commit =
            cluster.nodes.iter().filter_map(|node| node.core.as_ref()).map(|core| core.commit_index()).max().unwrap_or_default();
        for (name, outcome) in &cluster.requests[cluster.requests.len() - 2..] {
            match outcome {
                Outcome::Placed(id) if id.index == commit => {}
                Outcome::Ready(index) if *index <= commit => {}
                other => return Err(format!("`{name}` ends as {other:?} in a healed cluster that committed {commit}")),
            }
        }
        Ok(())
    }

    /// Timers fire in turn until everything is equal everywhere. A node whose term is
    /// behind learns it in one campaign and may win the next, so two rounds are enough for
    /// the one with the best log; then a few heartbeats bring the others up.
    fn agree(&mut self) -> Result<(), String> {
        self.run("settle")?;
        let size = self.story.cluster()?.nodes.len();
        let mut turn = 0;
        for _ in 0..2 * size + 8 {
            if converged(self.story.cluster()?) {
                return Ok(());
            }
            match self.leader() {
                Some(leader) => self.run(&format!("tick {leader}"))?,
                None => {
                    turn += 1;
                    self.run(&format!("tick {}", 1 + turn % size))?;
                }
            }
            self.run("settle")?;
        }
        Err("a healed cluster does not agree".to_owned())
    }

    fn leader(&self) -> Option<NodeId> {
        let cores = self.story.cluster().ok()?.nodes.iter().filter_map(|node| node.core.as_ref().map(|core| (node.id, core)));
        let leaders = cores.filter(|(_, core)| core.role().kind() == RoleKind::Leader);
        leaders.max_by_key(|(_, core)| core.hard_state().term).map(|(id, _)| id)
    }
}

fn choose<T>(from: &[T], n: usize) -> Option<&T> {
    if from.is_empty() { None } else { from.get(n % from.len()) }
}

/// A message under way, as `deliver` wants it named.
fn flight(cluster: &Cluster, n: usize) -> Option<String> {
    // Half of the time the oldest of all, else any.
    let position = if n.is_multiple_of(2) { 0 } else { n / 2 % cluster.network.len().max(1) };
    let link = |at: usize| cluster.network.get(at).map(|m| (m.envelope.from.node, m.envelope.to.node));
    let (from, to) = link(position)?;
    let nth = (0..=position).filter(|at| link(*at) == Some((from, to))).count();
    Some(format!("{from}->{to} #{nth}"))
}

/// The running nodes that a bit mask selects.
fn among(cluster: &Cluster, mask: usize) -> Option<String> {
    let running = cluster.nodes.iter().filter(|node| node.core.is_some());
    let chosen: Vec<String> = running.filter(|node| mask >> node.id.0 & 1 == 1).map(|node| node.id.to_string()).collect();
    if chosen.is_empty() { None } else { Some(chosen.join(" ")) }
}

fn converged(cluster: &Cluster) -> bool {
    let state = |core: &Core| {
        let last = core.log().last();
        (core.hard_state().term, last, core.log().hash_at(last.index), core.commit_index())
    };
    let states: Vec<_> = cluster.nodes.iter().map(|node| node.core.as_ref().map(state)).collect();
    let roles = cluster.nodes.iter().filter_map(|node| node.core.as_ref()).map(|core| core.role().kind());
    let leaders = roles.filter(|role| *role == RoleKind::Leader).count();
    leaders == 1
        && states.windows(2).all(|pair| pair[0] == pair[1])
        && states[0].is_some_and(|(_, last, _, commit)| commit == last.index)
}

/// What happened over all schedules; if nothing is elected they prove nothing.
#[derive(Debug, Default)]
struct Seen {
    elections: usize,
    commits: usize,
    truncations: usize,
    reads: usize,
}

impl Seen {
    fn count(&mut self, transcript: &str) {
        let lines = |what: &str| transcript.lines().filter(|line| line.contains(what)).count();
        self.elections += lines("becomes leader");
        self.commits += lines("commits up to");
        self.truncations += lines("truncates from");
        self.reads += lines("may answer");
    }
}

/// Runs schedules until one fails; the failure holds the schedule as a story.
fn try_schedules(setup: Setup, config: ProptestConfig) -> Result<Seen, String> {
    let seen = RefCell::new(Seen::default());
    let run = TestRunner::new(ProptestConfig { failure_persistence: None, ..config }).run(&schedule(), |schedule| {
        let mut play = Play::begin(&schedule, setup).map_err(TestCaseError::fail)?;
        let ended = schedule.moves.iter().try_for_each(|a_move| play.make(*a_move)).and_then(|()| play.heal());
        if let Err(violation) = ended {
            return Err(TestCaseError::fail(format!("{violation}\n\nThe schedule as a story:\n{}", play.text)));
        }
        // The story that was written tells the same again.
        let again = Story::new(setup).run(&play.text);
        let transcript = again.map_err(|Failure { line, message, before }| {
            TestCaseError::fail(format!("{before}\nonly when told again, line {line}: {message}"))
        })?;
        seen.borrow_mut().count(&transcript);
        Ok(())
    });
    run.map_err(|failure| failure.to_string())?;
    Ok(seen.into_inner())
}

#[test]
fn random_schedules_are_safe_and_heal() {
    match try_schedules(Setup::default(), ProptestConfig::default()) {
        Err(failure) => panic!("{failure}"),
        Ok(Seen { elections, commits, truncations, reads }) => {
            assert!(elections > 0 && commits > 0, "{elections} elections, {commits} commits");
            assert!(truncations > 0 && reads > 0, "{truncations} truncations, {reads} reads");
        }
    }
}

/// Of the planted bugs L01 takes this search a minute (a story shows it), and D02 lives in
/// the store. The others are found within a few hundred schedules.
#[cfg(feature = "mutants")]
#[test]
fn random_schedules_find_planted_bugs() {
    use squall_raft::mutants::Bug;

    for bug in [Bug::E01, Bug::E02, Bug::E05, Bug::E06, Bug::E09, Bug::L02, Bug::R01, Bug::Z01] {
        let config = ProptestConfig { cases: 20_000, max_shrink_iters: 0, ..ProptestConfig::default() };
        let found = try_schedules(Setup { bug: Some(bug), ..Setup::default() }, config);
        assert!(found.is_err(), "{} was not found", bug.id());
    }
}
