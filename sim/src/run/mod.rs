//! One run: a plan in an arena, under all checkers, from the first boot to the verdict.
//!
//! ```text
//!  0                      safety                      + settle bound
//!  |---- faults, clients ----|---- healed, clients drain ----|
//!                            ^ everything ends               ^ all must be well before
//! ```
//!
//! In the safety phase everything that the plan says goes wrong. Then all is healed that does not
//! stay for ever, and within a stated number of election timeouts there must be a leader, a new
//! commit, an outcome for every operation and equal replicas: everywhere, or where faults stay,
//! in a core that they leave alone. A run in which there is no such core ends then and there.
//!
//! A run has one thread and no input but its plan. Not here: many runs and panics
//! (`campaign`). Read next: [`Run`], then [`clients`], [`faults`], `storm.rs`, `healing.rs`, [`finish`].

mod aim;
pub mod atlas;
pub mod clients;
pub mod clique;
pub mod cluster;
mod crash;
mod devices;
mod disks;
mod duties;
pub mod faults;
pub mod finish;
mod ghost;
mod healing;
mod judge;
pub mod live;
mod marks;
mod operator;
pub mod orders;
pub mod settings;
mod storm;
pub mod subject;
pub mod tape;
pub mod text;

use std::sync::Arc;

use squall_checkers::violation::{Need, Property, Violation};
use squall_raft::node::request::Request;
use squall_raft::node::{Node, NodeConfig};
use squall_raft::types::NodeId;

use self::clients::{Client, Desk, HistoryOf, Sources, Totals, Wish};
use self::faults::{Calm, Faults};
use self::finish::Outcome;
use self::healing::Reign;
pub use self::judge::Judge;
use self::live::Live;
use self::operator::Operator;
use self::orders::{AlarmKind, Orders};
use self::settings::SettingsError;
use self::subject::Subject;
use crate::arena::{Arena, Watch};
use crate::entropy::Entropy;
use crate::plan::Plan;
use crate::world::{ClientId, Observer, RequestHandle, Step, World, WorldEvent};

/// How long clients go on after everything was healed, in largest election timeouts.
const WORK_AFTER_HEALING: u64 = 4;

/// A run that needs more events than this per virtual second is stuck, however fast it is.
const EVENTS_PER_SECOND_MAX: u64 = 4_000_000;

/// Events at one instant; more than this and time does not advance.
const EVENTS_PER_INSTANT_MAX: u64 = 1_000_000;

/// How a run is carried out. None of it changes the trace hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whether checkers and marks look at it.
    pub checks: bool,
    /// Configurations that the linearizability checker may explore.
    pub search_max: u64,
    /// Whether the clients' history is kept as text, for [`Outcome::history`].
    pub history: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { checks: true, search_max: 2_000_000, history: false }
    }
}

/// A run under way. Where its arena can be cloned, it can be at any moment, and both go on alike.
#[derive(Clone)]
pub struct Run<S: Subject, A = World<Node<<S as Subject>::Machine>>> {
    plan: Arc<Plan>,
    subject: S,
    options: Options,
    arena: A,
    judge: Judge,
    faults: Faults,
    clients: Vec<Client<S>>,
    /// Empty between steps; kept for its space.
    wishes: Vec<Wish>,
    history: HistoryOf<S>,
    sources: Option<Sources>,
    live: Option<Live<S::Model>>,
    totals: Totals,
    late: Vec<(ClientId, NodeId, Request)>,
    phase: Phase,
    /// Whom clients ask, in ascending order: every node, or after the storm those who must make progress.
    core: Vec<NodeId>,
    /// Who starts nodes again that gave up.
    operator: Operator,
    /// After the storm, whom a quorum follows.
    reign: Option<Reign>,
    /// When the storm ended.
    healed_at_ns: u64,
    instant: (u64, u64),
    ended: Option<Ending>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Faults happen.
    Safety,
    /// All is healed; clients still begin operations. Holds the commit index at the healing.
    Healed { commit_index: u64 },
    /// Clients begin no more operations.
    Draining { commit_index: u64 },
}

/// Why a run is over.
#[derive(Clone, Debug)]
pub(crate) enum Ending {
    /// Everything that was demanded came true.
    Settled,
    /// The faults that stay leave no core from which anything could be demanded.
    Unavailable,
    /// A property is violated.
    Violated(Box<Violation>),
}

/// What the arena is asked to wake the run for. Packed into one word: kind, then number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Client {
        client: u32,
        generation: u32,
    },
    Reminder(u32),
    Fault(AlarmKind),
    Late(u32),
    /// The operator comes to this node.
    Operator(u64),
    SafetyEnds,
    WorkEnds,
    Poll,
}

impl Token {
    #[expect(clippy::cast_possible_truncation, reason = "node numbers are small")]
    const fn pack(self) -> u64 {
        let (kind, high, low) = match self {
            Self::Client { client, generation } => (1, client, generation),
            Self::Fault(AlarmKind::Begin(i)) => (2, 0, i),
            Self::Fault(AlarmKind::End(i)) => (3, 0, i),
            Self::Fault(AlarmKind::Flap(i)) => (4, 0, i),
            Self::Late(i) => (5, 0, i),
            Self::SafetyEnds => (6, 0, 0),
            Self::WorkEnds => (7, 0, 0),
            Self::Poll => (8, 0, 0),
            Self::Reminder(client) => (9, 0, client),
            // A cluster has a handful of nodes.
            Self::Operator(node) => (10, 0, node as u32),
        };
        kind << 56 | (high as u64) << 32 | low as u64
    }

    #[expect(clippy::cast_possible_truncation, reason = "the parts were packed from u32")]
    const fn unpack(word: u64) -> Option<Self> {
        let (high, low) = ((word >> 32) as u32 & 0xff_ffff, word as u32);
        Some(match word >> 56 {
            1 => Self::Client { client: high, generation: low },
            2 => Self::Fault(AlarmKind::Begin(low)),
            3 => Self::Fault(AlarmKind::End(low)),
            4 => Self::Fault(AlarmKind::Flap(low)),
            5 => Self::Late(low),
            6 => Self::SafetyEnds,
            7 => Self::WorkEnds,
            8 => Self::Poll,
            9 => Self::Reminder(low),
            10 => Self::Operator(low as u64),
            _ => return None,
        })
    }
}

/// A run's own observer and somebody else's, side by side.
struct Both<'a, O> {
    judge: &'a mut Judge,
    other: &'a mut O,
}

impl<M, O> Observer<Node<M>> for Both<'_, O>
where
    M: squall_raft::applier::StateMachine,
    O: Observer<Node<M>>,
{
    #[inline]
    fn event(&mut self, at_ns: u64, number: u64, event: WorldEvent<'_, Node<M>>) {
        self.judge.event(at_ns, number, event);
        self.other.event(at_ns, number, event);
    }
}

impl<S: Subject> Run<S> {
    /// Boots every node in a [`World`] and sets the first alarms.
    ///
    /// # Errors
    /// If the engine refuses the plan's settings.
    pub fn new(
        plan: Arc<Plan>,
        subject: S,
        options: Options,
        observer: &mut impl Observer<Node<S::Machine>>,
    ) -> Result<Self, SettingsError> {
        Self::with_engine(plan, subject, options, |_, _| {}, observer)
    }
}

impl<S: Subject, A: Arena<Node<S::Machine>>> Run<S, A> {
    /// As [`Self::new`], in any arena and with a last word on each node's engine settings.
    ///
    /// # Errors
    /// If the engine refuses the plan's settings.
    pub fn with_engine(
        plan: Arc<Plan>,
        subject: S,
        options: Options,
        change: impl Fn(u64, &mut squall_raft::config::Config),
        observer: &mut impl Observer<Node<S::Machine>>,
    ) -> Result<Self, SettingsError> {
        let entropy = Entropy::new(plan.seed);
        let mut nodes = Vec::new();
        for node in 1..=plan.nodes {
            let mut raft = settings::engine(&plan, node)?;
            change(node, &mut raft);
            nodes.push((NodeId(node), NodeConfig { raft, machine: subject.machine() }));
        }
        let mut orders = Orders::default();
        let faults =
            Faults::new(Arc::new(plan.faults.clone()), entropy, calm(&plan), plan.safety.0, &mut orders).without(A::CANNOT);
        let disks = options.checks && A::PROVIDES.contains(&Need::GhostDisks);
        let triggers = faults.waits_for_events();
        let watch = Watch { checks: options.checks, disks, triggers, commands: options.history };
        let clients = (0..plan.clients.len()).map(|position| Client::new(Arc::clone(&plan), position)).collect();
        let mut run = Self {
            arena: A::new(entropy, nodes, settings::world(&plan)),
            judge: Judge::new(&plan, watch),
            faults,
            clients,
            wishes: Vec::new(),
            history: HistoryOf::<S>::default(),
            sources: options.history.then(Sources::default),
            live: (options.checks && A::PROVIDES.contains(&Need::ClientHistory))
                .then(|| Live::new(subject.model(), options.search_max)),
            totals: Totals::default(),
            late: Vec::new(),
            phase: Phase::Safety,
            core: (1..=plan.nodes).map(NodeId).collect(),
            operator: Operator::new(entropy),
            reign: None,
            healed_at_ns: 0,
            instant: (0, 0),
            ended: None,
            plan,
            subject,
            options,
        };
        run.arena.watched(watch);
        run.begin(orders, observer);
        Ok(run)
    }

    fn begin(&mut self, orders: Orders, observer: &mut impl Observer<Node<S::Machine>>) {
        let plan = Arc::clone(&self.plan);
        let mut both = Both { judge: &mut self.judge, other: observer };
        for clock in &plan.clocks {
            let Some(node) = clock.node() else { continue };
            self.arena.set_clock_offset(NodeId(node), clock.offset.0, &mut both);
            self.arena.set_clock_rate(NodeId(node), clock.rate_ppm, &mut both);
        }
        for node in 1..=plan.nodes {
            self.start_node(node, observer);
        }
        let mut both = Both { judge: &mut self.judge, other: observer };
        self.arena.wake_at(plan.safety.0, Token::SafetyEnds.pack(), &mut both);
        self.obey(orders, observer);
        for client in start_order(self.clients.len()) {
            self.with_client(client, observer, |client, desk| client.start(desk));
        }
    }

    /// Virtual time since the start.
    #[must_use]
    pub fn now_ns(&self) -> u64 {
        self.arena.now()
    }

    /// Whether the run is over.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.ended.is_some()
    }

    /// The arena as it is now.
    #[must_use]
    pub const fn arena(&self) -> &A {
        &self.arena
    }

    /// Runs to the end and judges it.
    pub fn finish(mut self, observer: &mut impl Observer<Node<S::Machine>>) -> Outcome {
        while self.ended.is_none() {
            self.step(observer);
        }
        finish::judge(self)
    }

    /// Carries out one event of the arena and all that follows from it.
    pub fn step(&mut self, observer: &mut impl Observer<Node<S::Machine>>) {
        let step = self.arena.step(&mut Both { judge: &mut self.judge, other: observer });
        match step {
            Step::Internal => {}
            Step::AtDiskOp { node, nth } => self.at_disk_op(node, nth, observer),
            Step::Idle => self.stuck("nothing is left to happen".into()),
            Step::External { token } => self.on_token(token, observer),
            Step::Reply { client, handle, from, reply } => {
                self.with_client(client.0 as usize, observer, |client, desk| client.on_reply(handle.0, from, reply, desk));
            }
        }
        self.fire_triggers(observer);
        if let Some(violation) = self.judge.violation.take().or_else(|| self.arena.violation()) {
            self.ended = Some(Ending::Violated(violation));
        }
        if !self.judge.halted.is_empty() {
            for gave_up in std::mem::take(&mut self.judge.halted) {
                self.halted(&gave_up, observer);
            }
        }
        if !self.judge.recovered.is_empty() {
            for node in std::mem::take(&mut self.judge.recovered) {
                self.came_up(node, observer);
            }
            self.judge_comebacks();
        }
        self.check_budget();
    }

    fn stuck(&mut self, why: String) {
        self.ended.get_or_insert_with(|| Ending::Violated(Violation::new(Property::Stuck, why)));
    }

    fn check_budget(&mut self) {
        let (now_ns, events) = (self.arena.now(), self.arena.events());
        if self.instant.0 != now_ns {
            self.instant = (now_ns, events);
        }
        let at_this_instant = events - self.instant.1;
        let budget = EVENTS_PER_INSTANT_MAX + now_ns / 1_000 * (EVENTS_PER_SECOND_MAX / 1_000_000);
        if at_this_instant > EVENTS_PER_INSTANT_MAX {
            self.stuck(format!("{at_this_instant} events at {now_ns} ns, and time does not advance"));
        } else if events > budget {
            self.stuck(format!("{events} events until {now_ns} ns, more than the budget of {budget}"));
        }
    }

    fn on_token(&mut self, word: u64, observer: &mut impl Observer<Node<S::Machine>>) {
        match Token::unpack(word) {
            Some(Token::Client { client, generation }) => {
                self.with_client(client as usize, observer, |client, desk| client.on_wake(generation, desk));
            }
            Some(Token::Reminder(client)) => self.with_client(client as usize, observer, Client::on_reminder),
            Some(Token::Fault(what)) => {
                let mut orders = Orders::default();
                self.faults.on_alarm(self.arena.now(), what, &self.judge.cluster, &mut orders);
                self.obey(orders, observer);
            }
            Some(Token::Late(i)) => self.send_late(i, observer),
            Some(Token::Operator(node)) => self.start_if_down(node, observer),
            // Somebody may have ended it before.
            Some(Token::SafetyEnds) if self.phase == Phase::Safety => self.heal(observer),
            Some(Token::WorkEnds) => {
                if let Phase::Healed { commit_index } = self.phase {
                    self.phase = Phase::Draining { commit_index };
                }
            }
            Some(Token::Poll) => self.poll(observer),
            Some(Token::SafetyEnds) | None => {}
        }
    }

    fn wake(&mut self, at_ns: u64, token: Token, observer: &mut impl Observer<Node<S::Machine>>) {
        self.arena.wake_at(at_ns, token.pack(), &mut Both { judge: &mut self.judge, other: observer });
    }
}

/// Clients.
impl<S: Subject, A: Arena<Node<S::Machine>>> Run<S, A> {
    fn with_client(
        &mut self,
        position: usize,
        observer: &mut impl Observer<Node<S::Machine>>,
        call: impl FnOnce(&mut Client<S>, &mut Desk<'_, S>),
    ) {
        let Some(client) = self.clients.get_mut(position) else {
            return;
        };
        let mut wishes = std::mem::take(&mut self.wishes);
        let mut desk = Desk {
            now_ns: self.arena.now(),
            open: !matches!(self.phase, Phase::Draining { .. }),
            may_give_up: self.phase == Phase::Safety,
            nodes: &self.core,
            subject: &self.subject,
            history: &mut self.history,
            sources: self.sources.as_mut(),
            live: self.live.as_mut(),
            totals: &mut self.totals,
            wishes: &mut wishes,
        };
        call(client, &mut desk);
        let id = ClientId(u32::try_from(position).unwrap_or(u32::MAX));
        for wish in wishes.drain(..) {
            self.grant(id, wish, observer);
        }
        self.wishes = wishes;
        if self.totals.in_flight == 0 {
            self.judge_so_far();
        }
    }

    /// Judges the history at a quiet point.
    fn judge_so_far(&mut self) {
        let Some(live) = self.live.as_mut().filter(|live| live.has_news()) else { return };
        if live.verdict() == Some(false) {
            match finish::linearizability(self) {
                Some(violation) => self.ended = Some(Ending::Violated(violation)),
                // Events of one instant are concurrent to the judge of the whole, who is right.
                None => self.live = None,
            }
        }
    }

    fn grant(&mut self, client: ClientId, wish: Wish, observer: &mut impl Observer<Node<S::Machine>>) {
        match wish {
            Wish::Send { to, handle, request } => {
                let mut both = Both { judge: &mut self.judge, other: observer };
                self.arena.request(client, RequestHandle(handle), to, request, &mut both);
            }
            Wish::Wake { at_ns, generation } => self.wake(at_ns, Token::Client { client: client.0, generation }, observer),
            Wish::Remind { at_ns } => self.wake(at_ns, Token::Reminder(client.0), observer),
            Wish::SendLate { at_ns, to, request } => {
                let i = u32::try_from(self.late.len()).unwrap_or(u32::MAX);
                if let Request::Command { session, sequence, .. } = &request {
                    self.judge.marks.sent_late(session.0, *sequence);
                }
                self.late.push((client, to, request));
                self.wake(at_ns, Token::Late(i), observer);
            }
        }
    }

    /// Sends a request that was answered long ago once more. Handle 0 is never waited for.
    fn send_late(&mut self, i: u32, observer: &mut impl Observer<Node<S::Machine>>) {
        if let Some((client, to, request)) = self.late.get(i as usize).cloned() {
            let to = self.judge.cluster.leader().map_or(to, NodeId);
            let mut both = Both { judge: &mut self.judge, other: observer };
            self.arena.request(client, RequestHandle(0), to, request, &mut both);
        }
    }
}

/// In which order clients set their first alarms.
fn start_order(clients: usize) -> impl Iterator<Item = usize> {
    #[cfg(not(feature = "unordered"))]
    {
        0..clients
    }
    #[cfg(feature = "unordered")]
    {
        #[expect(clippy::disallowed_types, reason = "the planted nondeterminism that must be found")]
        let order: std::collections::HashSet<usize> = (0..clients).collect();
        order.into_iter()
    }
}

fn calm(plan: &Plan) -> Calm {
    let rates_ppm = plan.clocks.iter().filter_map(|clock| Some((clock.node()?, clock.rate_ppm))).collect();
    Calm { network: plan.network, fsync: plan.disk.fsync, rates_ppm }
}
