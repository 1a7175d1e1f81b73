//! The observer of a run: feeds the online checkers, the marks and the triggers.
//!
//! It maps what the world shows into the checkers' neutral vocabulary, and stops nothing by
//! itself: a violation is kept as a value until the run asks for it.
//! Not here: the end of a run, and client histories ([`super::finish`]).

use std::collections::BTreeMap;

use squall_checkers::raft::{Observation as Seen, RaftChecker, Role};
use squall_checkers::recoverability::GaveUp;
use squall_checkers::violation::Violation;
use squall_raft::applier::StateMachine;
use squall_raft::message::{Body, Message};
use squall_raft::node::Node;
use squall_raft::observation::{Observation, RoleKind};
use squall_raft::process::{DiskOp, FileName};
use squall_raft::store::format::SegmentId;

use super::cluster::Cluster;
use super::disks::Disks;
use super::duties::Duties;
use super::ghost::Ghost;
use super::marks::{End, Marks};
use crate::arena::Watch;
use crate::disk::Disk;
use crate::plan::Plan;
use crate::scenario::{Event, Mark};
use crate::world::{Observer, WorldEvent};

/// What watches a run: an observer of any world of Raft nodes.
#[derive(Clone, Debug)]
pub struct Judge {
    /// The cluster from outside.
    pub(super) cluster: Cluster,
    /// Situations that were reached.
    pub(super) marks: Marks,
    /// What each node owes by itself.
    pub(super) duties: Duties,
    /// The first violation.
    pub(super) violation: Option<Box<Violation>>,
    /// What happened since the last step, for triggers; kept only if somebody waits for it.
    pub(super) happened: Vec<(Event, u64)>,
    /// What went wrong with disks.
    pub(super) disks: Disks,
    /// Whose processes ended themselves since the last step, and why they may.
    pub(super) halted: Vec<GaveUp>,
    /// Who has read its disk since the last step.
    pub(super) recovered: Vec<u64>,
    /// Who of those has a log that nobody has written so, when, and up to where its disk had promised it.
    pub(super) doubtful: Vec<(u64, u64, u64)>,
    /// Where commands were applied, by session and number; kept only if somebody wants to know.
    pub(super) commands: BTreeMap<(u64, u64), u64>,
    watch: Watch,
    checker: RaftChecker,
    ghosts: Vec<Ghost>,
    boots: Vec<u64>,
}

impl Judge {
    /// Knows the nodes and timeouts of a plan, and has seen nothing yet.
    #[must_use]
    pub fn new(plan: &Plan, watch: Watch) -> Self {
        let nodes: Vec<u64> = (1..=plan.nodes).collect();
        let timeout = plan.engine.election_timeout;
        Self {
            cluster: Cluster::new(plan.nodes),
            marks: Marks::new(plan.nodes, timeout.low.0, timeout.high.0).with_priorities(&plan.priorities),
            duties: Duties::new(plan),
            violation: None,
            happened: Vec::new(),
            disks: Disks::new(plan.nodes),
            halted: Vec::new(),
            recovered: Vec::new(),
            doubtful: Vec::new(),
            commands: BTreeMap::new(),
            watch,
            checker: if watch.disks { RaftChecker::new(&nodes) } else { RaftChecker::new(&nodes).without_disks() },
            ghosts: nodes.iter().map(|node| Ghost::new(*node)).collect(),
            boots: vec![0; nodes.len()],
        }
    }

    /// The first violation that it saw.
    #[must_use]
    pub fn violation(&self) -> Option<&Violation> {
        self.violation.as_deref()
    }

    fn see(&mut self, at_ns: u64, number: u64, seen: &Seen) {
        if self.violation.is_none()
            && let Err(violation) = self.checker.observe(number, at_ns, seen)
        {
            self.violation = Some(violation);
        }
    }

    fn happened(&mut self, event: Event, node: u64) {
        if self.watch.triggers {
            self.happened.push((event, node));
        }
    }

    fn sent(&mut self, at_ns: u64, number: u64, from: u64, message: &Message) {
        let term = message.envelope.term.0;
        match &message.body {
            Body::Vote { granted: true } => {
                self.see(at_ns, number, &Seen::VoteSent { node: from, term, candidate: message.envelope.to.node.0 });
            }
            Body::RequestVote { .. } => self.see(at_ns, number, &Seen::VoteSent { node: from, term, candidate: from }),
            Body::Heartbeat { .. } if self.violation.is_none() => self.violation = self.duties.sent_heartbeat(from, at_ns),
            Body::Appended { matched } | Body::HeartbeatAck { matched, .. } if matched.0 > 0 => {
                self.see(at_ns, number, &Seen::AckSent { node: from, term, index: matched.0 });
            }
            _ => {}
        }
    }

    fn observed(&mut self, at_ns: u64, number: u64, node: u64, observation: &Observation) {
        if self.watch.checks {
            self.marks.observed(node, observation, &self.cluster);
            if let Observation::Appended { .. } = observation {
                self.duties.appended(node, at_ns);
            }
            if let Some(seen) = self.damaged(at_ns, node, observation).or_else(|| self.neutral(node, observation)) {
                self.see(at_ns, number, &seen);
            }
            if let Observation::Applied { index, command: Some((session, sequence)), .. } = *observation {
                self.see(at_ns, number, &Seen::SessionApply { node, index: index.0, session: session.0, sequence });
            }
        }
        if self.watch.commands
            && let Observation::Applied { index, command: Some((session, sequence)), .. } = *observation
        {
            self.commands.insert((session.0, sequence), index.0);
        }
        if let Observation::Recovered { .. } = observation {
            self.recovered.push(node);
        }
        self.cluster.observe(node, observation);
        if self.watch.triggers
            && let Some(event) = event_of(observation)
        {
            self.happened.push((event, node));
        }
    }

    /// A node comes up from damaged media, with a log that reaches as far as was promised and that nobody has written so:
    /// it must say what is missing, and whoever looks at the node asks it.
    fn damaged(&mut self, at_ns: u64, node: u64, observation: &Observation) -> Option<Seen> {
        let Observation::Recovered { term, vote, last, hash, .. } = *observation else { return None };
        let promised = self.ghosts.get(position(node)).map_or(0, Ghost::last_index);
        let is_told = !self.disks.is_broken(node) || last.index.0 < promised || self.checker.has_seen(last.index.0, hash);
        if is_told {
            return None;
        }
        self.doubtful.push((node, at_ns, promised));
        let boot = self.boots.get(position(node)).copied().unwrap_or_default();
        let vote = vote.map(|vote| vote.0);
        Some(Seen::StartedDamaged { node, boot, term: term.0, vote, last_index: last.index.0 })
    }

    /// The same in the checkers' words.
    fn neutral(&self, node: u64, observation: &Observation) -> Option<Seen> {
        Some(match *observation {
            Observation::Recovered { term, vote, last, hash, .. } => Seen::Started {
                node,
                boot: self.boots.get(position(node)).copied().unwrap_or_default(),
                term: term.0,
                vote: vote.map(|vote| vote.0),
                last_index: last.index.0,
                last_hash: hash,
            },
            Observation::TermAdopted { term } => Seen::Term { node, term: term.0 },
            Observation::RoleChanged { term, role } => Seen::Role { node, term: term.0, role: role_of(role) },
            Observation::Voted { term, candidate } => Seen::Vote { node, term: term.0, candidate: candidate.0 },
            Observation::Appended { id, hash } => Seen::Append { node, index: id.index.0, term: id.term.0, hash },
            Observation::Truncated { last, .. } => Seen::Truncate { node, last_index: last.0 },
            Observation::Committed { term, index } => Seen::Commit { node, term: term.0, index: index.0 },
            Observation::Applied { index, digest, .. } => Seen::Apply { node, index: index.0, digest },
            Observation::SessionDeduplicated { .. }
            | Observation::ReadsServed { .. }
            | Observation::Refused { .. }
            | Observation::Busy
            | Observation::LimitBound { .. }
            | Observation::ForwardSettled { .. }
            | Observation::Batched { .. }
            | Observation::Fetched { .. }
            | Observation::RotFound { .. }
            | Observation::QuorumLost { .. }
            | Observation::LeaderDiskStalled { .. }
            | Observation::CampaignWithheld { .. }
            | Observation::CampaignOrdered { .. } => {
                return None;
            }
        })
    }

    /// The disk promises more than before.
    fn synced(&mut self, at_ns: u64, number: u64, node: u64, file: &FileName, disk: &Disk) {
        let Some(ghost) = self.ghosts.get_mut(position(node)) else {
            return;
        };
        let (checker, violation) = (&mut self.checker, &mut self.violation);
        ghost.follow(file, disk.synced_from(), disk, &mut |seen| {
            if violation.is_none()
                && let Err(found) = checker.observe(number, at_ns, &seen)
            {
                *violation = Some(found);
            }
        });
    }

    /// A process ended; nothing is said of how if it did so itself.
    fn ended(&mut self, at_ns: u64, number: u64, node: u64, how: Option<End>) {
        if self.watch.checks {
            let promised = self.ghosts.get(position(node)).map_or(0, Ghost::last_index);
            self.marks.crashed(node, how, promised, &self.cluster);
            self.see(at_ns, number, &Seen::Stopped { node });
        }
        self.cluster.set_up(node, false);
        self.duties.ended(node);
    }
}

impl<S: StateMachine> Observer<Node<S>> for Judge {
    fn event(&mut self, at_ns: u64, number: u64, event: WorldEvent<'_, Node<S>>) {
        if self.watch.checks {
            self.check(at_ns, number, &event);
        }
        match event {
            WorldEvent::Observed { node, observation } => self.observed(at_ns, number, node.0, observation),
            WorldEvent::DiskDone { node, what, result: Ok(_), .. } if what.is_sync() => {
                self.happened(Event::Sync, node.0);
            }
            // Whether anybody looks or not: a run ends when nothing is owed.
            WorldEvent::RequestDelivered { to, .. } => self.duties.took_request(to.0),
            WorldEvent::Replied { from, .. } => self.duties.answered(from.0),
            WorldEvent::Booted { node, boot } => {
                self.disks.booted(node.0);
                self.cluster.set_up(node.0, true);
                if let Some(number) = self.boots.get_mut(position(node.0)) {
                    *number = u64::from(boot.number.0);
                }
            }
            WorldEvent::Killed { node, disk, .. } => {
                self.disks.killed(node.0, disk);
                self.ended(at_ns, number, node.0, Some(End::Killed));
            }
            WorldEvent::PowerLost { node, loss, disk, .. } => {
                self.disks.lost_power(node.0, loss, disk, &mut self.marks);
                self.ended(at_ns, number, node.0, Some(End::LostPower { bytes: loss.lost_bytes }));
            }
            WorldEvent::Halted { node, reason, disk, .. } => {
                let gave_up = self.disks.halted(node.0, at_ns, reason, disk, &mut self.marks);
                self.halted.push(gave_up);
                self.ended(at_ns, number, node.0, None);
            }
            WorldEvent::DiskTouched { node, touch, .. } => {
                let leads = self.cluster.leader() == Some(node.0);
                self.disks.touched(node.0, touch, leads, &mut self.marks);
            }
            WorldEvent::DiskFaulted { node, fault, dealt, disk, .. } => {
                self.disks.faulted(node.0, &fault, dealt, disk, &mut self.marks);
            }
            WorldEvent::Paused { node } => self.cluster.set_paused(node.0, true),
            WorldEvent::Resumed { node, .. } => self.cluster.set_paused(node.0, false),
            _ => {}
        }
    }
}

impl Judge {
    /// What only the checkers and marks look at.
    fn check<S: StateMachine>(&mut self, at_ns: u64, number: u64, event: &WorldEvent<'_, Node<S>>) {
        match event {
            WorldEvent::Sent { from, to, message, fate, .. } => {
                self.marks.sent(from.0, to.0, message, fate.lost);
                self.sent(at_ns, number, from.0, message);
            }
            WorldEvent::Delivered { from, to, sent, copy, .. } => self.marks.delivered(from.0, to.0, *sent, *copy),
            WorldEvent::DiskStarted { node, what, .. } => {
                if !is_read(what) {
                    self.duties.disk_began(node.0);
                }
                if what.synced_file().is_some() {
                    self.marks.sync_began(node.0, at_ns);
                }
            }
            WorldEvent::DiskDone { node, what, result, disk, .. } => {
                if !is_read(what) {
                    self.duties.disk_ended(node.0, at_ns);
                }
                self.marks.hit_if(result.is_ok() && is_rotation(what), Mark::SegmentRotated);
                self.marks.hit_if(result.is_ok() && self.is_zeroing(node.0, what), Mark::LogZeroedAhead);
                if let Some(file) = what.synced_file() {
                    self.marks.sync_ended(node.0, at_ns);
                    if result.is_ok() && self.watch.disks {
                        self.synced(at_ns, number, node.0, file, disk);
                    }
                }
            }
            WorldEvent::Paused { node } => self.marks.paused(node.0, at_ns),
            WorldEvent::Resumed { node, .. } => {
                self.marks.resumed(node.0, at_ns);
                self.duties.resumed(node.0, at_ns);
            }
            _ => {}
        }
    }

    /// Whether this ends zeroing ahead: a batch is synced by its write, and other syncs belong to recoveries.
    fn is_zeroing(&self, node: u64, what: &DiskOp) -> bool {
        matches!(what, DiskOp::Sync { .. }) && self.cluster.get(node).is_some_and(|view| view.running)
    }
}

/// What a node does beside its duties: entries are read back for others.
const fn is_read(what: &DiskOp) -> bool {
    matches!(what, DiskOp::Read { .. })
}

/// Whether a segment gets its name that is not a log's first.
fn is_rotation(what: &DiskOp) -> bool {
    matches!(what, DiskOp::Rename { to, .. } if SegmentId::parse(to).is_some_and(|segment| segment.base.0 > 1))
}

fn position(node: u64) -> usize {
    usize::try_from(node).unwrap_or(usize::MAX).wrapping_sub(1)
}

const fn role_of(role: RoleKind) -> Role {
    match role {
        // Who only asks has promised and raised nothing: to the checkers it waits.
        RoleKind::Follower | RoleKind::PreCandidate => Role::Follower,
        RoleKind::Candidate => Role::Candidate,
        RoleKind::Leader => Role::Leader,
    }
}

/// The trigger's name of an observation.
pub(super) const fn event_of(observation: &Observation) -> Option<Event> {
    Some(match observation {
        Observation::Recovered { .. } => Event::Recovered,
        Observation::TermAdopted { .. } => Event::TermAdopted,
        Observation::RoleChanged { role: RoleKind::Follower, .. } => Event::BecomeFollower,
        Observation::RoleChanged { role: RoleKind::PreCandidate, .. } => Event::BecomePreCandidate,
        Observation::RoleChanged { role: RoleKind::Candidate, .. } => Event::BecomeCandidate,
        Observation::RoleChanged { role: RoleKind::Leader, .. } => Event::BecomeLeader,
        Observation::Voted { .. } => Event::Vote,
        Observation::Appended { .. } => Event::Append,
        Observation::Truncated { .. } => Event::Truncate,
        Observation::Committed { .. } => Event::Commit,
        Observation::Applied { .. } => Event::Apply,
        _ => return None,
    })
}
