//! Sequential specifications: what an object may answer if operations come one by one.
//!
//! Not here: concurrency and real time, which are the business of `linearizability`.
//! Read next: [`register`], the simplest model; [`kv`], the one with the most operations;
//! [`nondeterministic`], for objects that may do one of several things.
//!
//! | model | operations |
//! | --- | --- |
//! | [`register`] | read, write |
//! | [`cas_register`] | read, write, compare-and-set |
//! | [`kv`] | get, put, append, compare-and-set, delete |
//! | [`append_list`] | append an element, read all |
//! | [`set`] | add, remove, contains, read all |
//! | [`counter`] | add, read |
//! | [`queue`] | enqueue, dequeue |
//! | [`lock`] | acquire with a fencing token, release |
//!
//! Every operation names a key, and keys are judged apart. A history of a single object may
//! leave the key empty.

mod access;
pub mod append_list;
pub mod cas_register;
mod collection;
pub mod counter;
pub mod kv;
pub mod lock;
pub mod nondeterministic;
pub mod queue;
pub mod register;
pub mod set;
mod text;

pub use access::{Access, Value};
pub use collection::{Membership, Queueing};
use std::borrow::Cow;
use std::hash::Hash;

/// One operation as the search sees it: its input and, if it is known, its output.
#[derive(Debug)]
pub struct Call<'a, I, O> {
    /// What was asked for.
    pub input: &'a I,
    /// What was answered; `None` if the outcome is unknown.
    pub output: Option<&'a O>,
}

// Derived ones would ask for `I: Clone` and `O: Clone`, but only references are copied.
impl<I, O> Clone for Call<'_, I, O> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<I, O> Copy for Call<'_, I, O> {}

/// An operation with the moment after which it no longer observes anything.
#[derive(Debug)]
pub struct Use<'a, I, O> {
    /// The operation.
    pub call: Call<'a, I, O>,
    /// Its place among the returns of its partition, counted from 1;
    /// `u64::MAX` if it never returned.
    pub returns: u64,
}

/// A deterministic object, independent per partition key.
///
/// Four methods say what the object is: `partition_key`, `init`, `step` and the three
/// `describe`s for people. The others are knowledge that makes the search fast. Their defaults know nothing
/// and are right for every model; an answer that is not true makes verdicts wrong, so each
/// says exactly what it promises.
///
/// # Example: a model of one's own, a number that only rises
///
/// ```
/// use squall_checkers::history::{History, Operation, Outcome};
/// use squall_checkers::linearizability::{Limits, Verdict, check};
/// use squall_checkers::model::Model;
/// use std::borrow::Cow;
///
/// struct Maximum;
///
/// #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
/// enum Ask {
///     /// Answered by the greatest number so far.
///     Raise(u64),
/// }
///
/// impl Model for Maximum {
///     type Key = (); // There is only one.
///     type Input = Ask;
///     type Output = u64;
///     type State = u64;
///     type Horizon = ();
///
///     fn partition_key<'a>(&self, _: &'a Ask) -> Cow<'a, ()> {
///         Cow::Owned(())
///     }
///
///     fn init(&self) -> u64 {
///         0
///     }
///
///     fn step(&self, maximum: &u64, Ask::Raise(to): &Ask, answer: Option<&u64>) -> Option<u64> {
///         let raised = *maximum.max(to);
///         answer.is_none_or(|answer| *answer == raised).then_some(raised)
///     }
///
///     fn describe(&self, Ask::Raise(to): &Ask, answer: Option<&u64>) -> String {
///         format!("raise to {to} -> {answer:?}")
///     }
///
///     fn describe_state(&self, maximum: &u64) -> String {
///         maximum.to_string()
///     }
///
///     fn describe_key(&self, _: &()) -> String {
///         "the maximum".to_owned()
///     }
/// }
///
/// let raise = |id, to, answer| Operation {
///     id,
///     client: id,
///     input: Ask::Raise(to),
///     outcome: Outcome::Ok(answer),
///     invoked_at: 10 * id,
///     returned_at: 10 * id + 5,
/// };
/// let judge = |answer| {
///     let history = History::new(vec![raise(1, 7, 7), raise(2, 3, answer)]).expect("it is well-formed");
///     check(&Maximum, &history, Limits::default())
/// };
/// assert_eq!(judge(7), Verdict::Ok([((), vec![1, 2])].into()));
/// assert!(matches!(judge(3), Verdict::Illegal(_)), "it fell");
/// ```
pub trait Model {
    /// What tells apart objects that do not influence each other.
    type Key: Clone + Ord + Hash;
    /// What a client may ask for.
    type Input: Clone + Ord + Hash;
    /// What it may be answered.
    type Output: Clone + Ord + Hash;
    /// What one object remembers.
    type State: Clone + Eq + Hash;
    /// What [`Model::horizon`] knows about the rest of a history; `()` if nothing.
    type Horizon: Default;

    /// The object that an operation is about; borrowed where the input holds it, so that millions of
    /// operations need no copy.
    fn partition_key<'a>(&self, input: &'a Self::Input) -> Cow<'a, Self::Key>;

    /// What an object is before any operation.
    fn init(&self) -> Self::State;

    /// The state after the operation, or `None` if it cannot answer this in this state.
    ///
    /// Without an output every answer is possible; the result is then always `Some`.
    fn step(&self, state: &Self::State, input: &Self::Input, output: Option<&Self::Output>) -> Option<Self::State>;

    /// What `step` says, of a state that nobody needs any more. Models whose states are
    /// expensive to copy may say it without a copy.
    fn advance(&self, state: Self::State, input: &Self::Input, output: Option<&Self::Output>) -> Option<Self::State> {
        self.step(&state, input, output)
    }

    /// An operation for people, such as `get -> "v1"`.
    fn describe(&self, input: &Self::Input, output: Option<&Self::Output>) -> String;

    /// A state for people, such as `"v1"`.
    fn describe_state(&self, state: &Self::State) -> String;

    /// A partition key for people.
    fn describe_key(&self, key: &Self::Key) -> String;

    /// How many bytes a state takes, roughly: the checker's limit on memory counts with it.
    fn state_bytes(&self, _state: &Self::State) -> usize {
        size_of::<Self::State>()
    }

    /// Promises that wherever this operation is possible it changes nothing.
    ///
    /// Mind the difference to "changes nothing in the present state": a put of the value
    /// that is already there is not a read, because it may matter later.
    fn is_read_only(&self, _call: Call<'_, Self::Input, Self::Output>) -> bool {
        false
    }

    /// Promises that wherever `later` is possible `earlier` is possible as well, that
    /// `later` is still possible after it, and that its result is then the same.
    fn absorbs(&self, _later: Call<'_, Self::Input, Self::Output>, _earlier: Call<'_, Self::Input, Self::Output>) -> bool {
        false
    }

    /// The same operation as an access to the one value that the object holds; `None` if it is
    /// none, or not one that can be said in these words. Promises that `step` agrees.
    fn access<'a>(&self, _call: Call<'a, Self::Input, Self::Output>) -> Option<Access<'a>> {
        None
    }

    /// The value of an object before any access.
    fn initial_value(&self) -> Value<'_> {
        Value::Absent
    }

    /// The same operation as one on a queue that was empty at first; `None` if it is none.
    /// Promises that `step` agrees.
    fn queueing<'a>(&self, _call: Call<'a, Self::Input, Self::Output>) -> Option<Queueing<'a>> {
        None
    }

    /// The same operation as one on a set that was empty at first; `None` if it is none.
    /// Promises that `step` agrees.
    fn membership<'a>(&self, _call: Call<'a, Self::Input, Self::Output>) -> Option<Membership<'a>> {
        None
    }

    /// Looks ahead over all operations on one object, for `fades` and `inert_from`.
    fn horizon(&self, _uses: &[Use<'_, Self::Input, Self::Output>]) -> Self::Horizon {
        Self::Horizon::default()
    }

    /// Promises that the operations that return after this return cannot tell the state
    /// from the other one, whatever order they come in; `None` if they might always.
    /// The other one must not fade itself.
    fn fades(&self, _horizon: &Self::Horizon, _state: &Self::State) -> Option<(u64, Self::State)> {
        None
    }

    /// The first return from which on this operation, its outcome unknown, takes *every*
    /// state to one that faded into the same state, and so do all such operations.
    fn inert_from(&self, _horizon: &Self::Horizon, _input: &Self::Input) -> u64 {
        u64::MAX
    }
}
