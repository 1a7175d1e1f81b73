//! The hash function of a trace: words, pairs of words and byte strings into 64 bits.
//!
//! It tells accidents apart, not attackers. Recorded hashes are compared only under the build that made them, so unlike
//! [`crate::entropy::v1`], on which every draw depends, it may change between versions.
//! Not here: what is folded (`encode`), and when (`trace`).

use squall_raft::wire::Sink;

const K0: u64 = 0x9e37_79b9_7f4a_7c15;
const K1: u64 = 0xd6e8_feb8_6659_fd93;
const K2: u64 = 0xa076_1d64_78bd_642f;

/// Multiplies to 128 bits and folds the halves.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "both halves are used")]
const fn fold(a: u64, b: u64) -> u64 {
    let wide = (a as u128) * (b as u128);
    (wide as u64) ^ ((wide >> 64) as u64)
}

/// A running 64-bit hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fold {
    state: u64,
}

impl Default for Fold {
    fn default() -> Self {
        Self { state: K2 }
    }
}

impl Fold {
    /// The hash of all that went in so far.
    pub(super) const fn value(&self) -> u64 {
        let mixed = fold(self.state ^ K1, K0);
        let mixed = (mixed ^ (mixed >> 32)).wrapping_mul(K0);
        mixed ^ (mixed >> 29)
    }

    /// Four products that do not wait for one another.
    #[inline]
    fn block(&mut self, block: &[u8; 64]) {
        let [a, b, c, d, e, f, g, h] = [0, 8, 16, 24, 32, 40, 48, 56].map(|at| word(block, at));
        let state = self.state;
        let first = fold(a ^ K0, b ^ state).wrapping_add(fold(c ^ K2, d ^ state.rotate_left(29)));
        let second = fold(e ^ K1, f ^ state.rotate_left(13)).wrapping_add(fold(g ^ K0, h ^ state.rotate_left(47)));
        self.state = first.wrapping_add(second) ^ K1;
    }

    #[inline]
    fn half_block(&mut self, block: &[u8; 32]) {
        let [a, b, c, d] = [0, 8, 16, 24].map(|at| word(block, at));
        let product = fold(a ^ K0, b ^ self.state).wrapping_add(fold(c ^ K2, d ^ self.state.rotate_left(29)));
        self.state = product ^ K1;
    }

    /// Fewer bytes than a block has. The length went in, so no two strings of one length look alike.
    #[inline]
    fn short(&mut self, bytes: &[u8]) {
        if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
            self.half_block(first);
            self.half_block(last);
        } else if let (Some(first), Some(last)) = (bytes.first_chunk::<16>(), bytes.last_chunk::<16>()) {
            self.pair(word(first, 0), word(first, 8));
            self.pair(word(last, 0), word(last, 8));
        } else if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
            self.pair(u64::from_le_bytes(*first), u64::from_le_bytes(*last));
        } else if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
            self.u64(u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last)));
        } else if let (Some(first), Some(last)) = (bytes.first(), bytes.last()) {
            self.u64(u64::from(*first) | u64::from(bytes[bytes.len() / 2]) << 8 | u64::from(*last) << 16);
        }
    }
}

impl Sink for Fold {
    #[inline]
    fn u64(&mut self, value: u64) {
        // The rotated old state is added so that a product of zero does not forget the past.
        self.state = fold(self.state ^ value, K0).wrapping_add(self.state.rotate_left(23)) ^ K1;
    }

    #[inline]
    fn pair(&mut self, first: u64, second: u64) {
        let product = fold(self.state ^ first, self.state.rotate_left(29) ^ second ^ K0);
        self.state = product.wrapping_add(self.state.rotate_left(23)) ^ K1;
    }

    #[inline]
    fn bytes(&mut self, value: &[u8]) {
        self.u64(value.len() as u64);
        let Some(last) = value.last_chunk() else {
            return self.short(value);
        };
        let (blocks, rest) = value.as_chunks();
        blocks.iter().for_each(|block| self.block(block));
        if !rest.is_empty() {
            self.block(last); // Overlaps with the one before: to fill it up would be a call.
        }
    }
}

#[inline]
fn word(bytes: &[u8], at: usize) -> u64 {
    let mut eight = [0; 8];
    eight.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(eight)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn hash(put: impl FnOnce(&mut Fold)) -> u64 {
        let mut fold = Fold::default();
        put(&mut fold);
        fold.value()
    }

    /// Whatever byte is changed, in whatever bit, and whatever the length is.
    #[test]
    fn every_bit_of_a_byte_string_counts() {
        let mut strings = BTreeSet::new();
        for (len, factor) in (0..100u8).flat_map(|len| [(len, 0), (len, 1)]) {
            let bytes: Vec<u8> = (1..=len).map(|byte| byte * factor).collect();
            for bit in 0..bytes.len() * 8 {
                let mut changed = bytes.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                strings.insert(changed);
            }
            strings.insert(bytes);
        }
        let hashes: BTreeSet<u64> = strings.iter().map(|bytes| hash(|fold| fold.bytes(bytes))).collect();
        assert_eq!(hashes.len(), strings.len());
    }

    /// Numbers are small and near each other, in words and in both places of a pair.
    #[test]
    fn a_single_changed_bit_changes_about_half_of_the_bits() {
        let mut flipped = [0; 3];
        for i in 0..4096u64 {
            let (a, b, bit) = (i, i >> 3 ^ 77, 1 << (i % 64));
            let pair = |a, b| hash(|fold| fold.pair(a, b));
            flipped[0] += u64::from((pair(a, b) ^ pair(a ^ bit, b)).count_ones());
            flipped[1] += u64::from((pair(a, b) ^ pair(a, b ^ bit)).count_ones());
            flipped[2] += u64::from((hash(|fold| fold.u64(a)) ^ hash(|fold| fold.u64(a ^ bit))).count_ones());
        }
        assert!(flipped.iter().all(|flipped| (31 * 4096..33 * 4096).contains(flipped)), "{flipped:?}");
    }

    #[test]
    fn order_counts() {
        let hashes = [
            hash(|fold| fold.pair(1, 2)),
            hash(|fold| fold.pair(2, 1)),
            hash(|fold| [1, 2].into_iter().for_each(|word| fold.u64(word))),
            hash(|fold| [2, 1].into_iter().for_each(|word| fold.u64(word))),
        ];
        assert!((1..4).all(|n| !hashes[..n].contains(&hashes[n])), "{hashes:x?}");
    }
}
