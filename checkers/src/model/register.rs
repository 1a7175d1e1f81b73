//! The model of a register: read and write.
//!
//! Registers with different keys are independent; a history of a single one may leave the key empty.
//! Not here: compare-and-set (`cas_register`).

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
}

/// What a client may be answered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Output {
    /// Done.
    Done,
    /// The value; `None`: nothing was ever written.
    Value(Option<Bytes>),
}

/// The register.
///
/// ```
/// use bytes::Bytes;
/// use squall_checkers::model::Model;
/// use squall_checkers::model::register::{Action, Input, Output, Register};
///
/// let input = |action| Input { key: Bytes::new(), action };
/// let five = Bytes::from_static(b"5");
/// let model = Register::default();
/// let state = model.step(&model.init(), &input(Action::Write { value: five.clone() }), Some(&Output::Done));
/// assert_eq!(state, Some(Some(five.clone())));
/// assert_eq!(model.step(&model.init(), &input(Action::Read), Some(&Output::Value(Some(five)))), None);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Register {
    /// What is in every register before the first write; `None`: nothing.
    pub initial: Option<Bytes>,
}

impl Model for Register {
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
            _ => None,
        }
    }

    fn is_read_only(&self, call: Call<'_, Input, Output>) -> bool {
        call.input.action == Action::Read
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
        };
        let answer = output.map(|output| match output {
            Output::Done => None,
            Output::Value(value) => Some(text::optional(value.as_ref())),
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

    fn input(action: Action) -> Input {
        Input { key: Bytes::from_static(b"k"), action }
    }

    #[test]
    fn a_read_sees_the_last_write_or_what_was_there_at_first() {
        let one = Some(Bytes::from_static(b"1"));
        let read = |model: &Register, value: &Option<Bytes>| {
            model.step(&model.init(), &input(Action::Read), Some(&Output::Value(value.clone())))
        };
        let model = Register { initial: one.clone() };
        assert_eq!((read(&model, &one), read(&model, &None)), (Some(one.clone()), None));
        let model = Register::default();
        assert_eq!((read(&model, &one), read(&model, &None)), (None, Some(None)));
        let two = Bytes::from_static(b"2");
        let write = input(Action::Write { value: two.clone() });
        assert_eq!(model.step(&one, &write, None), Some(Some(two.clone())));
        assert_eq!(model.step(&one, &write, Some(&Output::Value(None))), None, "no answer of a write");
        assert_eq!(model.describe(&write, None), "write \"2\" -> unknown");
        assert_eq!(model.describe(&input(Action::Read), Some(&Output::Value(None))), "read -> absent");
    }
}
