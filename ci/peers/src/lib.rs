//! Another engine, in a bare event loop and on madsim, to be measured beside Squall.
//!
//! A peer gets the best that a bench can do for it: messages in memory, a disk that never
//! fails, no trace, no checkers, the cheapest generator of randomness. Not here: what is
//! measured (`benches/peers`). Read next: the modules in
//! the order of their declaration.

pub mod node;

pub mod queue;

pub mod links;

pub mod cluster;

pub mod trio;

#[cfg(madsim)]
pub mod streams;
