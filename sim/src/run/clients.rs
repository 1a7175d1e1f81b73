//! Clients: each works through its planned operations, one at a time, and notes what it was told.
//!
//! A client is a small state machine of its own: told that time has come or that an answer
//! arrived, it says what to send and when to wake it. What it may conclude from an answer
//! is decided here, and with it whether the history that is judged is honest:
//! a refusal of one attempt says nothing about an earlier attempt of the same operation.
//! Not here: the world that carries requests; the judgement. Read next: [`super::Run`].

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use squall_checkers::history::{Operation, Outcome};
use squall_checkers::model::Model;
use squall_raft::node::request::{Refused, Reply, Request};
use squall_raft::shared::SharedVec;
use squall_raft::types::{LogIndex, NodeId, SessionId};

use super::live::Live;
use super::subject::{Ask, Subject};
use crate::plan::{self, Pace, Plan};
use crate::scenario::Nanos;

/// Pause before asking again after a refusal that names nobody else.
const REFUSED_PAUSE_NS: u64 = 10_000_000;

/// How often the wait for an answer doubles from attempt to attempt: a system that is
/// slower than a timeout would otherwise drown in repetitions.
const BACKOFF_DOUBLINGS: u32 = 3;

/// The history of a subject's clients.
pub type HistoryOf<S> = SharedVec<Operation<InputOf<S>, OutputOf<S>>>;
/// Where in the log each operation of a history can be found, as far as its client knows.
pub type Sources = SharedVec<Source>;
/// What a subject's clients ask.
pub type InputOf<S> = <<S as Subject>::Model as Model>::Input;
/// What they are answered.
pub type OutputOf<S> = <<S as Subject>::Model as Model>::Output;

/// Where an operation took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Where this command was applied first, if it ever was.
    Command {
        /// Its session.
        session: SessionId,
        /// Its number in there.
        sequence: u64,
    },
    /// It was answered from the state after this index.
    Answered(LogIndex),
    /// Nobody knows, or nowhere.
    Nowhere,
}

/// What a client wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Send a request under this handle.
    Send {
        /// To whom.
        to: NodeId,
        /// Names the answer.
        handle: u64,
        /// What.
        request: Request,
    },
    /// Be woken. Earlier wishes of this kind are void.
    Wake {
        /// When.
        at_ns: u64,
        /// Tells this wish from earlier ones.
        generation: u32,
    },
    /// Be told when an answer may be overdue. Those of earlier requests stand, and serve later ones:
    /// nearly every answer comes in time, so that one of these does for many requests.
    Remind {
        /// When.
        at_ns: u64,
    },
    /// Send this again, later, to nobody's surprise but the server's.
    SendLate {
        /// When.
        at_ns: u64,
        /// To whom.
        to: NodeId,
        /// What.
        request: Request,
    },
}

/// Totals over all clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Operations with a definite outcome.
    pub completed: u64,
    /// Reads among them.
    pub reads: u64,
    /// Operations that were given up.
    pub unknown: u64,
    /// Requests that were sent again with the same id.
    pub retried: u64,
    /// Operations under way at the same time, at most.
    pub in_flight_max: u64,
    /// Operations under way now.
    pub in_flight: u64,
    /// Writes among those.
    pub writes_in_flight: u64,
}

/// One client.
#[derive(Clone)]
pub struct Client<S: Subject> {
    /// Shared by all of a run, which has a thousand operations.
    plan: Arc<Plan>,
    /// Where in it this client stands.
    position: usize,
    cursor: usize,
    due_ns: u64,
    session: Option<SessionId>,
    sequence: u64,
    believed_leader: NodeId,
    state: State<S>,
    handles: u64,
    generation: u32,
    /// When the present attempt's answer is overdue.
    overdue_ns: u64,
    /// When the next reminder comes, if one is asked for.
    reminder_ns: Option<u64>,
    seen: BTreeMap<u64, Option<Bytes>>,
}

#[derive(Clone)]
enum State<S: Subject> {
    /// Until the next operation is due.
    Thinking,
    /// Opening a session, so that the next operation can be sent.
    Registering(Attempts),
    /// Waiting for an answer.
    Asking(Box<Asking<S>>),
    /// All done, or told to stop.
    Finished,
}

/// The attempts at one request.
#[derive(Clone, Copy, Debug)]
struct Attempts {
    first_handle: u64,
    deadline_ns: u64,
    left: u64,
    /// How often the present wait was doubled.
    doublings: u32,
    /// Waiting for the pause to pass rather than for an answer.
    pausing: bool,
}

#[derive(Clone)]
struct Asking<S: Subject> {
    key: u64,
    late_duplicate: Option<Nanos>,
    input: InputOf<S>,
    is_query: bool,
    request: Request,
    invoked_at_ns: u64,
    attempts: Attempts,
}

/// What clients share: the clock's reading, the rules of the phase, and where notes go.
pub struct Desk<'a, S: Subject> {
    /// Now.
    pub now_ns: u64,
    /// Whether new operations may begin.
    pub open: bool,
    /// Whether a client may give an operation up; after the storm it must wait for its outcome.
    pub may_give_up: bool,
    /// Whom a client asks in turn, in ascending order, if nobody tells it who leads.
    pub nodes: &'a [NodeId],
    /// Whom to ask how bytes are meant.
    pub subject: &'a S,
    /// Finished operations.
    pub history: &'a mut HistoryOf<S>,
    /// Where each of them took effect, if somebody wants to know.
    pub sources: Option<&'a mut Sources>,
    /// Who judges operations while they come and go, if anybody does.
    pub live: Option<&'a mut Live<S::Model>>,
    /// Totals.
    pub totals: &'a mut Totals,
    /// What is to be done.
    pub wishes: &'a mut Vec<Wish>,
}

impl Source {
    fn of(request: &Request, applied: Option<LogIndex>) -> Self {
        match (request, applied) {
            (Request::Command { session, sequence, .. }, _) => Self::Command { session: *session, sequence: *sequence },
            (_, Some(applied)) => Self::Answered(applied),
            _ => Self::Nowhere,
        }
    }
}

impl<S: Subject> Client<S> {
    /// The client at a position of the plan, before its first operation.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn new(plan: Arc<Plan>, position: usize) -> Self {
        let mine = &plan.clients[position];
        let believed_leader = NodeId(1 + mine.id % plan.nodes);
        let due_ns = mine.operations.first().map_or(0, |operation| operation.think.0);
        Self {
            plan,
            position,
            cursor: 0,
            due_ns,
            session: None,
            sequence: 0,
            believed_leader,
            state: State::Thinking,
            handles: 0,
            generation: 0,
            overdue_ns: 0,
            reminder_ns: None,
            seen: BTreeMap::new(),
        }
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.mine().id
    }

    /// What the plan says about this client.
    fn mine(&self) -> &plan::Client {
        &self.plan.clients[self.position]
    }

    /// Whether an operation is under way.
    #[must_use]
    pub const fn is_asking(&self) -> bool {
        matches!(self.state, State::Asking(_))
    }

    /// The operation under way: its number and when it was invoked.
    #[must_use]
    pub fn unanswered(&self) -> Option<(u64, u64)> {
        match &self.state {
            State::Asking(asking) => Some((self.cursor as u64, asking.invoked_at_ns)),
            State::Thinking | State::Registering(_) | State::Finished => None,
        }
    }

    /// Sets the first alarm.
    pub fn start(&mut self, desk: &mut Desk<'_, S>) {
        self.wake_at(self.due_ns, desk);
    }

    /// An alarm rang.
    pub fn on_wake(&mut self, generation: u32, desk: &mut Desk<'_, S>) {
        if generation != self.generation {
            return;
        }
        match &self.state {
            State::Thinking if !desk.open => self.state = State::Finished,
            State::Thinking => self.begin(desk),
            // The pause is over.
            State::Registering(_) | State::Asking(_) => self.send_attempt(desk),
            State::Finished => {}
        }
    }

    /// A reminder came.
    pub fn on_reminder(&mut self, desk: &mut Desk<'_, S>) {
        self.reminder_ns = self.reminder_ns.filter(|at_ns| *at_ns > desk.now_ns);
        if self.attempts().is_none_or(|attempts| attempts.pausing) {
            return; // Nothing is waited for.
        }
        if self.overdue_ns <= desk.now_ns {
            self.on_timeout(desk);
        } else {
            self.remind(desk);
        }
    }

    /// An answer arrived.
    pub fn on_reply(&mut self, handle: u64, from: NodeId, reply: Reply, desk: &mut Desk<'_, S>) {
        let Some(attempts) = self.attempts().filter(|attempts| handle >= attempts.first_handle) else {
            return; // To something that is over.
        };
        let is_latest = handle == self.handles && !attempts.pausing;
        match reply {
            Reply::Registered { session } => self.on_registered(session, desk),
            Reply::Applied { output, .. } => self.on_output(from, &output, None, desk),
            Reply::Answered { applied, output } => self.on_output(from, &output, Some(applied), desk),
            Reply::SessionExpired | Reply::Forgotten => {
                self.session = None;
                self.finish(Outcome::Unknown, desk);
            }
            Reply::Refused(Refused::TooLarge) => self.finish(Outcome::Fail, desk),
            // Answers to attempts that were given up steer nothing.
            Reply::Refused(why) if is_latest => self.on_refused(why, desk),
            Reply::Unknown if is_latest => self.retry(desk),
            // Orders are an operator's, who does not wait for what becomes of them.
            Reply::Refused(_) | Reply::Unknown | Reply::Campaigning => {}
        }
    }

    /// Notes what was never answered: it may have happened, or may yet.
    pub fn close(&mut self, desk: &mut Desk<'_, S>) {
        if self.is_asking() {
            self.finish(Outcome::Unknown, desk);
        }
        self.state = State::Finished;
    }

    fn begin(&mut self, desk: &mut Desk<'_, S>) {
        let Some(operation) = self.mine().operations.get(self.cursor) else {
            self.state = State::Finished;
            return;
        };
        let (key, late_duplicate) = (operation.key, operation.late_duplicate);
        let seen = self.seen.get(&key).and_then(Option::as_ref);
        let Ask { input, bytes, is_query } = desk.subject.ask(operation, seen);
        let Some(session) = self.session.or_else(|| is_query.then_some(SessionId(0))) else {
            self.state = State::Registering(self.attempts_from_now(desk));
            self.send_attempt(desk);
            return;
        };
        let request = if is_query {
            Request::Query { query: bytes }
        } else {
            self.sequence += 1;
            Request::Command { session, sequence: self.sequence, first_outstanding: self.sequence, command: bytes }
        };
        desk.totals.in_flight += 1;
        desk.totals.writes_in_flight += u64::from(!is_query);
        desk.totals.in_flight_max = desk.totals.in_flight_max.max(desk.totals.in_flight);
        if let Some(live) = desk.live.as_deref_mut() {
            live.invoke(self.operation_id(), input.clone());
        }
        let attempts = self.attempts_from_now(desk);
        let invoked_at_ns = desk.now_ns;
        self.state = State::Asking(Box::new(Asking { key, late_duplicate, input, is_query, request, invoked_at_ns, attempts }));
        self.send_attempt(desk);
    }

    /// Names the present operation among all of the run.
    fn operation_id(&self) -> u64 {
        (self.position as u64) << 32 | self.cursor as u64
    }

    fn attempts_from_now(&self, desk: &Desk<'_, S>) -> Attempts {
        let mine = self.mine();
        let tries = mine.retries.saturating_add(1);
        Attempts {
            first_handle: self.handles + 1,
            deadline_ns: desk.now_ns.saturating_add(mine.timeout.0.saturating_mul(tries)),
            left: mine.retries,
            doublings: 0,
            pausing: false,
        }
    }

    fn attempts(&self) -> Option<Attempts> {
        match &self.state {
            State::Registering(attempts) => Some(*attempts),
            State::Asking(asking) => Some(asking.attempts),
            State::Thinking | State::Finished => None,
        }
    }

    fn attempts_mut(&mut self) -> Option<&mut Attempts> {
        match &mut self.state {
            State::Registering(attempts) => Some(attempts),
            State::Asking(asking) => Some(&mut asking.attempts),
            State::Thinking | State::Finished => None,
        }
    }

    fn send_attempt(&mut self, desk: &mut Desk<'_, S>) {
        let request = match &self.state {
            State::Asking(asking) => asking.request.clone(),
            _ => Request::Register,
        };
        let doublings = self.attempts().map_or(0, |attempts| attempts.doublings);
        if let Some(attempts) = self.attempts_mut() {
            attempts.pausing = false;
        }
        self.handles += 1;
        desk.wishes.push(Wish::Send { to: self.believed_leader, handle: self.handles, request });
        let wait_ns = self.mine().timeout.0.saturating_mul(1 << doublings);
        self.overdue_ns = desk.now_ns.saturating_add(wait_ns);
        self.forget_wake();
        self.remind(desk);
    }

    fn on_timeout(&mut self, desk: &mut Desk<'_, S>) {
        self.believed_leader = self.next_node(desk);
        if let Some(attempts) = self.attempts_mut() {
            attempts.doublings = (attempts.doublings + 1).min(BACKOFF_DOUBLINGS);
        }
        self.retry(desk);
    }

    /// Asks again with the same id, or gives up.
    fn retry(&mut self, desk: &mut Desk<'_, S>) {
        let may_give_up = desk.may_give_up;
        let Some(attempts) = self.attempts_mut() else {
            return;
        };
        let exhausted = attempts.left == 0 || desk.now_ns >= attempts.deadline_ns;
        attempts.left = attempts.left.saturating_sub(1);
        if exhausted && may_give_up && self.is_asking() {
            self.finish(Outcome::Unknown, desk);
            return;
        }
        desk.totals.retried += u64::from(self.is_asking());
        self.send_attempt(desk);
    }

    fn on_refused(&mut self, why: Refused, desk: &mut Desk<'_, S>) {
        let pause_ns = match why {
            Refused::NotLeader { leader: Some(leader) } if leader != self.believed_leader => {
                self.believed_leader = leader;
                0
            }
            Refused::NotLeader { .. } | Refused::NotReady => {
                self.believed_leader = self.next_node(desk);
                REFUSED_PAUSE_NS
            }
            Refused::Busy | Refused::TooLarge | Refused::MayNotCampaign => REFUSED_PAUSE_NS,
        };
        let Some(attempts) = self.attempts_mut() else {
            return;
        };
        if desk.now_ns >= attempts.deadline_ns {
            self.retry(desk);
            return;
        }
        attempts.pausing = true;
        self.wake_at(desk.now_ns + pause_ns, desk);
    }

    fn next_node(&self, desk: &Desk<'_, S>) -> NodeId {
        let next = desk.nodes.iter().find(|node| **node > self.believed_leader).or(desk.nodes.first());
        next.copied().unwrap_or(self.believed_leader)
    }

    fn on_registered(&mut self, session: SessionId, desk: &mut Desk<'_, S>) {
        if let State::Registering(_) = self.state {
            self.session = Some(session);
            self.sequence = 0;
            if desk.open {
                self.begin(desk);
            } else {
                self.state = State::Finished;
            }
        }
    }

    fn on_output(&mut self, from: NodeId, output: &Bytes, applied: Option<LogIndex>, desk: &mut Desk<'_, S>) {
        let State::Asking(asking) = &self.state else {
            return;
        };
        self.believed_leader = from;
        match desk.subject.answer(&asking.input, output) {
            Some(output) => {
                if let Some(seen) = desk.subject.seen(&asking.input, &output) {
                    self.seen.insert(asking.key, seen);
                }
                self.finish_at(Outcome::Ok(output), applied, desk);
            }
            // An answer that this operation cannot get is for the judge, who has no model of it: unknown.
            None => self.finish(Outcome::Unknown, desk),
        }
    }

    fn finish(&mut self, outcome: Outcome<OutputOf<S>>, desk: &mut Desk<'_, S>) {
        self.finish_at(outcome, None, desk);
    }

    /// As [`Self::finish`]; `applied` is the state that a query was answered from.
    fn finish_at(&mut self, outcome: Outcome<OutputOf<S>>, applied: Option<LogIndex>, desk: &mut Desk<'_, S>) {
        let State::Asking(asking) = std::mem::replace(&mut self.state, State::Thinking) else {
            return;
        };
        desk.totals.in_flight -= 1;
        desk.totals.writes_in_flight -= u64::from(!asking.is_query);
        if matches!(outcome, Outcome::Unknown) {
            desk.totals.unknown += 1;
        } else {
            desk.totals.completed += 1;
            desk.totals.reads += u64::from(asking.is_query);
        }
        if let Some(sources) = desk.sources.as_deref_mut() {
            sources.push(Source::of(&asking.request, applied));
        }
        if let Some(late) = asking.late_duplicate {
            let at_ns = desk.now_ns.saturating_add(late.0);
            desk.wishes.push(Wish::SendLate { at_ns, to: self.believed_leader, request: asking.request });
        }
        if let Some(live) = desk.live.as_deref_mut() {
            live.end(self.operation_id(), outcome.clone());
        }
        desk.history.push(Operation {
            id: desk.history.len() as u64,
            client: self.mine().id,
            input: asking.input,
            outcome,
            invoked_at: asking.invoked_at_ns,
            returned_at: desk.now_ns,
        });
        self.think(desk);
    }

    /// Goes on to the next operation.
    fn think(&mut self, desk: &mut Desk<'_, S>) {
        self.cursor += 1;
        let Some(next) = self.mine().operations.get(self.cursor) else {
            self.state = State::Finished;
            return;
        };
        let from_ns = match self.mine().pace {
            Pace::AfterOutcome => desk.now_ns,
            Pace::AfterDue => self.due_ns,
        };
        self.due_ns = from_ns.saturating_add(next.think.0);
        self.wake_at(self.due_ns.max(desk.now_ns), desk);
    }

    /// Sees to it that a reminder comes when the answer is overdue, or earlier.
    fn remind(&mut self, desk: &mut Desk<'_, S>) {
        if self.reminder_ns.is_none_or(|at_ns| at_ns > self.overdue_ns) {
            self.reminder_ns = Some(self.overdue_ns);
            desk.wishes.push(Wish::Remind { at_ns: self.overdue_ns });
        }
    }

    fn forget_wake(&mut self) {
        self.generation = self.generation.wrapping_add(1);
    }

    fn wake_at(&mut self, at_ns: u64, desk: &mut Desk<'_, S>) {
        self.forget_wake();
        desk.wishes.push(Wish::Wake { at_ns, generation: self.generation });
    }
}
