//! Squall's core as a member: driven directly, and through the interface that has a `Ready`.

use bytes::Bytes;
use squall_raft::compat::ready::{RawNode, Ticks};
use squall_raft::config::Config;
use squall_raft::core::{Core, Effect, Input, Output, Proposal, Proposals, Restored};
use squall_raft::entry::Payload;
use squall_raft::log_view::View;
use squall_raft::membership::Configuration;
use squall_raft::message::Message;
use squall_raft::process::{Boot, RequestId};
use squall_raft::types::{BootNumber, ClusterId, IoId, LocalTime, LogIndex, NodeId};

use super::{Applied, Mail, Member, NODES};

fn config(at: usize) -> Config {
    let voters = Configuration::of_voters((0..NODES).map(node)).unwrap_or_else(|error| panic!("{error:?}"));
    Config::new(ClusterId(7), node(at), voters)
}

fn node(at: usize) -> NodeId {
    NodeId(at as u64 + 1)
}

fn position(node: NodeId) -> usize {
    usize::try_from(node.0 - 1).unwrap_or(usize::MAX)
}

fn apply(applied: &mut Applied, payload: &Payload) {
    if let Payload::Command(command) = payload {
        applied.apply(command);
    }
}

/// The core alone. What it wants is done as it comes.
pub struct Direct {
    core: Core,
    now: LocalTime,
    written: IoId,
    durable: IoId,
    applied: Applied,
    applied_index: LogIndex,
    tickets: u64,
}

impl Direct {
    /// The node at this position.
    #[must_use]
    pub fn new(at: usize) -> Self {
        let boot = Boot { now: LocalTime(0), entropy: at as u64, number: BootNumber(1) };
        let core = Core::new(config(at), boot, Restored::default());
        let (applied, applied_index) = (Applied::default(), LogIndex(0));
        Self { core, now: boot.now, written: IoId::NOTHING, durable: IoId::NOTHING, applied, applied_index, tickets: 0 }
    }

    fn input(&mut self, input: Input, mail: &mut Mail<Message>) {
        self.core.handle(self.now, input, &mut Hands { written: &mut self.written, mail });
    }

    fn ticket(&mut self) -> RequestId {
        self.tickets += 1;
        RequestId(self.tickets)
    }
}

struct Hands<'a> {
    written: &'a mut IoId,
    mail: &'a mut Mail<Message>,
}

impl Output for Hands<'_> {
    fn push(&mut self, effect: Effect) {
        match effect {
            Effect::Persist { id, .. } => *self.written = id,
            // What must wait until something is durable does: mail is carried only when its sender has settled.
            Effect::Send { message, .. } => self.mail.send(position(message.envelope.to.node), message),
            Effect::Refused { why, .. } => panic!("{why}"),
            _ => {}
        }
    }
}

impl Member for Direct {
    type Message = Message;

    fn campaign(&mut self, mail: &mut Mail<Message>) {
        let ticket = self.ticket();
        self.input(Input::Campaign { ticket }, mail);
    }

    fn propose(&mut self, commands: &[Bytes], mail: &mut Mail<Message>) {
        let mut proposal = |command: &Bytes| Proposal { ticket: self.ticket(), command: command.clone(), may_forward: false };
        let batch = match commands {
            [one] => proposal(one).into(),
            many => Proposals::Many(many.iter().map(proposal).collect()),
        };
        self.input(Input::Propose(batch), mail);
    }

    fn step(&mut self, message: Message, mail: &mut Mail<Message>) {
        self.input(Input::Message { from: message.envelope.from.node, message }, mail);
    }

    fn settle(&mut self, mail: &mut Mail<Message>) {
        while self.durable < self.written {
            self.durable = self.written;
            self.input(Input::Durable(self.durable), mail);
        }
        while self.applied_index < self.core.commit_index() {
            self.applied_index = self.applied_index.next();
            let View::Ready(payload) = self.core.log().payload(self.applied_index) else { panic!("every payload is at hand") };
            apply(&mut self.applied, payload);
        }
    }

    fn remind(&mut self, mail: &mut Mail<Message>) {
        self.now = self.core.deadline();
        self.input(Input::Timer, mail);
    }

    fn applied(&self) -> Applied {
        self.applied
    }
}

/// The core behind step, tick, ready, advance.
pub struct Ready {
    raw: RawNode,
    applied: Applied,
}

impl Ready {
    /// The node at this position.
    ///
    /// # Panics
    /// If the engine refuses the settings.
    #[must_use]
    pub fn new(at: usize) -> Self {
        let timing = Ticks { election: 10, heartbeat: 1 }.timing();
        let raw = RawNode::start(Config { timing, ..config(at) }, at as u64).unwrap_or_else(|error| panic!("{error}"));
        Self { raw, applied: Applied::default() }
    }
}

impl Member for Ready {
    type Message = Message;

    fn campaign(&mut self, _: &mut Mail<Message>) {
        self.raw.campaign().unwrap_or_else(|error| panic!("{error}"));
    }

    fn propose(&mut self, commands: &[Bytes], _: &mut Mail<Message>) {
        match commands {
            [one] => _ = self.raw.propose(one.clone()).unwrap_or_else(|error| panic!("{error}")),
            many => self.raw.propose_all(many.iter().cloned()).for_each(|outcome| assert!(outcome.is_ok(), "{outcome:?}")),
        }
    }

    fn step(&mut self, message: Message, _: &mut Mail<Message>) {
        // A vote that comes late is refused; what else were, would be missed when the nodes are compared.
        let _ = self.raw.step(message);
    }

    fn settle(&mut self, mail: &mut Mail<Message>) {
        while self.raw.has_ready() {
            let mut ready = self.raw.ready();
            for message in ready.messages.drain(..) {
                mail.send(position(message.envelope.to.node), message);
            }
            for entry in ready.committed_entries.drain(..) {
                apply(&mut self.applied, &entry.payload);
            }
            self.raw.advance(ready);
        }
    }

    fn remind(&mut self, _: &mut Mail<Message>) {
        self.raw.tick();
    }

    fn applied(&self) -> Applied {
        self.applied
    }
}
