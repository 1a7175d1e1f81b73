//! Each invariant of Raft, broken alone by a hand-made stream, beside the nearest legal one.
//!
//! A broken stream must be named by its property, with the sentence, the nodes, terms and
//! indexes, and the events that led there. Read next: [`story`], which tells the streams.

mod acknowledged_durable;
mod arbitrary;
mod clones;
mod election_safety;
mod exactly_once;
mod leader_append_only;
mod leader_completeness;
mod log_matching;
mod monotone;
mod recovery;
mod state_machine_safety;
mod story;
