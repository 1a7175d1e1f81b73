//! The linearizability checker against a brute-force twin, and at the size of real runs.
//!
//! Not here: tests of single parts, which live next to them.
//! Read next: `twin`, which says in the fewest words what linearizable means.

mod exhaustive;
mod explained;
mod generate;
mod large;
mod limits;
mod models;
mod objects;
mod planted;
mod random;
mod streamed;
mod twin;
mod witnessed;

use squall_checkers::history::{History, Operation};
use squall_checkers::linearizability::{Algorithm, Limits, Verdict, check, check_by};
use squall_checkers::model::kv::{Input, Kv, Output};

/// An operation on the key-value store.
type Op = Operation<Input, Output>;

/// The twin of the key-value store.
type KvTwin = twin::Twin<objects::KvObject>;

/// The verdict of the checker under test.
fn verdict(operations: &[Op]) -> Verdict<bytes::Bytes> {
    let history = History::new(operations.to_vec()).expect("generated histories are well-formed");
    check(&Kv, &history, Limits::default())
}

/// Each way to find a verdict.
const ALGORITHMS: [Algorithm; 3] = [Algorithm::UniqueValues, Algorithm::ConfigurationSets, Algorithm::DepthFirst];

/// Compares each algorithm with the twin, and fails with the whole history if they differ.
fn compare(twin: &mut KvTwin, operations: &[Op]) -> Verdict<bytes::Bytes> {
    let verdict = verdict(operations);
    let expected = twin.is_linearizable(operations);
    let history = History::new(operations.to_vec()).expect("generated histories are well-formed");
    let by_one = ALGORITHMS.iter().filter_map(|algorithm| check_by(*algorithm, &Kv, &history, Limits::default()));
    for verdict in by_one.chain([verdict.clone()]) {
        match &verdict {
            Verdict::Ok(_) => assert!(expected, "only the checker finds an order: {verdict:?}\n{operations:#?}"),
            Verdict::Illegal(_) => assert!(!expected, "only the twin finds an order: {verdict:?}\n{operations:#?}"),
            Verdict::Unknown { .. } => panic!("no verdict on a small history: {verdict:?}\n{operations:#?}"),
        }
    }
    verdict
}
