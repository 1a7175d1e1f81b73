//! Things by number: a table with a fixed hash, so that two runs are equal.
//!
//! The hash is not meant to withstand an adversary, only to be fast and the same
//! everywhere; equality is always tested on the things themselves.
//! Not here: what is numbered (`states`, `partition`).

use std::hash::{Hash, Hasher};

/// An odd number without a pattern (2^64 divided by the golden ratio).
const ODD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Spreads a number over all bits.
pub(super) fn mix(number: u64) -> u64 {
    let mixed = (number ^ (number >> 32)).wrapping_mul(ODD);
    mixed ^ (mixed >> 29)
}

/// A hasher that multiplies and rotates, eight bytes at a time.
#[derive(Default)]
struct Fixed(u64);

impl Fixed {
    fn add(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(ODD);
    }
}

impl Hasher for Fixed {
    fn finish(&self) -> u64 {
        mix(self.0)
    }

    fn write(&mut self, bytes: &[u8]) {
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            self.add(u64::from_le_bytes(chunk.try_into().expect("chunks have eight bytes")));
        }
        let mut last = [0; 8];
        last[..chunks.remainder().len()].copy_from_slice(chunks.remainder());
        self.add(u64::from_le_bytes(last));
    }

    fn write_u8(&mut self, number: u8) {
        self.add(number.into());
    }

    fn write_u32(&mut self, number: u32) {
        self.add(number.into());
    }

    fn write_u64(&mut self, number: u64) {
        self.add(number);
    }

    fn write_usize(&mut self, number: usize) {
        self.add(number as u64);
    }
}

/// The hash of a thing; equal for equal things.
pub(super) fn hash_of(thing: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = Fixed::default();
    thing.hash(&mut hasher);
    hasher.finish()
}

/// Places of things in a list that somebody else keeps, found by hash.
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    /// 0: empty; else the upper half of the hash and the place plus one.
    cells: Vec<u64>,
    count: usize,
}

impl Index {
    const LEAST: usize = 16;

    /// An index that need not grow for so many things.
    pub(super) fn with_capacity(count: usize) -> Self {
        let cells = (count * 3 / 2 + 1).next_power_of_two().max(Self::LEAST);
        Self { cells: vec![0; cells], count: 0 }
    }

    /// The place of the thing with this hash that `is_it` recognises by its place.
    pub(super) fn find(&self, hash: u64, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        if self.cells.is_empty() {
            return None;
        }
        let mask = self.cells.len() - 1;
        let mut at = low(hash) & mask;
        while self.cells[at] != 0 {
            let (tag, place) = (self.cells[at] >> 32, u32::try_from((self.cells[at] & LOW) - 1).unwrap_or(u32::MAX));
            if tag == hash >> 32 && is_it(place) {
                return Some(place);
            }
            at = (at + 1) & mask;
        }
        None
    }

    /// Adds the place of a thing that is not there; `hash_at` gives the hash of any place.
    pub(super) fn insert(&mut self, hash: u64, place: u32, hash_at: impl Fn(u32) -> u64) {
        if self.cells.len() * 2 <= self.count * 3 {
            let cells = (self.cells.len() * 2).max(Self::LEAST);
            let old = std::mem::replace(&mut self.cells, vec![0; cells]);
            for cell in old.into_iter().filter(|cell| *cell != 0) {
                let place = u32::try_from((cell & LOW) - 1).unwrap_or(u32::MAX);
                self.put(hash_at(place), place);
            }
        }
        self.count += 1;
        self.put(hash, place);
    }

    fn put(&mut self, hash: u64, place: u32) {
        let mask = self.cells.len() - 1;
        let mut at = low(hash) & mask;
        while self.cells[at] != 0 {
            at = (at + 1) & mask;
        }
        self.cells[at] = (hash >> 32 << 32) | (u64::from(place) + 1);
    }

    /// Memory in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.cells.len() * 8
    }
}

const LOW: u64 = 0xffff_ffff;

/// The part of a hash that chooses a cell.
fn low(hash: u64) -> usize {
    (hash & LOW) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_inserted_is_found_also_after_growing() {
        let words: Vec<String> = (0..1000).map(|number| format!("word {number}")).collect();
        let mut index = Index::default();
        for (place, word) in (0..).zip(&words) {
            let hash = hash_of(word);
            assert_eq!(index.find(hash, |other| words[other as usize] == *word), None);
            index.insert(hash, place, |other| hash_of(&words[other as usize]));
        }
        for (place, word) in (0..).zip(&words) {
            assert_eq!(index.find(hash_of(word), |other| words[other as usize] == *word), Some(place));
        }
    }

    #[test]
    fn equal_hashes_are_told_apart_by_the_things() {
        let mut index = Index::with_capacity(4);
        index.insert(7, 0, |_| 7);
        index.insert(7, 1, |_| 7);
        assert_eq!(index.find(7, |place| place == 1), Some(1));
        assert_eq!(index.find(7, |place| place == 2), None);
    }
}
