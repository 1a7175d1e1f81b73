//! Client sessions and the user's state machine, advanced together, one entry at a time.
//!
//! A session makes a retried command take effect once (thesis, §6.3): each carries the
//! session's id and a sequence number, answers are cached until the client says that it
//! has them, and the cache is part of the replicated state, so that every leader has it.
//! Not here: which entries are committed ([`crate::core`]). Read next: [`session`], [`kv`].

pub mod command;
pub mod kv;
pub mod session;

use bytes::Bytes;

use self::command::Command;
use self::session::{Admission, Sessions};
use crate::config::Limits;
use crate::digest::Digest;
use crate::entry::Payload;
use crate::limit::{Bound, Limit};
use crate::types::{LogIndex, SessionId};
use crate::wire::Sink;

/// A deterministic state machine whose commands, queries and answers are bytes.
///
/// All replicas apply the same commands in the same order and must come to the same
/// state: no clock, randomness or unordered map inside.
pub trait StateMachine: Clone {
    /// Applies a command and answers it. Bytes that are no command must be answered too:
    /// they are in the log, and every replica meets them.
    fn apply(&mut self, command: &[u8]) -> Bytes;

    /// Answers a question without changing anything.
    fn query(&self, query: &[u8]) -> Bytes;

    /// A digest of the whole state, kept up incrementally: it is asked for after every entry.
    fn digest(&self) -> u64;
}

/// What came of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing a client waits for.
    Internal,
    /// A session was opened.
    Registered {
        /// The new session's id.
        session: SessionId,
    },
    /// A command took effect.
    Applied {
        /// Whose.
        session: SessionId,
        /// Which.
        sequence: u64,
        /// The answer.
        output: Bytes,
    },
    /// A command had taken effect before; this is the answer it got then.
    Repeated {
        /// Whose.
        session: SessionId,
        /// Which.
        sequence: u64,
        /// The cached answer; `None` if the client had said that it needs it no more.
        output: Option<Bytes>,
    },
    /// The session is not known, or no longer: whether the command ever took effect cannot be told.
    SessionExpired {
        /// Whose.
        session: SessionId,
        /// Which.
        sequence: u64,
    },
}

/// Sessions and state machine at one applied index.
#[derive(Clone, Debug)]
pub struct Applier<S> {
    applied: LogIndex,
    sessions: Sessions,
    machine: S,
}

impl<S: StateMachine> Applier<S> {
    /// Nothing applied yet.
    #[must_use]
    pub fn new(machine: S, limits: &Limits) -> Self {
        Self { applied: LogIndex(0), sessions: Sessions::new(limits), machine }
    }

    /// Index of the last applied entry.
    #[must_use]
    pub const fn applied(&self) -> LogIndex {
        self.applied
    }

    /// The state machine as of [`Self::applied`].
    #[must_use]
    pub const fn machine(&self) -> &S {
        &self.machine
    }

    /// How often each limit has bound since the start.
    #[must_use]
    pub const fn bound(&self) -> &Bound {
        self.sessions.bound()
    }

    /// What has begun to bind since the last call.
    pub const fn take_began(&mut self) -> Option<Limit> {
        self.sessions.take_began()
    }

    /// Digest of everything replicated: index, sessions and state machine.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let mut digest = Digest::new(self.applied.0);
        digest.u64(self.sessions.digest());
        digest.u64(self.machine.digest());
        digest.value()
    }

    /// Applies the next entry.
    ///
    /// # Panics
    /// If `index` is not the one behind [`Self::applied`]: an entry would be skipped or repeated.
    pub fn apply(&mut self, index: LogIndex, payload: &Payload) -> Outcome {
        assert_eq!(index, self.applied.next(), "entries are applied one by one, in order");
        self.applied = index;
        match payload {
            Payload::Command(bytes) => self.apply_command(index, bytes),
            Payload::Noop | Payload::Configuration(_) => Outcome::Internal,
        }
    }

    fn apply_command(&mut self, index: LogIndex, bytes: &Bytes) -> Outcome {
        match Command::decode(bytes) {
            Some(Command::Register) => {
                let session = SessionId(index.0);
                self.sessions.register(session);
                Outcome::Registered { session }
            }
            Some(Command::Session { session, sequence, first_outstanding, command }) => {
                let carry_out = || self.machine.apply(command);
                match self.sessions.admit(index, session, sequence, first_outstanding, carry_out) {
                    Admission::New(output) => Outcome::Applied { session, sequence, output },
                    Admission::Repeated(output) => Outcome::Repeated { session, sequence, output },
                    Admission::Expired => Outcome::SessionExpired { session, sequence },
                }
            }
            // Only a damaged or foreign proposer can have put it there; all replicas agree on ignoring it.
            None => Outcome::Internal,
        }
    }
}
