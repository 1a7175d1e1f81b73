//! The model of a set: add, remove, ask for one element or for all.
//!
//! Not here: how often an element was added, which a set does not remember (`queue` does).

use super::{Call, Membership, Model, Value, text};
use bytes::Bytes;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// What a client may ask of which set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Input {
    /// Which set.
    pub key: Bytes,
    /// What.
    pub action: Action,
}

/// What a client may ask.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Put an element in; answered by [`Output::Done`], or by [`Output::Changed`]: whether it is new.
    Add {
        /// Which.
        element: Bytes,
    },
    /// Take an element out; answered by [`Output::Done`], or by [`Output::Changed`]: whether it was there.
    Remove {
        /// Which.
        element: Bytes,
    },
    /// Whether an element is there; answered by [`Output::Contains`].
    Contains {
        /// Which.
        element: Bytes,
    },
    /// All elements; answered by [`Output::Elements`].
    Read,
}

/// What a client may be answered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Output {
    /// Done, by a set that does not say whether anything changed.
    Done,
    /// Done, and whether anything changed.
    Changed(bool),
    /// Whether the element is there.
    Contains(bool),
    /// All elements.
    Elements(BTreeSet<Bytes>),
}

/// The set.
///
/// ```
/// use bytes::Bytes;
/// use squall_checkers::model::Model;
/// use squall_checkers::model::set::{Action, Input, Output, Set};
///
/// let one = Bytes::from_static(b"1");
/// let add = Input { key: Bytes::new(), action: Action::Add { element: one.clone() } };
/// let state = Set.step(&Set.init(), &add, Some(&Output::Done)).expect("an add is possible");
/// assert_eq!(Set.step(&state, &add, Some(&Output::Changed(true))), None, "it was there");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Set;

impl Model for Set {
    type Key = Bytes;
    type Input = Input;
    type Output = Output;
    type State = BTreeSet<Bytes>;
    type Horizon = ();

    fn partition_key<'a>(&self, input: &'a Input) -> Cow<'a, Bytes> {
        Cow::Borrowed(&input.key)
    }

    fn init(&self) -> BTreeSet<Bytes> {
        BTreeSet::new()
    }

    fn step(&self, state: &BTreeSet<Bytes>, input: &Input, output: Option<&Output>) -> Option<BTreeSet<Bytes>> {
        self.advance(state.clone(), input, output)
    }

    fn advance(&self, mut state: BTreeSet<Bytes>, input: &Input, output: Option<&Output>) -> Option<BTreeSet<Bytes>> {
        let fits = match (&input.action, output) {
            (Action::Add { element }, None | Some(Output::Done | Output::Changed(_))) => {
                let is_new = state.insert(element.clone());
                !matches!(output, Some(Output::Changed(changed)) if *changed != is_new)
            }
            (Action::Remove { element }, None | Some(Output::Done | Output::Changed(_))) => {
                let was_there = state.remove(element);
                !matches!(output, Some(Output::Changed(changed)) if *changed != was_there)
            }
            (Action::Contains { .. } | Action::Read, None) => true,
            (Action::Contains { element }, Some(Output::Contains(contains))) => state.contains(element) == *contains,
            (Action::Read, Some(Output::Elements(elements))) => *elements == state,
            _ => false,
        };
        fits.then_some(state)
    }

    fn membership<'a>(&self, call: Call<'a, Input, Output>) -> Option<Membership<'a>> {
        let changed = match call.output {
            Some(Output::Changed(changed)) => Some(*changed),
            _ => None,
        };
        match (&call.input.action, call.output) {
            (Action::Add { element }, None | Some(Output::Done | Output::Changed(_))) => {
                Some(Membership::Add { element: Value::Bytes(element), changed })
            }
            (Action::Remove { element }, None | Some(Output::Done | Output::Changed(_))) => {
                Some(Membership::Remove { element: Value::Bytes(element), changed })
            }
            (Action::Contains { element }, Some(Output::Contains(answer))) => {
                Some(Membership::Contains { element: Value::Bytes(element), answer: *answer })
            }
            (Action::Read, Some(Output::Elements(elements))) => {
                Some(Membership::All(elements.iter().map(|element| Value::Bytes(element)).collect()))
            }
            _ => None,
        }
    }

    fn is_read_only(&self, call: Call<'_, Input, Output>) -> bool {
        matches!(call.input.action, Action::Contains { .. } | Action::Read) || call.output == Some(&Output::Changed(false))
    }

    fn describe(&self, input: &Input, output: Option<&Output>) -> String {
        let asked = match &input.action {
            Action::Add { element } => format!("add {}", text::quoted(element)),
            Action::Remove { element } => format!("remove {}", text::quoted(element)),
            Action::Contains { element } => format!("contains {}", text::quoted(element)),
            Action::Read => "read".to_owned(),
        };
        let answer = output.map(|output| match output {
            Output::Done => None,
            Output::Changed(answer) | Output::Contains(answer) => Some(answer.to_string()),
            Output::Elements(elements) => Some(text::list(elements)),
        });
        text::call(&asked, answer)
    }

    fn describe_state(&self, state: &BTreeSet<Bytes>) -> String {
        text::list(state)
    }

    fn describe_key(&self, key: &Bytes) -> String {
        text::quoted(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_tell_what_was_there() {
        let one = Bytes::from_static(b"1");
        let input = |action| Input { key: Bytes::new(), action };
        let add = input(Action::Add { element: one.clone() });
        let remove = input(Action::Remove { element: one.clone() });
        let contains = input(Action::Contains { element: one.clone() });
        let [without, with] = [BTreeSet::new(), BTreeSet::from([one])];
        for (before, input, output, after) in [
            (&without, &add, Output::Changed(true), Some(&with)),
            (&without, &add, Output::Changed(false), None),
            (&with, &add, Output::Changed(false), Some(&with)),
            (&with, &add, Output::Done, Some(&with)),
            (&with, &remove, Output::Changed(true), Some(&without)),
            (&without, &remove, Output::Changed(true), None),
            (&without, &remove, Output::Done, Some(&without)),
            (&with, &contains, Output::Contains(true), Some(&with)),
            (&with, &contains, Output::Contains(false), None),
            (&with, &input(Action::Read), Output::Elements(with.clone()), Some(&with)),
            (&with, &input(Action::Read), Output::Elements(without.clone()), None),
            (&with, &contains, Output::Done, None),
        ] {
            assert_eq!(Set.step(before, input, Some(&output)).as_ref(), after, "{}", Set.describe(input, Some(&output)));
        }
        assert_eq!(Set.step(&with, &remove, None), Some(without));
    }
}
