//! Consensus as one state machine: Raft with inputs and local time as arguments and effects as values.
//!
//! This file has the state, the one dispatch on the input, and what every concern needs
//! (terms, sending); `interface` has what goes in and comes out. The
//! concerns: [`pre_vote`], [`election`], [`loyalty`], [`doubt`], [`replication`], [`following`],
//! [`commit`], [`check_quorum`], [`own_disk`], [`fetching`], [`read`]; the persistent stream: `io`; the pure
//! leaves: [`quorum`], [`progress`], [`inflight`], [`role`].
//! Not here: sessions and state machines ([`crate::applier`]), disks ([`crate::store`]).
//!
//! # Ordering
//! Everything persistent goes out as [`Effect::Persist`], numbered by one stream of
//! [`IoId`]s. A message that promises something persistent names the id that must be
//! durable first ([`Effect::Send`]'s `after`), so that a driver cannot send it too early.

pub mod check_quorum;
pub mod commit;
pub mod doubt;
pub mod election;
pub mod fetching;
pub mod following;
pub mod inflight;
mod interface;
mod io;
pub mod loyalty;
pub mod own_disk;
#[cfg(feature = "mutants")]
mod planted;
pub mod pre_vote;
pub mod progress;
pub mod quorum;
pub mod random;
pub mod read;
pub mod replication;
pub mod role;

pub use self::interface::{Effect, Input, Output, Proposal, Proposals, RequestError, Restored};
use self::io::Io;
use self::random::Random;
use self::role::{Follower, Role};
use crate::config::{Config, Limits};
use crate::entry::HardState;
use crate::limit::{Bound, Limit};
use crate::log_view::LogView;
use crate::message::{Body, Envelope, Message};
use crate::observation::{Observation, Refusal, RoleKind};
use crate::process::Boot;
use crate::types::{BootNumber, IoId, LocalTime, LogId, LogIndex, NodeId, Peer, Term};

/// No honest member ever reaches such a term or index; one that claims it is refused
/// before the number can overflow anything.
const ABSURD: u64 = 1 << 60;

/// One node's consensus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Core {
    config: Config,
    boot: BootNumber,
    /// Nothing is granted to others before.
    grants_from: LocalTime,
    random: Random,
    hard: HardState,
    hard_changed: bool,
    log: LogView,
    commit: LogIndex,
    role: Role,
    io: Io,
    bound: Bound,
    #[cfg(feature = "mutants")]
    remembered: std::collections::BTreeMap<LogIndex, crate::entry::Payload>,
}

impl Core {
    /// Starts a node on what its disk held.
    #[must_use]
    pub fn new(config: Config, boot: Boot, restored: Restored) -> Self {
        let mut random = Random::new(boot.entropy);
        let election_at = draw_deadline(&mut random, boot.now, &config);
        Self {
            boot: boot.number,
            grants_from: loyalty::grants_from(boot, config.timing.election_timeout_min_ns),
            random,
            hard: restored.hard_state,
            hard_changed: false,
            commit: LogIndex(0),
            role: Role::Follower(Follower::new(None, boot.now, election_at)),
            io: Io::new(IoId { boot: boot.number, seq: 0 }, restored.log.last()),
            log: restored.log,
            bound: Bound::default(),
            #[cfg(feature = "mutants")]
            remembered: std::collections::BTreeMap::new(),
            config,
        }
    }

    /// Takes one input and says what must be done.
    #[inline]
    pub fn handle(&mut self, now: LocalTime, input: Input, out: &mut impl Output) {
        self.io.look(now);
        match input {
            Input::Timer => self.on_timer(now, out),
            Input::Message { from, message } => self.on_message(now, from, message, out),
            Input::Propose(mut proposals) => {
                #[cfg(feature = "mutants")]
                self.starve(now);
                self.on_propose(proposals.as_mut_slice(), out);
            }
            Input::Read { ticket } => self.on_read(now, ticket, out),
            Input::Campaign { ticket } => self.on_campaign(now, ticket, out),
            Input::Durable(id) => self.on_durable(now, id, out),
            Input::Fetched(entries) => self.on_fetched(now, entries, out),
            Input::DiskFailed => self.on_disk_failed(now, out),
        }
        self.persist_hard_state_if_changed(out);
        self.io.look_away();
        debug_assert!(self.commit <= self.log.last().index, "commit {} behind the log's end {}", self.commit, self.log.last());
        debug_assert!(self.log.holds(self.io.log), "the durable end {} is in the log", self.io.log);
    }

    /// When [`Input::Timer`] is wanted.
    #[must_use]
    pub const fn deadline(&self) -> LocalTime {
        self.role.deadline()
    }

    /// Term and vote, durable or on the way.
    #[must_use]
    pub const fn hard_state(&self) -> HardState {
        self.hard
    }

    /// The log.
    #[must_use]
    pub const fn log(&self) -> &LogView {
        &self.log
    }

    /// Entries up to here are committed.
    #[must_use]
    pub const fn commit_index(&self) -> LogIndex {
        self.commit
    }

    /// Who it is, in which boot.
    #[must_use]
    pub const fn identity(&self) -> (NodeId, BootNumber) {
        (self.config.me.node, self.boot)
    }

    /// What bounds it.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.config.limits
    }

    /// The last entry that is both in the log and durable.
    #[must_use]
    pub const fn durable_log(&self) -> LogId {
        self.io.log
    }

    /// The role and its data.
    #[must_use]
    pub const fn role(&self) -> &Role {
        &self.role
    }

    /// How often each limit has bound since the start.
    #[must_use]
    pub const fn bound(&self) -> &Bound {
        &self.bound
    }

    /// Counts a limit that turned something away; observers hear of it when it begins to.
    #[cold]
    fn note_bound(&mut self, limit: Limit, out: &mut impl Output) {
        if self.bound.note(limit) {
            out.push(Effect::Observe(Observation::LimitBound { limit }));
        }
    }

    /// The leader of the present term, as far as is known.
    #[must_use]
    pub fn leader(&self) -> Option<NodeId> {
        match &self.role {
            Role::Leader(_) => Some(self.config.me.node),
            Role::Follower(follower) => follower.leader,
            Role::PreCandidate(_) | Role::Candidate(_) => None,
        }
    }

    fn on_timer(&mut self, now: LocalTime, out: &mut impl Output) {
        if now < self.deadline() {
            return;
        }
        match &self.role {
            Role::Follower(_) | Role::PreCandidate(_) | Role::Candidate(_) => self.on_election_timeout(now, out),
            Role::Leader(_) => self.lead_on(now, out),
        }
    }

    fn on_message(&mut self, now: LocalTime, from: NodeId, message: Message, out: &mut impl Output) {
        let Message { envelope, body } = message;
        let refusal = self.refusal(from, &envelope, &body);
        let refusal = refusal.or_else(|| self.ignores(now, &envelope, &body)).or_else(|| self.doubts(&envelope, &body));
        if let Some(reason) = refusal {
            out.push(Effect::Observe(Observation::Refused { reason }));
            return;
        }
        #[cfg(feature = "mutants")]
        if self.mishears(now, &envelope, &body, out) {
            return;
        }
        if envelope.term > self.hard.term {
            self.adopt_term(now, envelope.term, out);
        }
        if envelope.term < self.hard.term {
            self.on_stale_term(envelope, &body, out);
            return;
        }
        match body {
            Body::RequestPreVote { proposed, last } => self.on_request_pre_vote(envelope, proposed, last, out),
            Body::PreVote { proposed, granted } => self.on_pre_vote(now, from, proposed, granted, out),
            Body::RequestVote { last } => self.on_request_vote(now, envelope, last, out),
            Body::Vote { granted } => self.on_vote(now, from, granted, out),
            Body::Append { prev, entries, commit } => self.on_append(now, envelope, prev, entries, commit, out),
            Body::Appended { matched } => self.on_appended(now, envelope, matched, out),
            Body::Rejected { prev, hint } => self.on_rejected(envelope, prev, hint, out),
            Body::Forward { command } => self.on_forward(command, out),
            Body::Heartbeat { commit } => self.on_heartbeat(now, envelope, commit, out),
            Body::HeartbeatAck { tail, matched } => self.on_heartbeat_ack(now, envelope, tail, matched, out),
        }
    }

    /// Why a message is refused before anything is decided by it.
    fn refusal(&self, from: NodeId, envelope: &Envelope, body: &Body) -> Option<Refusal> {
        if envelope.cluster != self.config.cluster {
            return Some(Refusal::WrongCluster);
        }
        if envelope.to != self.config.me {
            return Some(Refusal::WrongReceiver);
        }
        if envelope.from != first_life(from) || from == self.config.me.node || !self.is_member(from) {
            return Some(Refusal::UnknownSender);
        }
        let (term, index) = replication::largest_numbers(body);
        if envelope.term.0.max(term).max(index) >= ABSURD || envelope.round >= ABSURD {
            return Some(Refusal::Absurd);
        }
        let fits = replication::is_well_formed(body) && pre_vote::is_well_formed(envelope.term, body);
        if term > envelope.term.0 || envelope.term < body.first_term() || !fits {
            return Some(Refusal::Malformed);
        }
        None
    }

    /// Answers a sender of the past with the present term, so that it learns of it.
    #[cold]
    fn on_stale_term(&mut self, stale: Envelope, body: &Body, out: &mut impl Output) {
        out.push(Effect::Observe(Observation::Refused { reason: Refusal::StaleTerm }));
        let answer = match body {
            Body::RequestPreVote { proposed, .. } => Body::PreVote { proposed: *proposed, granted: false },
            Body::RequestVote { .. } => Body::Vote { granted: false },
            Body::Append { .. } | Body::Heartbeat { .. } => Body::HeartbeatAck { tail: LogIndex(0), matched: LogIndex(0) },
            _ => return,
        };
        // Sessions and rounds of another leadership mean nothing in this term: echoed, they
        // would pass for answers to what the sender asks if it leads again.
        self.answer(Envelope { session: 0, round: 0, ..stale }, answer, IoId::NOTHING, out);
    }

    fn on_durable(&mut self, now: LocalTime, id: IoId, out: &mut impl Output) {
        if id.boot != self.boot || id <= self.io.durable || id > self.io.last {
            return;
        }
        (self.io.durable, self.io.worked_at) = (id, now);
        while let Some((_, end)) = self.io.marks.pop_front_if(|(mark, _)| *mark <= id) {
            self.io.log = end;
        }
        match &self.role {
            Role::Candidate(_) => self.count_own_vote(now, out),
            Role::Leader(_) => self.advance_commit(out),
            Role::Follower(_) | Role::PreCandidate(_) => {}
        }
    }

    #[cold]
    fn adopt_term(&mut self, now: LocalTime, term: Term, out: &mut impl Output) {
        assert!(term > self.hard.term, "terms only rise");
        self.hard = HardState { term, vote: None };
        self.hard_changed = true;
        out.push(Effect::Observe(Observation::TermAdopted { term }));
        // A leader has no election deadline, and a candidate's belongs to its term: both get a
        // new one. Others keep theirs, or whoever raises the term often would silence them.
        match &mut self.role {
            Role::Follower(follower) => *follower = Follower::new(None, now, follower.election_at),
            Role::PreCandidate(asker) => {
                self.role = Role::Follower(Follower::new(None, now, asker.election_at));
                self.observe_role(RoleKind::Follower, out);
            }
            Role::Candidate(_) | Role::Leader(_) => self.become_follower(now, None, out),
        }
    }

    #[cold]
    fn become_follower(&mut self, now: LocalTime, leader: Option<NodeId>, out: &mut impl Output) {
        self.refuse_reads(out);
        #[cfg(feature = "mutants")]
        if self.config.bug == Some(crate::mutants::Bug::E01) {
            self.hard_changed = true;
            self.hard.vote = None;
        }
        let election_at = self.draw_election_deadline(now);
        self.role = Role::Follower(Follower::new(leader, now, election_at));
        self.observe_role(RoleKind::Follower, out);
    }

    fn observe_role(&self, role: RoleKind, out: &mut impl Output) {
        out.push(Effect::Observe(Observation::RoleChanged { term: self.hard.term, role }));
    }

    fn draw_election_deadline(&mut self, now: LocalTime) -> LocalTime {
        draw_deadline(&mut self.random, now, &self.config)
    }

    fn is_member(&self, node: NodeId) -> bool {
        self.config.membership.is_voter(node) || self.config.membership.learners().contains(&node)
    }

    fn send(&self, to: NodeId, session: u32, round: u64, body: Body, after: IoId, out: &mut impl Output) {
        self.send_to(first_life(to), (session, round), body, after, out);
    }

    /// Sends to whom asked, echoing session and round.
    fn answer(&self, asked: Envelope, body: Body, after: IoId, out: &mut impl Output) {
        self.send_to(asked.from, (asked.session, asked.round), body, after, out);
    }

    fn send_to(&self, to: Peer, (session, round): (u32, u64), body: Body, after: IoId, out: &mut impl Output) {
        let Config { cluster, me: from, .. } = self.config;
        let envelope = Envelope { cluster, from, to, term: self.hard.term, boot: self.boot, session, round };
        out.push(Effect::Send { message: Message { envelope, body }, after });
    }
}

/// A peer as it is known: nobody can come back under another incarnation yet.
fn first_life(node: NodeId) -> Peer {
    Peer { node, ..Peer::default() }
}

/// When to campaign if nothing is heard from now on. Every wait is drawn anew, from the stream
/// of this boot, so that timers that once ran out together do not do so again.
fn draw_deadline(random: &mut Random, now: LocalTime, config: &Config) -> LocalTime {
    #[cfg(feature = "mutants")]
    if config.bug == Some(crate::mutants::Bug::V10) {
        let tick_ns = config.timing.election_timeout_min_ns;
        return LocalTime((now.0 / tick_ns + 2).saturating_mul(tick_ns));
    }
    let (min_ns, max_ns) = (config.timing.election_timeout_min_ns, config.timing.election_timeout_max_ns);
    let stretch_ns = config.elections.stretch_ns(max_ns.saturating_sub(min_ns));
    random.deadline(now, min_ns.saturating_add(stretch_ns), max_ns.saturating_add(stretch_ns))
}
