//! A history judged while it arrives gets, after each event, the verdict of the twin on what
//! arrived until then.

use crate::generate::{Random, bytes as text, small};
use crate::{KvTwin, Op};
use squall_checkers::history::Outcome;
use squall_checkers::linearizability::{Limits, SoFar, Stream, Verdict};
use squall_checkers::model::kv::{Input, Kv, Output};

const HISTORIES: u64 = 20_000;

const WELL_FORMED: &str = "the events are well-formed";

/// An event of an operation, by place; invocations come before returns of the same time.
#[derive(Clone, Copy)]
enum Event {
    Invoke(usize),
    End(usize),
}

fn events(operations: &[Op]) -> Vec<Event> {
    let mut events = Vec::new();
    for (place, operation) in operations.iter().enumerate() {
        events.push((operation.invoked_at, 0, Event::Invoke(place)));
        events.push((operation.returned_at, 1, Event::End(place)));
    }
    events.sort_by_key(|(time, kind, _)| (*time, *kind));
    events.into_iter().map(|(.., event)| event).collect()
}

fn feed(stream: &mut Stream<Kv>, operations: &[Op], event: Event) {
    match event {
        Event::Invoke(place) => stream.invoke(operations[place].id, operations[place].input.clone()),
        Event::End(place) => stream.end(operations[place].id, operations[place].outcome.clone()),
    }
    .expect(WELL_FORMED);
}

/// What arrived so far; operations in flight are of unknown outcome.
fn arrived(operations: &[Op], events: &[Event]) -> Vec<Op> {
    let mut arrived = Vec::new();
    for event in events {
        match *event {
            Event::Invoke(place) => arrived.push(Op { outcome: Outcome::Unknown, ..operations[place].clone() }),
            Event::End(place) => {
                let id = operations[place].id;
                let op: &mut Op = arrived.iter_mut().find(|op| op.id == id).expect("it was invoked before");
                op.outcome = operations[place].outcome.clone();
            }
        }
    }
    arrived
}

#[test]
fn after_each_event_the_verdict_is_the_twins() {
    compare_streams(HISTORIES);
}

pub fn compare_streams(histories: u64) {
    let (mut random, mut twin, mut illegal) = (Random(5), KvTwin::default(), 0);
    for _ in 0..histories {
        let operations = small(&mut random);
        let events = events(&operations);
        let mut stream = Stream::new(Kv, Limits::default());
        for count in 1..=events.len() {
            feed(&mut stream, &operations, events[count - 1]);
            let expected = twin.is_linearizable(&arrived(&operations, &events[..count]));
            assert_eq!(stream.verdict() == SoFar::Ok, expected, "after {count} events of {operations:#?}");
            assert_eq!(stream.clone().verdict(), stream.verdict());
        }
        assert_eq!((stream.in_flight(), stream.waiting()), (0, 0), "at a quiet point nothing waits");
        // Later events do not bring an order back, and the blame stays where it was.
        match (stream.verdict(), crate::verdict(&operations)) {
            (SoFar::Ok, Verdict::Ok(_)) => {}
            (SoFar::Illegal { key, operation }, Verdict::Illegal(evidence)) => {
                assert_eq!((key, operation), (evidence.key, evidence.operation));
                illegal += 1;
            }
            differing => panic!("{differing:?}\n{operations:#?}"),
        }
    }
    assert!((histories / 5..histories * 4 / 5).contains(&illegal));
}

/// A million operations go through, and what the judge remembers does not grow: each value
/// is new, and a clone taken at the end is as small as one taken early.
#[test]
fn nothing_waits_at_quiet_points_of_a_long_history() {
    let mut stream = Stream::new(Kv, Limits::default());
    let key = bytes::Bytes::from_static(b"k");
    for id in 0..100_000 {
        let value = bytes::Bytes::from(format!("v{id}"));
        stream.invoke(3 * id, Input::Put { key: key.clone(), value: value.clone() }).unwrap();
        stream.invoke(3 * id + 1, Input::Get { key: key.clone() }).unwrap();
        stream.end(3 * id, Outcome::Ok(Output::Done)).unwrap();
        stream.end(3 * id + 1, Outcome::Ok(Output::Value(Some(value)))).unwrap();
        assert_eq!(stream.waiting(), 0);
    }
    assert_eq!(stream.verdict(), SoFar::Ok);
    stream.invoke(1, Input::Get { key: key.clone() }).unwrap();
    stream.end(1, Outcome::Ok(Output::Value(None))).unwrap();
    assert_eq!(stream.verdict(), SoFar::Illegal { key, operation: 1 });
}

/// What nobody can ask for any more is forgotten while two values are still possible.
#[test]
fn states_are_forgotten_but_those_that_are_possible() {
    judge_many_states();
}

pub fn judge_many_states() {
    let key = || bytes::Bytes::from_static(b"k");
    let mut stream = Stream::new(Kv, Limits::default());
    for round in 0..1_000 {
        stream.invoke(0, Input::Put { key: key(), value: text(&format!("{round}")) }).expect(WELL_FORMED);
        stream.end(0, Outcome::Ok(Output::Done)).expect(WELL_FORMED);
        for (id, value) in [(1, "a"), (2, "b")] {
            stream.invoke(id, Input::Append { key: key(), value: text(value) }).expect(WELL_FORMED);
        }
        for id in [1, 2] {
            stream.end(id, Outcome::Ok(Output::Done)).expect(WELL_FORMED);
        }
        let seen = text(&format!("{round}{}", ["ab", "ba"][round % 2]));
        stream.invoke(3, Input::Get { key: key() }).expect(WELL_FORMED);
        stream.end(3, Outcome::Ok(Output::Value(Some(seen)))).expect(WELL_FORMED);
        assert_eq!(stream.verdict(), SoFar::Ok, "after {round} rounds");
    }
}

#[test]
fn events_out_of_order_are_refused() {
    let get = || Input::Get { key: bytes::Bytes::from_static(b"k") };
    let mut stream = Stream::new(Kv, Limits::default());
    let error = stream.end(7, Outcome::Unknown).unwrap_err();
    assert_eq!(error.to_string(), "operation 7: found its end, expected an invocation before");
    stream.invoke(7, get()).unwrap();
    let error = stream.invoke(7, get()).unwrap_err();
    assert_eq!(error.to_string(), "operation 7: found a second invocation while it is in flight, expected its end");
}
