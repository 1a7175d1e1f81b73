//! Messages that promise something persistent wait here until it is durable.

use std::collections::VecDeque;

use super::Node;
use crate::applier::StateMachine;
use crate::message::{Body, Message};
use crate::process::{Effect, Effects};
use crate::types::IoId;

/// Messages in the order of the ids that they wait for.
#[derive(Clone, Debug, Default)]
pub(super) struct Outbox {
    durable: IoId,
    waiting: VecDeque<(IoId, Message)>,
}

impl Outbox {
    /// Sends a message, or keeps it until `after` is durable.
    #[inline(always)]
    pub fn send<S: StateMachine>(&mut self, message: Message, after: IoId, out: &mut Effects<Node<S>>) {
        if after > self.durable && after.seq > 0 {
            self.waiting.push_back((after, message));
        } else {
            push(message, out);
        }
    }

    /// Sends everything that waited for ids up to `durable`.
    ///
    /// Acknowledgements cover all before them, so of those to one leader only the last leaves.
    pub fn release<S: StateMachine>(&mut self, durable: IoId, out: &mut Effects<Node<S>>) {
        self.durable = durable;
        while let Some((_, message)) = self.waiting.pop_front_if(|(id, _)| *id <= durable) {
            let covered = self.waiting.iter().take_while(|(id, _)| *id <= durable).any(|(_, later)| covers(later, &message));
            if !covered {
                push(message, out);
            }
        }
    }
}

fn covers(later: &Message, earlier: &Message) -> bool {
    let same_way = later.envelope.to == earlier.envelope.to && later.envelope.term == earlier.envelope.term;
    match (&later.body, &earlier.body) {
        (Body::Appended { matched }, Body::Appended { matched: before }) => same_way && matched >= before,
        _ => false,
    }
}

fn push<S: StateMachine>(message: Message, out: &mut Effects<Node<S>>) {
    out.push_with(|| Effect::Send { to: message.envelope.to.node, message });
}
