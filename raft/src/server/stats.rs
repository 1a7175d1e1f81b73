//! What the driver counted: connections, frames, bytes, and everything that it refused.
//!
//! Not here: what the engine reports about consensus ([`crate::observation`]).

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)+) => {
        /// The counters themselves; shared by all tasks of a server.
        #[derive(Debug, Default)]
        pub(super) struct Counters {
            $(pub(super) $name: AtomicU64,)+
        }

        /// A reading of the counters since the server's start.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Stats {
            $($(#[$doc])* pub $name: u64,)+
        }

        impl Counters {
            pub(super) fn read(&self) -> Stats {
                Stats { $($name: self.$name.load(Ordering::Relaxed),)+ }
            }
        }
    };
}

counters! {
    /// Connections to peers on which both sides have said who they are, whoever dialled.
    connections,
    /// Those among them that replaced an earlier one to the same peer.
    reconnects,
    /// Clients that have said that they are one.
    sessions,
    /// Dials that failed, handshakes included.
    dial_failures,
    /// Frames that were handed to a stream.
    frames_sent,
    /// Bytes that were handed to a stream.
    bytes_sent,
    /// Messages, requests, answers and greetings that were read whole.
    frames_received,
    /// Bytes that were read.
    bytes_received,
    /// Connections that were closed because of what came over them: no frame, too long, wrong version, no message.
    malformed,
    /// Connections that ended inside of a frame or a message, as those to a process that was killed may.
    cut_off,
    /// Greetings of another cluster, for another node, or of somebody unknown.
    strangers_refused,
    /// Messages whose envelope names another sender or receiver than the connection's.
    impostors,
    /// Connections that were closed because nothing came over them, greetings that never came included.
    idle_closed,
    /// Writes that missed their deadline.
    write_timeouts,
    /// Messages that were dropped because the peer's queue was full.
    dropped_full,
    /// Messages that were dropped because the peer's breaker was open.
    dropped_open,
    /// Messages and answers that no other side would have taken.
    dropped_too_long,
    /// The most messages that have waited for one peer.
    backlog_messages_max,
    /// Batches of more than one request that were handed to the node.
    batches,
    /// Batches that left requests waiting for the next one, because there are limits.
    batches_full,
    /// Requests that were turned away because the server stops.
    refused_stopping,
}

/// Adds to a counter.
pub(super) fn add(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::Relaxed);
}

/// Raises a high-water mark.
pub(super) fn raise(counter: &AtomicU64, to: u64) {
    // Hardly ever higher, and a look is cheaper than a change.
    if counter.load(Ordering::Relaxed) < to {
        counter.fetch_max(to, Ordering::Relaxed);
    }
}
