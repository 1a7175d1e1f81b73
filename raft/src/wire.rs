//! The canonical encoding: every field, little-endian, lengths before variable parts.
//!
//! It is what a trace hash folds, so two values that differ encode differently on every
//! platform and in every build. It is not a transport format: nothing decodes it.
//! Read next: [`crate::process`].

use bytes::Bytes;

use crate::entry::{Entry, Payload};
use crate::membership::Configuration;
use crate::types::{IoId, LogId, Peer};

/// Takes an encoding in, piece by piece: a hasher, a buffer or a counter.
pub trait Sink {
    /// Takes an integer (eight bytes, little-endian).
    fn u64(&mut self, value: u64);

    /// Takes a byte string. The length goes in first.
    fn bytes(&mut self, value: &[u8]);
}

impl Sink for Vec<u8> {
    fn u64(&mut self, value: u64) {
        self.extend_from_slice(&value.to_le_bytes());
    }

    fn bytes(&mut self, value: &[u8]) {
        self.u64(value.len() as u64);
        self.extend_from_slice(value);
    }
}

/// A value with a canonical encoding.
///
/// ```
/// use squall_raft::types::LogId;
/// use squall_raft::wire::Wire;
///
/// let mut encoded = Vec::new();
/// LogId::new(2, 7).encode(&mut encoded);
/// assert_eq!(encoded.len(), 16); // term, index
/// ```
pub trait Wire {
    /// Puts every field into the sink.
    fn encode<S: Sink>(&self, sink: &mut S);
}

impl Wire for u64 {
    fn encode<S: Sink>(&self, sink: &mut S) {
        sink.u64(*self);
    }
}

impl Wire for Bytes {
    fn encode<S: Sink>(&self, sink: &mut S) {
        sink.bytes(self);
    }
}

impl Wire for () {
    fn encode<S: Sink>(&self, _sink: &mut S) {}
}

impl Wire for LogId {
    fn encode<S: Sink>(&self, sink: &mut S) {
        sink.u64(self.term.0);
        sink.u64(self.index.0);
    }
}

impl Wire for IoId {
    fn encode<S: Sink>(&self, sink: &mut S) {
        sink.u64(u64::from(self.boot.0));
        sink.u64(self.seq);
    }
}

impl Wire for Peer {
    fn encode<S: Sink>(&self, sink: &mut S) {
        let incarnation = u64::from(self.incarnation.0);
        if self.node.0 < u64::from(u32::MAX) {
            sink.u64(self.node.0 | incarnation << 32);
        } else {
            // No narrow one encodes like the first of these.
            sink.u64(u64::MAX);
            sink.u64(self.node.0);
            sink.u64(incarnation);
        }
    }
}

impl Wire for Entry {
    fn encode<S: Sink>(&self, sink: &mut S) {
        self.id.encode(sink);
        self.payload.encode(sink);
    }
}

impl Wire for Payload {
    fn encode<S: Sink>(&self, sink: &mut S) {
        match self {
            Self::Noop => sink.u64(0),
            Self::Command(bytes) => {
                sink.u64(1);
                sink.bytes(bytes);
            }
            Self::Configuration(configuration) => {
                sink.u64(2);
                configuration.encode(sink);
            }
        }
    }
}

impl Wire for Configuration {
    fn encode<S: Sink>(&self, sink: &mut S) {
        for set in [self.voters(), self.outgoing(), self.learners()] {
            sink.u64(set.len() as u64);
            for node in set {
                sink.u64(node.0);
            }
        }
    }
}
