//! Encoded messages all the way into a core, between timers, disks and clients. Tests and the fuzzer
//! (`raft/fuzz`) both end here: no panic, no refused message that changes anything, nothing committed
//! that changes, and whatever the core says in return can be encoded.
//!
//! The bytes are a list of steps: a number, and for some a length and a payload. Most payloads are
//! given an envelope that fits, because a fuzzer guesses a cluster's identity once in a long while.
//! Not here: what the bytes of a connection mean ([`super::hostile`]).

use bytes::{Bytes, BytesMut};
use squall_raft::config::Config;
use squall_raft::core::{Core, Effect, Input, Proposal, Restored};
use squall_raft::membership::Configuration;
use squall_raft::message::Message;
use squall_raft::observation::Observation;
use squall_raft::process::{Boot, RequestId};
use squall_raft::server::codec::{Incoming, Limits, Receiver, encode_message};
use squall_raft::server::frame::{self, Kind};
use squall_raft::types::{BootNumber, ClusterId, IoId, LocalTime, NodeId, Peer, Term};

const CLUSTER: ClusterId = ClusterId(0x5a11);
const ME: NodeId = NodeId(1);
const BOOT: BootNumber = BootNumber(1);

/// Its deadline has come. This and the next are numbers of steps; what is not listed is a message.
pub const TIMER: u8 = 0;
/// All that it wrote is durable.
pub const DURABLE: u8 = 1;
const PROPOSE: u8 = 2;
const READ: u8 = 3;
const CAMPAIGN: u8 = 4;

/// A message whose envelope stays as it is has this number; the others say what it is given.
pub const AS_IT_IS: u8 = 5;

/// Node 2 says it, in the core's own term.
#[cfg(test)]
pub const OWN_TERM: u8 = 0x80;

/// Hands a core of three everything that the bytes say, and returns what becomes of it.
pub fn check(data: &[u8]) -> Core {
    let mut fed = Fed::new();
    let mut rest = data;
    while let [step, after @ ..] = rest {
        rest = after;
        let payload = if *step < AS_IT_IS { &[] } else { payload(&mut rest) };
        fed.take(*step, payload);
    }
    fed.core
}

fn payload<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let Some((len, after)) = rest.split_first() else { return &[] };
    let (payload, after) = after.split_at(after.len().min(usize::from(*len)));
    *rest = after;
    payload
}

struct Fed {
    core: Core,
    now: LocalTime,
    written: IoId,
    tickets: u64,
}

impl Fed {
    fn new() -> Self {
        let voters = Configuration::of_voters((1..=3).map(NodeId)).expect("three voters");
        let boot = Boot { now: LocalTime(1), entropy: 7, number: BOOT };
        let core = Core::new(Config::new(CLUSTER, ME, voters), boot, Restored::default());
        Self { core, now: LocalTime(1), written: IoId { boot: BOOT, seq: 0 }, tickets: 0 }
    }

    fn take(&mut self, step: u8, payload: &[u8]) {
        self.tickets += 1;
        let ticket = RequestId(self.tickets);
        match step {
            TIMER => {
                self.now = self.now.max(self.core.deadline());
                self.input(Input::Timer);
            }
            DURABLE => self.input(Input::Durable(self.written)),
            PROPOSE => {
                self.input(Input::Propose(Proposal { ticket, command: Bytes::from_static(b"x"), may_forward: true }.into()))
            }
            READ => self.input(Input::Read { ticket }),
            CAMPAIGN => self.input(Input::Campaign { ticket }),
            _ => {
                if let Some(mut message) = decoded(payload) {
                    self.make_fit(step, &mut message);
                    self.input(Input::Message { from: message.envelope.from.node, message });
                }
            }
        }
    }

    /// Bits of the number say who speaks and in which term.
    fn make_fit(&self, step: u8, message: &mut Message) {
        if step == AS_IT_IS {
            return;
        }
        let envelope = &mut message.envelope;
        (envelope.cluster, envelope.to) = (CLUSTER, Peer { node: ME, ..Peer::default() });
        envelope.from = Peer { node: NodeId(2 + u64::from(step & 1)), ..Peer::default() };
        let own = self.core.hard_state().term.0;
        envelope.term = match step >> 6 {
            0 => envelope.term,
            1 => Term(own.saturating_add(1)),
            _ => Term(own),
        };
    }

    fn input(&mut self, input: Input) {
        let before = self.core.clone();
        let mut effects = Vec::new();
        self.core.handle(self.now, input, &mut effects);
        for effect in &effects {
            match effect {
                Effect::Persist { id, .. } => self.written = *id,
                Effect::Send { message, .. } => can_be_said(message),
                _ => {}
            }
        }
        let was_refused = effects.iter().any(|effect| matches!(effect, Effect::Observe(Observation::Refused { .. })));
        assert!(!was_refused || self.core == before, "a refused message changed {before:?} into {:?}", self.core);
        assert!(self.core.hard_state().term >= before.hard_state().term, "the term falls");
        assert!(self.core.commit_index() >= before.commit_index(), "the commit index falls");
        let committed = before.commit_index();
        assert_eq!(self.core.log().hash_at(committed), before.log().hash_at(committed), "what was committed changes");
    }
}

fn decoded(payload: &[u8]) -> Option<Message> {
    let mut receiver = Receiver::new(Limits::default());
    frame::encode(Kind::Message, receiver.buffer(), payload.len(), |into| into.copy_from_slice(payload));
    match receiver.next() {
        Ok(Some(Incoming::Message(message))) => Some(message),
        _ => None,
    }
}

fn can_be_said(message: &Message) {
    encode_message(message, &Limits::default(), &mut BytesMut::new()).expect("what a core says is short enough to be sent");
}
