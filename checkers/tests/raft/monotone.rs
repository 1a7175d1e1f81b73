//! Term, commit index and applied index only rise, and stay behind each other.

use squall_checkers::raft::{Observation, Role};
use squall_checkers::violation::Property::Monotone;

use crate::story::Story;

#[test]
fn a_term_falls() {
    let mut story = Story::of(3);
    let adopted = story.ok(Observation::Term { node: 2, term: 5 });
    let message = "node 2 is in term 4 after it was in term 5";
    for lower in [
        Observation::Term { node: 2, term: 4 },
        Observation::Role { node: 2, term: 4, role: Role::Candidate },
        Observation::Vote { node: 2, term: 4, candidate: 2 },
        Observation::Commit { node: 2, term: 4, index: 0 },
    ] {
        story.clone().breaks(lower, Monotone, message, &[adopted]);
    }
    story.ok(Observation::Term { node: 2, term: 5 });
    story.ok(Observation::Role { node: 2, term: 6, role: Role::Candidate });
    // What leaves late may be of an earlier term.
    story.ok(Observation::DurableVote { node: 2, term: 6, vote: None });
    story.ok(Observation::VoteSent { node: 2, term: 5, candidate: 1 });
}

#[test]
fn a_recovered_term_is_below_the_promised_one() {
    let mut story = Story::of(3);
    story.ok(Observation::Term { node: 2, term: 5 });
    let promised = story.ok(Observation::DurableVote { node: 2, term: 5, vote: None });
    story.ok(Observation::Term { node: 2, term: 6 });
    story.ok(Observation::Stopped { node: 2 });
    let mut legal = story.clone();
    let started = story.started(2, 4, None, 0);
    story.breaks(started, Monotone, "node 2 recovered term 4, and its disk had promised term 5", &[promised]);
    let started = legal.started(2, 5, None, 0);
    legal.ok(started);
    legal.ok(Observation::Term { node: 2, term: 6 });
}

#[test]
fn a_commit_index_falls() {
    let mut story = Story::with_entries(4);
    story.append_durably(1, 1);
    story.follow(2, 1, 1);
    let before = story.commit(1, 1, 5);
    story.clone().breaks(
        Observation::Commit { node: 1, term: 1, index: 4 },
        Monotone,
        "node 1 committed up to index 4 after it had committed up to index 5",
        &[before],
    );
    story.commit(1, 1, 5);
    // A restart forgets it, and learns it again.
    story.restart(1, 1, Some(1), 5);
    story.commit(1, 1, 4);
}

#[test]
fn a_commit_index_beyond_the_log() {
    let mut story = Story::of(3);
    story.elect(1, 1, &[2, 3]);
    let last = story.append_durably(1, 1);
    story.follow(2, 1, 1);
    story.clone().breaks(
        Observation::Commit { node: 1, term: 1, index: 2 },
        Monotone,
        "the commit index 2 of node 1 is behind the end of its log, which is index 1",
        &[last],
    );
    story.commit(1, 1, 1);
}

#[test]
fn a_cut_below_the_commit_index() {
    let mut story = Story::with_entries(2);
    let committed = story.commit(3, 1, 2);
    story.append(3, 1);
    let (first, mut legal) = (story.clone().log(3)[0], story.clone());
    let message = "the commit index 2 of node 3 is behind the end of its log, which is index 1";
    let mut probe = story.clone();
    let violation = probe.checker.observe(500, 0, &Observation::Truncate { node: 3, last_index: 1 }).unwrap_err();
    assert!(violation.evidence[0].what.contains(&format!("{:016x}", first.1)), "the entry that is the last now");
    let appended = violation.evidence[0].event;
    story.breaks(Observation::Truncate { node: 3, last_index: 1 }, Monotone, message, &[appended, committed]);
    legal.truncate(3, 2);
}

#[test]
fn an_applied_index_falls_or_repeats() {
    let mut story = Story::with_entries(3);
    story.ok(Observation::Apply { node: 1, index: 1, digest: 1 });
    let last = story.ok(Observation::Apply { node: 1, index: 2, digest: 2 });
    for (index, digest) in [(1, 1), (2, 2)] {
        let message = format!("node 1 applied index {index} after it had applied index 2");
        story.clone().breaks(Observation::Apply { node: 1, index, digest }, Monotone, &message, &[last]);
    }
    story.ok(Observation::Apply { node: 1, index: 3, digest: 3 });
}

#[test]
fn an_applied_index_beyond_the_commit_index() {
    let mut story = Story::with_entries(3);
    story.append_durably(1, 1);
    let mut legal = story.clone();
    let committed = story.commit(1, 1, 3);
    for index in 1..=3 {
        story.ok(Observation::Apply { node: 1, index, digest: index });
    }
    let message = "node 1 applied index 4, and has committed up to index 3 only";
    story.breaks(Observation::Apply { node: 1, index: 4, digest: 4 }, Monotone, message, &[committed]);
    legal.follow(2, 1, 1);
    legal.commit(1, 1, 4);
    legal.ok(Observation::Apply { node: 1, index: 4, digest: 4 });
}
