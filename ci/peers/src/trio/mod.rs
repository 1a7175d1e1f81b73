//! Three nodes in one process: no links, no clocks, no disks, only the engines.
//!
//! The first node leads. What is proposed there is carried between the nodes, one full inbox after
//! the other, until nothing is left to carry. Every node applies what it is handed, so that in the
//! end all can be asked whether they had the same.
//! Not here: what is measured (`benches/peers/trio.rs`). Read next: [`peer`] with its [`store`], [`ours`].

pub mod ours;
pub mod peer;
pub mod store;

use bytes::Bytes;

/// Nodes of every cluster here.
pub const NODES: usize = 3;

/// Position of the node that leads.
const LEADER: usize = 0;

/// One engine as a member of a [`Trio`].
pub trait Member {
    /// What it says to the others.
    type Message;

    /// Asks for leadership now.
    fn campaign(&mut self, mail: &mut Mail<Self::Message>);

    /// Proposes all of them in this order.
    fn propose(&mut self, commands: &[Bytes], mail: &mut Mail<Self::Message>);

    /// Takes a message.
    fn step(&mut self, message: Self::Message, mail: &mut Mail<Self::Message>);

    /// Carries out what the inputs since the last time led to: what is written is durable at once, what
    /// is committed is applied.
    fn settle(&mut self, mail: &mut Mail<Self::Message>);

    /// As the leader, tells the others what is committed.
    fn remind(&mut self, mail: &mut Mail<Self::Message>);

    /// What it has applied.
    fn applied(&self) -> Applied;
}

/// A state machine that is as cheap as one can be that sees everything and its order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Commands so far.
    pub commands: u64,
    sum: u64,
}

impl Applied {
    /// Applies one command.
    pub fn apply(&mut self, command: &[u8]) {
        let word = command.first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
        self.commands += 1;
        self.sum = self.sum.wrapping_mul(31).wrapping_add(word);
    }
}

/// What is on its way, in the order in which it was sent.
pub struct Mail<M> {
    inboxes: [Vec<M>; NODES],
    carried: u64,
}

impl<M> Mail<M> {
    /// Posts a message to the node at this position.
    ///
    /// # Panics
    /// If there is none.
    pub fn send(&mut self, to: usize, message: M) {
        self.carried += 1;
        self.inboxes[to].push(message);
    }
}

/// The nodes and their mail.
pub struct Trio<N: Member> {
    nodes: Vec<N>,
    mail: Mail<N::Message>,
    /// Space that inboxes take turns with, so that carrying allocates nothing.
    open: Vec<N::Message>,
}

impl<N: Member> Trio<N> {
    /// Builds the nodes by their positions and has the first one elected.
    pub fn elect(node: impl FnMut(usize) -> N) -> Self {
        let mail = Mail { inboxes: [const { Vec::new() }; NODES], carried: 0 };
        let mut trio = Self { nodes: (0..NODES).map(node).collect(), mail, open: Vec::new() };
        trio.at(LEADER, N::campaign);
        trio
    }

    /// Proposes a batch at the leader and carries messages until there are none.
    pub fn propose(&mut self, commands: &[Bytes]) {
        self.at(LEADER, |leader, mail| leader.propose(commands, mail));
    }

    /// Lets everybody hear of the last commit.
    pub fn remind(&mut self) {
        self.at(LEADER, N::remind);
    }

    /// Messages carried so far.
    #[must_use]
    pub const fn messages(&self) -> u64 {
        self.mail.carried
    }

    /// What all nodes have applied.
    ///
    /// # Panics
    /// If they have not applied the same.
    pub fn applied(&self) -> Applied {
        let first = self.nodes[LEADER].applied();
        for node in &self.nodes {
            assert_eq!(node.applied(), first, "every node has applied the same");
        }
        first
    }

    fn at(&mut self, at: usize, input: impl FnOnce(&mut N, &mut Mail<N::Message>)) {
        input(&mut self.nodes[at], &mut self.mail);
        self.nodes[at].settle(&mut self.mail);
        while let Some(at) = self.mail.inboxes.iter().position(|inbox| !inbox.is_empty()) {
            std::mem::swap(&mut self.mail.inboxes[at], &mut self.open);
            for message in self.open.drain(..) {
                self.nodes[at].step(message, &mut self.mail);
            }
            self.nodes[at].settle(&mut self.mail);
        }
    }
}

#[cfg(test)]
mod tests {
    use raft::storage::MemStorage;

    use super::*;

    fn everything_is_applied_everywhere<N: Member>(node: impl FnMut(usize) -> N, messages: u64) {
        let mut trio = Trio::elect(node);
        let commands: Vec<Bytes> = (0..50u64).map(|n| Bytes::copy_from_slice(&[n.to_le_bytes(); 2].concat())).collect();
        trio.propose(&commands[..1]);
        let before = trio.messages();
        for batch in commands[1..].chunks(7) {
            trio.propose(batch);
        }
        let carried = trio.messages() - before;
        trio.remind();
        let mut expected = Applied::default();
        commands.iter().for_each(|command| expected.apply(command));
        assert_eq!(trio.applied(), expected);
        assert_eq!(carried, messages, "for 7 batches");
    }

    #[test]
    fn the_peer_applies_everything_everywhere() {
        // An append and its acknowledgement for two followers; then the same for the commit.
        everything_is_applied_everywhere(|at| peer::Node::<MemStorage>::new(at, false), 28);
        everything_is_applied_everywhere(|at| peer::Node::<store::Lean>::new(at, false), 28);
        everything_is_applied_everywhere(|at| peer::Node::<store::Lean>::new(at, true), 56);
    }

    #[test]
    fn the_engine_applies_everything_everywhere() {
        everything_is_applied_everywhere(ours::Direct::new, 28);
        everything_is_applied_everywhere(ours::Ready::new, 28);
    }
}
