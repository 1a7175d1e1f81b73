//! Other engines in a bare event loop, to be measured beside Squall's world.
//!
//! A peer gets the best that a bench can do for it: messages in memory, a disk that never
//! fails, no trace, no checkers, the cheapest generator of randomness. Not here: what is
//! measured (`benches/peers`). Read next: [`queue`], [`links`], [`cluster`].

pub mod queue;

pub mod links;

pub mod cluster;
