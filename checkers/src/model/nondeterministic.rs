//! Models of objects that may do one of several things.
//!
//! The checker wants to know *the* state after an operation. An object that has several is
//! turned into one that has a single state: the set of all that are possible.
//! Read next: [`super::Model`], which says what a model promises.

use super::Model;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::hash::Hash;

/// An object that may end up in one of several states, independent per partition key.
///
/// As [`Model`], except that `init` and `step` say *every* possible state.
///
/// # Example: a bag, from which any element may be taken
///
/// ```
/// use squall_checkers::history::{History, Operation, Outcome};
/// use squall_checkers::linearizability::{Limits, Verdict, check};
/// use squall_checkers::model::nondeterministic::{Determinized, Nondeterministic};
/// use std::borrow::Cow;
///
/// /// What is in the bag, in order, so that equal bags are equal.
/// struct Bag;
///
/// #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
/// enum Ask {
///     Put(u8),
///     Take,
/// }
///
/// impl Nondeterministic for Bag {
///     type Key = ();
///     type Input = Ask;
///     type Output = Option<u8>;
///     type State = Vec<u8>;
///
///     fn partition_key<'a>(&self, _: &'a Ask) -> Cow<'a, ()> {
///         Cow::Owned(())
///     }
///
///     fn init(&self) -> Vec<Vec<u8>> {
///         vec![vec![]]
///     }
///
///     fn step(&self, bag: &Vec<u8>, ask: &Ask, answer: Option<&Option<u8>>) -> Vec<Vec<u8>> {
///         let without = |at: usize| [&bag[..at], &bag[at + 1..]].concat();
///         match (ask, answer) {
///             (Ask::Put(element), None | Some(None)) => {
///                 let mut bag = [&bag[..], &[*element]].concat();
///                 bag.sort();
///                 vec![bag]
///             }
///             (Ask::Take, Some(Some(taken))) => bag.iter().position(|element| element == taken).map(without).into_iter().collect(),
///             // Nobody knows what was taken, so it may be any.
///             (Ask::Take, None) if !bag.is_empty() => (0..bag.len()).map(without).collect(),
///             (Ask::Take, None | Some(None)) => if bag.is_empty() { vec![vec![]] } else { vec![] },
///             (Ask::Put(_), Some(Some(_))) => vec![],
///         }
///     }
///
///     fn describe(&self, ask: &Ask, answer: Option<&Option<u8>>) -> String {
///         match ask {
///             Ask::Put(element) => format!("put {element}"),
///             Ask::Take => format!("take -> {answer:?}"),
///         }
///     }
///
///     fn describe_state(&self, bag: &Vec<u8>) -> String {
///         format!("{bag:?}")
///     }
///
///     fn describe_key(&self, _: &()) -> String {
///         "the bag".to_owned()
///     }
/// }
///
/// let call = |id, input, outcome| Operation { id, client: 1, input, outcome, invoked_at: 2 * id, returned_at: 2 * id + 1 };
/// let took = |second| {
///     let history = History::new(vec![
///         call(1, Ask::Put(1), Outcome::Ok(None)),
///         call(2, Ask::Put(2), Outcome::Ok(None)),
///         call(3, Ask::Take, Outcome::Ok(Some(2))), // The younger one: this is no queue.
///         call(4, Ask::Take, Outcome::Ok(Some(second))),
///     ]);
///     check(&Determinized(Bag), &history.expect("it is well-formed"), Limits::default())
/// };
/// assert!(matches!(took(1), Verdict::Ok(_)));
/// assert!(matches!(took(2), Verdict::Illegal(_)));
/// ```
pub trait Nondeterministic {
    /// What tells apart objects that do not influence each other.
    type Key: Clone + Ord + Hash;
    /// What a client may ask for.
    type Input: Clone + Ord + Hash;
    /// What it may be answered.
    type Output: Clone + Ord + Hash;
    /// What one object remembers.
    type State: Clone + Ord + Hash;

    /// The object that an operation is about.
    fn partition_key<'a>(&self, input: &'a Self::Input) -> Cow<'a, Self::Key>;

    /// Every state that an object may be in before any operation; at least one.
    fn init(&self) -> Vec<Self::State>;

    /// Every state that is possible after the operation, in any order; none if it cannot answer this in this state.
    ///
    /// Without an output every answer is possible; there must then be at least one.
    fn step(&self, state: &Self::State, input: &Self::Input, output: Option<&Self::Output>) -> Vec<Self::State>;

    /// An operation for people, such as `take -> 3`.
    fn describe(&self, input: &Self::Input, output: Option<&Self::Output>) -> String;

    /// A state for people.
    fn describe_state(&self, state: &Self::State) -> String;

    /// A partition key for people.
    fn describe_key(&self, key: &Self::Key) -> String;
}

/// A nondeterministic object as a [`Model`]: its state is the set of all states that are possible.
///
/// The set is as large as there are possibilities, which unknown outcomes multiply. Where one
/// state can stand for several, a model of one's own is faster; [`lock`](super::lock) does so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Determinized<N>(pub N);

impl<N: Nondeterministic> Model for Determinized<N> {
    type Key = N::Key;
    type Input = N::Input;
    type Output = N::Output;
    type State = BTreeSet<N::State>;
    type Horizon = ();

    fn partition_key<'a>(&self, input: &'a N::Input) -> Cow<'a, N::Key> {
        self.0.partition_key(input)
    }

    fn init(&self) -> BTreeSet<N::State> {
        self.0.init().into_iter().collect()
    }

    fn step(&self, states: &BTreeSet<N::State>, input: &N::Input, output: Option<&N::Output>) -> Option<BTreeSet<N::State>> {
        let next: BTreeSet<_> = states.iter().flat_map(|state| self.0.step(state, input, output)).collect();
        (!next.is_empty()).then_some(next)
    }

    fn describe(&self, input: &N::Input, output: Option<&N::Output>) -> String {
        self.0.describe(input, output)
    }

    fn describe_state(&self, states: &BTreeSet<N::State>) -> String {
        let states: Vec<_> = states.iter().map(|state| self.0.describe_state(state)).collect();
        states.join(" or ")
    }

    fn describe_key(&self, key: &N::Key) -> String {
        self.0.describe_key(key)
    }
}
