//! One leader per term, one vote per node and term.

use squall_checkers::raft::Observation;
use squall_checkers::violation::Property::ElectionSafety;

use crate::story::{Story, leader};

#[test]
fn two_leaders_in_one_term() {
    let mut story = Story::of(5);
    let first = story.elect(1, 4, &[2, 3]);
    story.campaign(5, 4, &[4]);
    story.breaks(leader(5, 4), ElectionSafety, "nodes 1 and 5 both became leader in term 4", &[first]);
}

#[test]
fn two_leaders_in_different_terms_are_legal() {
    let mut story = Story::of(5);
    story.elect(1, 4, &[2, 3]);
    story.elect(5, 5, &[4, 3]);
    story.ok(leader(5, 5));
    // One that was elected long ago learns it late.
    story.campaign(2, 6, &[3, 4]);
    story.elect(3, 7, &[4, 5]);
    story.ok(leader(2, 6));
}

#[test]
fn a_second_vote_within_one_boot() {
    let mut story = Story::of(3);
    let first = story.ok(Observation::Vote { node: 3, term: 2, candidate: 1 });
    story.ok(Observation::Vote { node: 3, term: 2, candidate: 1 });
    let second = Observation::Vote { node: 3, term: 2, candidate: 2 };
    story.breaks(second, ElectionSafety, "node 3 voted for node 2 in term 2, in which it had voted for node 1", &[first]);
}

/// The vote was promised and sent; a promise of a higher term lets the node forget it,
/// so that only the ghost still knows it.
#[test]
fn a_second_vote_after_a_crash() {
    let mut story = Story::of(3);
    story.vote(3, 2, 1);
    let sent = story.vote(3, 3, 1) + 2;
    story.ok(Observation::Stopped { node: 3 });
    let started = story.started(3, 3, Some(1), 0);
    story.ok(started);
    let second = Observation::Vote { node: 3, term: 3, candidate: 2 };
    story.breaks(second, ElectionSafety, "node 3 voted for node 2 in term 3, in which it had voted for node 1", &[sent]);
}

#[test]
fn what_leaves_is_what_was_decided() {
    let mut story = Story::of(3);
    let decided = story.ok(Observation::Vote { node: 3, term: 2, candidate: 1 });
    story.ok(Observation::DurableVote { node: 3, term: 2, vote: Some(1) });
    let other = Observation::VoteSent { node: 3, term: 2, candidate: 2 };
    story.breaks(other, ElectionSafety, "node 3 voted for node 2 in term 2, in which it had voted for node 1", &[decided]);
}

#[test]
fn a_vote_that_never_left_may_be_decided_otherwise_after_a_crash() {
    let mut story = Story::of(3);
    story.ok(Observation::Vote { node: 3, term: 2, candidate: 1 });
    story.restart(3, 0, None, 0);
    story.vote(3, 2, 2);
    // And another node's vote in that term, or its own in another term, is its own affair.
    story.vote(1, 2, 1);
    story.vote(3, 3, 1);
}
