//! The model of a counter: add an amount, which may be negative, and read the sum.

use super::{Call, Model, text};
use bytes::Bytes;
use std::borrow::Cow;

/// What a client may ask of which counter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Input {
    /// Which counter.
    pub key: Bytes,
    /// What.
    pub action: Action,
}

/// What a client may ask.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// The sum; answered by [`Output::Sum`].
    Read,
    /// Add an amount; answered by [`Output::Done`], or by [`Output::Sum`]: the sum after it.
    Add {
        /// How much.
        amount: i64,
    },
}

/// What a client may be answered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Output {
    /// Done, by a counter that does not tell the sum.
    Done,
    /// The sum.
    Sum(i64),
}

/// The counter. It starts at zero and does not overflow: a sum that no `i64` holds equals no answer.
///
/// ```
/// use bytes::Bytes;
/// use squall_checkers::model::Model;
/// use squall_checkers::model::counter::{Action, Counter, Input, Output};
///
/// let add = Input { key: Bytes::new(), action: Action::Add { amount: -2 } };
/// assert_eq!(Counter.step(&5, &add, Some(&Output::Sum(3))), Some(3));
/// assert_eq!(Counter.step(&5, &add, Some(&Output::Sum(5))), None);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counter;

impl Model for Counter {
    type Key = Bytes;
    type Input = Input;
    type Output = Output;
    /// Wide enough for as many amounts as there can be operations.
    type State = i128;
    type Horizon = ();

    fn partition_key<'a>(&self, input: &'a Input) -> Cow<'a, Bytes> {
        Cow::Borrowed(&input.key)
    }

    fn init(&self) -> i128 {
        0
    }

    fn step(&self, state: &i128, input: &Input, output: Option<&Output>) -> Option<i128> {
        let next = match &input.action {
            Action::Read => *state,
            Action::Add { amount } => *state + i128::from(*amount),
        };
        let fits = match (&input.action, output) {
            (_, None) | (Action::Add { .. }, Some(Output::Done)) => true,
            (_, Some(Output::Sum(sum))) => i128::from(*sum) == next,
            (Action::Read, Some(Output::Done)) => false,
        };
        fits.then_some(next)
    }

    fn is_read_only(&self, call: Call<'_, Input, Output>) -> bool {
        call.input.action == Action::Read
    }

    fn describe(&self, input: &Input, output: Option<&Output>) -> String {
        let asked = match &input.action {
            Action::Read => "read".to_owned(),
            Action::Add { amount } => format!("add {amount}"),
        };
        let answer = output.map(|output| match output {
            Output::Done => None,
            Output::Sum(sum) => Some(sum.to_string()),
        });
        text::call(&asked, answer)
    }

    fn describe_state(&self, state: &i128) -> String {
        state.to_string()
    }

    fn describe_key(&self, key: &Bytes) -> String {
        text::quoted(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_exact_beyond_what_an_answer_can_say() {
        let input = |action| Input { key: Bytes::new(), action };
        let add = input(Action::Add { amount: i64::MAX });
        let state = Counter.step(&Counter.init(), &add, Some(&Output::Sum(i64::MAX))).expect("an add is possible");
        let state = Counter.step(&state, &add, Some(&Output::Done)).expect("an add is possible");
        assert_eq!(state, 2 * i128::from(i64::MAX));
        assert_eq!(Counter.step(&state, &input(Action::Read), Some(&Output::Sum(-2))), None, "nothing wraps");
        assert_eq!(Counter.step(&state, &input(Action::Read), None), Some(state));
        assert_eq!(Counter.step(&7, &input(Action::Read), Some(&Output::Sum(7))), Some(7));
        assert_eq!(Counter.step(&7, &input(Action::Read), Some(&Output::Done)), None, "no answer of a read");
    }
}
