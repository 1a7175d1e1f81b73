//! Values by number.
//!
//! Not here: what was done with them.

use super::super::intern::{Index, hash_of};
use super::super::partition::position;
use crate::model::Value;

#[derive(Default)]
pub(super) struct Numbers<'a> {
    values: Vec<Value<'a>>,
    index: Index,
}

impl<'a> Numbers<'a> {
    /// The number of a value, a new one if it has none.
    pub(super) fn number(&mut self, value: Value<'a>) -> u32 {
        let (hash, values) = (hash_of(&value), &mut self.values);
        self.index.find(hash, |number| values[number as usize] == value).unwrap_or_else(|| {
            let number = position(values.len());
            self.index.insert(hash, number, |number| hash_of(&values[number as usize]));
            values.push(value);
            number
        })
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }
}
