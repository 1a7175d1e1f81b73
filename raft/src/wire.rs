//! The canonical encoding: every field, little-endian, lengths before variable parts.
//!
//! It is what a trace hash folds, so two values that differ encode differently on every
//! platform and in every build. It is not a transport format: nothing decodes it.
//! Read next: [`crate::process`].

use bytes::Bytes;

use crate::entry::{Entry, Payload};
use crate::membership::Configuration;
use crate::types::{IoId, LogId};

/// Takes an encoding in, piece by piece: a hasher, a buffer or a counter.
pub trait Sink {
    /// Takes an integer (eight bytes, little-endian).
    fn u64(&mut self, value: u64);

    /// Takes two integers. A sink may mix them in one step, which is not the same as both one by one.
    #[inline]
    fn pair(&mut self, first: u64, second: u64) {
        self.u64(first);
        self.u64(second);
    }

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

/// Set in a tag when the numbers behind it stand in words of their own. Tags are smaller.
const WIDE: u64 = 0x80;

/// Puts a tag and a number, in one word where the number is small.
///
/// Words are what a trace hash costs, and nearly all numbers are small. The wide form begins differently, so
/// no two values encode alike as long as each tag is used with one of [`tagged`] and [`tagged_pair`].
///
/// ```
/// use squall_raft::wire::tagged;
///
/// let (mut small, mut large) = (Vec::new(), Vec::new());
/// tagged(&mut small, 3, 500);
/// tagged(&mut large, 3, 1 << 60);
/// assert_eq!((small.len(), large.len()), (8, 16));
/// ```
#[inline]
pub fn tagged<S: Sink>(sink: &mut S, tag: u64, value: u64) {
    debug_assert!(tag < WIDE);
    if value < 1 << 56 {
        sink.u64(tag | value << 8);
    } else {
        sink.u64(tag | WIDE);
        sink.u64(value);
    }
}

/// Puts a tag and two numbers, in one word where both are small. See [`tagged`].
#[inline]
pub fn tagged_pair<S: Sink>(sink: &mut S, tag: u64, a: u64, b: u64) {
    debug_assert!(tag < WIDE);
    if (a | b) < NARROW {
        sink.u64(narrow(tag, a, b));
    } else {
        wide_pair(sink, tag, a, b);
    }
}

/// Apart, since there is one of [`tagged_pair`] for each kind of event: that code is to be small.
#[cold]
fn wide_pair<S: Sink>(sink: &mut S, tag: u64, a: u64, b: u64) {
    sink.u64(tag | WIDE);
    sink.u64(a);
    sink.u64(b);
}

/// As [`tagged_pair`], with a word behind it, in one step where both numbers are small.
#[inline]
pub fn tagged_pair_with<S: Sink>(sink: &mut S, tag: u64, a: u64, b: u64, word: u64) {
    debug_assert!(tag < WIDE);
    if (a | b) < NARROW {
        sink.pair(narrow(tag, a, b), word);
    } else {
        tagged_pair(sink, tag, a, b);
        sink.u64(word);
    }
}

/// Two of [`tagged_pair`], in one step where all numbers are small.
#[inline(always)]
pub fn tagged_pairs<S: Sink>(sink: &mut S, (tag, a, b): (u64, u64, u64), (other, c, d): (u64, u64, u64)) {
    debug_assert!(tag < WIDE && other < WIDE);
    if (a | b | c | d) < NARROW {
        sink.pair(narrow(tag, a, b), narrow(other, c, d));
    } else {
        tagged_pair(sink, tag, a, b);
        tagged_pair(sink, other, c, d);
    }
}

/// Two numbers below this have room beside a tag.
const NARROW: u64 = 1 << 28;

const fn narrow(tag: u64, a: u64, b: u64) -> u64 {
    tag | a << 8 | b << 36
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

impl Wire for Entry {
    #[inline]
    fn encode<S: Sink>(&self, sink: &mut S) {
        let LogId { term, index } = self.id;
        match &self.payload {
            Payload::Noop => tagged_pair(sink, 0, term.0, index.0),
            Payload::Command(bytes) => {
                tagged_pair(sink, 1, term.0, index.0);
                sink.bytes(bytes);
            }
            Payload::Configuration(configuration) => {
                tagged_pair(sink, 2, term.0, index.0);
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
