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

/// The lower half of 128 bits.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the half that is wanted")]
const fn low(wide: u128) -> u64 {
    wide as u64
}

impl Digest {
    /// Takes two words with one product. The rotated old state is added so that a factor of
    /// zero does not forget the past.
    #[inline]
    fn pair(&mut self, pair: u128) {
        let wide = u128::from(self.0 ^ low(pair)) * u128::from(low(pair >> 64) ^ MULTIPLIER);
        self.0 = (low(wide) ^ low(wide >> 64)).wrapping_add(self.0.rotate_left(23));
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
        let (pairs, rest) = value.as_chunks::<16>();
        for pair in pairs {
            self.pair(u128::from_le_bytes(*pair));
        }
        if !rest.is_empty() {
            let mut pair = [0; 16];
            pair[..rest.len()].copy_from_slice(rest);
            self.pair(u128::from_le_bytes(pair));
        }
    }
}
