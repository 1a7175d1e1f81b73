//! tikv's raft-rs as a member: one `Ready` for each inbox, persisted at once.
//!
//! Its best: sizes of messages are unlimited, so none is computed; entries that everybody has are
//! compacted away, so that its log stays in the cache.

use bytes::Bytes;
use raft::eraftpb::{Entry, Message, MessageType};
use raft::{Config, RawNode};
use slog::{Discard, Logger, o};

use super::store::Store;
use super::{Applied, Mail, Member, NODES};

/// So many applied entries are kept at most before they are compacted away.
const KEPT_MAX: u64 = 2_048;

/// One member of a cluster.
pub struct Node<S: Store> {
    raw: RawNode<S>,
    applied: Applied,
    compacted: u64,
}

impl<S: Store> Node<S> {
    /// The node at this position. If it `announces_commits` (raft-rs' default), followers hear of a commit at once and
    /// not with the next append.
    ///
    /// # Panics
    /// If raft-rs refuses the settings.
    #[must_use]
    pub fn new(at: usize, announces_commits: bool) -> Self {
        let ids: Vec<u64> = (1..).take(NODES).collect();
        let config = Config {
            max_size_per_msg: u64::MAX,
            max_inflight_msgs: 256,
            skip_bcast_commit: !announces_commits,
            ..Config::new(ids[at])
        };
        let raw =
            RawNode::new(&config, S::of_voters(ids), &Logger::root(Discard, o!())).unwrap_or_else(|error| panic!("{error}"));
        Self { raw, applied: Applied::default(), compacted: 0 }
    }

    fn apply(&mut self, entries: &[Entry]) {
        // The entry that opens a term is empty.
        for entry in entries.iter().filter(|entry| !entry.data.is_empty()) {
            self.applied.apply(&entry.data);
        }
    }

    /// The leader keeps what a follower lacks; here no follower ever does.
    fn compact(&mut self) {
        let applied = self.raw.raft.raft_log.applied;
        if applied - self.compacted > KEPT_MAX {
            self.compacted = applied;
            self.raw.mut_store().compact(applied);
        }
    }
}

fn post(messages: Vec<Message>, mail: &mut Mail<Message>) {
    for message in messages {
        mail.send(usize::try_from(message.to - 1).unwrap_or(usize::MAX), message);
    }
}

impl<S: Store> Member for Node<S> {
    type Message = Message;

    fn campaign(&mut self, _: &mut Mail<Message>) {
        self.raw.campaign().unwrap_or_else(|error| panic!("{error}"));
    }

    fn propose(&mut self, commands: &[Bytes], _: &mut Mail<Message>) {
        let entry = |command: &Bytes| Entry { data: command.clone(), ..Entry::default() };
        let mut message = Message::default();
        message.set_msg_type(MessageType::MsgPropose);
        message.set_entries(commands.iter().map(entry).collect::<Vec<_>>().into());
        // `RawNode::propose` takes one; for several, the message that it would make.
        self.raw.raft.step(message).unwrap_or_else(|error| panic!("{error}"));
    }

    fn step(&mut self, message: Message, _: &mut Mail<Message>) {
        self.raw.step(message).unwrap_or_else(|error| panic!("{error}"));
    }

    fn settle(&mut self, mail: &mut Mail<Message>) {
        while self.raw.has_ready() {
            let mut ready = self.raw.ready();
            post(ready.take_messages(), mail);
            self.apply(&ready.take_committed_entries());
            let storage = self.raw.mut_store();
            storage.append(ready.take_entries());
            if let Some(state) = ready.hs() {
                storage.set_state(state.clone());
            }
            post(ready.take_persisted_messages(), mail);
            let mut light = self.raw.advance_append(ready);
            if let Some(commit) = light.commit_index() {
                self.raw.mut_store().set_commit(commit);
            }
            post(light.take_messages(), mail);
            self.apply(&light.take_committed_entries());
            self.raw.advance_apply();
        }
        self.compact();
    }

    fn remind(&mut self, _: &mut Mail<Message>) {
        self.raw.ping();
    }

    fn applied(&self) -> Applied {
        self.applied
    }
}
