//! A fast 64-bit digest: prefix hashes of logs and digests of state machines.
//!
//! It tells accidents apart, not attackers. Both ends of a comparison run the same build,
//! so it may change between versions. Read next: [`crate::log_view`].

use crate::types::LogId;
use crate::wire::{Sink, Wire, tagged_pair_with};

const MULTIPLIER: u64 = 0x9fb2_1c65_1e98_df25;

/// Shorter strings gain nothing from lanes.
const LANES_FROM_BYTES: usize = 192;

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

/// Prefix hash of a log up to an entry, from that of the log before it and [`Payload::digest`](crate::entry::Payload::digest).
#[inline]
#[must_use]
pub fn prefix_hash(before: u64, id: LogId, payload_digest: u64) -> u64 {
    let mut digest = Digest::new(before);
    tagged_pair_with(&mut digest, 0, id.term.0, id.index.0, payload_digest);
    digest.value()
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

    /// Takes a long string in four lanes, since each product waits for the one before it.
    fn lanes(&mut self, value: &[u8]) {
        let mut lanes = [1, 2, 3, 4].map(|lane| Self(self.0.rotate_left(16 * lane) ^ u64::from(lane)));
        let mut take = |block: &[u8; 64]| {
            let (pairs, _) = block.as_chunks::<16>();
            for (lane, pair) in lanes.iter_mut().zip(pairs) {
                lane.pair(u128::from_le_bytes(*pair));
            }
        };
        let (blocks, rest) = value.as_chunks::<64>();
        blocks.iter().for_each(&mut take);
        if !rest.is_empty() {
            take(value.last_chunk().expect("it is longer than a block"));
        }
        let [first, second, third, fourth] = lanes.map(|lane| u128::from(lane.0));
        self.pair(first | second << 64);
        self.pair(third | fourth << 64);
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
        if value.len() >= LANES_FROM_BYTES {
            return self.lanes(value);
        }
        let (pairs, rest) = value.as_chunks::<16>();
        for pair in pairs {
            self.pair(u128::from_le_bytes(*pair));
        }
        if !rest.is_empty() {
            // Of a string that is long enough the last pair overlaps with the one before, since a copy is a call. The length
            // went in, so no two strings look alike.
            let last = value.last_chunk().map_or_else(|| short(rest), |pair| u128::from_le_bytes(*pair));
            self.pair(last);
        }
    }
}

/// One to fifteen bytes as a number, read by overlapping loads; no two strings of one length have the same.
#[inline]
fn short(bytes: &[u8]) -> u128 {
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        u128::from(u64::from_le_bytes(*first)) | u128::from(u64::from_le_bytes(*last)) << 64
    } else if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        u128::from(u32::from_le_bytes(*first)) | u128::from(u32::from_le_bytes(*last)) << 64
    } else {
        let (first, middle, last) = (bytes[0], bytes[bytes.len() / 2], bytes[bytes.len() - 1]);
        u128::from(first) | u128::from(middle) << 8 | u128::from(last) << 64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever byte is changed, in whatever bit, and whatever the length is.
    #[test]
    fn every_bit_of_a_byte_string_counts() {
        let digest = |bytes: &[u8]| {
            let mut digest = Digest::new(0);
            digest.bytes(bytes);
            digest.value()
        };
        let mut seen = Vec::new();
        for len in (0..70).chain(190..=255) {
            let bytes: Vec<u8> = (0..=255).take(len).collect();
            seen.push(digest(&bytes));
            for bit in 0..bytes.len() * 8 {
                let mut changed = bytes.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                seen.push(digest(&changed));
            }
        }
        let all = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), all);
    }
}
