//! The engine from outside: its core, its store and its wire, without sockets or real files. One binary, since each is
//! compiled with the engine anew.
//!
//! Not here: the driver (`server/`), real files (`files/`), processes that are killed (`kill.rs`).

mod core_leaves;

mod core_messages;

mod core_cluster;

mod core_batches;

mod election_timers;

mod stories;

mod applying;

mod compat_ready;

mod store;

mod wire;
