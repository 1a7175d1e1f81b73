//! The model of a register with compare-and-set: read, write, cas.
//!
//! Not here: the plain register (`register`), and a map with more operations (`kv`).

use super::{Access, Call, Model, Value, text};
use bytes::Bytes;
use std::borrow::Cow;

/// What a client may ask of which register.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Input {
    /// Which register.
    pub key: Bytes,
    /// What.
    pub action: Action,
}

/// What a client may ask.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// The value; answered by [`Output::Value`].
    Read,
    /// Set the value; answered by [`Output::Done`].
    Write {
        /// To what.
        value: Bytes,
    },
    /// Set the value if it is as expected; answered by [`Output::Changed`].
    Cas {
        /// What it must be; `None`: nothing was ever written.
        expected: Option<Bytes>,
        /// What it becomes.
        value: Bytes,
    },
}

/// What a client may be answered.
///
/// A compare-and-set that was answered "it is something else" *saw* the register, and is
/// `Changed(false)`. One of which is only known that it did not happen is
/// [`Outcome::Fail`](crate::history::Outcome::Fail), which says nothing about the value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Output {
    /// Done.
    Done,
    /// The value; `None`: nothing was ever written.
    Value(Option<Bytes>),
    /// Whether a compare-and-set found what it expected.
    Changed(bool),
}

/// The register with compare-and-set.
///
/// ```
/// use bytes::Bytes;
/// use squall_checkers::model::Model;
/// use squall_checkers::model::cas_register::{Action, CasRegister, Input, Output};
///
/// let [one, two] = [b"1", b"2"].map(|value| Bytes::from_static(value));
/// let cas = Input { key: Bytes::new(), action: Action::Cas { expected: Some(one.clone()), value: two.clone() } };
/// let model = CasRegister::default();
/// assert_eq!(model.step(&Some(one.clone()), &cas, Some(&Output::Changed(true))), Some(Some(two)));
/// assert_eq!(model.step(&Some(one), &cas, Some(&Output::Changed(false))), None);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CasRegister {
    /// What is in every register before the first write; `None`: nothing.
    pub initial: Option<Bytes>,
}

impl Model for CasRegister {
    type Key = Bytes;
    type Input = Input;
    type Output = Output;
    type State = Option<Bytes>;
    type Horizon = ();

    fn partition_key<'a>(&self, input: &'a Input) -> Cow<'a, Bytes> {
        Cow::Borrowed(&input.key)
    }

    fn init(&self) -> Option<Bytes> {
        self.initial.clone()
    }

    fn step(&self, state: &Option<Bytes>, input: &Input, output: Option<&Output>) -> Option<Option<Bytes>> {
        match (&input.action, output) {
            (Action::Read, None) => Some(state.clone()),
            (Action::Read, Some(Output::Value(value))) => (value == state).then(|| state.clone()),
            (Action::Write { value }, None | Some(Output::Done)) => Some(Some(value.clone())),
            (Action::Cas { expected, value }, None | Some(Output::Changed(_))) => {
                let matches = expected == state;
                let answer_fits = output.is_none_or(|output| *output == Output::Changed(matches));
                answer_fits.then(|| if matches { Some(value.clone()) } else { state.clone() })
            }
            _ => None,
        }
    }

    fn is_read_only(&self, call: Call<'_, Input, Output>) -> bool {
        match &call.input.action {
            Action::Read => true,
            Action::Cas { expected, value } => call.output == Some(&Output::Changed(false)) || expected.as_ref() == Some(value),
            Action::Write { .. } => false,
        }
    }

    /// A write hides the writes just before it.
    fn absorbs(&self, later: Call<'_, Input, Output>, earlier: Call<'_, Input, Output>) -> bool {
        let is_write = |call: Call<'_, Input, Output>| {
            matches!((&call.input.action, call.output), (Action::Write { .. }, None | Some(Output::Done)))
        };
        is_write(later) && is_write(earlier)
    }

    fn access<'a>(&self, call: Call<'a, Input, Output>) -> Option<Access<'a>> {
        match (&call.input.action, call.output) {
            (Action::Read, Some(Output::Value(value))) => Some(Access::Read(text::seen(value))),
            (Action::Write { value }, None | Some(Output::Done)) => Some(Access::Write(Value::Bytes(value))),
            (Action::Cas { expected, value }, None) => {
                Some(Access::Swap { expected: text::seen(expected), new: Value::Bytes(value), done: None })
            }
            (Action::Cas { expected, value }, Some(Output::Changed(done))) => {
                Some(Access::Swap { expected: text::seen(expected), new: Value::Bytes(value), done: Some(*done) })
            }
            _ => None,
        }
    }

    fn initial_value(&self) -> Value<'_> {
        text::seen(&self.initial)
    }

    fn describe(&self, input: &Input, output: Option<&Output>) -> String {
        let asked = match &input.action {
            Action::Read => "read".to_owned(),
            Action::Write { value } => format!("write {}", text::quoted(value)),
            Action::Cas { expected, value } => {
                format!("cas {} to {}", text::optional(expected.as_ref()), text::quoted(value))
            }
        };
        let answer = output.map(|output| match output {
            Output::Done => None,
            Output::Value(value) => Some(text::optional(value.as_ref())),
            Output::Changed(changed) => Some(changed.to_string()),
        });
        text::call(&asked, answer)
    }

    fn describe_state(&self, state: &Option<Bytes>) -> String {
        text::optional(state.as_ref())
    }

    fn describe_key(&self, key: &Bytes) -> String {
        text::quoted(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cas_changes_what_it_expects_and_says_so() {
        let [one, two] = [b"1", b"2"].map(|value| Bytes::from_static(value));
        let input = |action| Input { key: Bytes::new(), action };
        let cas = |expected: Option<&Bytes>| input(Action::Cas { expected: expected.cloned(), value: two.clone() });
        let model = CasRegister::default();
        let step = |state: Option<&Bytes>, input: &Input, output| model.step(&state.cloned(), input, output);
        assert_eq!(step(None, &cas(None), Some(&Output::Changed(true))), Some(Some(two.clone())));
        assert_eq!(step(Some(&one), &cas(None), Some(&Output::Changed(true))), None);
        assert_eq!(step(Some(&one), &cas(None), Some(&Output::Changed(false))), Some(Some(one.clone())));
        assert_eq!(step(Some(&one), &cas(Some(&one)), None), Some(Some(two.clone())));
        assert_eq!(step(Some(&two), &cas(Some(&one)), None), Some(Some(two.clone())), "unknown, and not as expected");
        assert_eq!(step(None, &cas(None), Some(&Output::Done)), None, "no answer of a cas");
        assert_eq!(model.describe(&cas(None), Some(&Output::Changed(false))), "cas absent to \"2\" -> false");
    }
}
