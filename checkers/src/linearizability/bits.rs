//! A set of slots as a few machine words: what is pending in a configuration.
//!
//! Not here: what a slot stands for (`search`).
//! Read next: `config`.

use super::intern::mix;
use crate::mutants::Bug;

/// A set of numbers below `W * 64`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Bits<const W: usize>([u64; W]);

impl<const W: usize> Bits<W> {
    pub(super) const EMPTY: Self = Self([0; W]);

    pub(super) fn has(&self, slot: usize) -> bool {
        self.0[slot / 64] & (1 << (slot % 64)) != 0
    }

    pub(super) fn set(&mut self, slot: usize) {
        self.0[slot / 64] |= 1 << (slot % 64);
    }

    pub(super) fn clear(&mut self, slot: usize) {
        self.0[slot / 64] &= !(1 << (slot % 64));
    }

    pub(super) fn and(mut self, other: &Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(word, mask)| *word &= mask);
        self
    }

    pub(super) fn or(mut self, other: &Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(word, mask)| *word |= mask);
        self
    }

    pub(super) fn without(mut self, other: &Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(word, mask)| *word &= !mask);
        self
    }

    pub(super) fn is_subset(&self, of: &Self) -> bool {
        if Bug::OnlyTheFirstWord.is_planted() {
            return self.0[0] & !of.0[0] == 0;
        }
        self.0.iter().zip(of.0).all(|(word, mask)| word & !mask == 0)
    }

    pub(super) fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0).any(|(word, mask)| word & mask != 0)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// The smallest member.
    pub(super) fn first(&self) -> Option<usize> {
        let index = self.0.iter().position(|word| *word != 0)?;
        Some(index * 64 + self.0[index].trailing_zeros() as usize)
    }

    /// A number that equal sets share and others hardly ever.
    pub(super) fn hash(&self) -> u64 {
        self.0.iter().fold(0, |hash, word| mix(hash ^ word))
    }

    pub(super) fn count(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    /// Members in ascending order.
    pub(super) fn iter(self) -> Members<W> {
        Members { rest: self.0, word: 0 }
    }
}

/// Iterates over a set.
pub(super) struct Members<const W: usize> {
    rest: [u64; W],
    word: usize,
}

impl<const W: usize> Iterator for Members<W> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.word < W {
            let rest = self.rest[self.word];
            if rest != 0 {
                self.rest[self.word] = rest & (rest - 1);
                return Some(self.word * 64 + rest.trailing_zeros() as usize);
            }
            self.word += 1;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_come_back_in_order_across_words() {
        let mut bits = Bits::<3>::EMPTY;
        for slot in [191, 0, 63, 64, 100] {
            bits.set(slot);
        }
        bits.clear(100);
        assert!(bits.has(64));
        assert!(!bits.has(100));
        assert_eq!(bits.iter().collect::<Vec<_>>(), [0, 63, 64, 191]);
        assert_eq!(bits.count(), 4);
    }

    #[test]
    fn set_algebra_is_word_by_word() {
        let of = |slots: &[usize]| {
            let mut bits = Bits::<2>::EMPTY;
            slots.iter().for_each(|slot| bits.set(*slot));
            bits
        };
        assert_eq!(of(&[1, 70]).and(&of(&[70, 71])), of(&[70]));
        assert_eq!(of(&[1, 70]).or(&of(&[70, 71])), of(&[1, 70, 71]));
        assert_eq!(of(&[1, 70]).without(&of(&[70, 71])), of(&[1]));
        assert!(of(&[70]).is_subset(&of(&[1, 70])));
        assert!(!of(&[2, 70]).is_subset(&of(&[1, 70])));
    }
}
