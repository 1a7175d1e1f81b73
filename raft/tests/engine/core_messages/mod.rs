//! Messages that no honest member sends, between those that honest ones do, to a core in every role:
//! it neither panics nor loses what it committed, what it refuses leaves it exactly as it was, and
//! answers to what it never asked confirm, match and elect nobody.
//!
//! Each step's numbers are drawn near the core's own (one less, the same, one more) or far
//! from everything, so that a run goes deep before it goes wrong.
//! Not here: what honest members do to each other (`core_cluster`, `stories`). Read next: `asked`.

mod asked;

mod answers;

mod stream;

use std::cell::RefCell;
use std::collections::BTreeMap;

use answers::{Sent, Twist};
use asked::Asked;
use bytes::Bytes;
use proptest::prelude::*;
use proptest::test_runner::{Config as ProptestConfig, TestCaseResult, TestRunner};
use squall_raft::config::{Config, Elections};
use squall_raft::core::{Core, Effect, Input, Proposal, Restored};
use squall_raft::entry::{Entry, HardState, Payload};
use squall_raft::log_view::LogView;
use squall_raft::membership::Configuration;
use squall_raft::message::{Body, Envelope, Message};
use squall_raft::observation::{Observation, Refusal, RoleKind};
use squall_raft::process::{Boot, RequestId};
use squall_raft::types::{BootNumber, ClusterId, Incarnation, IoId, LocalTime, LogId, LogIndex, NodeId, Peer, Term};
use stream::Stream;

/// A number in relation to one of the core's own.
#[derive(Clone, Copy, Debug)]
enum Near {
    Less(u64),
    Same,
    More(u64),
    Exactly(u64),
}

/// One thing that happens to the core.
#[derive(Clone, Debug)]
enum Step {
    Timer {
        early: bool,
    },
    /// Some of what is under way becomes durable.
    Durable(u64),
    /// A completion that was never asked for.
    StrangeDurable {
        boot: u32,
        seq: Near,
    },
    Propose(usize),
    Read,
    Campaign,
    /// Time passes without a timer, in milliseconds.
    Wait(u64),
    /// Timer, disk and the votes of all: the way to lead.
    Elect,
    Hear(Heard),
    /// One of the core's own messages is answered.
    Answer(usize, Twist),
    /// Its latest messages are answered as honest members would.
    AnswerAll,
}

#[derive(Clone, Debug)]
struct Heard {
    from: u64,
    fault: Fault,
    term: Near,
    session: u32,
    round: Near,
    said: Said,
}

/// What is wrong with an envelope.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    Nothing,
    Cluster,
    Receiver,
    Incarnation,
    Sender,
    SenderIncarnation,
}

/// A body whose numbers are still relative.
#[derive(Clone, Debug)]
enum Said {
    RequestPreVote { proposed: Near, term: Near, index: Near },
    PreVote { proposed: Near, granted: bool },
    RequestVote { term: Near, index: Near },
    Vote { granted: bool },
    Append { prev: Near, prev_term: Option<Near>, entries: Batch, commit: Near },
    Appended { matched: Near },
    Rejected { prev: Near, hint_term: Near, hint: Near },
    Heartbeat { commit: Near },
    HeartbeatAck { tail: Near, matched: Near },
    Forward { len: usize },
}

#[derive(Clone, Copy, Debug)]
struct Batch {
    len: u64,
    /// The first entry's term.
    term: Near,
    /// Every how many entries the term rises; 0 never.
    rises_every: u64,
    /// The entry that is out of order, if there is one of that number.
    gap_at: u64,
}

fn near() -> impl Strategy<Value = Near> {
    prop_oneof![
        8 => Just(Near::Same),
        3 => (1..4u64).prop_map(Near::Less),
        3 => (1..4u64).prop_map(Near::More),
        1 => Just(Near::Exactly(0)),
        1 => prop_oneof![Just(1 << 59), Just((1 << 60) - 1), Just(1 << 60), Just(u64::MAX - 1), Just(u64::MAX)].prop_map(Near::Exactly),
    ]
}

/// Terms jump far rarely, because everything but the jump is stale afterwards.
fn near_term() -> impl Strategy<Value = Near> {
    prop_oneof![
        30 => Just(Near::Same),
        3 => (1..3u64).prop_map(Near::Less),
        3 => (1..3u64).prop_map(Near::More),
        1 => near(),
    ]
}

fn batch() -> impl Strategy<Value = Batch> {
    let len = prop_oneof![9 => 0..5u64, 1 => 1_000..3_000u64];
    (len, near_term(), 0..4u64, prop_oneof![6 => Just(u64::MAX), 1 => 0..4u64])
        .prop_map(|(len, term, rises_every, gap_at)| Batch { len, term, rises_every, gap_at })
}

fn said() -> impl Strategy<Value = Said> {
    prop_oneof![
        2 => (near(), near(), near()).prop_map(|(proposed, term, index)| Said::RequestPreVote { proposed, term, index }),
        1 => (near(), any::<bool>()).prop_map(|(proposed, granted)| Said::PreVote { proposed, granted }),
        2 => (near(), near()).prop_map(|(term, index)| Said::RequestVote { term, index }),
        1 => any::<bool>().prop_map(|granted| Said::Vote { granted }),
        6 => (near(), prop::option::weighted(0.2, near()), batch(), near())
            .prop_map(|(prev, prev_term, entries, commit)| Said::Append { prev, prev_term, entries, commit }),
        3 => near().prop_map(|matched| Said::Appended { matched }),
        2 => (near(), near(), near()).prop_map(|(prev, hint_term, hint)| Said::Rejected { prev, hint_term, hint }),
        2 => near().prop_map(|commit| Said::Heartbeat { commit }),
        1 => (0..40usize).prop_map(|len| Said::Forward { len }),
        3 => (near(), near()).prop_map(|(tail, matched)| Said::HeartbeatAck { tail, matched }),
    ]
}

fn heard() -> impl Strategy<Value = Heard> {
    let fault = prop_oneof![
        20 => Just(Fault::Nothing),
        1 => Just(Fault::Cluster),
        1 => Just(Fault::Receiver),
        1 => Just(Fault::Incarnation),
        1 => Just(Fault::Sender),
        1 => Just(Fault::SenderIncarnation),
    ];
    (0..5u64, fault, near_term(), 0..4u32, near(), said()).prop_map(|(from, fault, term, session, round, said)| Heard {
        from,
        fault,
        term,
        session,
        round,
        said,
    })
}

fn twist() -> impl Strategy<Value = Twist> {
    prop_oneof![
        6 => Just(Twist::Honest),
        2 => Just(Twist::Denied),
        1 => near_term().prop_map(Twist::Term),
        1 => (0..3u32).prop_map(Twist::Session),
        2 => near().prop_map(Twist::Round),
        2 => near().prop_map(Twist::Matched),
        1 => (0..6u64).prop_map(Twist::Sender),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => (0..256usize, twist()).prop_map(|(which, twist)| Step::Answer(which, twist)),
        3 => Just(Step::AnswerAll),
        2 => prop::bool::weighted(0.3).prop_map(|early| Step::Timer { early }),
        6 => (1..9u64).prop_map(Step::Durable),
        1 => (0..3u32, near()).prop_map(|(boot, seq)| Step::StrangeDurable { boot, seq }),
        3 => (0..40usize).prop_map(Step::Propose),
        2 => Just(Step::Read),
        1 => Just(Step::Campaign),
        2 => (1..200u64).prop_map(Step::Wait),
        1 => Just(Step::Elect),
        30 => heard().prop_map(Step::Hear),
    ]
}

impl Near {
    const fn to(self, own: u64) -> u64 {
        match self {
            Self::Less(by) => own.saturating_sub(by),
            Self::Same => own,
            Self::More(by) => own.saturating_add(by),
            Self::Exactly(number) => number,
        }
    }
}

/// The core, and what its own stream says that it holds.
struct Subject {
    core: Core,
    now: LocalTime,
    members: u64,
    stream: Stream,
    durable: u64,
    tickets: u64,
    answered: BTreeMap<RequestId, ()>,
    asked: Asked,
    sent: Sent,
    /// What the core has asked to read back.
    wanted: Vec<LogId>,
}

/// What was seen over all cases: a test that meets no leader would prove little.
#[derive(Default)]
struct Seen {
    messages_as: BTreeMap<RoleKind, u64>,
    refusals: BTreeMap<Refusal, u64>,
    committed: u64,
    truncated: u64,
    reads: u64,
    matched: u64,
    read_back: u64,
}

const ME: NodeId = NodeId(1);
const BOOT: BootNumber = BootNumber(2);

impl Subject {
    fn new(members: u64, elections: Elections) -> Self {
        let voters = Configuration::of_voters((1..=members).map(NodeId)).expect("at least one voter");
        let mut config = Config::new(ClusterId(7), ME, voters);
        config.elections = elections;
        config.forward_proposals = elections.pre_vote;
        (config.limits.append_entries_max, config.limits.inflight_appends_max) = (3, 2);
        (config.limits.command_bytes_max, config.limits.uncommitted_bytes_max, config.limits.pending_reads_max) = (32, 64, 2);
        config.limits.log_cache_bytes_max = 16;
        let mut log = LogView::default();
        for (term, index) in [1, 1, 2].into_iter().zip(1..) {
            log.append(&Entry { id: LogId::new(term, index), payload: Payload::Noop });
        }
        let hard = HardState { term: Term(2), vote: None };
        let boot = Boot { now: LocalTime(5), entropy: 1, number: BOOT };
        let core = Core::new(config, boot, Restored { hard_state: hard, log: log.clone() });
        let stream = Stream::new(IoId { boot: BOOT, seq: 0 }, hard, log);
        Self {
            core,
            now: LocalTime(5),
            members,
            stream,
            durable: 0,
            tickets: 0,
            answered: BTreeMap::new(),
            asked: Asked::default(),
            sent: Sent::default(),
            wanted: Vec::new(),
        }
    }

    fn take(&mut self, step: &Step, seen: &mut Seen) -> TestCaseResult {
        match step {
            Step::Timer { early } => {
                self.now = if *early { self.now } else { self.now.max(self.core.deadline()) };
                self.input(Input::Timer, seen)
            }
            Step::Durable(count) => {
                self.durable = self.stream.written.seq.min(self.durable + count);
                self.input(Input::Durable(IoId { boot: BOOT, seq: self.durable }), seen)
            }
            Step::StrangeDurable { boot, seq } => {
                let id = IoId { boot: BootNumber(*boot), seq: seq.to(self.stream.written.seq) };
                // One that is true is no stranger.
                if id.boot == BOOT && id.seq <= self.stream.written.seq {
                    self.durable = self.durable.max(id.seq);
                }
                self.input(Input::Durable(id), seen)
            }
            Step::Propose(len) => {
                let ticket = self.ticket();
                self.input(
                    Input::Propose(
                        Proposal { ticket, command: Bytes::from(vec![7; *len]), may_forward: len.is_multiple_of(2) }.into(),
                    ),
                    seen,
                )
            }
            Step::Read => {
                let ticket = self.ticket();
                self.input(Input::Read { ticket }, seen)
            }
            Step::Campaign => {
                let ticket = self.ticket();
                self.input(Input::Campaign { ticket }, seen)
            }
            Step::Wait(span_ms) => {
                self.now = self.now.plus_ns(span_ms * 1_000_000);
                Ok(())
            }
            Step::Elect => self.elect(seen),
            Step::Hear(heard) => self.hear(heard, seen),
            Step::Answer(which, twist) => match self.sent.answer(*which, *twist) {
                Some((_, message)) => self.tell(message, seen),
                None => Ok(()),
            },
            Step::AnswerAll => (0..4).rev().try_for_each(|back| match self.sent.answer(2 * back, Twist::Honest) {
                Some((after, message)) if after.seq <= self.durable => self.tell(message, seen),
                _ => Ok(()),
            }),
        }
    }

    fn tell(&mut self, message: Message, seen: &mut Seen) -> TestCaseResult {
        *seen.messages_as.entry(self.core.role().kind()).or_default() += 1;
        self.input(Input::Message { from: message.envelope.from.node, message }, seen)
    }

    fn ticket(&mut self) -> RequestId {
        self.tickets += 1;
        RequestId(self.tickets)
    }

    fn elect(&mut self, seen: &mut Seen) -> TestCaseResult {
        self.take(&Step::Timer { early: false }, seen)?;
        if self.core.role().kind() == RoleKind::PreCandidate {
            self.all_say(Said::PreVote { proposed: Near::More(1), granted: true }, seen)?;
        }
        self.take(&Step::Durable(u64::MAX / 2), seen)?;
        self.all_say(Said::Vote { granted: true }, seen)
    }

    fn all_say(&mut self, said: Said, seen: &mut Seen) -> TestCaseResult {
        for from in 2..=self.members {
            let said = said.clone();
            self.hear(&Heard { from, fault: Fault::Nothing, term: Near::Same, session: 0, round: Near::Exactly(0), said }, seen)?;
        }
        Ok(())
    }

    fn hear(&mut self, heard: &Heard, seen: &mut Seen) -> TestCaseResult {
        let peer = |node| Peer { node, incarnation: Incarnation(0) };
        let from = NodeId(heard.from);
        let mut envelope = Envelope {
            cluster: ClusterId(7),
            from: peer(from),
            to: peer(ME),
            term: Term(heard.term.to(self.core.hard_state().term.0)),
            boot: BootNumber(1),
            session: heard.session,
            round: heard.round.to(2),
        };
        match heard.fault {
            Fault::Nothing => {}
            Fault::Cluster => envelope.cluster = ClusterId(8),
            Fault::Receiver => envelope.to = peer(NodeId(2)),
            Fault::Incarnation => envelope.to.incarnation = Incarnation(1),
            Fault::Sender => envelope.from = peer(NodeId(heard.from + 1)),
            Fault::SenderIncarnation => envelope.from.incarnation = Incarnation(1),
        }
        let message = Message { envelope, body: self.body(&heard.said, envelope.term) };
        *seen.messages_as.entry(self.core.role().kind()).or_default() += 1;
        self.input(Input::Message { from, message }, seen)
    }

    fn body(&self, said: &Said, term: Term) -> Body {
        let last = self.core.log().last();
        let (own_term, own_index) = (last.term.0, last.index.0);
        let index = |near: Near| LogIndex(near.to(own_index));
        match *said {
            Said::RequestPreVote { proposed, term: last_term, index: at } => Body::RequestPreVote {
                proposed: Term(proposed.to(term.0.saturating_add(1))),
                last: LogId { term: Term(last_term.to(own_term)), index: index(at) },
            },
            Said::PreVote { proposed, granted } => {
                // Relative to the sender's term, as an honest one would be.
                Body::PreVote { proposed: Term(proposed.to(term.0)), granted }
            }
            Said::RequestVote { term, index: at } => {
                Body::RequestVote { last: LogId { term: Term(term.to(own_term)), index: index(at) } }
            }
            Said::Vote { granted } => Body::Vote { granted },
            Said::Append { prev, prev_term, entries, commit } => {
                let at = index(prev);
                let truth = self.core.log().term_at(at).unwrap_or(term);
                let prev = LogId { term: prev_term.map_or(truth, |near| Term(near.to(truth.0))), index: at };
                Body::Append { prev, entries: entries.behind(prev, term).into(), commit: index(commit) }
            }
            Said::Appended { matched } => Body::Appended { matched: index(matched) },
            Said::Rejected { prev, hint_term, hint } => {
                Body::Rejected { prev: index(prev), hint: LogId { term: Term(hint_term.to(own_term)), index: index(hint) } }
            }
            Said::Forward { len } => Body::Forward { command: Bytes::from(vec![8; len]) },
            Said::Heartbeat { commit } => Body::Heartbeat { commit: index(commit) },
            Said::HeartbeatAck { tail, matched } => Body::HeartbeatAck { tail: index(tail), matched: index(matched) },
        }
    }

    /// Hands the core an input. What it wanted to read back before comes first, even if it is no longer in the log.
    fn input(&mut self, input: Input, seen: &mut Seen) -> TestCaseResult {
        for id in std::mem::take(&mut self.wanted) {
            self.step(Input::Fetched(vec![self.stream.read_back(id)]), seen)?;
            seen.read_back += 1;
        }
        self.step(input, seen)
    }

    /// Hands the core an input and checks everything that must hold for every one.
    fn step(&mut self, input: Input, seen: &mut Seen) -> TestCaseResult {
        let before = self.core.clone();
        let mut effects = Vec::new();
        self.core.handle(self.now, input.clone(), &mut effects);
        if let Input::Message { from, .. } = &input {
            self.asked.vouches(&before, &self.core, *from)?;
        }
        for effect in &effects {
            self.stream.follow(effect)?;
            self.note(effect, seen)?;
        }
        self.asked.release(IoId { boot: BOOT, seq: self.durable });
        self.nothing_is_lost(&before, seen)?;
        if let Some(reason) = refusal(&effects) {
            prop_assert!(matches!(input, Input::Message { .. }), "only messages are refused so");
            self.refused_without_effect(&before, reason, &effects)?;
        }
        self.core.evict(&mut effects);
        Ok(())
    }

    fn note(&mut self, effect: &Effect, seen: &mut Seen) -> TestCaseResult {
        match effect {
            Effect::Send { message, after } => {
                prop_assert_eq!(message.envelope.from.node, ME);
                prop_assert_ne!(message.envelope.to.node, ME);
                prop_assert_eq!(message.envelope.term, self.core.hard_state().term);
                prop_assert!(*after <= self.stream.written, "it would wait for ever");
                if let Body::Append { entries, .. } = &message.body {
                    self.stream.holds(entries)?;
                }
                self.asked.sends(message, *after);
                self.sent.push(*after, message);
            }
            Effect::Proposed { ticket, .. }
            | Effect::ReadReady { ticket, .. }
            | Effect::Campaigning { ticket }
            | Effect::Forwarded { ticket }
            | Effect::Refused { ticket, .. } => {
                prop_assert!(self.answered.insert(*ticket, ()).is_none(), "{:?} is answered twice", ticket);
            }
            Effect::Observe(Observation::Truncated { .. }) => seen.truncated += 1,
            Effect::Observe(Observation::ReadsServed { .. }) => seen.reads += 1,
            Effect::Observe(Observation::Refused { reason }) => *seen.refusals.entry(*reason).or_default() += 1,
            Effect::Fetch { id } => {
                prop_assert!(id.index <= self.core.durable_log().index, "only what is durable can be read back");
                self.wanted.push(*id);
            }
            Effect::Persist { .. } | Effect::Observe(_) => {}
        }
        Ok(())
    }

    fn nothing_is_lost(&self, before: &Core, seen: &mut Seen) -> TestCaseResult {
        let (old, new) = (before.commit_index(), self.core.commit_index());
        prop_assert!(self.core.hard_state().term >= before.hard_state().term, "the term falls");
        prop_assert!(new >= old, "the commit index falls from {} to {}", old, new);
        prop_assert!(new <= self.core.log().last().index);
        prop_assert_eq!(self.core.log().hash_at(old), before.log().hash_at(old), "what was committed changes");
        self.stream.equals(&self.core)?;
        seen.committed += u64::from(new > old);
        seen.matched += u64::from(new > old && self.core.role().kind() == RoleKind::Leader);
        Ok(())
    }

    /// What is refused leaves the core as it was, to the last field. Only the past is answered,
    /// so that it learns the present term.
    fn refused_without_effect(&self, before: &Core, reason: Refusal, effects: &[Effect]) -> TestCaseResult {
        prop_assert!(self.core == *before, "refused as {:?}: {:?} became {:?}", reason, before, self.core);
        let answers = effects.iter().filter(|effect| matches!(effect, Effect::Send { .. })).count();
        prop_assert!(answers <= usize::from(reason == Refusal::StaleTerm));
        let limits = effects.iter().filter(|effect| matches!(effect, Effect::Observe(Observation::LimitBound { .. }))).count();
        prop_assert_eq!(effects.len(), 1 + answers + limits, "{:?}", effects);
        Ok(())
    }
}

impl Batch {
    fn behind(self, prev: LogId, term: Term) -> Vec<Entry> {
        let first = self.term.to(term.0.max(prev.term.0));
        let entry = |nth: u64| {
            let rises = nth.checked_div(self.rises_every).unwrap_or(0);
            let skips = u64::from(nth >= self.gap_at);
            let id = LogId::new(first.saturating_sub(self.len / 2).max(prev.term.0).saturating_add(rises), 0);
            let index = LogIndex(prev.index.0.saturating_add(1 + nth + skips));
            // The payload follows from the id: equal ids mean equal entries.
            Entry { id: LogId { index, ..id }, payload: Payload::Command(Bytes::new()) }
        };
        (0..self.len).map(entry).collect()
    }
}

fn refusal(effects: &[Effect]) -> Option<Refusal> {
    effects.iter().find_map(|effect| match effect {
        Effect::Observe(Observation::Refused { reason }) => Some(*reason),
        _ => None,
    })
}

/// Goes through all kinds; a new one does not compile until it has a place here.
const fn kind_after(reason: Refusal) -> Option<Refusal> {
    Some(match reason {
        Refusal::WrongCluster => Refusal::WrongReceiver,
        Refusal::WrongReceiver => Refusal::UnknownSender,
        Refusal::UnknownSender => Refusal::StaleTerm,
        Refusal::StaleTerm => Refusal::StaleSession,
        Refusal::StaleSession => Refusal::Unasked,
        Refusal::Unasked => Refusal::Malformed,
        Refusal::Malformed => Refusal::ContradictsCommitted,
        Refusal::ContradictsCommitted => Refusal::Absurd,
        Refusal::Absurd => Refusal::LeaderIsAlive,
        Refusal::LeaderIsAlive => Refusal::JustStarted,
        Refusal::JustStarted => Refusal::NotLeader,
        Refusal::NotLeader => return None,
    })
}

#[test]
fn no_message_harms_a_core() {
    let seen = RefCell::new(Seen::default());
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    let elections = (any::<bool>(), any::<bool>(), 0..4u8).prop_map(|(pre_vote, check_quorum, priority)| Elections {
        pre_vote,
        check_quorum,
        priority,
    });
    let cases = (prop_oneof![Just(1u64), Just(3), Just(4)], elections, prop::collection::vec(step(), 1..150));
    let run = TestRunner::new(config).run(&cases, |(members, elections, steps)| {
        let mut subject = Subject::new(members, elections);
        steps.iter().try_for_each(|step| subject.take(step, &mut seen.borrow_mut()))
    });
    if let Err(failure) = run {
        panic!("{failure}");
    }
    let seen = seen.into_inner();
    for role in [RoleKind::Follower, RoleKind::PreCandidate, RoleKind::Candidate, RoleKind::Leader] {
        assert!(seen.messages_as.contains_key(&role), "no {role} heard anything");
    }
    for reason in std::iter::successors(Some(Refusal::WrongCluster), |reason| kind_after(*reason)) {
        assert!(seen.refusals.contains_key(&reason), "nothing was refused as {reason:?}");
    }
    assert!(seen.reads > 0 && seen.matched > 0, "no read was confirmed or nothing matched");
    assert!(seen.read_back > 0, "nothing was let go of and wanted again");
    assert!(seen.committed > 0 && seen.truncated > 0, "nothing was committed or nothing truncated");
}
