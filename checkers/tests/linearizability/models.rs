//! The other models: histories by hand, and random ones against the twin with a plain object.
//!
//! Not here: the key-value store, which has the rest of this folder.

use crate::compare_on;
use crate::generate::{Random, bytes};
use crate::objects::{
    AppendListObject, CasRegisterObject, CounterObject, Drawn, LockObject, Object, QueueObject, RegisterObject, SetObject, draw,
};
use crate::twin::{OpOf, Twin};
use bytes::Bytes;
use squall_checkers::history::{History, Operation, Outcome};
use squall_checkers::linearizability::{Limits, Verdict, check};
use squall_checkers::model::nondeterministic::{Determinized, Nondeterministic};
use squall_checkers::model::{Model, append_list, cas_register, counter, lock, queue, register, set};
use std::borrow::Cow;

const HISTORIES: u64 = 100_000;

/// What is compared there is how a model is wrapped.
const WRAPPED: u64 = 20_000;

fn is_legal<M: Model>(model: &M, operations: Vec<Operation<M::Input, M::Output>>) -> bool {
    let history = History::new(operations).expect("it is well-formed");
    match check(model, &history, Limits::default()) {
        Verdict::Ok(_) => true,
        Verdict::Illegal(_) => false,
        Verdict::Unknown { limit, .. } => panic!("no verdict on a small history: {limit:?}"),
    }
}

/// Random histories get the verdict of the twin, and both verdicts are frequent.
pub fn agrees_with_the_twin<O: Drawn>(model: &impl Model<Key = Bytes, Input = O::Input, Output = O::Output>, histories: u64) {
    let mut random = Random(11);
    let mut twin = Twin::<O>::default();
    let mut legal = 0;
    for _ in 0..histories {
        let operations = draw::<O>(&mut random, 10);
        let verdict = compare_on(model, &mut twin, &operations);
        legal += u64::from(matches!(verdict, Verdict::Ok(_)));
    }
    assert!((histories / 5..histories * 4 / 5).contains(&legal), "one-sided: {legal} of {histories} are linearizable");
}

/// The plain object as a model, its possible states as a set.
struct Plain<O>(std::marker::PhantomData<O>);

impl<O: Drawn> Nondeterministic for Plain<O>
where
    O::Input: Ord + std::hash::Hash,
    O::Output: Ord + std::hash::Hash,
    O::State: std::hash::Hash,
{
    type Key = Bytes;
    type Input = O::Input;
    type Output = O::Output;
    type State = O::State;

    fn partition_key<'a>(&self, input: &'a O::Input) -> Cow<'a, Bytes> {
        O::model().partition_key(input)
    }

    fn init(&self) -> Vec<O::State> {
        vec![O::State::default()]
    }

    fn step(&self, state: &O::State, input: &O::Input, output: Option<&O::Output>) -> Vec<O::State> {
        let mut next = Vec::new();
        O::execute(state, input, output, &mut next);
        next
    }

    fn describe(&self, input: &O::Input, output: Option<&O::Output>) -> String {
        O::model().describe(input, output)
    }

    fn describe_state(&self, _: &O::State) -> String {
        "a state".to_owned()
    }

    fn describe_key(&self, key: &Bytes) -> String {
        O::model().describe_key(key)
    }
}

#[test]
fn random_histories_of_registers() {
    agrees_with_the_twin::<RegisterObject>(&RegisterObject::model(), HISTORIES);
    agrees_with_the_twin::<CasRegisterObject>(&CasRegisterObject::model(), HISTORIES);
}

#[test]
fn random_histories_of_collections() {
    agrees_with_the_twin::<AppendListObject>(&AppendListObject::model(), HISTORIES);
    agrees_with_the_twin::<SetObject>(&SetObject::model(), HISTORIES);
    agrees_with_the_twin::<QueueObject>(&QueueObject::model(), HISTORIES);
}

#[test]
fn random_histories_of_counters_and_locks() {
    agrees_with_the_twin::<CounterObject>(&CounterObject::model(), HISTORIES);
    agrees_with_the_twin::<LockObject>(&LockObject::model(), HISTORIES);
}

/// The lock is the model that needs most thought about tokens that nobody was told: the set
/// of all tokens says the same.
#[test]
fn random_histories_of_nondeterministic_objects() {
    agrees_with_the_twin::<LockObject>(&Determinized(Plain::<LockObject>(std::marker::PhantomData)), WRAPPED);
    agrees_with_the_twin::<QueueObject>(&Determinized(Plain::<QueueObject>(std::marker::PhantomData)), WRAPPED);
}

/// Operations one after the other, except that those of unknown outcome go on.
fn in_turn<O: Object>(calls: &[(O::Input, Outcome<O::Output>)]) -> Vec<OpOf<O>> {
    let operation = |(id, (input, outcome)): (u64, &(O::Input, Outcome<O::Output>))| Operation {
        id,
        client: id,
        input: input.clone(),
        outcome: outcome.clone(),
        invoked_at: 10 * id,
        returned_at: 10 * id + 5,
    };
    (0..).zip(calls).map(operation).collect()
}

#[test]
fn registers_by_hand() {
    use register::{Action, Input, Output};
    let write = |value| (Input { key: bytes("x"), action: Action::Write { value: bytes(value) } }, Outcome::Ok(Output::Done));
    let maybe = |value| (write(value).0, Outcome::Unknown);
    let failed = |value| (write(value).0, Outcome::Fail);
    let read =
        |value: Option<&str>| (Input { key: bytes("x"), action: Action::Read }, Outcome::Ok(Output::Value(value.map(bytes))));
    let judge = |calls: &[_]| is_legal(&register::Register::default(), in_turn::<RegisterObject>(calls));
    assert!(judge(&[read(None), write("1"), read(Some("1"))]));
    assert!(!judge(&[write("1"), write("2"), read(Some("1"))]), "stale");
    assert!(judge(&[write("1"), maybe("2"), read(Some("1")), read(Some("2"))]), "it took effect late");
    assert!(!judge(&[write("1"), maybe("2"), read(Some("2")), read(Some("1"))]), "it cannot be undone");
    assert!(!judge(&[write("1"), failed("2"), read(Some("2"))]), "it surely had no effect");
}

#[test]
fn cas_registers_by_hand() {
    use cas_register::{Action, Input, Output};
    let input = |action| Input { key: bytes("x"), action };
    let write = |value| (input(Action::Write { value: bytes(value) }), Outcome::Ok(Output::Done));
    let cas = |expected, value, changed| {
        (input(Action::Cas { expected: Some(bytes(expected)), value: bytes(value) }), Outcome::Ok(Output::Changed(changed)))
    };
    let read = |value| (input(Action::Read), Outcome::Ok(Output::Value(Some(bytes(value)))));
    let judge = |calls: &[_]| is_legal(&cas_register::CasRegister::default(), in_turn::<CasRegisterObject>(calls));
    assert!(judge(&[write("1"), cas("1", "2", true), cas("1", "3", false), read("2")]));
    assert!(!judge(&[write("1"), cas("1", "2", true), cas("1", "3", true)]), "both matched");
    assert!(!judge(&[write("1"), cas("1", "2", false)]), "it was there");
}

#[test]
fn append_lists_by_hand() {
    use append_list::{Action, Input, Output};
    let input = |action| Input { key: bytes("x"), action };
    let append = |element| (input(Action::Append { element: bytes(element) }), Outcome::Ok(Output::Done));
    let maybe = |element| (append(element).0, Outcome::Unknown);
    let read =
        |elements: &[&str]| (input(Action::Read), Outcome::Ok(Output::Elements(elements.iter().copied().map(bytes).collect())));
    let judge = |calls: &[_]| is_legal(&append_list::AppendList, in_turn::<AppendListObject>(calls));
    assert!(judge(&[read(&[]), append("1"), append("2"), read(&["1", "2"])]));
    assert!(!judge(&[append("1"), append("2"), read(&["2", "1"])]), "in the wrong order");
    assert!(!judge(&[append("1"), append("2"), read(&["2"])]), "lost");
    assert!(!judge(&[append("1"), read(&["1", "1"])]), "twice");
    assert!(judge(&[maybe("1"), append("2"), read(&["2"]), read(&["2", "1"])]));
    assert!(!judge(&[maybe("1"), append("2"), read(&["2", "1"]), read(&["2"])]));
}

#[test]
fn sets_by_hand() {
    use set::{Action, Input, Output};
    let input = |action| Input { key: bytes("x"), action };
    let add = |element, output| (input(Action::Add { element: bytes(element) }), Outcome::Ok(output));
    let remove = |element, output| (input(Action::Remove { element: bytes(element) }), Outcome::Ok(output));
    let contains = |element, is| (input(Action::Contains { element: bytes(element) }), Outcome::Ok(Output::Contains(is)));
    let read =
        |elements: &[&str]| (input(Action::Read), Outcome::Ok(Output::Elements(elements.iter().copied().map(bytes).collect())));
    let judge = |calls: &[_]| is_legal(&set::Set, in_turn::<SetObject>(calls));
    assert!(judge(&[add("b", Output::Done), add("a", Output::Changed(true)), read(&["a", "b"]), contains("a", true)]));
    assert!(!judge(&[add("a", Output::Done), add("a", Output::Changed(true))]), "it was there");
    assert!(!judge(&[add("a", Output::Done), read(&[])]), "lost");
    assert!(judge(&[add("a", Output::Done), remove("a", Output::Done), contains("a", false)]));
    assert!(!judge(&[remove("a", Output::Changed(true))]), "it was not there");
}

#[test]
fn counters_by_hand() {
    use counter::{Action, Input, Output};
    let input = |action| Input { key: bytes("x"), action };
    let add = |amount, output| (input(Action::Add { amount }), Outcome::Ok(output));
    let maybe = |amount| (input(Action::Add { amount }), Outcome::Unknown);
    let read = |sum| (input(Action::Read), Outcome::Ok(Output::Sum(sum)));
    let judge = |calls: &[_]| is_legal(&counter::Counter, in_turn::<CounterObject>(calls));
    assert!(judge(&[add(2, Output::Done), add(-5, Output::Sum(-3)), read(-3)]));
    assert!(!judge(&[add(2, Output::Done), read(0)]), "lost");
    assert!(!judge(&[add(2, Output::Done), read(4)]), "twice");
    assert!(judge(&[maybe(4), read(0), read(4)]));
    assert!(!judge(&[maybe(4), read(4), read(0)]));
}

#[test]
fn queues_by_hand() {
    use queue::{Action, Input, Output};
    let input = |action| Input { key: bytes("x"), action };
    let enqueue = |value| (input(Action::Enqueue { value: bytes(value) }), Outcome::Ok(Output::Done));
    let dequeue = |value: Option<&str>| (input(Action::Dequeue), Outcome::Ok(Output::Dequeued(value.map(bytes))));
    let maybe = (input(Action::Dequeue), Outcome::Unknown);
    let refused = (input(Action::Dequeue), Outcome::Fail);
    let judge = |calls: &[_]| is_legal(&queue::Queue, in_turn::<QueueObject>(calls));
    assert!(judge(&[dequeue(None), enqueue("1"), enqueue("2"), dequeue(Some("1")), dequeue(Some("2")), dequeue(None)]));
    assert!(!judge(&[enqueue("1"), enqueue("2"), dequeue(Some("2"))]), "not the oldest");
    assert!(!judge(&[enqueue("1"), dequeue(Some("1")), dequeue(Some("1"))]), "twice");
    assert!(!judge(&[enqueue("1"), dequeue(None)]), "lost");
    assert!(judge(&[enqueue("1"), enqueue("2"), maybe.clone(), dequeue(Some("2"))]), "the unknown one took it");
    assert!(judge(&[enqueue("1"), maybe.clone(), dequeue(None)]));
    assert!(!judge(&[enqueue("1"), enqueue("2"), enqueue("3"), maybe, dequeue(Some("3"))]), "it takes one");
    assert!(!judge(&[enqueue("1"), refused, dequeue(None)]));
}

#[test]
fn locks_by_hand() {
    use lock::{Action, Input, Output};
    let input = |action| Input { key: bytes("x"), action };
    let acquire = |token| (input(Action::Acquire), Outcome::Ok(Output::Acquired(Some(token))));
    let release = |token| (input(Action::Release { token: Some(token) }), Outcome::Ok(Output::Released));
    let maybe = (input(Action::Acquire), Outcome::Unknown);
    let expires = |token| (input(Action::Release { token: Some(token) }), Outcome::Unknown);
    let judge = |calls: &[_]| is_legal(&lock::Lock, in_turn::<LockObject>(calls));
    assert!(judge(&[acquire(1), release(1), acquire(2), release(2)]));
    assert!(!judge(&[acquire(1), acquire(2)]), "two holders");
    assert!(judge(&[acquire(1), expires(1), acquire(2)]), "the lease ran out");
    assert!(!judge(&[acquire(1), expires(1), acquire(2), release(1)]), "a late holder is fenced off");
    assert!(!judge(&[acquire(2), release(2), acquire(1)]), "tokens grow");
    assert!(judge(&[maybe.clone(), acquire(1), release(1)]), "it never happened");
    assert!(judge(&[maybe.clone(), release(4), acquire(5)]), "it did, and somebody found out its token");
    assert!(!judge(&[maybe.clone(), release(4), acquire(4)]));
    let not_held = |token| (input(Action::Release { token: Some(token) }), Outcome::Ok(Output::NotHeld));
    assert!(judge(&[maybe, not_held(4), release(4)]), "the acquire may come between");
    let untold = (input(Action::Acquire), Outcome::Ok(Output::Acquired(None)));
    assert!(judge(&[untold.clone(), not_held(4), release(5)]));
    assert!(!judge(&[untold, not_held(4), release(4)]), "an unknown token stays what it is");
}
