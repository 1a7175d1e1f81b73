//! Watches for the situations that scenarios ask for: `sometimes` marks.
//!
//! Marks are read off events, never off intentions: a fault that was planned but hit
//! nobody leaves none. Not here: what each mark means ([`Mark::describe`]).

use std::collections::{BTreeMap, BTreeSet};

use squall_raft::limit::Limit;
use squall_raft::message::{Body, Message};
use squall_raft::observation::{Observation, Refusal, RoleKind};
use squall_raft::shared::SharedVec;

use super::cluster::Cluster;
use crate::scenario::Mark;

/// The marks of one run.
#[derive(Clone, Debug)]
pub(super) struct Marks {
    counts: BTreeMap<Mark, u64>,
    election_min_ns: u64,
    election_max_ns: u64,
    nodes: Vec<NodeMarks>,
    /// By node, the first in front; empty where all are equal.
    priorities: Vec<u64>,
    /// The last leader of the highest term.
    last_leader: Option<(u64, u64)>,
    leaders: u64,
    /// Terms in which somebody campaigned or led: `(campaigned, elected)`.
    terms: BTreeMap<u64, (bool, bool)>,
    /// Highest sending number that arrived, by link.
    arrived: Vec<u64>,
    /// Highest index sent in a term, by link.
    sent: Vec<(u64, u64)>,
    late: BTreeSet<(u64, u64)>,
    faults_begun: bool,
}

/// How somebody ended a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It was killed.
    Killed,
    /// Its machine lost power.
    LostPower {
        /// And so many bytes that were not synced.
        bytes: u64,
    },
}

/// What is remembered of one node.
#[derive(Clone, Debug, Default)]
struct NodeMarks {
    /// Term and prefix hash of each entry of its log.
    log: SharedVec<(u64, u64)>,
    paused_at_ns: Option<u64>,
    sync_began_ns: Option<u64>,
}

impl Marks {
    pub fn new(nodes: u64, election_min_ns: u64, election_max_ns: u64) -> Self {
        let links = usize::try_from((nodes + 1) * (nodes + 1)).unwrap_or_default();
        Self {
            counts: BTreeMap::new(),
            election_min_ns,
            election_max_ns,
            nodes: (0..=nodes).map(|_| NodeMarks::default()).collect(),
            priorities: Vec::new(),
            last_leader: None,
            leaders: 0,
            terms: BTreeMap::new(),
            arrived: vec![0; links],
            sent: vec![(0, 0); links],
            late: BTreeSet::new(),
            faults_begun: false,
        }
    }

    /// Knows that some nodes come before others in elections.
    pub fn with_priorities(mut self, priorities: &[u64]) -> Self {
        self.priorities = priorities.to_vec();
        self
    }

    /// How often each was seen.
    pub const fn counts(&self) -> &BTreeMap<Mark, u64> {
        &self.counts
    }

    /// How often a leader was elected.
    pub const fn leaders(&self) -> u64 {
        self.leaders
    }

    pub fn hit(&mut self, mark: Mark) {
        *self.counts.entry(mark).or_default() += 1;
    }

    pub fn hit_if(&mut self, holds: bool, mark: Mark) {
        if holds {
            self.hit(mark);
        }
    }

    /// Marks that are known only when all is over.
    pub fn finish(&mut self) {
        let highest = self.terms.last_key_value().map_or(0, |(term, _)| *term);
        let split = self.terms.iter().filter(|(term, (campaigned, elected))| **term < highest && *campaigned && !elected).count();
        if split > 0 {
            *self.counts.entry(Mark::SplitVote).or_default() += split as u64;
        }
    }

    /// Something else than a clock went wrong.
    pub fn fault_began(&mut self) {
        self.faults_begun = true;
    }

    /// A command of a session will be sent again although it was answered.
    pub fn sent_late(&mut self, session: u64, sequence: u64) {
        self.late.insert((session, sequence));
    }

    fn link(&self, from: u64, to: u64) -> usize {
        usize::try_from(from).unwrap_or_default() * self.nodes.len() + usize::try_from(to).unwrap_or_default()
    }

    fn node(&mut self, node: u64) -> Option<&mut NodeMarks> {
        self.nodes.get_mut(usize::try_from(node).ok()?)
    }

    pub fn sent(&mut self, from: u64, to: u64, message: &Message, lost: bool) {
        self.hit_if(lost, Mark::MessageLost);
        self.hit_if(matches!(message.body, Body::Forward { .. }), Mark::ProposalForwarded);
        if let Body::Append { entries, .. } = &message.body
            && let (Some(first), Some(last)) = (entries.first(), entries.last())
        {
            let link = self.link(from, to);
            let term = message.envelope.term.0;
            let Some(before) = self.sent.get_mut(link) else {
                return;
            };
            let again = before.0 == term && first.id.index.0 <= before.1;
            *before = if before.0 == term { (term, before.1.max(last.id.index.0)) } else { (term, last.id.index.0) };
            self.hit_if(again, Mark::EntriesResent);
        }
    }

    pub fn delivered(&mut self, from: u64, to: u64, sent: u64, copy: bool) {
        self.hit_if(copy, Mark::MessageDuplicated);
        let link = self.link(from, to);
        let overtaken = match self.arrived.get_mut(link) {
            Some(arrived) if !copy && sent < *arrived => true,
            Some(arrived) => {
                *arrived = (*arrived).max(sent);
                false
            }
            None => false,
        };
        self.hit_if(overtaken, Mark::MessageReordered);
    }

    /// A process ended; the cluster still shows it as it was.
    pub fn crashed(&mut self, node: u64, how: Option<End>, promised_last_index: u64, cluster: &Cluster) {
        let leads = cluster.leader() == Some(node);
        let running = cluster.get(node).is_some_and(|view| view.running);
        let unsynced = self.node(node).is_some_and(|marks| marks.log.len() as u64 > promised_last_index);
        let reads = how.is_some() && cluster.get(node).is_some_and(|view| view.up && !view.running);
        self.hit_if(reads, Mark::CrashedWhileRecovering);
        match how {
            None => {}
            Some(End::Killed) => self.hit_if(leads, Mark::LeaderKilled),
            Some(End::LostPower { bytes: lost_bytes }) => {
                self.hit_if(leads, Mark::LeaderPowerLost);
                self.hit_if(running && !leads, Mark::FollowerPowerLost);
                self.hit_if(running && unsynced, Mark::PowerLostBetweenAppendAndFsync);
                self.hit_if(lost_bytes > 0, Mark::UnsyncedBytesLost);
            }
        }
        if let Some(marks) = self.node(node) {
            (marks.paused_at_ns, marks.sync_began_ns) = (None, None);
        }
    }

    pub fn paused(&mut self, node: u64, at_ns: u64) {
        if let Some(marks) = self.node(node) {
            marks.paused_at_ns = Some(at_ns);
        }
    }

    pub fn resumed(&mut self, node: u64, at_ns: u64) {
        let max_ns = self.election_max_ns;
        let long = self.node(node).and_then(|marks| marks.paused_at_ns.take()).is_some_and(|since| at_ns - since > max_ns);
        self.hit_if(long, Mark::PausedLongerThanElection);
    }

    pub fn sync_began(&mut self, node: u64, at_ns: u64) {
        if let Some(marks) = self.node(node) {
            marks.sync_began_ns = Some(at_ns);
        }
    }

    pub fn sync_ended(&mut self, node: u64, at_ns: u64) {
        let min_ns = self.election_min_ns;
        let slow = self.node(node).and_then(|marks| marks.sync_began_ns.take()).is_some_and(|since| at_ns - since > min_ns);
        self.hit_if(slow, Mark::FsyncSlowerThanElection);
    }

    /// A node reported something; the cluster still shows it as it was before.
    pub fn observed(&mut self, node: u64, observation: &Observation, cluster: &Cluster) {
        match *observation {
            Observation::Appended { id, hash } => {
                if let Some(marks) = self.node(node) {
                    marks.log.push((id.term.0, hash));
                }
            }
            Observation::Recovered { last, torn_bytes, .. } => {
                self.hit_if(torn_bytes > 0, Mark::TornTailRepaired);
                self.shorten(node, last.index.0);
            }
            Observation::Truncated { last, from } => {
                self.hit(Mark::ConflictTruncated);
                let overwritten = (last.0 + 1..=from.0).any(|index| self.was_on_majority(node, index, cluster));
                self.hit_if(overwritten, Mark::OlderTermEntryOnMajorityOverwritten);
                self.shorten(node, last.0);
            }
            Observation::TermAdopted { term } => self.hit_if(term.0 > 1, Mark::TermRose),
            Observation::RoleChanged { term, role } => self.role_changed(node, term.0, role, cluster),
            Observation::SessionDeduplicated { session, sequence, .. } => {
                self.hit(Mark::CommandDeduplicated);
                self.hit_if(self.late.contains(&(session.0, sequence)), Mark::LateDuplicateRefused);
            }
            Observation::ReadsServed { .. } => self.hit(Mark::ReadConfirmedByRound),
            Observation::ForwardSettled { .. } => self.hit(Mark::ForwardSettled),
            Observation::Batched { .. } => self.hit(Mark::ProposalsBatched),
            Observation::LimitBound { limit } => self.limit_bound(limit),
            Observation::Fetched { .. } => self.hit(Mark::EntriesReadBack),
            Observation::RotFound { .. } => self.hit(Mark::RotFoundByReading),
            Observation::Busy => self.hit(Mark::Busy),
            Observation::QuorumLost { .. } => self.hit(Mark::LeaderLostQuorum),
            Observation::LeaderDiskStalled { .. } => self.hit(Mark::LeaderDiskStalled),
            Observation::CampaignWithheld { .. } => self.hit(Mark::CampaignWithheld),
            Observation::CampaignOrdered { .. } => self.hit(Mark::OperatorCampaigned),
            Observation::Refused { reason: Refusal::LeaderIsAlive } => self.hit(Mark::VoteRequestIgnored),
            Observation::Refused { reason: Refusal::JustStarted } => self.hit(Mark::GrantWithheldAfterStart),
            _ => {}
        }
    }

    fn limit_bound(&mut self, limit: Limit) {
        let mark = match limit {
            Limit::InflightAppends => Mark::InflightAppendsBound,
            Limit::InflightBytes => Mark::InflightBytesBound,
            Limit::AppendBytes => Mark::AppendBytesBound,
            Limit::AppendEntries => Mark::AppendEntriesBound,
            Limit::UncommittedBytes => Mark::UncommittedBytesBound,
            Limit::PendingReads => Mark::PendingReadsBound,
            Limit::Forwards => Mark::ForwardsBound,
            Limit::Sessions => Mark::SessionsBound,
            Limit::LogCacheBytes => Mark::LogCacheBound,
            // No scenario's clients write what is larger than a command may be, or wait for several answers of one session.
            Limit::CommandBytes | Limit::SessionAnswers => return,
        };
        self.hit(mark);
    }

    fn shorten(&mut self, node: u64, last_index: u64) {
        if let Some(marks) = self.node(node) {
            marks.log.truncate(usize::try_from(last_index).unwrap_or(usize::MAX));
        }
    }

    /// Whether the entry that this node is about to lose is of a term before the last one and on a majority of logs.
    fn was_on_majority(&self, node: u64, index: u64, cluster: &Cluster) -> bool {
        let Ok(position) = usize::try_from(index - 1) else {
            return false;
        };
        let entry = |marks: &NodeMarks| marks.log.get(position).copied();
        let Some(lost) = usize::try_from(node).ok().and_then(|node| self.nodes.get(node)).and_then(entry) else {
            return false;
        };
        let holders = self.nodes.iter().skip(1).filter(|marks| entry(marks) == Some(lost)).count();
        let older = cluster.get(node).is_some_and(|view| lost.0 < view.term);
        older && holders * 2 > self.nodes.len() - 1
    }

    fn role_changed(&mut self, node: u64, term: u64, role: RoleKind, cluster: &Cluster) {
        let before = cluster.get(node).map_or(RoleKind::Follower, |view| view.role);
        match role {
            RoleKind::Follower => {
                self.hit_if(before == RoleKind::Candidate, Mark::CandidateLost);
                self.hit_if(before == RoleKind::PreCandidate, Mark::PreCandidateGaveWay);
            }
            RoleKind::PreCandidate => {}
            RoleKind::Candidate => {
                self.hit_if(term > 1, Mark::TermRose);
                self.terms.entry(term).or_default().0 = true;
            }
            RoleKind::Leader => self.became_leader(node, term, cluster),
        }
    }

    fn became_leader(&mut self, node: u64, term: u64, cluster: &Cluster) {
        self.leaders += 1;
        self.terms.entry(term).or_default().1 = true;
        self.judge_priorities(node, cluster);
        let other_leads = cluster.leaders().any(|leader| leader != node);
        self.hit_if(other_leads, Mark::TwoLeadersAtOnce);
        if let Some((last_term, _)) = self.last_leader
            && term > last_term
        {
            self.hit(Mark::LeaderChanged);
            self.hit_if(!self.faults_begun, Mark::ElectionWithoutFault);
        }
        self.last_leader = self.last_leader.max(Some((term, node)));
    }

    fn judge_priorities(&mut self, elected: u64, cluster: &Cluster) {
        let of = |node: u64| usize::try_from(node).ok().and_then(|node| self.priorities.get(node.wrapping_sub(1))).copied();
        let Some(own) = of(elected) else {
            return;
        };
        let is_up = |node: &u64| cluster.get(*node).is_some_and(|view| view.running && !view.paused);
        let before_lower = cluster.ids().filter(is_up).any(|node| of(node).is_some_and(|other| other < own));
        let before_higher = cluster.ids().any(|node| of(node).is_some_and(|other| other > own));
        self.hit_if(before_lower, Mark::FavouriteElected);
        self.hit_if(before_higher, Mark::UnderdogElected);
    }
}
