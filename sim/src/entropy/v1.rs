//! The integer functions behind every stateless draw and every trace hash, version 1.
//!
//! Recorded seeds depend on each bit of them, so this file is never edited again: another
//! behaviour is another version beside it. The golden values below hold it still.

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

/// Sixty-four random-looking bits that depend on a key and on four words, and on nothing else.
///
/// The words say what the draw is about, for example slot, ordinal and field.
#[inline]
#[must_use]
pub const fn mix(key: u64, a: u64, b: u64, c: u64, field: u64) -> u64 {
    let x = fold(key ^ K0, a ^ K1);
    let y = fold(b ^ K2, c ^ K0 ^ x);
    finish(x ^ y.rotate_left(29), field)
}

#[inline]
const fn finish(x: u64, y: u64) -> u64 {
    let z = fold(x ^ K1, y.wrapping_add(K2));
    let z = (z ^ (z >> 32)).wrapping_mul(K0);
    z ^ (z >> 29)
}

/// Maps 64 random bits to 0 .. `n`; 0 if `n` is 0.
#[inline]
#[must_use]
pub const fn below(bits: u64, n: u64) -> u64 {
    (((bits as u128) * (n as u128)) >> 64) as u64
}

/// Maps 64 random bits to `low ..= high`; `low` if the range is empty.
#[inline]
#[must_use]
pub const fn between(bits: u64, low: u64, high: u64) -> u64 {
    if high <= low {
        return low;
    }
    match (high - low).checked_add(1) {
        Some(n) => low + below(bits, n),
        None => bits,
    }
}

/// True for this many of a million values of `bits`.
#[inline]
#[must_use]
pub const fn chance_ppm(bits: u64, ppm: u32) -> bool {
    below(bits, 1_000_000) < ppm as u64
}

/// A running 64-bit hash over a sequence of words and byte strings.
///
/// ```
/// use squall_raft::wire::Sink;
/// use squall_sim::entropy::v1::Fold;
///
/// let hash = |payload: &[u8]| {
///     let mut fold = Fold::new();
///     fold.u64(7);
///     fold.bytes(payload);
///     fold.value()
/// };
/// assert_ne!(hash(b"calm"), hash(b"calp"));
/// assert_ne!(hash(b""), hash(b"\0"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fold {
    state: u64,
}

impl Default for Fold {
    fn default() -> Self {
        Self::new()
    }
}

impl Fold {
    /// The hash of nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { state: K2 }
    }

    /// The hash of all that went in so far.
    #[must_use]
    pub const fn value(&self) -> u64 {
        finish(self.state, K0)
    }
}

impl Sink for Fold {
    #[inline]
    fn u64(&mut self, value: u64) {
        // The rotated old state is added so that a product of zero does not forget the past.
        self.state = fold(self.state ^ value, K0).wrapping_add(self.state.rotate_left(23)) ^ K1;
    }

    #[inline]
    fn bytes(&mut self, value: &[u8]) {
        self.u64(value.len() as u64);
        // Disk writes are long: two products per 32 bytes, of which only one waits for the last.
        let mut blocks = value.chunks_exact(32);
        for block in &mut blocks {
            let [a, b, c, d] = [word(block, 0), word(block, 8), word(block, 16), word(block, 24)];
            let product = fold(a ^ K0, b ^ self.state).wrapping_add(fold(c ^ K2, d ^ self.state.rotate_left(29)));
            self.state = product ^ K1;
        }
        let mut words = blocks.remainder().chunks_exact(8);
        for eight in &mut words {
            self.u64(word(eight, 0));
        }
        let rest = words.remainder();
        if !rest.is_empty() {
            let mut eight = [0; 8];
            eight[..rest.len()].copy_from_slice(rest);
            self.u64(u64::from_le_bytes(eight));
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
    use super::*;

    /// These values are part of every recorded seed. If this test fails, undo the edit.
    #[test]
    fn golden_values() {
        let mut fold = Fold::new();
        fold.u64(1);
        fold.bytes(b"squall!!!");
        fold.bytes(b"every cluster floats in calm water; ours is built for the storm");
        let values = [mix(1, 2, 3, 4, 5), mix(0, 0, 0, 0, 0), below(u64::MAX, 10), between(1 << 63, 5, 9), fold.value()];
        assert_eq!(values, GOLDEN, "{values:#x?}");
    }

    const GOLDEN: [u64; 5] = [0x678f_d798_0ce6_aa98, 0xc9c6_d2ab_4d5f_06c3, 9, 7, 0xee03_f098_e671_0dc4];

    #[test]
    fn a_single_changed_word_changes_about_half_of_the_bits() {
        for field in 0..4u32 {
            let mut flipped = 0;
            for i in 0..4096u64 {
                let words = [i, i ^ 77, i << 3, 9];
                let mut other = words;
                other[field as usize] ^= 1 << (i % 64);
                let a = mix(3, words[0], words[1], words[2], words[3]);
                let b = mix(3, other[0], other[1], other[2], other[3]);
                flipped += u64::from((a ^ b).count_ones());
            }
            assert!((28 * 4096..36 * 4096).contains(&flipped), "word {field}: {flipped}");
        }
    }

    /// Whatever byte of a long string is changed, in whatever bit.
    #[test]
    fn every_bit_of_a_byte_string_counts() {
        let hash = |bytes: &[u8]| {
            let mut fold = Fold::new();
            fold.bytes(bytes);
            fold.value()
        };
        let bytes: Vec<u8> = (0..75).collect();
        let mut seen: Vec<u64> = (0..bytes.len() * 8)
            .map(|bit| {
                let mut changed = bytes.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                hash(&changed)
            })
            .chain([hash(&bytes)])
            .collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), bytes.len() * 8 + 1);
    }

    #[test]
    fn ranges_hold_their_ends() {
        assert_eq!(below(u64::MAX, 0), 0);
        assert_eq!(between(u64::MAX, 3, 9), 9);
        assert_eq!(between(0, 3, 9), 3);
        assert_eq!(between(5, 9, 3), 9);
        assert_eq!(between(5, 0, u64::MAX), 5);
        assert!(!chance_ppm(0, 0));
        assert!(chance_ppm(u64::MAX, 1_000_000));
    }
}
