//! The minimal set of operations that cannot be ordered.
//!
//! A set is a *conflict* if its operations cannot be ordered whichever of the others may be left
//! out ([`super::Core`] says why). What contains a conflict is one, so a minimal one can be
//! found one operation at a time (`minimal`), and those near the death are asked first.
//!
//! Not here: how it is known whether a set is a conflict (`possible`).

use super::super::limits::Limits;
use super::minimal::Search;
use super::possible::{Part, Prefix};
use crate::model::Model;
use std::cmp::Reverse;

/// A core, by places in the prefix.
pub(super) struct Found {
    pub places: Vec<usize>,
    pub is_minimal: bool,
}

/// Finds a core: minimal, unless a limit was hit.
pub(super) fn find<M: Model>(prefix: &Prefix<'_, M>, limits: Limits<'_>) -> Found {
    let mut candidates: Vec<usize> = prefix.answered().filter(|place| *place != prefix.culprit).collect();
    candidates.sort_by_key(|place| Reverse((prefix.operations[*place].returned_at, *place)));
    let is_conflict = |set: &[usize], limits: Limits<'_>, spent: &mut u64| {
        let mut parts = vec![Part::Optional; prefix.operations.len()];
        set.iter().for_each(|place| parts[*place] = Part::Certain);
        prefix.is_possible(&parts, limits, spent).map(|is_possible| !is_possible)
    };
    let mut search = Search::new(is_conflict, limits);
    // Without its return there is an order, so it is part of every conflict.
    let mut places = vec![prefix.culprit];
    search.minimize(&mut places, candidates);
    places.sort_unstable();
    Found { places, is_minimal: !search.hit_limit }
}
