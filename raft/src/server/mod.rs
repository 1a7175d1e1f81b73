//! The driver: everything that acts. Sockets, files, timers and tasks around one [`Node`](crate::node::Node).
//!
//! ```text
//!  peers ==stream==> connection --\                    /--> lanes --> connection ==stream==> peers
//!  clients ==stream==> session ----> engine (a lock) -----> replies --> session ==stream==> clients
//!  alarm ------------------------/   decides nothing   \--> disk queue --> disk task ==> files
//!          <---------------- disk task (completions)
//! ```
//!
//! It decides nothing that the state machines could decide, runs on whatever `Env` offers
//! (tokio in production, a simulator in tests), and is itself put under storm.
//! Read next: the modules in the order of their declaration.

pub mod breaker;

pub mod backoff;

pub mod files;
pub mod frame;

pub mod wire;

pub mod codec;
