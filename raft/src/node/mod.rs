//! A Raft node as one [`Process`]: consensus, log store and applier put together.
//!
//! The node holds no disk and no socket. It reads its log at boot through disk operations,
//! then turns each input into steps of the core, and the core's effects into disk
//! operations, messages and answers. Not here: decisions of consensus ([`crate::core`]),
//! bytes on disk ([`crate::store`]). Read next: [`request`], `outbox`.

mod outbox;
pub mod request;
mod waiting;

use crate::applier::command::Command;
use crate::applier::{Applier, Outcome, StateMachine};
use crate::config::Config;
use crate::core::role::Role;
use crate::core::{self, Core, Proposal, Proposals, Restored};
use crate::limit::{Bound, Limit};
use crate::log_view::View;
use crate::message::Message;
use crate::observation::Observation;
use crate::process::{Boot, DiskOp, Effect, Effects, Input, OpId, Process, RequestId};
use crate::store::wal::Wal;
use crate::store::{self, Options, Recovered, StoreEvent};
use crate::types::{IoId, LocalTime, LogId, LogIndex};

use self::outbox::Outbox;
use self::request::{Refused, Reply, Request};
use self::waiting::Waiting;

/// What a node is built from: its settings and the empty state machine.
#[derive(Clone, Debug)]
pub struct NodeConfig<S> {
    /// Settings; must satisfy [`Config::validate`].
    pub raft: Config,
    /// The state machine before the first entry.
    pub machine: S,
}

/// One member of a cluster.
#[derive(Clone, Debug)]
pub struct Node<S: StateMachine> {
    config: NodeConfig<S>,
    boot: Boot,
    store: Wal,
    phase: Phase<S>,
}

#[derive(Clone, Debug)]
enum Phase<S> {
    /// The disk is being read; the node takes no part yet.
    Recovering,
    /// It takes part.
    Running(Box<Running<S>>),
    /// Its disk failed. Only a new boot can help.
    Halted,
}

#[derive(Clone, Debug)]
struct Running<S> {
    core: Core,
    applier: Applier<S>,
    outbox: Outbox,
    waiting: Waiting,
    /// How often what is limited here has bound.
    bound: Bound,
    forwards_max: usize,
}

impl<S: StateMachine> Process for Node<S> {
    type Config = NodeConfig<S>;
    type Message = Message;
    type Request = Request;
    type Reply = Reply;
    type Observation = Observation;

    fn boot(config: NodeConfig<S>, boot: Boot, out: &mut Effects<Self>) -> Self {
        let store = Wal::boot(Options::from(&config.raft), boot.number, out);
        Self { config, boot, store, phase: Phase::Recovering }
    }

    /// Always inlined, as are the core's dispatch and its own step: whoever hands an input over knows its kind, so that no message is
    /// put into one enum after the other only to be taken out again.
    #[inline(always)]
    fn handle(&mut self, now: LocalTime, input: Input<Self>, out: &mut Effects<Self>) {
        match input {
            Input::DiskDone { op, result } => match self.store.take_durable(op, &result) {
                Some(id) => self.on_durable(now, id, out),
                None => {
                    let event = self.store.disk_done(op, result, out);
                    self.on_store_event(now, event, out);
                }
            },
            Input::Timer => self.step(now, core::Input::Timer, out),
            Input::Message { from, message } => self.step(now, core::Input::Message { from, message }, out),
            Input::Request { id, request } => self.on_request(now, id, request, out),
            Input::Requests(requests) => self.on_requests(now, requests, out),
        }
    }

    fn deadline(&self) -> Option<LocalTime> {
        match &self.phase {
            Phase::Running(running) => Some(running.core.deadline()),
            Phase::Recovering | Phase::Halted => None,
        }
    }
}

impl<S: StateMachine> Node<S> {
    /// The consensus core, once the disk was read.
    #[must_use]
    pub fn core(&self) -> Option<&Core> {
        self.running().map(|running| &running.core)
    }

    /// Sessions and state machine, once the disk was read.
    #[must_use]
    pub fn applier(&self) -> Option<&Applier<S>> {
        self.running().map(|running| &running.applier)
    }

    /// How often each limit has bound since the start of this boot.
    #[must_use]
    pub fn bound(&self) -> Bound {
        self.running().map(|running| running.core.bound().and(running.applier.bound()).and(&running.bound)).unwrap_or_default()
    }

    fn running(&self) -> Option<&Running<S>> {
        match &self.phase {
            Phase::Running(running) => Some(running),
            Phase::Recovering | Phase::Halted => None,
        }
    }

    fn on_durable(&mut self, now: LocalTime, id: IoId, out: &mut Effects<Self>) {
        if let Phase::Running(running) = &mut self.phase {
            running.outbox.release(id, out);
        }
        self.step(now, core::Input::Durable(id), out);
    }

    #[cold]
    fn on_store_event(&mut self, now: LocalTime, event: Option<StoreEvent>, out: &mut Effects<Self>) {
        match event {
            None => {}
            Some(StoreEvent::Recovered(recovered)) => self.start_running(now, recovered, out),
            Some(StoreEvent::Durable(id)) => self.on_durable(now, id, out),
            Some(StoreEvent::Fetched(entries)) => self.step(now, core::Input::Fetched(entries), out),
            Some(StoreEvent::Failed(error)) => {
                // What is durable is unknown from here on: promise nothing, acknowledge nothing.
                self.step(now, core::Input::DiskFailed, out);
                if let Phase::Running(running) = &mut self.phase {
                    running.give_up_what_was_passed_on(out);
                }
                self.phase = Phase::Halted;
                out.push(Effect::Halt { reason: error.reason() });
            }
        }
    }

    fn start_running(&mut self, now: LocalTime, recovered: Recovered, out: &mut Effects<Self>) {
        let Recovered { hard_state, log, torn_bytes, .. } = recovered;
        if log.head().index > LogIndex(0) {
            self.phase = Phase::Halted;
            out.push(Effect::Halt { reason: "the head of the log was purged, and nothing says what it did" });
            return;
        }
        out.observe(Observation::Recovered {
            term: hard_state.term,
            vote: hard_state.vote,
            last: log.last(),
            hash: log.hash_at(log.last().index).unwrap_or_default(),
            torn_bytes,
        });
        let restored = Restored { hard_state, log };
        let boot = Boot { now, ..self.boot };
        self.phase = Phase::Running(Box::new(Running {
            core: Core::new(self.config.raft.clone(), boot, restored),
            applier: Applier::new(self.config.machine.clone(), &self.config.raft.limits),
            outbox: Outbox::default(),
            waiting: Waiting::default(),
            bound: Bound::default(),
            forwards_max: self.config.raft.limits.forwards_max as usize,
        }));
    }

    fn on_request(&mut self, now: LocalTime, id: RequestId, request: Request, out: &mut Effects<Self>) {
        if let Some(proposal) = self.begin(now, id, request, out) {
            self.propose(now, proposal.into(), out);
        }
    }

    /// Everything that is to be proposed is proposed together, behind whatever else was asked.
    fn on_requests(&mut self, now: LocalTime, requests: Vec<(RequestId, Request)>, out: &mut Effects<Self>) {
        let proposals = requests.into_iter().filter_map(|(id, request)| self.begin(now, id, request, out)).collect();
        self.propose(now, Proposals::Many(proposals), out);
    }

    fn propose(&mut self, now: LocalTime, proposals: Proposals, out: &mut Effects<Self>) {
        self.step(now, core::Input::Propose(proposals), out);
        // Only now: between an offer and this step others of the same batch have had theirs.
        if let Phase::Running(running) = &mut self.phase {
            running.waiting.withdraw_offers();
        }
    }

    /// Does what a client asks for, or says what must be proposed for it.
    fn begin(&mut self, now: LocalTime, id: RequestId, request: Request, out: &mut Effects<Self>) -> Option<Proposal> {
        let Phase::Running(running) = &mut self.phase else {
            out.push(Effect::Reply { to: id, reply: Reply::Refused(Refused::NotReady) });
            return None;
        };
        let command = match request {
            Request::Campaign => {
                self.step(now, core::Input::Campaign { ticket: id }, out);
                return None;
            }
            Request::Query { query } => {
                running.waiting.add_query(id, query);
                self.step(now, core::Input::Read { ticket: id }, out);
                return None;
            }
            Request::Register => Command::Register,
            Request::Command { session, sequence, first_outstanding, command } => {
                Command::Session { session, sequence, first_outstanding, command }
            }
        };
        let may_forward = self.config.raft.forward_proposals && running.may_forward(now, id, &command, out);
        Some(Proposal { ticket: id, command: command.encode(), may_forward })
    }

    /// One step of the core, and all that follows from it.
    #[inline(always)]
    fn step(&mut self, now: LocalTime, input: core::Input, out: &mut Effects<Self>) {
        let Phase::Running(running) = &mut self.phase else {
            return;
        };
        let Running { core, outbox, waiting, .. } = &mut **running;
        core.handle(now, input, &mut Hands { store: &mut self.store, outbox, waiting, out });
        self.follow_up(now, out);
    }

    /// What follows from a step of the core.
    #[inline(never)]
    fn follow_up(&mut self, now: LocalTime, out: &mut Effects<Self>) {
        let Phase::Running(running) = &mut self.phase else {
            return;
        };
        running.apply_committed(&mut self.store, out);
        if !running.waiting.is_idle() {
            running.answer_queries(out);
            running.give_up_what_a_leadership_left(out);
            running.give_up_what_may_be_lost(now, self.config.raft.timing.election_timeout_max_ns, out);
        }
        let Running { core, outbox, waiting, .. } = &mut **running;
        core.evict(&mut Hands { store: &mut self.store, outbox, waiting, out });
        self.store.flush(out);
    }
}

impl<S: StateMachine> store::Output for Effects<Node<S>> {
    #[inline]
    fn start(&mut self, op: OpId, what: DiskOp) {
        self.push_with(|| Effect::Disk { op, what });
    }
}

/// What carries out the core's effects as they come.
struct Hands<'a, S: StateMachine> {
    store: &'a mut Wal,
    outbox: &'a mut Outbox,
    waiting: &'a mut Waiting,
    out: &'a mut Effects<Node<S>>,
}

impl<S: StateMachine> core::Output for Hands<'_, S> {
    /// Always inlined: the core knows which effect it is, so none is put together only to be taken apart.
    #[inline(always)]
    fn push(&mut self, effect: core::Effect) {
        match effect {
            core::Effect::Persist { id, what } => self.store.persist(id, what),
            core::Effect::Send { message, after } => self.outbox.send(message, after, self.out),
            core::Effect::Fetch { id } => self.store.fetch(id),
            core::Effect::Proposed { ticket, id } => self.waiting.add_proposal(id, ticket),
            core::Effect::Forwarded { ticket } => self.waiting.add_forward(ticket),
            core::Effect::ReadReady { ticket, index } => self.waiting.confirm_query(ticket, index),
            core::Effect::Campaigning { ticket } => self.out.push(Effect::Reply { to: ticket, reply: Reply::Campaigning }),
            core::Effect::Refused { ticket, why } => {
                self.waiting.forget_query(ticket);
                self.out.push(Effect::Reply { to: ticket, reply: Reply::Refused(why.into()) });
            }
            core::Effect::Observe(observation) => self.out.observe(observation),
        }
    }
}

impl<S: StateMachine> Running<S> {
    fn apply_committed(&mut self, store: &mut Wal, out: &mut Effects<Node<S>>) {
        while self.applier.applied() < self.core.commit_index() {
            let index = self.applier.applied().next();
            // A payload that is not at hand holds everything behind it up.
            let payload = match self.core.log().payload(index) {
                View::Ready(payload) => payload,
                View::Pending => return self.core.log().id_at(index).into_iter().for_each(|id| store.fetch(id)),
                View::Damaged(_) => return,
            };
            let outcome = self.applier.apply(index, payload);
            let term = self.core.log().term_at(index).unwrap_or_default();
            let command = match outcome {
                Outcome::Applied { session, sequence, .. } => Some((session, sequence)),
                _ => None,
            };
            out.observe(Observation::Applied { index, digest: self.applier.digest(), command });
            if let Some(limit) = self.applier.take_began() {
                out.observe(Observation::LimitBound { limit });
            }
            self.report(LogId { term, index }, outcome, out);
        }
    }

    /// Whether a command may be passed on to the leader that is known; who waits for it is noted if it is.
    ///
    /// Only a command of a session: it has a name by which this node knows it again in the log, and takes
    /// effect once however often it is asked for. A registration has neither.
    fn may_forward(&mut self, now: LocalTime, ticket: RequestId, command: &Command, out: &mut Effects<Node<S>>) -> bool {
        let Command::Session { session, sequence, .. } = *command else {
            return false;
        };
        if !matches!(self.core.role(), Role::Follower(follower) if follower.leader.is_some()) {
            return false;
        }
        if self.waiting.forwards() >= self.forwards_max {
            if self.bound.note(Limit::Forwards) {
                out.observe(Observation::LimitBound { limit: Limit::Forwards });
            }
            return false;
        }
        self.bound.release(Limit::Forwards);
        self.waiting.offer(now, session, sequence, ticket);
        true
    }

    /// Observes a repetition and answers whoever proposed it.
    fn report(&mut self, id: LogId, outcome: Outcome, out: &mut Effects<Node<S>>) {
        let index = id.index;
        if let Outcome::Repeated { session, sequence, .. } | Outcome::SessionExpired { session, sequence } = &outcome {
            out.observe(Observation::SessionDeduplicated { index, session: *session, sequence: *sequence });
        }
        self.settle_forwards(index, &outcome, out);
        if let Some(ticket) = self.waiting.take_proposal(id) {
            out.push(Effect::Reply { to: ticket, reply: Reply::from_outcome(index, outcome) });
        }
    }

    /// Answers those whose command was passed on: this node has applied it, so it knows what they want to know.
    fn settle_forwards(&mut self, index: LogIndex, outcome: &Outcome, out: &mut Effects<Node<S>>) {
        if self.waiting.forwards() == 0 {
            return;
        }
        let (Outcome::Applied { session, sequence, .. }
        | Outcome::Repeated { session, sequence, .. }
        | Outcome::SessionExpired { session, sequence }) = *outcome
        else {
            return;
        };
        while let Some(ticket) = self.waiting.take_forward(session, sequence) {
            out.observe(Observation::ForwardSettled { index });
            out.push(Effect::Reply { to: ticket, reply: Reply::from_outcome(index, outcome.clone()) });
        }
    }

    /// What was passed on and does not come back may have got lost, or may take effect yet: nobody can tell. Two of the
    /// longest election timeouts are enough for a leader that serves, and for the next one if it does not.
    fn give_up_what_may_be_lost(&mut self, now: LocalTime, election_timeout_max_ns: u64, out: &mut Effects<Node<S>>) {
        while let Some(ticket) = self.waiting.take_forward_before(now, election_timeout_max_ns.saturating_mul(2)) {
            out.push(Effect::Reply { to: ticket, reply: Reply::Unknown });
        }
    }

    fn give_up_what_was_passed_on(&mut self, out: &mut Effects<Node<S>>) {
        while let Some(ticket) = self.waiting.take_forward_before(LocalTime(u64::MAX), 0) {
            out.push(Effect::Reply { to: ticket, reply: Reply::Unknown });
        }
    }

    fn answer_queries(&mut self, out: &mut Effects<Node<S>>) {
        let applied = self.applier.applied();
        while let Some((ticket, query)) = self.waiting.take_query(applied) {
            let output = self.applier.machine().query(&query);
            out.push(Effect::Reply { to: ticket, reply: Reply::Answered { applied, output } });
        }
    }

    /// A leader that stepped down cannot tell what becomes of its proposals, and sends its readers to the next.
    fn give_up_what_a_leadership_left(&mut self, out: &mut Effects<Node<S>>) {
        let leads = match self.core.role() {
            Role::Leader(_) => Some(self.core.hard_state().term),
            Role::Follower(_) | Role::PreCandidate(_) | Role::Candidate(_) => None,
        };
        while let Some(ticket) = self.waiting.take_proposal_not_of(leads) {
            out.push(Effect::Reply { to: ticket, reply: Reply::Unknown });
        }
        if leads.is_none() {
            while let Some(ticket) = self.waiting.take_confirmed() {
                let why = Refused::NotLeader { leader: self.core.leader() };
                out.push(Effect::Reply { to: ticket, reply: Reply::Refused(why) });
            }
        }
    }
}
