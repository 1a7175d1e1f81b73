//! JSONL: one operation a line, in the order of invocations.
//!
//! The first line may be `{"meta":{..}}`; then one object per operation:
//!
//! | field | |
//! | --- | --- |
//! | `i` | the operation's id, unique in the file |
//! | `c` | its client; a client has one operation at a time |
//! | `f` | what it does, see [`super::spelling`] |
//! | `k` | the key; may be left out by models of a single object, and must be there for `kv` |
//! | `a`, `b` | arguments: what is written; what a compare-and-set expects, and what it sets |
//! | `t0` | when it was invoked: a whole number, never less than in the line before |
//! | `t1` | when it returned; `null`: never, its outcome is unknown |
//! | `out` | what it was answered, if that is more than that it is done |
//! | `fail` | `true`: it surely had no effect |
//! | `w` | the witness: its place in the order in which the system applied operations; may be left out |
//!
//! Times are ranks, nanoseconds or whatever else has an order; equal times are concurrent.
//! Keys and values are strings or whole numbers. Bytes that are no UTF-8 are `{"hex":"00ff"}`.
//!
//! What `meta` says: `ops`, the number of operations, so that a file that is cut off between
//! lines is found out; `model`, the name of the model; `absent`: in a file of `kv` an empty
//! string means that there is nothing, unless this is `"null"`. Anything else there is for people.
//!
//! ```
//! use squall_checkers::format::{self, jsonl};
//! use squall_checkers::model::queue::Queue;
//!
//! let file = r#"{"meta":{"model":"queue","ops":3}}
//! {"i":0,"c":0,"f":"enqueue","a":"x","t0":0,"t1":3}
//! {"i":1,"c":1,"f":"dequeue","t0":1,"t1":null}
//! {"i":2,"c":0,"f":"dequeue","t0":4,"t1":5,"out":null}
//! "#;
//! let recorded = format::read(&Queue, "queue.jsonl", file.as_bytes(), None)?;
//! let written = jsonl::write(&Queue, "queue", &recorded.history, &recorded.witness);
//! assert_eq!(format::read(&Queue, "again.jsonl", written.as_bytes(), None)?.history, recorded.history);
//! # Ok::<(), squall_checkers::format::FormatError>(())
//! ```

mod line;
mod meta;
mod reader;
mod writer;

pub(super) use reader::read;
pub use writer::write;

/// The name of the model that the meta line of a file gives, if it does.
pub fn model(text: &str) -> Option<String> {
    meta::Meta::parse(text.lines().find(|line| !line.trim().is_empty())?, 1).ok().flatten()?.model
}
