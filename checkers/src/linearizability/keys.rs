//! Which object an operation is about: keys get numbers, operations their places by key.
//!
//! Not here: what is done with the operations on one key (`partition`).

use super::intern::{Index, hash_of};
use super::partition::position;
use crate::history::{History, Outcome};
use crate::model::Model;
use crate::mutants::Bug;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hash::Hash;

/// Keys in the order in which they were first seen.
#[derive(Debug)]
pub(super) struct Keys<K> {
    keys: Vec<K>,
    index: Index,
}

impl<K> Default for Keys<K> {
    fn default() -> Self {
        Self { keys: Vec::new(), index: Index::default() }
    }
}

impl<K: Clone + Eq + Hash> Keys<K> {
    /// The number of a key; the next one if it is new.
    pub(super) fn number(&mut self, key: Cow<'_, K>) -> usize {
        let Self { keys, index } = self;
        let is_one = Bug::KeysAreOne.is_planted();
        let hash = if is_one { 0 } else { hash_of(&*key) };
        let number = index.find(hash, |known| is_one || keys[known as usize] == *key).unwrap_or_else(|| {
            let new = position(keys.len());
            index.insert(hash, new, |known| hash_of(&keys[known as usize]));
            keys.push(key.into_owned());
            new
        });
        number as usize
    }

    /// The keys by number.
    pub(super) fn into_vec(self) -> Vec<K> {
        self.keys
    }
}

/// The places of the operations that may have had an effect, by the object that they are about.
pub(super) fn by_key<M: Model>(model: &M, history: &History<M::Input, M::Output>) -> BTreeMap<M::Key, Vec<u32>> {
    let mut keys = Keys::default();
    let mut places: Vec<Vec<u32>> = Vec::new();
    for (place, operation) in (0..).zip(history.operations()) {
        if operation.outcome != Outcome::Fail {
            let number = keys.number(model.partition_key(&operation.input));
            if number == places.len() {
                places.push(Vec::new());
            }
            places[number].push(place);
        }
    }
    keys.into_vec().into_iter().zip(places).collect()
}
