//! What is put under storm: a state machine, how clients speak to it, and the model that judges it.
//!
//! [`KvSubject`] is the bundled one. For a state machine of one's own, implement
//! [`Subject`]: planned operations are mapped to its commands and queries, and its model
//! says which answers are right. Read next: [`super::clients`].

use bytes::Bytes;
use squall_checkers::format::jsonl;
use squall_checkers::history::History;
use squall_checkers::model::Model;
use squall_checkers::model::kv::{Input, Kv as KvModel, Output};
use squall_raft::applier::StateMachine;
use squall_raft::applier::kv::{Answer, Kv, Operation as KvOperation};

use crate::plan::{Expected, Op, Operation, Value};

/// A state machine under storm.
pub trait Subject: Clone + Send + 'static {
    /// What is replicated.
    type Machine: StateMachine + Send + 'static;
    /// What its clients' history is judged by.
    type Model: Model + Clone;

    /// The state machine before the first command.
    fn machine(&self) -> Self::Machine;

    /// The model.
    fn model(&self) -> Self::Model;

    /// Turns a planned operation into a request. `seen` is what this client last read or wrote at that key.
    fn ask(&self, operation: &Operation, seen: Option<&Bytes>) -> Ask<<Self::Model as Model>::Input>;

    /// Reads an answer; `None` if it is none that this input can get.
    fn answer(&self, input: &<Self::Model as Model>::Input, bytes: &Bytes) -> Option<<Self::Model as Model>::Output>;

    /// What the client has now seen at the key: `None` if this answer does not tell.
    fn seen(&self, input: &<Self::Model as Model>::Input, output: &<Self::Model as Model>::Output) -> Option<Option<Bytes>>;

    /// The clients' history as text, with the order that the log gives it; `None` if there is no format for it.
    ///
    /// A model with a [`Spelling`](squall_checkers::format::spelling::Spelling) has one: [`jsonl::write`].
    fn write_history(&self, history: &HistoryOf<Self>, witness: &[Option<u64>]) -> Option<String> {
        let _ = (history, witness);
        None
    }
}

/// What the clients of a subject saw.
pub type HistoryOf<S> = History<<<S as Subject>::Model as Model>::Input, <<S as Subject>::Model as Model>::Output>;

/// A planned operation as a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask<I> {
    /// For the model.
    pub input: I,
    /// For the state machine.
    pub bytes: Bytes,
    /// Whether it changes nothing, and so needs no place in the log.
    pub is_query: bool,
}

/// The bundled key-value state machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct KvSubject;

impl Subject for KvSubject {
    type Machine = Kv;
    type Model = KvModel;

    fn machine(&self) -> Kv {
        Kv::default()
    }

    fn model(&self) -> KvModel {
        KvModel
    }

    fn ask(&self, operation: &Operation, seen: Option<&Bytes>) -> Ask<Input> {
        let key = key_name(operation.key);
        let (input, command) = match &operation.op {
            Op::Get => (Input::Get { key: key.clone() }, KvOperation::Get { key }),
            Op::Put(value) => {
                let value = bytes_of(value);
                (Input::Put { key: key.clone(), value: value.clone() }, KvOperation::Put { key, value })
            }
            Op::Append(value) => {
                let value = bytes_of(value);
                (Input::Append { key: key.clone(), value: value.clone() }, KvOperation::Append { key, value })
            }
            Op::Cas { expected, new } => {
                let expected = match expected {
                    Expected::LastSeen => seen.cloned(),
                    Expected::Absent => None,
                    Expected::Value(value) => Some(bytes_of(value)),
                };
                let value = bytes_of(new);
                (
                    Input::Cas { key: key.clone(), expected: expected.clone(), value: value.clone() },
                    KvOperation::Cas { key, expected, value },
                )
            }
            Op::Delete => (Input::Delete { key: key.clone() }, KvOperation::Delete { key }),
        };
        Ask { input, bytes: command.encode(), is_query: matches!(operation.op, Op::Get) }
    }

    fn answer(&self, input: &Input, bytes: &Bytes) -> Option<Output> {
        match (input, Answer::decode(bytes)?) {
            (Input::Get { .. }, Answer::Value(value)) => Some(Output::Value(value)),
            (Input::Put { .. } | Input::Append { .. }, Answer::Done) => Some(Output::Done),
            (Input::Cas { .. } | Input::Delete { .. }, Answer::Changed(changed)) => Some(Output::Changed(changed)),
            _ => None,
        }
    }

    fn seen(&self, input: &Input, output: &Output) -> Option<Option<Bytes>> {
        match (input, output) {
            (Input::Get { .. }, Output::Value(value)) => Some(value.clone()),
            (Input::Put { value, .. }, _) => Some(Some(value.clone())),
            (Input::Cas { value, .. }, Output::Changed(true)) => Some(Some(value.clone())),
            (Input::Delete { .. }, _) => Some(None),
            _ => None,
        }
    }

    fn write_history(&self, history: &HistoryOf<Self>, witness: &[Option<u64>]) -> Option<String> {
        Some(jsonl::write(&KvModel, "kv", history, witness))
    }
}

/// `k0`, `k1` and so on; the first ones, which are nearly all, need no formatting.
fn key_name(key: u64) -> Bytes {
    const FIRST: [&str; 8] = ["k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7"];
    match usize::try_from(key).ok().and_then(|key| FIRST.get(key)) {
        Some(name) => Bytes::from_static(name.as_bytes()),
        None => Bytes::from(format!("k{key}")),
    }
}

fn bytes_of(value: &Value) -> Bytes {
    value.to_bytes().into()
}
