//! What is written is read back, whatever the bytes.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use squall_checkers::format::spelling::Spelling;
use squall_checkers::format::{jsonl, read};
use squall_checkers::history::{History, Operation, Outcome};
use squall_checkers::model::{append_list, cas_register, counter, kv, lock, queue, register, set};

/// An operation and what came of it: nobody knows, it failed, or an answer.
type Call<I, O> = (I, Option<Option<O>>);

/// Writes calls as a history, one after the other, and reads it back.
fn comes_back<M: Spelling>(model: &M, calls: Vec<Call<M::Input, M::Output>>)
where
    M::Input: std::fmt::Debug,
    M::Output: std::fmt::Debug,
{
    let operation = |(id, (input, outcome)): (u64, Call<M::Input, M::Output>)| {
        let outcome = match outcome {
            None => Outcome::Unknown,
            Some(None) => Outcome::Fail,
            Some(Some(output)) => Outcome::Ok(output),
        };
        let returned_at = if outcome == Outcome::Unknown { 2 * id } else { 2 * id + 1 };
        Operation { id: id ^ 1, client: id % 3, input, outcome, invoked_at: 2 * id, returned_at }
    };
    let operations: Vec<_> = (0..).zip(calls).map(operation).collect();
    let witness: Vec<_> = operations.iter().map(|operation| (operation.id % 3 != 0).then_some(operation.id)).collect();
    let history = History::new(operations).expect("it is well-formed");
    let text = jsonl::write(model, "any", &history, &witness);
    let back = read(model, "back", text.as_bytes(), None).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(back.history, history, "{text}");
    assert_eq!(back.witness, witness, "{text}");
}

fn any_bytes() -> impl Strategy<Value = Bytes> {
    prop_oneof![vec(any::<u8>(), 0..6).prop_map(Bytes::from), "[a-c0-9\"\\\\\n]{0,3}".prop_map(Bytes::from)]
}

/// Operations with whatever may come of them.
fn any_of<I, O, S>(input: impl Strategy<Value = I>, answer: impl Fn(I) -> S) -> impl Strategy<Value = Vec<Call<I, O>>>
where
    I: Clone + std::fmt::Debug,
    O: Clone + std::fmt::Debug,
    S: Strategy<Value = O>,
{
    let call = input.prop_flat_map(move |input| (Just(input.clone()), proptest::option::of(proptest::option::of(answer(input)))));
    vec(call, 1..8)
}

fn some_bytes() -> impl Strategy<Value = Option<Bytes>> {
    proptest::option::of(any_bytes())
}

proptest! {
    #[test]
    fn registers(calls in any_of(
        (any_bytes(), some_bytes()).prop_map(|(key, value)| register::Input {
            key,
            action: value.map_or(register::Action::Read, |value| register::Action::Write { value }),
        }),
        |input| some_bytes().prop_map(move |value| match input.action {
            register::Action::Read => register::Output::Value(value),
            register::Action::Write { .. } => register::Output::Done,
        }),
    )) {
        comes_back(&register::Register::default(), calls);
    }

    #[test]
    fn cas_registers(calls in any_of(
        (any_bytes(), some_bytes(), some_bytes()).prop_map(|(key, expected, value)| cas_register::Input {
            key,
            action: match (expected, value) {
                (None, None) => cas_register::Action::Read,
                (Some(value), None) => cas_register::Action::Write { value },
                (expected, Some(value)) => cas_register::Action::Cas { expected, value },
            },
        }),
        |input| some_bytes().prop_map(move |value| match input.action {
            cas_register::Action::Read => cas_register::Output::Value(value),
            cas_register::Action::Write { .. } => cas_register::Output::Done,
            cas_register::Action::Cas { .. } => cas_register::Output::Changed(value.is_some()),
        }),
    )) {
        comes_back(&cas_register::CasRegister::default(), calls);
    }

    #[test]
    fn stores(calls in any_of(
        (any_bytes(), some_bytes(), some_bytes(), 0..5_u8).prop_map(|(key, expected, value, kind)| {
            let some = value.unwrap_or_default();
            match kind {
                0 => kv::Input::Get { key },
                1 => kv::Input::Put { key, value: some },
                2 => kv::Input::Append { key, value: some },
                3 => kv::Input::Cas { key, expected, value: some },
                _ => kv::Input::Delete { key },
            }
        }),
        |input| some_bytes().prop_map(move |value| match input {
            kv::Input::Get { .. } => kv::Output::Value(value),
            kv::Input::Put { .. } | kv::Input::Append { .. } => kv::Output::Done,
            kv::Input::Cas { .. } | kv::Input::Delete { .. } => kv::Output::Changed(value.is_some()),
        }),
    )) {
        comes_back(&kv::Kv, calls);
    }

    #[test]
    fn lists(calls in any_of(
        (any_bytes(), some_bytes()).prop_map(|(key, element)| append_list::Input {
            key,
            action: element.map_or(append_list::Action::Read, |element| append_list::Action::Append { element }),
        }),
        |input| vec(any_bytes(), 0..3).prop_map(move |elements| match input.action {
            append_list::Action::Read => append_list::Output::Elements(elements),
            append_list::Action::Append { .. } => append_list::Output::Done,
        }),
    )) {
        comes_back(&append_list::AppendList, calls);
    }

    #[test]
    fn sets(calls in any_of(
        (any_bytes(), any_bytes(), 0..4_u8).prop_map(|(key, element, kind)| set::Input {
            key,
            action: match kind {
                0 => set::Action::Add { element },
                1 => set::Action::Remove { element },
                2 => set::Action::Contains { element },
                _ => set::Action::Read,
            },
        }),
        |input| (vec(any_bytes(), 0..3), proptest::option::of(any::<bool>())).prop_map(move |(elements, flag)| match input.action {
            set::Action::Add { .. } | set::Action::Remove { .. } => flag.map_or(set::Output::Done, set::Output::Changed),
            set::Action::Contains { .. } => set::Output::Contains(flag.is_some()),
            set::Action::Read => set::Output::Elements(elements.into_iter().collect()),
        }),
    )) {
        comes_back(&set::Set, calls);
    }

    #[test]
    fn counters(calls in any_of(
        (any_bytes(), proptest::option::of(any::<i64>())).prop_map(|(key, amount)| counter::Input {
            key,
            action: amount.map_or(counter::Action::Read, |amount| counter::Action::Add { amount }),
        }),
        |input| (any::<i64>(), any::<bool>()).prop_map(move |(sum, tells)| match input.action {
            counter::Action::Add { .. } if !tells => counter::Output::Done,
            _ => counter::Output::Sum(sum),
        }),
    )) {
        comes_back(&counter::Counter, calls);
    }

    #[test]
    fn queues(calls in any_of(
        (any_bytes(), some_bytes()).prop_map(|(key, value)| queue::Input {
            key,
            action: value.map_or(queue::Action::Dequeue, |value| queue::Action::Enqueue { value }),
        }),
        |input| some_bytes().prop_map(move |value| match input.action {
            queue::Action::Dequeue => queue::Output::Dequeued(value),
            queue::Action::Enqueue { .. } => queue::Output::Done,
        }),
    )) {
        comes_back(&queue::Queue, calls);
    }

    #[test]
    fn locks(calls in any_of(
        (any_bytes(), proptest::option::of(proptest::option::of(any::<u64>()))).prop_map(|(key, token)| lock::Input {
            key,
            action: token.map_or(lock::Action::Acquire, |token| lock::Action::Release { token }),
        }),
        |input| (proptest::option::of(any::<u64>()), any::<bool>()).prop_map(move |(token, is_right)| match (&input.action, is_right) {
            (lock::Action::Acquire, true) => lock::Output::Acquired(token),
            (lock::Action::Acquire, false) => lock::Output::Busy,
            (lock::Action::Release { .. }, true) => lock::Output::Released,
            (lock::Action::Release { .. }, false) => lock::Output::NotHeld,
        }),
    )) {
        comes_back(&lock::Lock, calls);
    }
}
