//! What was written, by number, and which pieces a value is made of.
//!
//! Not here: what that says about the order (`calls`).

use super::super::intern::{Index, hash_of};
use super::super::partition::position;
use crate::model::Value;
use crate::mutants::Bug;

/// The number of something written: by an operation of its own, once.
pub(super) type Piece = u32;

/// All that was written, and how to find it in a value.
pub(super) struct Pieces<'a> {
    pieces: Vec<Value<'a>>,
    index: Index,
    /// Which lengths pieces have, shortest first; for values that are made of several.
    lengths: Vec<usize>,
    /// The byte that ends each piece and is nowhere else in one, if there is such a byte.
    terminator: Option<u8>,
    /// The value that was taken apart last, and its pieces, each with where it ends.
    last: &'a [u8],
    parts: Vec<(Piece, usize)>,
}

impl<'a> Pieces<'a> {
    pub(super) fn new() -> Self {
        Self { pieces: vec![], index: Index::default(), lengths: vec![], terminator: None, last: &[], parts: vec![] }
    }

    /// Numbers what is written; `None` if it was written before.
    pub(super) fn add(&mut self, value: Value<'a>) -> Option<Piece> {
        let (hash, pieces) = (hash_of(&value), &self.pieces);
        if self.index.find(hash, |piece| pieces[piece as usize] == value).is_some() && !Bug::TwiceIsUnique.is_planted() {
            return None;
        }
        let piece = position(self.pieces.len());
        self.index.insert(hash, piece, |piece| hash_of(&pieces[piece as usize]));
        self.pieces.push(value);
        Some(piece)
    }

    /// The number of a value that was written as a whole.
    pub(super) fn whole(&self, value: Value<'_>) -> Option<Piece> {
        self.index.find(hash_of(&value), |piece| self.pieces[piece as usize] == value)
    }

    pub(super) fn len(&self) -> usize {
        self.pieces.len()
    }

    /// Prepares for values that are made of several pieces; `false` if it might not be
    /// clear of which, because a piece begins with another one.
    pub(super) fn are_separable(&mut self) -> bool {
        let mut bytes = Vec::with_capacity(self.pieces.len());
        for piece in &self.pieces {
            match piece {
                Value::Bytes(piece) if !piece.is_empty() => bytes.push(*piece),
                _ => return false,
            }
        }
        self.terminator = terminator(&bytes);
        if self.terminator.is_some() {
            return true;
        }
        self.lengths = bytes.iter().map(|piece| piece.len()).collect();
        self.lengths.sort_unstable();
        self.lengths.dedup();
        bytes.sort_unstable();
        bytes.windows(2).all(|pair| !pair[1].starts_with(pair[0]))
    }

    /// The pieces that a value is made of, in their order; `None` if it is not made of any.
    pub(super) fn take_apart(&mut self, value: &'a [u8]) -> Option<&[(Piece, usize)]> {
        // Values that are read one after another mostly begin alike.
        if !value.starts_with(self.last) {
            let common = self.last.iter().zip(value).take_while(|(left, right)| left == right).count();
            let kept = self.parts.partition_point(|(_, end)| *end <= common);
            self.parts.truncate(kept);
        }
        let mut from = self.parts.last().map_or(0, |(_, end)| *end);
        self.last = &value[..from];
        while from < value.len() {
            let (piece, end) = self.next(value, from)?;
            self.parts.push((piece, end));
            self.last = &value[..end];
            from = end;
        }
        Some(&self.parts)
    }

    fn next(&self, value: &[u8], from: usize) -> Option<(Piece, usize)> {
        let rest = &value[from..];
        if let Some(terminator) = self.terminator {
            let length = rest.iter().position(|byte| *byte == terminator)? + 1;
            return Some((self.whole(Value::Bytes(&rest[..length]))?, from + length));
        }
        let fits = self.lengths.iter().take_while(|length| **length <= rest.len());
        fits.copied().find_map(|length| Some((self.whole(Value::Bytes(&rest[..length]))?, from + length)))
    }
}

fn terminator(pieces: &[&[u8]]) -> Option<u8> {
    let last = *pieces.first()?.last()?;
    let ends_there = |piece: &&[u8]| piece.iter().position(|byte| *byte == last) == Some(piece.len() - 1);
    pieces.iter().all(ends_there).then_some(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces<'a>(written: &[&'a str]) -> Pieces<'a> {
        let mut pieces = Pieces::new();
        for piece in written {
            pieces.add(Value::Bytes(piece.as_bytes())).expect("they differ");
        }
        pieces
    }

    fn apart(pieces: &mut Pieces<'static>, value: &'static str) -> Option<Vec<Piece>> {
        pieces.take_apart(value.as_bytes()).map(|parts| parts.iter().map(|(piece, _)| *piece).collect())
    }

    #[test]
    fn values_are_taken_apart_with_and_without_a_terminator() {
        for written in [["a;", "bc;", "d;"], ["ax", "byy", "bz"]] {
            let mut pieces = pieces(&written);
            assert!(pieces.are_separable());
            let values = if written[0] == "a;" {
                ["a;bc;", "a;bc;d;", "a;d;", "d;", "", "a;bcd;", "bc;a;"]
            } else {
                ["axbyy", "axbyybz", "axbz", "bz", "", "axbyz", "byyax"]
            };
            let expected =
                [Some(vec![0, 1]), Some(vec![0, 1, 2]), Some(vec![0, 2]), Some(vec![2]), Some(vec![]), None, Some(vec![1, 0])];
            assert_eq!(values.map(|value| apart(&mut pieces, value)), expected);
        }
    }

    #[test]
    fn a_piece_that_begins_another_one_or_is_empty_or_a_number_cannot_be_separated() {
        assert!(!pieces(&["a", "ab"]).are_separable());
        assert!(!pieces(&["a", ""]).are_separable());
        let mut with_number = pieces(&["a"]);
        with_number.add(Value::Number(1));
        assert!(!with_number.are_separable());
    }

    #[test]
    fn what_is_written_twice_is_noticed() {
        let mut pieces = pieces(&["a", "b"]);
        assert_eq!(pieces.add(Value::Bytes(b"a")), None);
        assert_eq!(pieces.whole(Value::Bytes(b"b")), Some(1));
        assert_eq!(pieces.whole(Value::Number(1)), None);
    }
}
