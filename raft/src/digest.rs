//! A fast 64-bit digest: prefix hashes of logs and digests of state machines.
//!
//! It tells accidents apart, not attackers. Both ends of a comparison run the same build,
//! so it may change between versions. Read next: [`crate::core::log_view`].

use crate::wire::{Sink, Wire};

const MULTIPLIER: u64 = 0x9fb2_1c65_1e98_df25;

/// A digest under construction.
///
/// ```
/// use squall_raft::digest::Digest;
/// use squall_raft::wire::Sink;
///
/// let mut digest = Digest::new(0);
/// digest.bytes(b"value");
/// assert_ne!(digest.value(), Digest::new(0).value());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Digest(u64);

impl Digest {
    /// Starts from a seed, for example the digest of what came before.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed ^ MULTIPLIER)
    }

    /// The digest of one value on top of a seed.
    #[must_use]
    pub fn of(seed: u64, value: &impl Wire) -> u64 {
        let mut digest = Self::new(seed);
        value.encode(&mut digest);
        digest.value()
    }

    /// The digest of what went in so far.
    #[must_use]
    pub const fn value(self) -> u64 {
        let mixed = (self.0 ^ (self.0 >> 31)).wrapping_mul(MULTIPLIER);
        mixed ^ (mixed >> 28)
    }
}

impl Sink for Digest {
    #[inline]
    fn u64(&mut self, value: u64) {
        let mixed = (self.0.rotate_left(25) ^ value).wrapping_mul(MULTIPLIER);
        self.0 = mixed ^ (mixed >> 32);
    }

    #[inline]
    fn bytes(&mut self, value: &[u8]) {
        self.u64(value.len() as u64);
        let (words, rest) = value.as_chunks::<8>();
        for word in words {
            self.u64(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            let mut word = [0; 8];
            word[..rest.len()].copy_from_slice(rest);
            self.u64(u64::from_le_bytes(word));
        }
    }
}
