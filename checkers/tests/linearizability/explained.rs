//! Explanations of illegal histories: by hand for each kind of violation, and the core by brute
//! force, which tries every selection of the other operations.
//!
//! Not here: the words of the explanation (`limits` has one whole text).

use crate::generate::{Random, bytes, small};
use crate::objects::{
    AppendListObject, CasRegisterObject, CounterObject, Drawn, KvObject, LockObject, Object, QueueObject, RegisterObject,
    SetObject, draw,
};
use crate::twin::{OpOf, Twin};
use bytes::Bytes;
use squall_checkers::history::{History, Operation, Outcome};
use squall_checkers::linearizability::{Explanation, Illegal, Limits, Relation, Verdict, check, explain};
use squall_checkers::model::{Model, append_list, cas_register, kv::Kv, lock, queue, register};

/// Evidence and its explanation.
type Explained<K> = (Illegal<K>, Explanation<K>);

/// The evidence and its explanation; nothing if there is an order.
fn explained<M: Model>(model: &M, operations: &[Operation<M::Input, M::Output>]) -> Option<Explained<M::Key>> {
    let history = History::new(operations.to_vec()).expect("it is well-formed");
    match check(model, &history, Limits::default()) {
        Verdict::Ok(_) => None,
        Verdict::Illegal(illegal) => {
            let explanation = explain(model, &history, &illegal, Limits::default());
            let lines = explanation.text(model, &history).lines().count();
            assert!(lines <= 40, "{lines} lines do not fit a screen");
            Some((illegal, explanation))
        }
        Verdict::Unknown { limit, .. } => panic!("no verdict on a small history: {limit:?}"),
    }
}

/// Operations one after the other; the core, and the sources of the last one.
fn in_turn<M: Model>(model: &M, calls: &[(M::Input, Outcome<M::Output>)]) -> (Vec<u64>, Vec<(u64, Relation)>) {
    let operation = |(id, (input, outcome)): (u64, &(M::Input, Outcome<M::Output>))| Operation {
        id,
        client: id,
        input: input.clone(),
        outcome: outcome.clone(),
        invoked_at: 10 * id,
        returned_at: 10 * id + 5,
    };
    let operations: Vec<_> = (0..).zip(calls).map(operation).collect();
    let (_, explanation) = explained(model, &operations).expect("it is illegal");
    assert!(explanation.core.is_minimal);
    let answer = explanation.answers.iter().find(|answer| answer.operation == explanation.operation).expect("it is told");
    (explanation.core.operations, answer.sources.iter().map(|source| (source.operation, source.relation)).collect())
}

#[test]
fn registers_by_hand() {
    use register::{Action, Input, Output};
    let write = |value| (Input { key: bytes("x"), action: Action::Write { value: bytes(value) } }, Outcome::Ok(Output::Done));
    let failed = |value| (write(value).0, Outcome::Fail);
    let read =
        |value: Option<&str>| (Input { key: bytes("x"), action: Action::Read }, Outcome::Ok(Output::Value(value.map(bytes))));
    let explain = |calls: &[_]| in_turn(&register::Register::default(), calls);
    let stale = [write("0"), write("1"), read(Some("1")), write("2"), read(Some("2")), read(Some("1"))];
    assert_eq!(explain(&stale), (vec![4, 5], vec![(1, Relation::Before)]), "stale");
    assert_eq!(explain(&[write("1"), write("2"), read(Some("1"))]), (vec![1, 2], vec![(0, Relation::Before)]), "stale");
    assert_eq!(explain(&[write("1"), read(Some("1")), read(None)]), (vec![1, 2], vec![]), "lost");
    assert_eq!(explain(&[write("1"), failed("2"), read(Some("2"))]), (vec![2], vec![(1, Relation::Failed)]));
    assert_eq!(explain(&[read(Some("2")), write("2")]), (vec![0], vec![(1, Relation::After)]), "from the future");
    assert_eq!(explain(&[write("1"), read(Some("2"))]), (vec![1], vec![]), "from nowhere");
}

#[test]
fn compare_and_set_by_hand() {
    use cas_register::{Action, Input, Output};
    let input = |action| Input { key: bytes("x"), action };
    let write = |value| (input(Action::Write { value: bytes(value) }), Outcome::Ok(Output::Done));
    let cas = |expected, value, changed| {
        (input(Action::Cas { expected: Some(bytes(expected)), value: bytes(value) }), Outcome::Ok(Output::Changed(changed)))
    };
    let explain = |calls: &[_]| in_turn(&cas_register::CasRegister::default(), calls);
    assert_eq!(explain(&[write("0"), write("1"), cas("1", "2", false)]), (vec![1, 2], vec![]), "it was there");
    let twice = [write("1"), cas("1", "2", true), cas("1", "3", true)];
    assert_eq!(explain(&twice), (vec![1, 2], vec![(0, Relation::Before)]), "both matched");
}

#[test]
fn collections_by_hand() {
    let list = |action| append_list::Input { key: bytes("x"), action };
    let append =
        |element| (list(append_list::Action::Append { element: bytes(element) }), Outcome::Ok(append_list::Output::Done));
    let read = |elements: &[&str]| {
        let elements = elements.iter().copied().map(bytes).collect();
        (list(append_list::Action::Read), Outcome::Ok(append_list::Output::Elements(elements)))
    };
    let explain = |calls: &[_]| in_turn(&append_list::AppendList, calls);
    assert_eq!(explain(&[append("0"), append("1"), read(&["0", "1", "1"])]), (vec![2], vec![]), "twice");
    let lost = explain(&[append("0"), append("1"), append("2"), read(&["0", "2"])]);
    assert_eq!(lost, (vec![1, 3], vec![(0, Relation::Before), (2, Relation::Before)]), "lost");

    let queued = |action| queue::Input { key: bytes("x"), action };
    let enqueue = |value| (queued(queue::Action::Enqueue { value: bytes(value) }), Outcome::Ok(queue::Output::Done));
    let dequeue = |value: Option<&str>| (queued(queue::Action::Dequeue), Outcome::Ok(queue::Output::Dequeued(value.map(bytes))));
    let explain = |calls: &[_]| in_turn(&queue::Queue, calls);
    let overtaken = [enqueue("0"), dequeue(Some("0")), enqueue("1"), enqueue("2"), dequeue(Some("2"))];
    assert_eq!(explain(&overtaken), (vec![2, 4], vec![(3, Relation::Before)]), "out of order");
    assert_eq!(explain(&[enqueue("1"), dequeue(Some("1")), dequeue(Some("1"))]).0, [1, 2], "twice");
}

#[test]
fn two_holders_by_hand() {
    use lock::{Action, Input, Output};
    let input = |action| Input { key: bytes("x"), action };
    let acquire = |token| (input(Action::Acquire), Outcome::Ok(Output::Acquired(Some(token))));
    let release = |token| (input(Action::Release { token: Some(token) }), Outcome::Ok(Output::Released));
    let two = in_turn(&lock::Lock, &[acquire(1), release(1), acquire(2), acquire(3)]);
    assert_eq!(two, (vec![2, 3], vec![]));
}

/// What was known of the illegal key when it died, as the brute force sees it.
fn prefix<O: Object>(
    model: &impl Model<Key = Bytes, Input = O::Input, Output = O::Output>,
    operations: &[OpOf<O>],
    illegal: &Illegal<Bytes>,
) -> Vec<OpOf<O>> {
    let died_at = operations.iter().find(|op| op.id == illegal.operation).expect("it is in the history").returned_at;
    let is_part =
        |op: &&OpOf<O>| *model.partition_key(&op.input) == illegal.key && op.outcome != Outcome::Fail && op.invoked_at <= died_at;
    operations.iter().filter(is_part).cloned().collect()
}

/// Whether these cannot be ordered, together with whatever selection of the others.
fn is_conflict<O: Object>(twin: &mut Twin<O>, prefix: &[OpOf<O>], core: &[u64]) -> bool {
    let (certain, others): (Vec<_>, Vec<_>) = prefix.iter().cloned().partition(|op| core.contains(&op.id));
    (0..1 << others.len()).all(|selection: usize| {
        let selected = others.iter().enumerate().filter(|(place, _)| selection & 1 << place != 0);
        let operations: Vec<_> = certain.iter().cloned().chain(selected.map(|(_, op)| op.clone())).collect();
        !twin.is_linearizable(&operations)
    })
}

/// What is wrong with a core: nothing, if it is a conflict and none of its operations can be left out.
fn flaw<O: Object>(twin: &mut Twin<O>, prefix: &[OpOf<O>], core: &[u64]) -> Option<String> {
    if !is_conflict(twin, prefix, core) {
        return Some("it can be ordered".to_owned());
    }
    let superfluous = core.iter().find(|left_out| {
        let less: Vec<_> = core.iter().copied().filter(|id| id != *left_out).collect();
        is_conflict(twin, prefix, &less)
    });
    superfluous.map(|id| format!("{id} can be left out"))
}

/// Each core is minimal by brute force; and so that it is known that the brute force sees
/// it: a core with one operation more or less is not.
fn cores_are_minimal<O: Drawn>() {
    cores_of::<O>(&O::model(), |random| draw::<O>(random, 8));
}

fn cores_of<O: Object>(
    model: &impl Model<Key = Bytes, Input = O::Input, Output = O::Output>,
    draw: impl Fn(&mut Random) -> Vec<OpOf<O>>,
) {
    let (mut random, mut twin) = (Random(4), Twin::<O>::default());
    let (mut illegal_ones, mut of_several) = (0, 0);
    while illegal_ones < 400 || of_several < 100 {
        let operations = draw(&mut random);
        let Some((illegal, explanation)) = explained(model, &operations) else { continue };
        illegal_ones += 1;
        let prefix = prefix::<O>(model, &operations, &illegal);
        let core = &explanation.core.operations;
        assert!(explanation.core.is_minimal && core.contains(&illegal.operation));
        assert_eq!(flaw(&mut twin, &prefix, core), None, "{core:?}\n{prefix:#?}");
        let answered = prefix.iter().filter(|op| illegal.prefix.contains(&op.id) && !core.contains(&op.id));
        for more in answered {
            assert!(flaw(&mut twin, &prefix, &[&core[..], &[more.id]].concat()).is_some(), "{core:?}, {more:?}");
        }
        assert!(flaw(&mut twin, &prefix, &core[1..]).is_some() && flaw(&mut twin, &prefix, &core[..core.len() - 1]).is_some());
        of_several += u64::from(1 < core.len());
        order_is_one::<O>(&mut twin, &prefix, &illegal, &explanation);
    }
}

/// The longest prefix has the order that is reported: as it stands there, and by real time.
fn order_is_one<O: Object>(twin: &mut Twin<O>, prefix: &[OpOf<O>], illegal: &Illegal<Bytes>, explanation: &Explanation<Bytes>) {
    let order = explanation.order.as_ref().expect("no limit was hit");
    let by_id = |id: &u64| prefix.iter().find(|op| op.id == *id).expect("it is in the prefix");
    let had_returned = |op: &OpOf<O>| illegal.prefix.contains(&op.id) && op.id != illegal.operation;
    let one_by_one = (0..).zip(order.iter().map(by_id)).map(|(place, op)| {
        let outcome = if had_returned(op) { op.outcome.clone() } else { Outcome::Unknown };
        Operation { invoked_at: place, returned_at: place, outcome, ..op.clone() }
    });
    assert!(twin.is_linearizable(&one_by_one.collect::<Vec<_>>()), "{order:?}\n{prefix:#?}");
    for op in prefix.iter().filter(|op| had_returned(op)) {
        let ahead = order.iter().take_while(|id| **id != op.id);
        assert!(ahead.clone().count() < order.len(), "{op:?} is missing in {order:?}");
        let overtakes = |earlier: &&OpOf<O>| op.returned_at < earlier.invoked_at;
        assert_eq!(ahead.map(by_id).find(overtakes).map(|op| op.id), None, "real time, before {op:?}");
    }
}

#[test]
fn cores_of_registers_are_minimal() {
    cores_are_minimal::<RegisterObject>();
    cores_are_minimal::<CasRegisterObject>();
    cores_of::<KvObject>(&Kv, small);
}

#[test]
fn cores_of_collections_are_minimal() {
    cores_are_minimal::<AppendListObject>();
    cores_are_minimal::<SetObject>();
    cores_are_minimal::<QueueObject>();
}

#[test]
fn cores_of_counters_and_locks_are_minimal() {
    cores_are_minimal::<CounterObject>();
    cores_are_minimal::<LockObject>();
}

/// A hundred thousand operations on one key, of ten clients, with one stale read near the end.
#[test]
fn a_stale_read_among_a_hundred_thousand_operations_is_explained_by_a_few() {
    use register::{Action, Input, Output};
    const COUNT: u64 = 100_000;
    let mut random = Random(8);
    let (mut value, mut operations) = (None, Vec::new());
    for id in 0..COUNT {
        let (action, output) = if random.below(2) == 0 {
            value = Some(bytes(&id.to_string()));
            (Action::Write { value: value.clone().expect("it was written") }, Output::Done)
        } else if id == COUNT - 100 {
            (Action::Read, Output::Value(Some(bytes("1000"))))
        } else {
            (Action::Read, Output::Value(value.clone()))
        };
        let (invoked_at, returned_at) = (10 * id - random.below(5).min(id), 10 * id + random.below(50));
        operations.push(Operation {
            id,
            client: id % 10,
            input: Input { key: bytes("x"), action },
            outcome: Outcome::Ok(output),
            invoked_at,
            returned_at,
        });
    }
    // The one that is read late was written early.
    operations[1000].input.action = Action::Write { value: bytes("1000") };
    operations[1000].outcome = Outcome::Ok(Output::Done);
    for op in &mut operations[1001..] {
        match (&op.input.action, &mut op.outcome) {
            (Action::Read, Outcome::Ok(Output::Value(value))) => *value = Some(bytes("1000")),
            _ => break,
        }
    }
    let (_, explanation) = explained(&register::Register::default(), &operations).expect("it is illegal");
    assert_eq!((explanation.operation, explanation.core.is_minimal), (COUNT - 100, true));
    assert_eq!(explanation.core.operations.len(), 2, "{:?}", explanation.core);
    assert!(explanation.core.operations[0] > COUNT - 200, "the nearest one: {:?}", explanation.core);
    assert_eq!(explanation.answers.last().map(|answer| answer.sources[0].operation), Some(1000));
    assert!(explanation.order.is_some_and(|order| order.len() as u64 > COUNT - 120));
}

/// With nothing to spend it still names what it can, and claims nothing about the rest.
#[test]
fn beyond_the_limits_the_core_is_not_called_minimal() {
    use register::{Action, Input, Output};
    let call = |id, action, output| Operation {
        id,
        client: id,
        input: Input { key: bytes("x"), action },
        outcome: Outcome::Ok(output),
        invoked_at: 10 * id,
        returned_at: 10 * id + 5,
    };
    let write = |id: u64| call(id, Action::Write { value: bytes(&id.to_string()) }, Output::Done);
    let read = call(9, Action::Read, Output::Value(Some(bytes("1"))));
    let history = History::new((0..9).map(write).chain([read]).collect()).expect("it is well-formed");
    let model = register::Register::default();
    let Verdict::Illegal(illegal) = check(&model, &history, Limits::default()) else { panic!("it is stale") };
    let nothing = Limits { configurations: 0, ..Limits::default() };
    let explanation = explain(&model, &history, &illegal, nothing);
    assert_eq!((explanation.operation, explanation.core.is_minimal), (9, false));
    assert_eq!(explanation.core.operations, (0..10).collect::<Vec<_>>(), "what is certain is all");
    assert!(explanation.text(&model, &history).contains("a limit was hit"));
}
