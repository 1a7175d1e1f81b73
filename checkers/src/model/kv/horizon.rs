//! Which values of a key the rest of a history can still tell apart.
//!
//! A client sees a value by reading it or by expecting it in a compare-and-set, and a
//! value grows by appends. So a value matters as long as an operation that sees it, or
//! something that begins with it, has not returned. All others are alike: present, equal
//! to nothing that anybody sees, and never becoming so. Without this each write of unknown
//! outcome that nobody saw would double what the search must try.
//!
//! Not here: what the operations do (`kv`).

use super::{Input, Output, Use};
use crate::mutants::Bug;
use bytes::Bytes;
use std::collections::BTreeMap;

/// Until which return each value is seen; built by [`super::Kv`]'s `horizon`.
#[derive(Debug, Default)]
pub struct Horizon {
    /// What is seen and by which return last, sorted by value.
    seen: Vec<(Bytes, u64)>,
    /// `maxima[l][i]`: the last return of `seen[i..i + 2^l]`.
    maxima: Vec<Vec<u64>>,
}

impl Horizon {
    pub(super) fn new(uses: &[Use<'_, Input, Output>]) -> Self {
        let mut seen = BTreeMap::new();
        for Use { call, returns } in uses {
            match (call.input, call.output) {
                (Input::Get { .. }, Some(Output::Value(Some(value)))) => see(&mut seen, value, *returns),
                (Input::Cas { expected: Some(value), .. }, Some(_)) => see(&mut seen, value, *returns),
                _ => false,
            };
        }
        // A compare-and-set of unknown outcome tells its expected value from others only
        // as long as its new value matters, which may in turn be expected by another.
        loop {
            let horizon = Self::from_seen(seen);
            seen = horizon.seen.iter().cloned().collect();
            let mut grew = false;
            for Use { call, .. } in uses {
                if let (Input::Cas { expected: Some(expected), value, .. }, None) = (call.input, call.output) {
                    let until = horizon.observed_until(value);
                    grew |= until != 0 && see(&mut seen, expected, until);
                }
            }
            if !grew || Bug::HorizonForgetsUnknownCas.is_planted() {
                return horizon;
            }
        }
    }

    fn from_seen(seen: BTreeMap<Bytes, u64>) -> Self {
        let seen: Vec<_> = seen.into_iter().collect();
        let mut maxima = vec![seen.iter().map(|(_, returns)| *returns).collect::<Vec<_>>()];
        let mut half = 1;
        while let Some(below) = maxima.last()
            && below.len() > half
        {
            let level = below.iter().zip(&below[half..]).map(|(left, right)| *left.max(right)).collect();
            maxima.push(level);
            half *= 2;
        }
        Self { seen, maxima }
    }

    /// The last return of an operation that sees this value or one that begins with it; 0 if none.
    pub(super) fn observed_until(&self, value: &Bytes) -> u64 {
        let from = self.seen.partition_point(|(seen, _)| seen < value);
        self.last_return(from, self.end_of_extensions(from, value))
    }

    /// The last return of an operation that sees a value in which these bytes occur; 0 if none.
    pub(super) fn contained_until(&self, part: &Bytes) -> u64 {
        if part.is_empty() {
            return u64::MAX;
        }
        let mut until = 0;
        for (index, (value, returns)) in self.seen.iter().enumerate() {
            // What a value contains its extensions contain as well: growing lists would
            // otherwise be searched over and over.
            let extensions_matter_longer = || self.last_return(index + 1, self.end_of_extensions(index, value)) >= *returns;
            if *returns > until && !extensions_matter_longer() && contains(value, part) {
                until = *returns;
            }
        }
        until
    }

    /// Where the values that begin with `value` end, if they start at `from`.
    fn end_of_extensions(&self, from: usize, value: &Bytes) -> usize {
        from + self.seen[from..].partition_point(|(seen, _)| seen.starts_with(value))
    }

    fn last_return(&self, from: usize, to: usize) -> u64 {
        let Some(level) = to.saturating_sub(from).checked_ilog2() else { return 0 };
        let maxima = &self.maxima[level as usize];
        maxima[from].max(maxima[to - (1 << level)])
    }
}

/// Notes a sighting; `true` if it is later than those noted before.
fn see(seen: &mut BTreeMap<Bytes, u64>, value: &Bytes, returns: u64) -> bool {
    let last = seen.entry(value.clone()).or_insert(0);
    let later = *last < returns;
    *last = returns.max(*last);
    later
}

fn contains(value: &[u8], part: &[u8]) -> bool {
    value.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::super::super::Call;
    use super::*;

    fn bytes(text: &str) -> Bytes {
        Bytes::copy_from_slice(text.as_bytes())
    }

    fn horizon(calls: &[(Input, Option<Output>, u64)]) -> Horizon {
        let uses: Vec<_> = calls
            .iter()
            .map(|(input, output, returns)| Use { call: Call { input, output: output.as_ref() }, returns: *returns })
            .collect();
        Horizon::new(&uses)
    }

    fn get(value: &str, returns: u64) -> (Input, Option<Output>, u64) {
        (Input::Get { key: bytes("k") }, Some(Output::Value(Some(bytes(value)))), returns)
    }

    fn unknown_cas(expected: &str, value: &str) -> (Input, Option<Output>, u64) {
        (Input::Cas { key: bytes("k"), expected: Some(bytes(expected)), value: bytes(value) }, None, u64::MAX)
    }

    #[test]
    fn a_value_matters_until_the_last_read_of_it_or_of_what_it_grows_into() {
        let horizon = horizon(&[get("ab", 3), get("abc", 9), get("b", 5), get("abd", 7)]);
        let until = |value| horizon.observed_until(&bytes(value));
        assert_eq!([until(""), until("a"), until("ab"), until("abc"), until("abd")], [9, 9, 9, 9, 7]);
        assert_eq!([until("b"), until("abce"), until("c")], [5, 0, 0]);
    }

    #[test]
    fn an_appended_part_matters_wherever_it_occurs() {
        let horizon = horizon(&[get("xay", 3), get("xayb", 2), get("za", 8)]);
        let until = |part| horizon.contained_until(&bytes(part));
        assert_eq!([until("a"), until("y"), until("b"), until("q"), until("")], [8, 3, 2, 0, u64::MAX]);
    }

    #[test]
    fn an_unknown_cas_passes_on_how_long_its_new_value_matters() {
        let horizon = horizon(&[unknown_cas("a", "b"), unknown_cas("b", "c"), get("c", 6), unknown_cas("x", "y")]);
        let until = |value| horizon.observed_until(&bytes(value));
        assert_eq!([until("a"), until("b"), until("c"), until("x"), until("y")], [6, 6, 6, 0, 0]);
    }
}
