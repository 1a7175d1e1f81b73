//! A clone knows what its original knew, and neither disturbs the other.

use squall_checkers::raft::Observation;
use squall_checkers::violation::Property;

use crate::story::Story;

#[test]
fn a_clone_and_its_original_go_different_ways() {
    let mut story = Story::with_entries(1_000);
    let mut branch = story.clone();
    story.append_durably(1, 1);
    let other = branch.next_append(1, 1, 7);
    branch.ok(other);
    let Observation::Append { index, term, hash, .. } = other else { unreachable!() };
    branch.ok(Observation::Append { node: 2, index, term, hash });
    story.follow(2, 1, 1);
    let theirs = Observation::Append { node: 3, index, term, hash };
    let violation = story.clone().checker.observe(9_999, 0, &theirs).unwrap_err();
    assert_eq!(violation.property, Property::LogMatching);
    branch.ok(theirs);
    story.commit(1, 1, 1_001);
}
