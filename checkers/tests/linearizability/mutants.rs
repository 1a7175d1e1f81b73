//! Every planted bug of the algorithms is caught by the tests that all of them must pass.
//!
//! These are the comparisons with the twin, with fewer histories. Without a bug they are silent.
//! Not here: wrong models and histories (`planted`).

use crate::objects::{AppendListObject, CasRegisterObject, CounterObject, Drawn, QueueObject};
use crate::{collections, corners, exhaustive, large, models, random, streamed, wide, witnessed};
use squall_checkers::mutants::Bug;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A part of the tests.
type Part = (&'static str, fn());

/// The quick ones first.
const PARTS: [Part; 10] = [
    ("all histories of two operations", || assert_ne!(exhaustive::compare_all(2, 1, |_| true), [0, 0])),
    ("witnesses", || witnessed::compare_witnesses(2_000)),
    ("streams", || streamed::compare_streams(500)),
    ("long streams", streamed::judge_many_states),
    ("long histories", large::judge_long),
    ("many pending", || wide::compare_wide(1_000)),
    ("random histories", || random::compare_random(1, 20_000)),
    ("histories by hand", corners::all_have_an_order),
    ("queues and sets", collections::compare_collections),
    ("other models", || {
        models::agrees_with_the_twin::<CasRegisterObject>(&CasRegisterObject::model(), 2_000);
        models::agrees_with_the_twin::<AppendListObject>(&AppendListObject::model(), 2_000);
        models::agrees_with_the_twin::<QueueObject>(&QueueObject::model(), 2_000);
        models::agrees_with_the_twin::<CounterObject>(&CounterObject::model(), 2_000);
    }),
];

/// The first part that fails, and what it says in a line.
fn first_failure() -> Option<(&'static str, String)> {
    PARTS.iter().find_map(|(name, part)| {
        let said = catch_unwind(AssertUnwindSafe(part)).err()?;
        let said = said.downcast_ref::<String>().map(String::as_str).or(said.downcast_ref::<&str>().copied());
        Some((*name, said.and_then(|said| said.lines().next()).unwrap_or_default().to_owned()))
    })
}

#[test]
fn without_a_bug_all_is_silent() {
    assert_eq!(first_failure(), None);
}

#[test]
fn every_bug_is_caught() {
    let mut survivors = Vec::new();
    for bug in Bug::ALL {
        let _planted = bug.plant();
        match first_failure() {
            Some((_, said)) if said.starts_with("one-sided") => survivors.push(bug),
            Some((part, said)) => println!("{bug:?}: caught by {part}: {said}"),
            None => survivors.push(bug),
        }
    }
    assert!(survivors.is_empty(), "found planted bugs that nothing catches: {survivors:?}");
}
