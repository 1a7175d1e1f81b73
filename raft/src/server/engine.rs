//! The node behind a lock: whoever has an input for it hands it over and carries out what it wants.
//!
//! There is no inbox. The task that read a message, finished a disk operation or saw the deadline
//! pass takes the lock, so that nothing queues in front of the node and back-pressure is that of the
//! stream. Only clients' requests that come while the lock is taken queue, so that the next one who gets it hands them
//! over together ([`super::waiting`]). All effects are carried out under the lock and in their order: none of them waits, a
//! message goes into a peer's lane, an operation into the disk's queue, an answer into a place that
//! was reserved before the question was asked.
//!
//! Not here: the tasks. Read next: [`super::peer`], [`super::session`].

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;
use tokio::sync::mpsc::{self, OwnedPermit};
use tokio::sync::oneshot;

use super::env::Env;
use super::lanes::Lanes;
use super::limits::Limits;
use super::stats::{Counters, add};
use super::tap::Tap;
use super::waiting::{Asked, Waiting};
use crate::applier::StateMachine;
use crate::node::request::{Refused, Reply, Request};
use crate::node::{Node, NodeConfig};
use crate::process::{Boot, DiskOp, Effect, Effects, Input, OpId, Process, RequestId};
use crate::types::{LocalTime, NodeId};

/// What all tasks of a server share.
pub(super) struct Engine<S: StateMachine, E: Env> {
    pub(super) env: E,
    pub(super) limits: Limits,
    pub(super) counters: Counters,
    #[cfg(feature = "mutants")]
    pub(super) bug: Option<crate::mutants::Bug>,
    /// One for each other member.
    pub(super) lanes: BTreeMap<NodeId, Arc<Lanes>>,
    waiting: Waiting,
    state: Mutex<State<S>>,
    disk: mpsc::Sender<(OpId, DiskOp)>,
    alarm: Alarm,
    /// Told when the node has halted, and when it takes no more requests and has answered the last one.
    changed: Notify,
    /// Told when the disk's task is to end.
    pub(super) disk_stops: Notify,
}

struct State<S: StateMachine> {
    node: Node<S>,
    effects: Effects<Node<S>>,
    tap: Box<dyn Tap<S>>,
    /// Where the answers go.
    open: BTreeMap<RequestId, ReplyTo>,
    next_request: u64,
    halted: Option<&'static str>,
    stopping: bool,
}

impl<S: StateMachine> State<S> {
    /// When the node wants to be woken; the end of time if never.
    fn deadline_ns(&self) -> u64 {
        if self.halted.is_some() { u64::MAX } else { self.node.deadline().map_or(u64::MAX, |deadline| deadline.0) }
    }
}

/// When the alarm task will look at the deadline again.
#[derive(Default)]
struct Alarm {
    /// Its present setting. Written under the engine's lock.
    set_for_ns: AtomicU64,
    earlier: Notify,
}

/// Wakes those who wait for a change when a panic unwinds past it.
struct TellOfPanic<'a>(&'a Notify);

impl Drop for TellOfPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.notify_waiters();
        }
    }
}

/// Where an answer goes.
pub(super) enum ReplyTo {
    /// To a client's connection, under the id that the client chose.
    Session(u64, OwnedPermit<(u64, Reply)>),
    /// To a caller in this process.
    Caller(oneshot::Sender<Reply>),
}

impl ReplyTo {
    fn send(self, reply: Reply) {
        match self {
            Self::Session(id, place) => {
                place.send((id, reply));
            }
            // A caller that has gone does not want to know.
            Self::Caller(caller) => drop(caller.send(reply)),
        }
    }
}

/// What an engine is made from.
pub(super) struct Parts<S: StateMachine, E: Env> {
    pub(super) env: E,
    pub(super) limits: Limits,
    pub(super) config: NodeConfig<S>,
    pub(super) boot: Boot,
    pub(super) lanes: BTreeMap<NodeId, Arc<Lanes>>,
    pub(super) tap: Box<dyn Tap<S>>,
}

impl<S: StateMachine + Send + 'static, E: Env> Engine<S, E> {
    /// Boots the node. Its first disk operations are in the queue that comes back.
    pub(super) fn boot(parts: Parts<S, E>) -> (Arc<Self>, mpsc::Receiver<(OpId, DiskOp)>) {
        let Parts { env, limits, config, boot, lanes, tap } = parts;
        let (disk, queue) = mpsc::channel(limits.disk_ops_max);
        let mut effects = Effects::default();
        #[cfg(feature = "mutants")]
        let bug = config.raft.bug;
        let node = Node::boot(config, boot, &mut effects);
        let state = State { node, effects, tap, open: BTreeMap::new(), next_request: 0, halted: None, stopping: false };
        let engine = Arc::new(Self {
            env,
            limits,
            counters: Counters::default(),
            #[cfg(feature = "mutants")]
            bug,
            lanes,
            waiting: Waiting::default(),
            state: Mutex::new(state),
            disk,
            alarm: Alarm::default(),
            changed: Notify::new(),
            disk_stops: Notify::new(),
        });
        engine.carry_out(engine.env.now(), &mut engine.state());
        (engine, queue)
    }

    /// The node, for as long as the guard lives. Whatever panicked under the lock left the node somewhere between two
    /// states, and what it does from there on nobody has thought of: it has halted.
    fn state(&self) -> MutexGuard<'_, State<S>> {
        self.state.lock().unwrap_or_else(|poisoned| {
            let mut state = poisoned.into_inner();
            if state.halted.is_none() {
                self.halt(&mut state, "a panic within the node");
            }
            state
        })
    }

    /// Hands the node an input.
    pub(super) fn handle(&self, input: Input<Node<S>>) {
        // Before the lock, so that it is dropped after it: who waits for the end of the node then sees it.
        let _told = TellOfPanic(&self.changed);
        let state = &mut *self.state();
        if state.halted.is_some() {
            return;
        }
        self.hand(input, state);
    }

    fn hand(&self, input: Input<Node<S>>, state: &mut State<S>) {
        let now = self.env.now();
        state.tap.input(now, &input);
        state.node.handle(now, input, &mut state.effects);
        self.carry_out(now, state);
    }

    /// Asks the node. The answer comes once, later or at once.
    pub(super) fn request(&self, request: Request, reply_to: ReplyTo) {
        self.accept(request, reply_to);
        self.serve_accepted();
    }

    /// Takes a request. The caller may take more, and must then have them served.
    pub(super) fn accept(&self, request: Request, reply_to: ReplyTo) {
        self.waiting.push((request, reply_to));
    }

    /// Hands what waits to the node, whoever has asked; nothing, if somebody else has done so meanwhile.
    pub(super) fn serve_accepted(&self) {
        // Before the lock, as in `handle`.
        let _told = TellOfPanic(&self.changed);
        let mut more = true;
        while more {
            let state = &mut *self.state();
            let batch;
            (batch, more) = self.waiting.take(&self.limits);
            add(&self.counters.batches, u64::from(batch.len() > 1));
            add(&self.counters.batches_full, u64::from(more));
            if let Some(input) = self.open(batch, state) {
                self.hand(input, state);
            }
        }
    }

    /// Notes where the answers go.
    fn open(&self, batch: Vec<Asked>, state: &mut State<S>) -> Option<Input<Node<S>>> {
        if state.stopping || state.halted.is_some() {
            add(&self.counters.refused_stopping, batch.len() as u64);
            batch.into_iter().for_each(|(_, reply_to)| reply_to.send(Reply::Refused(Refused::NotReady)));
            return None;
        }
        let mut open = |(request, reply_to)| {
            state.next_request += 1;
            let id = RequestId(state.next_request);
            state.open.insert(id, reply_to);
            (id, request)
        };
        if batch.len() > 1 {
            return Some(Input::Requests(batch.into_iter().map(open).collect()));
        }
        batch.into_iter().next().map(|asked| {
            let (id, request) = open(asked);
            Input::Request { id, request }
        })
    }

    /// Looks at the node.
    pub(super) fn inspect<R>(&self, look: impl FnOnce(&Node<S>) -> R) -> R {
        look(&self.state().node)
    }

    /// Why the node gave up, if it has.
    pub(super) fn halted(&self) -> Option<&'static str> {
        self.state().halted
    }

    fn carry_out(&self, now: LocalTime, state: &mut State<S>) {
        let mut effects = std::mem::take(&mut state.effects);
        for effect in effects.drain() {
            state.tap.effect(now, &effect);
            match effect {
                Effect::Send { to, message } => {
                    if let Some(lanes) = self.lanes.get(&to) {
                        lanes.push(message, &self.limits, &self.counters);
                    }
                }
                Effect::Disk { op, what } => {
                    if self.disk.try_send((op, what)).is_err() {
                        self.halt(state, "more disk operations wait than the store ever starts");
                        break;
                    }
                }
                Effect::Reply { to, reply } => {
                    if let Some(reply_to) = state.open.remove(&to) {
                        reply_to.send(reply);
                    }
                    if state.stopping && state.open.is_empty() {
                        self.changed.notify_waiters();
                    }
                }
                Effect::Observe(_) => {}
                Effect::Halt { reason } => {
                    self.halt(state, reason);
                    break;
                }
            }
        }
        state.effects = effects;
        self.set_alarm(state);
    }

    fn halt(&self, state: &mut State<S>, reason: &'static str) {
        state.halted = Some(reason);
        answer_all(state, &Reply::Unknown);
        self.changed.notify_waiters();
    }

    fn set_alarm(&self, state: &State<S>) {
        if state.deadline_ns() < self.alarm.set_for_ns.load(Ordering::Acquire) {
            self.alarm.earlier.notify_one();
        }
    }

    /// Wakes the node at its deadlines, for ever. A deadline that moves away, as most do, wakes nobody.
    pub(super) async fn keep_time(self: Arc<Self>) {
        loop {
            let deadline_ns = {
                let state = self.state();
                // Under the lock: whoever brings the deadline forward later sees this setting and tells us.
                self.alarm.set_for_ns.store(state.deadline_ns(), Ordering::Release);
                state.deadline_ns()
            };
            if deadline_ns <= self.env.now().0 {
                self.handle(Input::Timer);
                continue;
            }
            tokio::select! {
                biased;
                () = self.alarm.earlier.notified() => {}
                () = self.env.sleep_until(LocalTime(deadline_ns)) => {}
            }
        }
    }
}

/// The end.
impl<S: StateMachine + Send + 'static, E: Env> Engine<S, E> {
    /// Takes no more requests.
    pub(super) fn stop_requests(&self) {
        self.state().stopping = true;
    }

    /// Waits until every request that was taken has its answer.
    pub(super) async fn all_answered(&self) {
        self.until(|state| state.open.is_empty()).await;
    }

    /// Waits until the node has given up.
    pub(super) async fn until_halted(&self) {
        self.until(|state| state.halted.is_some()).await;
    }

    /// Answers what is still open: what became of it, nobody can tell.
    pub(super) fn give_up_requests(&self) {
        answer_all(&mut self.state(), &Reply::Unknown);
    }

    async fn until(&self, holds: impl Fn(&State<S>) -> bool) {
        loop {
            let changed = self.changed.notified();
            let mut changed = std::pin::pin!(changed);
            changed.as_mut().enable();
            if holds(&self.state()) {
                return;
            }
            changed.await;
        }
    }
}

fn answer_all<S: StateMachine>(state: &mut State<S>, reply: &Reply) {
    for (_, reply_to) in std::mem::take(&mut state.open) {
        reply_to.send(reply.clone());
    }
}
