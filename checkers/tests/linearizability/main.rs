//! The linearizability checker against a brute-force twin, and at the size of real runs.
//!
//! Not here: tests of single parts, which live next to them.
//! Read next: `twin`, which says in the fewest words what linearizable means.

mod collections;
mod corners;
mod exhaustive;
mod explained;
mod generate;
mod large;
mod limits;
mod models;
#[cfg(feature = "mutants")]
mod mutants;
mod objects;
mod planted;
mod random;
mod streamed;
mod twin;
mod wide;
mod witnessed;

use objects::Object;
use squall_checkers::history::{History, Operation};
use squall_checkers::linearizability::{Algorithm, Limits, Verdict, check, check_by};
use squall_checkers::model::Model;
use squall_checkers::model::kv::{Input, Kv, Output};
use twin::{OpOf, Twin};

/// An operation on the key-value store.
type Op = Operation<Input, Output>;

/// The twin of the key-value store.
type KvTwin = Twin<objects::KvObject>;

/// The verdict of the checker under test.
fn verdict(operations: &[Op]) -> Verdict<bytes::Bytes> {
    let history = History::new(operations.to_vec()).expect("generated histories are well-formed");
    check(&Kv, &history, Limits::default())
}

/// Each way to find a verdict.
const ALGORITHMS: [Algorithm; 4] =
    [Algorithm::UniqueValues, Algorithm::DecreaseAndConquer, Algorithm::ConfigurationSets, Algorithm::DepthFirst];

/// Compares each algorithm with the twin, and fails with the whole history if they differ.
fn compare(twin: &mut KvTwin, operations: &[Op]) -> Verdict<bytes::Bytes> {
    compare_on(&Kv, twin, operations)
}

/// The same for any model that says what the twin's object says.
fn compare_on<O: Object>(
    model: &impl Model<Key = bytes::Bytes, Input = O::Input, Output = O::Output>,
    twin: &mut Twin<O>,
    operations: &[OpOf<O>],
) -> Verdict<bytes::Bytes> {
    let expected = twin.is_linearizable(operations);
    let history = History::new(operations.to_vec()).expect("generated histories are well-formed");
    let verdict = check(model, &history, Limits::default());
    let by_one = ALGORITHMS.iter().filter_map(|algorithm| check_by(*algorithm, model, &history, Limits::default()));
    for by_one in by_one.chain([verdict.clone()]) {
        match &by_one {
            Verdict::Ok(_) => assert!(expected, "only the checker finds an order: {by_one:?}\n{operations:#?}"),
            Verdict::Illegal(_) => assert!(!expected, "only the twin finds an order: {by_one:?}\n{operations:#?}"),
            Verdict::Unknown { .. } => panic!("no verdict on a small history: {by_one:?}\n{operations:#?}"),
        }
        // Each finds the same return that cannot be.
        let is_same = expected || by_one == verdict;
        assert!(is_same, "{by_one:?}, another algorithm found {verdict:?}\n{operations:#?}");
    }
    verdict
}
