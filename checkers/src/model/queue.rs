//! The model of a queue, first in first out: enqueue and dequeue.
//!
//! A dequeue that finds nothing is answered so, and that is an observation: the queue is empty.
//! If all that is known is that nothing was taken, it is [`Outcome::Fail`](crate::history::Outcome::Fail).
//! A dequeue of unknown outcome takes the oldest value or, on an empty queue, nothing; or it never happens.

use super::{Call, Model, Queueing, Value, text};
use bytes::Bytes;
use std::borrow::Cow;
use std::collections::VecDeque;

/// What a client may ask of which queue.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Input {
    /// Which queue.
    pub key: Bytes,
    /// What.
    pub action: Action,
}

/// What a client may ask.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Put a value in at the end; answered by [`Output::Done`].
    Enqueue {
        /// Which.
        value: Bytes,
    },
    /// Take the oldest value out; answered by [`Output::Dequeued`].
    Dequeue,
}

/// What a client may be answered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Output {
    /// Done.
    Done,
    /// The oldest value, which is now gone; `None`: the queue is empty.
    Dequeued(Option<Bytes>),
}

/// The queue.
///
/// ```
/// use bytes::Bytes;
/// use squall_checkers::model::Model;
/// use squall_checkers::model::queue::{Action, Input, Output, Queue};
///
/// let input = |action| Input { key: Bytes::new(), action };
/// let one = Bytes::from_static(b"1");
/// let state = Queue.step(&Queue.init(), &input(Action::Enqueue { value: one.clone() }), None).expect("it is possible");
/// let empty = Queue.step(&state, &input(Action::Dequeue), Some(&Output::Dequeued(Some(one))));
/// assert_eq!(empty, Some(Queue.init()));
/// assert_eq!(Queue.step(&state, &input(Action::Dequeue), Some(&Output::Dequeued(None))), None);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Queue;

impl Model for Queue {
    type Key = Bytes;
    type Input = Input;
    type Output = Output;
    type State = VecDeque<Bytes>;
    type Horizon = ();

    fn partition_key<'a>(&self, input: &'a Input) -> Cow<'a, Bytes> {
        Cow::Borrowed(&input.key)
    }

    fn init(&self) -> VecDeque<Bytes> {
        VecDeque::new()
    }

    fn step(&self, state: &VecDeque<Bytes>, input: &Input, output: Option<&Output>) -> Option<VecDeque<Bytes>> {
        self.advance(state.clone(), input, output)
    }

    fn advance(&self, mut state: VecDeque<Bytes>, input: &Input, output: Option<&Output>) -> Option<VecDeque<Bytes>> {
        let fits = match (&input.action, output) {
            (Action::Enqueue { value }, None | Some(Output::Done)) => {
                state.push_back(value.clone());
                true
            }
            (Action::Dequeue, None | Some(Output::Dequeued(_))) => {
                let taken = state.pop_front();
                !matches!(output, Some(Output::Dequeued(answer)) if *answer != taken)
            }
            _ => false,
        };
        fits.then_some(state)
    }

    fn queueing<'a>(&self, call: Call<'a, Input, Output>) -> Option<Queueing<'a>> {
        match (&call.input.action, call.output) {
            (Action::Enqueue { value }, None | Some(Output::Done)) => Some(Queueing::Enqueue(Value::Bytes(value))),
            (Action::Dequeue, Some(Output::Dequeued(Some(value)))) => Some(Queueing::Dequeue(Value::Bytes(value))),
            (Action::Dequeue, Some(Output::Dequeued(None))) => Some(Queueing::Empty),
            (Action::Dequeue, None) => Some(Queueing::DequeueUnknown),
            _ => None,
        }
    }

    fn is_read_only(&self, call: Call<'_, Input, Output>) -> bool {
        call.output == Some(&Output::Dequeued(None))
    }

    fn describe(&self, input: &Input, output: Option<&Output>) -> String {
        let asked = match &input.action {
            Action::Enqueue { value } => format!("enqueue {}", text::quoted(value)),
            Action::Dequeue => "dequeue".to_owned(),
        };
        let answer = output.map(|output| match output {
            Output::Done => None,
            Output::Dequeued(value) => Some(value.as_ref().map_or_else(|| "empty".to_owned(), text::quoted)),
        });
        text::call(&asked, answer)
    }

    fn describe_state(&self, state: &VecDeque<Bytes>) -> String {
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
    fn the_oldest_value_leaves_first_and_nothing_leaves_twice() {
        let [one, two] = [b"1", b"2"].map(|value| Bytes::from_static(value));
        let input = |action| Input { key: Bytes::new(), action };
        let dequeue = |state: &VecDeque<Bytes>, value: Option<&Bytes>| {
            Queue.step(state, &input(Action::Dequeue), Some(&Output::Dequeued(value.cloned())))
        };
        let state = VecDeque::from([one.clone(), two.clone()]);
        assert_eq!(dequeue(&state, Some(&one)), Some(VecDeque::from([two.clone()])));
        assert_eq!((dequeue(&state, Some(&two)), dequeue(&state, None)), (None, None));
        assert_eq!(dequeue(&VecDeque::new(), None), Some(VecDeque::new()));
        assert_eq!(Queue.step(&state, &input(Action::Dequeue), None), Some(VecDeque::from([two])), "unknown, it takes one");
        assert_eq!(Queue.step(&VecDeque::new(), &input(Action::Dequeue), None), Some(VecDeque::new()));
        assert_eq!(Queue.step(&state, &input(Action::Enqueue { value: one }), Some(&Output::Dequeued(None))), None);
    }
}
