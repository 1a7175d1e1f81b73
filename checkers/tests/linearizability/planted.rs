//! Wrong checkers, each with one classic mistake: the comparison with the twin finds each.
//!
//! They are the real checker behind a model or a history that is wrong in one way.

use crate::KvTwin;
use crate::generate::{Random, small};
use crate::{Op, verdict};
use squall_checkers::history::{History, Outcome};
use squall_checkers::linearizability::{Limits, Verdict, check};
use squall_checkers::model::kv::{Horizon, Input, Kv, Output, Value};
use squall_checkers::model::{Call, Model, Use};
use std::borrow::Cow;

const HISTORIES: u64 = 20_000;

/// What a checker does wrong.
#[derive(Clone, Copy, PartialEq)]
enum Mistake {
    None,
    CountsFailedCasAsDone,
    ReadsWhateverChangesNothingNow,
    TakesAbsentForEmpty,
}

/// The key-value model with a mistake.
struct Wrong(Mistake);

impl Model for Wrong {
    type Key = bytes::Bytes;
    type Input = Input;
    type Output = Output;
    type State = Value;
    type Horizon = Horizon;

    fn partition_key<'a>(&self, input: &'a Input) -> Cow<'a, bytes::Bytes> {
        Kv.partition_key(input)
    }

    fn init(&self) -> Value {
        if self.0 == Mistake::TakesAbsentForEmpty { Value::Present(bytes::Bytes::new()) } else { Kv.init() }
    }

    fn step(&self, state: &Value, input: &Input, output: Option<&Output>) -> Option<Value> {
        match (input, output) {
            (Input::Cas { .. }, Some(Output::Changed(false))) if self.0 == Mistake::CountsFailedCasAsDone => {
                Kv.step(state, input, Some(&Output::Changed(true)))
            }
            _ => Kv.step(state, input, output),
        }
    }

    fn describe(&self, input: &Input, output: Option<&Output>) -> String {
        Kv.describe(input, output)
    }

    fn describe_state(&self, state: &Value) -> String {
        Kv.describe_state(state)
    }

    fn describe_key(&self, key: &bytes::Bytes) -> String {
        Kv.describe_key(key)
    }

    fn is_read_only(&self, call: Call<'_, Input, Output>) -> bool {
        match self.0 {
            Mistake::ReadsWhateverChangesNothingNow if call.output.is_some() => true,
            Mistake::CountsFailedCasAsDone if matches!(call.input, Input::Cas { .. }) => false,
            _ => Kv.is_read_only(call),
        }
    }

    fn absorbs(&self, later: Call<'_, Input, Output>, earlier: Call<'_, Input, Output>) -> bool {
        Kv.absorbs(later, earlier)
    }

    fn horizon(&self, uses: &[Use<'_, Input, Output>]) -> Horizon {
        Kv.horizon(uses)
    }

    fn fades(&self, horizon: &Horizon, state: &Value) -> Option<(u64, Value)> {
        Kv.fades(horizon, state)
    }

    fn inert_from(&self, horizon: &Horizon, input: &Input) -> u64 {
        Kv.inert_from(horizon, input)
    }
}

fn wrong_model(mistake: Mistake) -> impl Fn(&[Op]) -> bool {
    move |operations| {
        let history = History::new(operations.to_vec()).expect("generated histories are well-formed");
        matches!(check(&Wrong(mistake), &history, Limits::default()), Verdict::Ok(_))
    }
}

fn wrong_history(change: impl Fn(&mut Op)) -> impl Fn(&[Op]) -> bool {
    move |operations| {
        let mut operations = operations.to_vec();
        operations.iter_mut().for_each(&change);
        matches!(verdict(&operations), Verdict::Ok(_))
    }
}

/// On how many random histories a checker contradicts the twin: accepting, refusing.
fn contradictions(finds_order: impl Fn(&[Op]) -> bool) -> [u64; 2] {
    let mut random = Random(3);
    let mut twin = KvTwin::default();
    let mut contradictions = [0, 0];
    for _ in 0..HISTORIES {
        let operations = small(&mut random);
        match (finds_order(&operations), twin.is_linearizable(&operations)) {
            (true, false) => contradictions[0] += 1,
            (false, true) => contradictions[1] += 1,
            _ => {}
        }
    }
    contradictions
}

#[test]
fn the_same_detours_without_a_mistake_contradict_nothing() {
    assert_eq!(contradictions(wrong_model(Mistake::None)), [0, 0]);
    assert_eq!(contradictions(wrong_history(|_| {})), [0, 0]);
}

#[test]
fn a_checker_that_ignores_real_time_is_caught_accepting() {
    let caught = contradictions(wrong_history(|op| (op.invoked_at, op.returned_at) = (0, u64::MAX)));
    assert!(caught[0] > 0);
    assert_eq!(caught[1], 0);
}

#[test]
fn a_checker_that_orders_simultaneous_events_is_caught_refusing() {
    let caught = contradictions(wrong_history(|op| {
        op.invoked_at = op.invoked_at * 3 + 1;
        op.returned_at = (op.returned_at * 3).max(op.invoked_at);
    }));
    assert_eq!(caught[0], 0);
    assert!(caught[1] > 0);
}

#[test]
fn a_checker_for_which_unknown_means_never_is_caught_refusing() {
    let caught = contradictions(wrong_history(|op| {
        if op.outcome == Outcome::Unknown {
            op.outcome = Outcome::Fail;
        }
    }));
    assert_eq!(caught[0], 0);
    assert!(caught[1] > 0);
}

#[test]
fn a_checker_for_which_unknown_means_done_is_caught_refusing() {
    let caught = contradictions(wrong_history(|op| {
        if op.outcome == Outcome::Unknown && matches!(op.input, Input::Put { .. } | Input::Append { .. }) {
            op.outcome = Outcome::Ok(Output::Done);
        }
    }));
    assert!(caught[1] > 0);
}

#[test]
fn a_checker_for_which_a_failed_cas_succeeded_is_caught_both_ways() {
    let caught = contradictions(wrong_model(Mistake::CountsFailedCasAsDone));
    assert!(caught[0] > 0);
    assert!(caught[1] > 0);
}

#[test]
fn a_checker_that_absorbs_writes_like_reads_is_caught_refusing() {
    let caught = contradictions(wrong_model(Mistake::ReadsWhateverChangesNothingNow));
    assert_eq!(caught[0], 0);
    assert!(caught[1] > 0);
}

#[test]
fn a_checker_that_takes_absent_for_empty_is_caught_both_ways() {
    let caught = contradictions(wrong_model(Mistake::TakesAbsentForEmpty));
    assert!(caught[0] > 0);
    assert!(caught[1] > 0);
}
