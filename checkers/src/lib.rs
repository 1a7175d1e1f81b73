//! Judges of concurrent and consensus systems: whether a history of clients is linearizable,
//! Raft's invariants, online, over a neutral stream of observations, and what a run must have
//! reached at its end.
//!
//! Nothing here knows the system that it judges. A violation is a value with its
//! evidence; no input makes a judge panic. Read next: [`history`], [`model`] and
//! [`linearizability`] for what clients saw, [`violation`] and [`raft`] for what nodes did.
//!
//! The feature `format`, on unless `default-features = false`, reads and writes histories
//! (module `format`) and brings serde along. Without it this crate needs `bytes` and `thiserror`.
//!
//! # Example: threads that share a map, and threads that cache it
//!
//! A history is recorded by looking at a clock before and after each call. Any clock will do
//! that all clients share; here it is a counter.
//!
//! ```
//! use bytes::Bytes;
//! use squall_checkers::history::{History, Operation, Outcome};
//! use squall_checkers::linearizability::{Limits, Verdict, check};
//! use squall_checkers::model::kv::{Input, Kv, Output};
//! use std::collections::HashMap;
//! use std::sync::atomic::{AtomicU64, Ordering};
//! use std::sync::{Barrier, Mutex};
//! use std::thread;
//!
//! #[derive(Default)]
//! struct Recorder {
//!     clock: AtomicU64,
//!     operations: Mutex<Vec<Operation<Input, Output>>>,
//! }
//!
//! impl Recorder {
//!     fn call(&self, client: u64, input: Input, work: impl FnOnce(&Input) -> Output) {
//!         let now = || self.clock.fetch_add(1, Ordering::SeqCst);
//!         let invoked_at = now();
//!         let outcome = Outcome::Ok(work(&input)); // Of an error: `Fail` if nothing happened, else `Unknown`.
//!         let returned_at = now();
//!         let mut operations = self.operations.lock().unwrap();
//!         let id = operations.len() as u64;
//!         operations.push(Operation { id, client, input, outcome, invoked_at, returned_at });
//!     }
//!
//!     fn judge(self) -> Verdict<Bytes> {
//!         let history = History::new(self.operations.into_inner().unwrap()).expect("the clock rises");
//!         check(&Kv, &history, Limits::default())
//!     }
//! }
//!
//! type Map = HashMap<Bytes, Bytes>;
//!
//! fn execute(map: &Mutex<Map>, input: &Input) -> Output {
//!     let mut map = map.lock().unwrap();
//!     match input.clone() {
//!         Input::Put { key, value } => {
//!             map.insert(key, value);
//!             Output::Done
//!         }
//!         Input::Delete { key } => Output::Changed(map.remove(&key).is_some()),
//!         Input::Get { key } => Output::Value(map.get(&key).cloned()),
//!         _ => unreachable!("not used here"),
//!     }
//! }
//!
//! // Every operation holds the lock while it happens, so there is an order, whatever the threads do.
//! let (recorder, map) = (Recorder::default(), Mutex::new(Map::new()));
//! thread::scope(|scope| {
//!     for client in 0..4 {
//!         let (recorder, map) = (&recorder, &map);
//!         scope.spawn(move || {
//!             for round in 0..50 {
//!                 let key = Bytes::from(format!("k{}", round % 3));
//!                 let value = Bytes::from(format!("{client}-{round}"));
//!                 recorder.call(client, Input::Put { key: key.clone(), value }, |input| execute(map, input));
//!                 recorder.call(client, Input::Get { key: key.clone() }, |input| execute(map, input));
//!                 recorder.call(client, Input::Delete { key }, |input| execute(map, input));
//!             }
//!         });
//!     }
//! });
//! assert!(matches!(recorder.judge(), Verdict::Ok(_)));
//!
//! // A client that remembers what it read. The barrier lets it look again after another one has written.
//! let (recorder, map) = (Recorder::default(), Mutex::new(Map::new()));
//! let key = Bytes::from_static(b"k");
//! let barrier = Barrier::new(2);
//! thread::scope(|scope| {
//!     scope.spawn(|| {
//!         let mut cache: HashMap<Input, Output> = HashMap::new();
//!         let mut get = || {
//!             let cached = |input: &Input| cache.entry(input.clone()).or_insert_with(|| execute(&map, input)).clone();
//!             recorder.call(1, Input::Get { key: key.clone() }, cached);
//!         };
//!         get();
//!         barrier.wait();
//!         barrier.wait(); // Between both the other client writes.
//!         get();
//!     });
//!     barrier.wait();
//!     let put = Input::Put { key: key.clone(), value: Bytes::from_static(b"new") };
//!     recorder.call(2, put, |input| execute(&map, input));
//!     barrier.wait();
//! });
//! let Verdict::Illegal(illegal) = recorder.judge() else { panic!("the second read is stale") };
//! assert_eq!(illegal.operation, 2);
//! ```

// The lint knows no smaller place; tidy sees to it that there is no other one.
#![cfg_attr(feature = "mutants", expect(clippy::disallowed_macros, reason = "which bug a test has planted (`mutants`)"))]

#[cfg(feature = "format")]
pub mod format;
pub mod history;
pub mod linearizability;
pub mod liveness;
pub mod model;
#[cfg(not(feature = "mutants"))]
mod mutants;
#[cfg(feature = "mutants")]
pub mod mutants;
pub mod raft;
pub mod recoverability;
pub mod violation;
