//! Answers to what the core really sent: honest ones, late ones (any old message may be answered, any
//! number of times), and ones in which a single number is wrong.
//!
//! Not here: messages out of nothing (the parent file).

use squall_raft::message::{Body, Envelope, Message};
use squall_raft::types::{IoId, LogId, LogIndex, NodeId, Peer, Term};

use super::Near;

/// What is wrong with an answer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Twist {
    /// Nothing.
    Honest,
    /// The follower refuses, or the voter does.
    Denied,
    Term(Near),
    Session(u32),
    Round(Near),
    /// How far the log is said to be equal.
    Matched(Near),
    /// Another member answers.
    Sender(u64),
}

/// Messages of the core, the latest last.
#[derive(Default)]
pub(super) struct Sent {
    messages: Vec<(IoId, Message)>,
}

/// More would make late answers rare.
const KEPT: usize = 64;

impl Sent {
    pub fn push(&mut self, after: IoId, message: &Message) {
        if self.messages.len() == KEPT {
            self.messages.remove(0);
        }
        self.messages.push((after, message.clone()));
    }

    /// The answer to one of them, and what must be durable for an honest one; none if it is an answer itself.
    pub fn answer(&self, which: usize, twist: Twist) -> Option<(IoId, Message)> {
        // Half of the time one of the latest.
        let back = if which.is_multiple_of(2) { which / 2 % 4 } else { which / 2 % KEPT };
        let (after, asked) = self.messages.iter().rev().nth(back)?;
        let mut envelope = Envelope { from: asked.envelope.to, to: asked.envelope.from, ..asked.envelope };
        let mut body = answer_to(&asked.body, matches!(twist, Twist::Denied))?;
        match twist {
            Twist::Honest | Twist::Denied => {}
            Twist::Term(near) => envelope.term = Term(near.to(envelope.term.0)),
            Twist::Session(more) => envelope.session = envelope.session.wrapping_add(more),
            Twist::Round(near) => envelope.round = near.to(envelope.round),
            Twist::Matched(near) => set_matched(&mut body, near),
            Twist::Sender(node) => envelope.from = Peer { node: NodeId(node), ..envelope.from },
        }
        Some((*after, Message { envelope, body }))
    }
}

fn answer_to(asked: &Body, denied: bool) -> Option<Body> {
    Some(match asked {
        Body::RequestPreVote { proposed, .. } => Body::PreVote { proposed: *proposed, granted: !denied },
        Body::RequestVote { .. } => Body::Vote { granted: !denied },
        Body::Append { prev, .. } if denied => {
            let hint = LogId { term: prev.term, index: prev.index.prev() };
            Body::Rejected { prev: prev.index, hint: if hint.index.0 == 0 { LogId::default() } else { hint } }
        }
        Body::Append { prev, entries, .. } => {
            Body::Appended { matched: entries.last().map_or(prev.index, |entry| entry.id.index) }
        }
        Body::Heartbeat { commit } => Body::HeartbeatAck { tail: *commit, matched: if denied { LogIndex(0) } else { *commit } },
        _ => return None,
    })
}

fn set_matched(body: &mut Body, near: Near) {
    match body {
        Body::Appended { matched } => *matched = LogIndex(near.to(matched.0)),
        Body::HeartbeatAck { tail, matched } => {
            *matched = LogIndex(near.to(matched.0));
            *tail = (*matched).max(*tail);
        }
        Body::Rejected { prev, .. } => *prev = LogIndex(near.to(prev.0)),
        _ => {}
    }
}
