//! The model of a lock with fencing tokens: acquire, release.
//!
//! Whoever acquires gets a token that is greater than all before, so that what the lock protects can
//! tell a late holder from the present one. A second holder is illegal, and so is a token that
//! does not grow. Locks that give no tokens are judged too: their tokens are [`Option::None`].
//!
//! An acquire of unknown outcome may hold the lock with a token that nobody knows, until a
//! release names it. A lease that runs out is a release that somebody asked for when it could
//! run out first, of unknown outcome: record it as such.
//! Not here: what the lock protects. That is an object of its own.

use super::{Call, Model, text};
use bytes::Bytes;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// What a client may ask of which lock.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Input {
    /// Which lock.
    pub key: Bytes,
    /// What.
    pub action: Action,
}

/// What a client may ask.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Take the lock; answered by [`Output::Acquired`] or [`Output::Busy`].
    Acquire,
    /// Give the lock back; answered by [`Output::Released`] or [`Output::NotHeld`].
    Release {
        /// The token that it was acquired with; `None`: whatever it is.
        token: Option<u64>,
    },
}

/// What a client may be answered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Output {
    /// The lock is the client's, with this token; `None`: the lock does not tell one.
    Acquired(Option<u64>),
    /// Somebody else holds the lock.
    Busy,
    /// The lock is free again.
    Released,
    /// The lock was not held with this token (or at all, if none was given), so nothing was done.
    NotHeld,
}

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder {
    /// Nobody.
    Nobody,
    /// The client with this token.
    Token(u64),
    /// A client whose token is not known: at least [`State::next`], and none of these.
    Somebody {
        /// Tokens that were refused since.
        refused: BTreeSet<u64>,
    },
}

/// A lock.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct State {
    /// Who holds it.
    pub holder: Holder,
    /// The least token that can be given next, or that an unknown holder can have.
    /// Wider than a token, so that there is one after the last.
    pub next: u128,
}

impl State {
    /// The lock, given back by the holder of this token, if it can be: `None` if it is not held with it.
    fn released(&self, token: Option<u64>) -> Option<Self> {
        let last = match (&self.holder, token) {
            (Holder::Nobody, _) => return None,
            (Holder::Token(holder), None) => *holder,
            (Holder::Token(holder), Some(token)) => (*holder == token).then_some(token)?,
            // Whatever follows is possible after the least token if it is after a greater one.
            (Holder::Somebody { .. }, None) => return Some(Self { holder: Holder::Nobody, next: self.next + 1 }),
            (Holder::Somebody { refused }, Some(token)) => {
                let can_be = u128::from(token) >= self.next && !refused.contains(&token);
                can_be.then_some(token)?
            }
        };
        Some(Self { holder: Holder::Nobody, next: u128::from(last) + 1 })
    }

    /// The lock after a release with this token was refused; `None` if it cannot have been.
    fn refused(&self, token: Option<u64>) -> Option<Self> {
        match (&self.holder, token) {
            (Holder::Nobody, _) => Some(self.clone()),
            (_, None) => None,
            (Holder::Token(holder), Some(token)) => (*holder != token).then(|| self.clone()),
            (Holder::Somebody { refused }, Some(token)) => {
                let (mut refused, mut next) = (refused.clone(), self.next);
                if u128::from(token) >= next {
                    refused.insert(token);
                }
                while refused.first().is_some_and(|first| u128::from(*first) == next) {
                    refused.pop_first();
                    next += 1;
                }
                Some(Self { holder: Holder::Somebody { refused }, next })
            }
        }
    }
}

/// The lock.
///
/// ```
/// use bytes::Bytes;
/// use squall_checkers::model::Model;
/// use squall_checkers::model::lock::{Action, Input, Lock, Output};
///
/// let input = |action| Input { key: Bytes::new(), action };
/// let held = Lock.step(&Lock.init(), &input(Action::Acquire), Some(&Output::Acquired(Some(7)))).expect("it is free");
/// assert_eq!(Lock.step(&held, &input(Action::Acquire), Some(&Output::Acquired(Some(8)))), None, "a second holder");
/// let free = Lock.step(&held, &input(Action::Release { token: Some(7) }), Some(&Output::Released)).expect("it is held");
/// assert_eq!(Lock.step(&free, &input(Action::Acquire), Some(&Output::Acquired(Some(7)))), None, "not greater");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lock;

impl Model for Lock {
    type Key = Bytes;
    type Input = Input;
    type Output = Output;
    type State = State;
    type Horizon = ();

    fn partition_key<'a>(&self, input: &'a Input) -> Cow<'a, Bytes> {
        Cow::Borrowed(&input.key)
    }

    fn init(&self) -> State {
        State { holder: Holder::Nobody, next: 0 }
    }

    fn step(&self, state: &State, input: &Input, output: Option<&Output>) -> Option<State> {
        let is_free = state.holder == Holder::Nobody;
        let somebody = || State { holder: Holder::Somebody { refused: BTreeSet::new() }, next: state.next };
        match (&input.action, output) {
            (Action::Acquire, None) => Some(if is_free { somebody() } else { state.clone() }),
            (Action::Acquire, Some(Output::Busy)) => (!is_free).then(|| state.clone()),
            (Action::Acquire, Some(Output::Acquired(None))) => is_free.then(somebody),
            (Action::Acquire, Some(Output::Acquired(Some(token)))) => {
                let next = u128::from(*token) + 1;
                (is_free && next > state.next).then_some(State { holder: Holder::Token(*token), next })
            }
            // A release of unknown outcome that was refused is as good as one that never happened.
            (Action::Release { token }, None) => Some(state.released(*token).unwrap_or_else(|| state.clone())),
            (Action::Release { token }, Some(Output::Released)) => state.released(*token),
            (Action::Release { token }, Some(Output::NotHeld)) => state.refused(*token),
            _ => None,
        }
    }

    fn is_read_only(&self, call: Call<'_, Input, Output>) -> bool {
        call.output == Some(&Output::Busy)
    }

    fn describe(&self, input: &Input, output: Option<&Output>) -> String {
        let asked = match input.action {
            Action::Acquire => "acquire".to_owned(),
            Action::Release { token: None } => "release".to_owned(),
            Action::Release { token: Some(token) } => format!("release {token}"),
        };
        let answer = output.map(|output| match output {
            Output::Acquired(None) | Output::Released => None,
            Output::Acquired(Some(token)) => Some(token.to_string()),
            Output::Busy => Some("busy".to_owned()),
            Output::NotHeld => Some("not held".to_owned()),
        });
        text::call(&asked, answer)
    }

    fn describe_state(&self, state: &State) -> String {
        match &state.holder {
            Holder::Nobody => format!("free, the next token is at least {}", state.next),
            Holder::Token(token) => format!("held with token {token}"),
            Holder::Somebody { .. } => format!("held with an unknown token, at least {}", state.next),
        }
    }

    fn describe_key(&self, key: &Bytes) -> String {
        text::quoted(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACQUIRE: Action = Action::Acquire;

    const fn release(token: Option<u64>) -> Action {
        Action::Release { token }
    }

    /// The state after these, or which of them is impossible.
    fn run(steps: &[(Action, Option<Output>)]) -> Result<State, usize> {
        let mut state = Lock.init();
        for (at, (action, output)) in steps.iter().enumerate() {
            let input = Input { key: Bytes::new(), action: action.clone() };
            state = Lock.step(&state, &input, output.as_ref()).ok_or(at)?;
        }
        Ok(state)
    }

    #[test]
    fn there_is_one_holder_and_tokens_grow() {
        let acquired = |token| (ACQUIRE, Some(Output::Acquired(Some(token))));
        let released = |token| (release(Some(token)), Some(Output::Released));
        assert!(run(&[acquired(3), released(3), acquired(4), released(4)]).is_ok());
        assert_eq!(run(&[acquired(3), acquired(4)]), Err(1));
        assert_eq!(run(&[acquired(3), released(3), acquired(3)]), Err(2));
        assert_eq!(run(&[acquired(3), released(2)]), Err(1));
        assert_eq!(run(&[released(2)]), Err(0));
        assert!(run(&[acquired(u64::MAX), released(u64::MAX)]).is_ok());
        assert_eq!(run(&[(ACQUIRE, Some(Output::Busy))]), Err(0));
        assert!(run(&[acquired(1), (ACQUIRE, Some(Output::Busy)), (release(Some(2)), Some(Output::NotHeld))]).is_ok());
        assert_eq!(run(&[acquired(1), (release(Some(1)), Some(Output::NotHeld))]), Err(1));
        assert_eq!(run(&[acquired(1), (release(Some(1)), Some(Output::Busy))]), Err(1), "no answer of a release");
    }

    #[test]
    fn an_unknown_holder_has_some_token_that_was_not_refused() {
        let acquired = |token| (ACQUIRE, Some(Output::Acquired(Some(token))));
        let released = |token| (release(Some(token)), Some(Output::Released));
        let refused = |token| (release(Some(token)), Some(Output::NotHeld));
        let unknown = (ACQUIRE, None);
        assert!(run(&[unknown.clone(), released(5), acquired(6)]).is_ok());
        assert_eq!(run(&[unknown.clone(), released(5), acquired(5)]), Err(2));
        assert_eq!(run(&[unknown.clone(), acquired(5)]), Err(1));
        assert_eq!(run(&[unknown.clone(), refused(5), released(5)]), Err(2));
        assert!(run(&[unknown.clone(), refused(5), released(4)]).is_ok());
        assert_eq!(run(&[acquired(3), released(3), unknown.clone(), released(3)]), Err(3));
        let anybody = (release(None), Some(Output::Released));
        assert!(run(&[unknown.clone(), anybody.clone(), acquired(1)]).is_ok());
        assert_eq!(run(&[unknown.clone(), anybody.clone(), acquired(0)]), Err(2), "the unknown token was at least 0");
        assert_eq!(run(&[unknown, refused(0), anybody, acquired(1)]), Err(3), "and if not 0 at least 1");
    }

    #[test]
    fn locks_without_tokens_are_locks() {
        let acquired = (ACQUIRE, Some(Output::Acquired(None)));
        let released = (release(None), Some(Output::Released));
        assert!(run(&[acquired.clone(), released.clone(), acquired.clone()]).is_ok());
        assert_eq!(run(&[acquired.clone(), acquired]), Err(1));
        assert_eq!(run(&[released]), Err(0));
    }
}
