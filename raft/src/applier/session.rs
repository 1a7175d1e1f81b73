//! Sessions: which commands took effect, and what they were answered.
//!
//! Everything here is replicated state: it depends on the log alone, never on a clock.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use crate::config::Limits;
use crate::digest::Digest;
use crate::limit::{Bound, Limit};
use crate::types::{LogIndex, SessionId};
use crate::wire::Sink;

/// All open sessions.
#[derive(Clone, Debug)]
pub struct Sessions {
    open: BTreeMap<SessionId, Session>,
    sessions_max: usize,
    answers_max: usize,
    bound: Bound,
    /// What began to bind, until somebody asks.
    began: Option<Limit>,
    /// Exclusive or of the digests of all sessions and answers: kept up in constant time.
    digest: u64,
}

#[derive(Clone, Debug)]
struct Session {
    last_used: LogIndex,
    /// Sequence numbers below it are done with; their answers are gone.
    first_outstanding: u64,
    /// In ascending order of sequence numbers, which is nearly always the order in which they come.
    answers: VecDeque<Cached>,
    /// Digest of the two numbers above.
    window: u64,
}

#[derive(Clone, Debug)]
struct Cached {
    sequence: u64,
    answer: Bytes,
    /// Of the two above: it need not be computed again when the answer goes.
    digest: u64,
}

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It took effect now, and this is the answer.
    New(Bytes),
    /// It took effect before, or the client gave it up: do not apply it.
    Repeated(Option<Bytes>),
    /// No such session.
    Expired,
}

impl Sessions {
    /// No session is open.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            open: BTreeMap::new(),
            sessions_max: limits.sessions_max as usize,
            answers_max: limits.session_answers_max as usize,
            bound: Bound::default(),
            began: None,
            digest: 0,
        }
    }

    /// Opens a session. At the limit the one that was used least recently gives way.
    pub fn register(&mut self, id: SessionId) {
        if self.open.len() >= self.sessions_max
            && let Some(idle) = self.open.iter().min_by_key(|(id, session)| (session.last_used, **id)).map(|(id, _)| *id)
            && let Some(expired) = self.open.remove(&idle)
        {
            self.note(Limit::Sessions);
            self.digest ^= expired.window;
            self.digest ^= expired.answers.iter().fold(0, |digests, cached| digests ^ cached.digest);
        }
        let mut session = Session { last_used: LogIndex(id.0), first_outstanding: 1, answers: VecDeque::new(), window: 0 };
        self.digest ^= session.update_window(id);
        self.open.insert(id, session);
    }

    /// Carries a command out if it is new and caches its answer; forgets the answers that the client no longer needs.
    pub fn admit(
        &mut self,
        index: LogIndex,
        id: SessionId,
        sequence: u64,
        first_outstanding: u64,
        carry_out: impl FnOnce() -> Bytes,
    ) -> Admission {
        let Some(session) = self.open.get_mut(&id) else {
            return Admission::Expired;
        };
        session.last_used = index;
        self.digest ^= session.advance(first_outstanding.min(sequence));
        self.digest ^= session.update_window(id);
        if sequence < session.first_outstanding {
            return Admission::Repeated(None);
        }
        let at = match session.position(sequence) {
            Ok(at) => return Admission::Repeated(Some(session.answers[at].answer.clone())),
            Err(at) => at,
        };
        let answer = carry_out();
        let digest = digest_of_answer(id, sequence, &answer);
        self.digest ^= digest;
        let cached = Cached { sequence, answer: answer.clone(), digest };
        if at == session.answers.len() {
            session.answers.push_back(cached); // Nearly always; an insertion has to be ready for anything.
        } else {
            session.answers.insert(at, cached);
        }
        if session.answers.len() > self.answers_max {
            // The window moves: what falls out is refused from now on, never applied again.
            let oldest = session.answers.front().map_or(0, |cached| cached.sequence);
            self.digest ^= session.advance(oldest + 1);
            self.digest ^= session.update_window(id);
            self.note(Limit::SessionAnswers);
        }
        Admission::New(answer)
    }

    fn note(&mut self, limit: Limit) {
        if self.bound.note(limit) {
            self.began = Some(limit);
        }
    }

    /// How often each limit has bound since the start. It is no part of what is replicated.
    #[must_use]
    pub const fn bound(&self) -> &Bound {
        &self.bound
    }

    /// What has begun to bind since the last call. A table that is full stays full, so it is said once.
    pub const fn take_began(&mut self) -> Option<Limit> {
        self.began.take()
    }

    /// Digest of all sessions and cached answers.
    #[must_use]
    pub const fn digest(&self) -> u64 {
        self.digest
    }
}

impl Session {
    /// Forgets answers below `first_outstanding`; returns what to exclude from the digest.
    fn advance(&mut self, first_outstanding: u64) -> u64 {
        let mut gone = 0;
        self.first_outstanding = self.first_outstanding.max(first_outstanding);
        while let Some(oldest) = self.answers.pop_front_if(|oldest| oldest.sequence < self.first_outstanding) {
            gone ^= oldest.digest;
        }
        gone
    }

    /// Where an answer is, or where it belongs.
    #[inline]
    fn position(&self, sequence: u64) -> Result<usize, usize> {
        match self.answers.back() {
            Some(last) if sequence <= last.sequence => self.answers.binary_search_by_key(&sequence, |cached| cached.sequence),
            _ => Err(self.answers.len()),
        }
    }

    /// Digests the window anew; returns how the digest of all sessions changes by that.
    fn update_window(&mut self, id: SessionId) -> u64 {
        let mut digest = Digest::new(id.0);
        digest.u64(self.last_used.0);
        digest.u64(self.first_outstanding);
        let before = std::mem::replace(&mut self.window, digest.value());
        before ^ self.window
    }
}

fn digest_of_answer(id: SessionId, sequence: u64, answer: &Bytes) -> u64 {
    let mut digest = Digest::new(!id.0);
    digest.u64(sequence);
    digest.bytes(answer);
    digest.value()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: SessionId = SessionId(1);

    fn sessions(limits: Limits) -> Sessions {
        let mut sessions = Sessions::new(&limits);
        sessions.register(ME);
        sessions
    }

    fn answer(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    fn new(text: &'static str) -> Admission {
        Admission::New(answer(text))
    }

    fn admit(sessions: &mut Sessions, index: u64, id: SessionId, of_client: (u64, u64), text: &'static str) -> Admission {
        let (sequence, first_outstanding) = of_client;
        sessions.admit(LogIndex(index), id, sequence, first_outstanding, || answer(text))
    }

    #[test]
    fn a_repetition_gets_the_first_answer_until_the_client_has_it() {
        let mut sessions = sessions(Limits::default());
        assert_eq!(admit(&mut sessions, 2, ME, (1, 1), "one"), new("one"));
        assert_eq!(admit(&mut sessions, 3, ME, (1, 1), "again"), Admission::Repeated(Some(answer("one"))));
        assert_eq!(admit(&mut sessions, 4, ME, (2, 2), "two"), new("two"));
        assert_eq!(admit(&mut sessions, 5, ME, (1, 1), "again"), Admission::Repeated(None));
    }

    #[test]
    fn a_command_that_was_given_up_never_takes_effect_late() {
        let mut sessions = sessions(Limits::default());
        assert_eq!(admit(&mut sessions, 2, ME, (5, 5), "five"), new("five"));
        assert_eq!(admit(&mut sessions, 3, ME, (4, 1), "four"), Admission::Repeated(None));
    }

    #[test]
    fn the_least_recently_used_session_gives_way() {
        let mut sessions = sessions(Limits { sessions_max: 2, ..Limits::default() });
        sessions.register(SessionId(2));
        assert_eq!(admit(&mut sessions, 3, ME, (1, 1), "one"), new("one"));
        sessions.register(SessionId(4));
        assert_eq!(admit(&mut sessions, 5, SessionId(2), (1, 1), "late"), Admission::Expired);
        assert_eq!(admit(&mut sessions, 6, ME, (2, 1), "two"), new("two"));
    }

    #[test]
    fn the_answer_cache_is_bounded_and_what_falls_out_is_not_applied_again() {
        let mut sessions = sessions(Limits { session_answers_max: 2, ..Limits::default() });
        for sequence in 1..=3 {
            assert_eq!(admit(&mut sessions, 1 + sequence, ME, (sequence, 1), "x"), new("x"));
        }
        assert_eq!(admit(&mut sessions, 9, ME, (1, 1), "again"), Admission::Repeated(None));
        assert_eq!(admit(&mut sessions, 9, ME, (3, 1), "again"), Admission::Repeated(Some(answer("x"))));
    }

    /// The incremental digest equals the digest of a table rebuilt from scratch.
    #[test]
    fn the_digest_depends_on_the_state_alone() {
        let mut long = sessions(Limits { sessions_max: 1, ..Limits::default() });
        for sequence in 1..=20 {
            admit(&mut long, 1 + sequence, ME, (sequence, sequence), "y");
        }
        long.register(SessionId(30));
        let mut fresh = Sessions::new(&Limits::default());
        fresh.register(SessionId(30));
        assert_eq!(long.digest(), fresh.digest());
        admit(&mut fresh, 31, SessionId(30), (1, 1), "y");
        assert_ne!(long.digest(), fresh.digest());
    }
}
