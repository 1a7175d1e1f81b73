//! One index and term, one log before it.

use squall_checkers::raft::Observation;
use squall_checkers::violation::Property::LogMatching;

use crate::story::Story;

#[test]
fn two_nodes_have_different_entries_of_one_index_and_term() {
    let mut story = Story::of(3);
    story.append(1, 1);
    let first = story.append(1, 2);
    story.append(2, 1);
    let other = story.next_append(2, 2, 77);
    let (Observation::Append { hash: theirs, .. }, own) = (other, story.hash_at(1, 2)) else { unreachable!() };
    let message = format!(
        "the logs of nodes 1 and 2 both have an entry of term 2 at index 2, but differ up to it: hash {own:016x} and {theirs:016x}"
    );
    story.breaks(other, LogMatching, &message, &[first]);
}

/// The first at that index was of another term, so that this one is found among the others.
#[test]
fn the_entry_was_overwritten_long_ago() {
    let mut story = Story::of(3);
    story.append(1, 1);
    let first = story.append(2, 2);
    let own = story.hash_at(2, 1);
    story.truncate(2, 0);
    let other = story.next_append(3, 2, 77);
    let Observation::Append { hash: theirs, .. } = other else { unreachable!() };
    let message = format!(
        "the logs of nodes 2 and 3 both have an entry of term 2 at index 1, but differ up to it: hash {own:016x} and {theirs:016x}"
    );
    story.breaks(other, LogMatching, &message, &[first]);
}

#[test]
fn a_log_with_a_hole() {
    let mut story = Story::of(3);
    let last = story.append(1, 1);
    let hole = Observation::Append { node: 1, index: 3, term: 1, hash: 9 };
    story.breaks(hole, LogMatching, "node 1 appended index 3 of term 1 to a log that ends at index 1", &[last]);
}

#[test]
fn a_log_in_which_terms_fall() {
    let mut story = Story::of(3);
    let last = story.append(1, 3);
    let lower = story.next_append(1, 2, 0);
    let message = "node 1 appended index 2 of term 2 behind index 1 of the higher term 3";
    story.breaks(lower, LogMatching, message, &[last]);
}

#[test]
fn entries_of_other_terms_and_equal_entries_are_legal() {
    let mut story = Story::of(3);
    for (node, terms) in [(1, [1, 1, 4]), (2, [1, 2, 2]), (3, [1, 1, 4])] {
        for term in terms {
            story.append(node, term);
        }
    }
    story.truncate(2, 1);
    story.append(2, 1);
    story.append(2, 4);
    // Overwriting without a word is a cut and an append.
    let hash = story.hash_at(1, 2);
    story.ok(Observation::Append { node: 3, index: 2, term: 1, hash });
}
