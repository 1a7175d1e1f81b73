//! The model of the key-value store: get, put, append, compare-and-set, delete.
//!
//! Each key is an object of its own. Absent and empty are different values; an append to
//! an absent key creates it.
//! Not here: which values can still be told apart (`horizon`).

mod horizon;

use super::text::{optional, quoted, seen};
use super::{Access, Call, Model, Use, Value as Seen};
use crate::mutants::Bug;
use bytes::Bytes;
pub use horizon::Horizon;
use std::borrow::Cow;

/// What a client may ask for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Input {
    /// The value of a key; answered by [`Output::Value`].
    Get {
        /// Which.
        key: Bytes,
    },
    /// Set a value; answered by [`Output::Done`].
    Put {
        /// Whose.
        key: Bytes,
        /// To what.
        value: Bytes,
    },
    /// Add bytes at the end of a value; answered by [`Output::Done`].
    Append {
        /// Whose.
        key: Bytes,
        /// What is added.
        value: Bytes,
    },
    /// Set a value if it is as expected; answered by [`Output::Changed`].
    Cas {
        /// Whose.
        key: Bytes,
        /// What it must be; `None`: absent.
        expected: Option<Bytes>,
        /// What it becomes.
        value: Bytes,
    },
    /// Make a key absent; answered by [`Output::Changed`], whether it was there.
    Delete {
        /// Which.
        key: Bytes,
    },
}

/// What a client may be answered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Output {
    /// Done, unconditionally.
    Done,
    /// The value; `None`: absent.
    Value(Option<Bytes>),
    /// Whether a compare-and-set matched, or a delete found something.
    Changed(bool),
}

/// The value of one key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// There is none.
    Absent,
    /// It is known.
    Present(Bytes),
    /// There is one, and nobody will find out which.
    Unobserved,
}

impl Value {
    /// Whether it is what a client saw or expected.
    fn is(&self, seen: Option<&Bytes>) -> bool {
        match self {
            Self::Absent => seen.is_none(),
            Self::Present(value) => seen == Some(value),
            Self::Unobserved => false,
        }
    }

    fn append(&self, value: &Bytes) -> Self {
        match self {
            Self::Absent => Self::Present(value.clone()),
            Self::Present(old) => Self::Present([old.as_ref(), value.as_ref()].concat().into()),
            Self::Unobserved => Self::Unobserved,
        }
    }
}

/// The key-value store.
///
/// ```
/// use bytes::Bytes;
/// use squall_checkers::model::Model;
/// use squall_checkers::model::kv::{Input, Kv, Output, Value};
///
/// let key = Bytes::from_static(b"k");
/// let append = Input::Append { key: key.clone(), value: Bytes::from_static(b"v") };
/// let state = Kv.step(&Kv.init(), &append, Some(&Output::Done));
/// assert_eq!(state, Some(Value::Present(Bytes::from_static(b"v"))));
/// assert_eq!(Kv.step(&Kv.init(), &Input::Delete { key }, Some(&Output::Changed(true))), None);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Kv;

impl Model for Kv {
    type Key = Bytes;
    type Input = Input;
    type Output = Output;
    type State = Value;
    type Horizon = Horizon;

    fn partition_key<'a>(&self, input: &'a Input) -> Cow<'a, Bytes> {
        match input {
            Input::Get { key }
            | Input::Put { key, .. }
            | Input::Append { key, .. }
            | Input::Cas { key, .. }
            | Input::Delete { key } => Cow::Borrowed(key),
        }
    }

    fn init(&self) -> Value {
        Value::Absent
    }

    fn step(&self, state: &Value, input: &Input, output: Option<&Output>) -> Option<Value> {
        match (input, output) {
            (Input::Get { .. }, None) => Some(state.clone()),
            (Input::Get { .. }, Some(Output::Value(seen))) => state.is(seen.as_ref()).then(|| state.clone()),
            (Input::Put { value, .. }, None | Some(Output::Done)) => Some(Value::Present(value.clone())),
            (Input::Append { value, .. }, None | Some(Output::Done)) => Some(state.append(value)),
            (Input::Cas { expected, value, .. }, None | Some(Output::Changed(_))) => {
                let matches = state.is(expected.as_ref());
                let answer_fits = output.is_none_or(|output| *output == Output::Changed(matches));
                answer_fits.then(|| if matches { Value::Present(value.clone()) } else { state.clone() })
            }
            (Input::Delete { .. }, None | Some(Output::Changed(_))) => {
                let answer_fits = output.is_none_or(|output| *output == Output::Changed(*state != Value::Absent));
                answer_fits.then_some(Value::Absent)
            }
            _ => None,
        }
    }

    fn advance(&self, state: Value, input: &Input, output: Option<&Output>) -> Option<Value> {
        match (input, output) {
            (Input::Get { .. }, Some(Output::Value(seen))) => state.is(seen.as_ref()).then_some(state),
            (Input::Cas { expected, .. }, Some(Output::Changed(false))) => (!state.is(expected.as_ref())).then_some(state),
            _ => self.step(&state, input, output),
        }
    }

    fn describe(&self, input: &Input, output: Option<&Output>) -> String {
        let asked = match input {
            Input::Get { .. } => "get".to_owned(),
            Input::Put { value, .. } => format!("put {}", quoted(value)),
            Input::Append { value, .. } => format!("append {}", quoted(value)),
            Input::Cas { expected, value, .. } => {
                format!("cas {} to {}", optional(expected.as_ref()), quoted(value))
            }
            Input::Delete { .. } => "delete".to_owned(),
        };
        match output {
            None => format!("{asked} -> unknown"),
            Some(Output::Done) => asked,
            Some(Output::Value(value)) => format!("{asked} -> {}", optional(value.as_ref())),
            Some(Output::Changed(changed)) => format!("{asked} -> {changed}"),
        }
    }

    fn describe_state(&self, state: &Value) -> String {
        match state {
            Value::Absent => optional(None),
            Value::Present(value) => quoted(value),
            Value::Unobserved => "a value that nobody observes".to_owned(),
        }
    }

    fn describe_key(&self, key: &Bytes) -> String {
        quoted(key)
    }

    fn state_bytes(&self, state: &Value) -> usize {
        let Value::Present(value) = state else { return size_of::<Value>() };
        size_of::<Value>() + value.len()
    }

    fn is_read_only(&self, call: Call<'_, Input, Output>) -> bool {
        match (call.input, call.output) {
            (Input::Get { .. }, _) => true,
            (Input::Cas { expected, value, .. }, output) => {
                output == Some(&Output::Changed(false)) || expected.as_ref() == Some(value)
            }
            (Input::Delete { .. }, output) => output == Some(&Output::Changed(false)),
            (Input::Put { .. } | Input::Append { .. }, _) => false,
        }
    }

    /// A put, or a delete that finds something, hides the puts and appends just before it.
    fn absorbs(&self, later: Call<'_, Input, Output>, earlier: Call<'_, Input, Output>) -> bool {
        let always_possible = matches!(earlier.output, None | Some(Output::Done))
            && matches!(earlier.input, Input::Put { .. } | Input::Append { .. });
        let hides = match later.input {
            Input::Put { .. } => matches!(later.output, None | Some(Output::Done)),
            Input::Delete { .. } => matches!(later.output, None | Some(Output::Changed(true))),
            Input::Get { .. } | Input::Append { .. } | Input::Cas { .. } => false,
        };
        always_possible && hides
    }

    fn access<'a>(&self, call: Call<'a, Input, Output>) -> Option<Access<'a>> {
        match (call.input, call.output) {
            (Input::Get { .. }, Some(Output::Value(value))) => Some(Access::Read(seen(value))),
            (Input::Put { value, .. }, None | Some(Output::Done)) => Some(Access::Write(Seen::Bytes(value))),
            (Input::Append { value, .. }, None | Some(Output::Done)) => Some(Access::Append(value)),
            (Input::Cas { expected, value, .. }, None) => {
                Some(Access::Swap { expected: seen(expected), new: Seen::Bytes(value), done: None })
            }
            (Input::Cas { expected, value, .. }, Some(Output::Changed(done))) => {
                Some(Access::Swap { expected: seen(expected), new: Seen::Bytes(value), done: Some(*done) })
            }
            (Input::Delete { .. }, Some(Output::Changed(false))) => Some(Access::Read(Seen::Absent)),
            _ => None,
        }
    }

    fn horizon(&self, uses: &[Use<'_, Input, Output>]) -> Horizon {
        Horizon::new(uses)
    }

    fn fades(&self, horizon: &Horizon, state: &Value) -> Option<(u64, Value)> {
        match state {
            Value::Present(value) => Some((horizon.observed_until(value), Value::Unobserved)),
            Value::Absent | Value::Unobserved => None,
        }
    }

    fn inert_from(&self, horizon: &Horizon, input: &Input) -> u64 {
        match input {
            Input::Put { value, .. } => horizon.observed_until(value).saturating_add(1),
            Input::Append { value, .. } if Bug::HorizonForgetsAppends.is_planted() => {
                horizon.observed_until(value).saturating_add(1)
            }
            Input::Append { value, .. } => horizon.contained_until(value).saturating_add(1),
            Input::Get { .. } | Input::Cas { .. } | Input::Delete { .. } => u64::MAX,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_without_a_copy_is_what_step_says() {
        let [a, b] = [b"a", b"b"].map(|bytes| Bytes::from_static(bytes));
        let key = Bytes::new();
        let maybe = [None, Some(a.clone()), Some(b.clone())];
        let mut inputs = vec![Input::Get { key: key.clone() }, Input::Delete { key: key.clone() }];
        for value in [&a, &b] {
            inputs.push(Input::Put { key: key.clone(), value: value.clone() });
            inputs.push(Input::Append { key: key.clone(), value: value.clone() });
            inputs.extend(maybe.iter().map(|expected| Input::Cas {
                key: key.clone(),
                expected: expected.clone(),
                value: value.clone(),
            }));
        }
        let mut outputs = vec![None, Some(Output::Done), Some(Output::Changed(false)), Some(Output::Changed(true))];
        outputs.extend(maybe.iter().map(|value| Some(Output::Value(value.clone()))));
        for state in [Value::Absent, Value::Unobserved, Value::Present(a.clone()), Value::Present(b.clone())] {
            for (input, output) in inputs.iter().flat_map(|input| outputs.iter().map(move |output| (input, output.as_ref()))) {
                let stepped = Kv.step(&state, input, output);
                assert_eq!(Kv.advance(state.clone(), input, output), stepped, "{} of {state:?}", Kv.describe(input, output));
            }
        }
    }
}
