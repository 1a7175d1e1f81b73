//! No two nodes commit or apply different things at one index.

use squall_checkers::raft::Observation;
use squall_checkers::violation::Property::StateMachineSafety;

use crate::story::Story;

#[test]
fn two_nodes_commit_different_entries() {
    let mut story = Story::of(5);
    story.elect(1, 1, &[2, 3]);
    for _ in 0..3 {
        story.append_durably(1, 1);
    }
    for node in [2, 3] {
        story.follow(node, 1, 1);
    }
    let committed = story.commit(1, 1, 3);
    let hash = story.hash_at(1, 2);
    let (_, shared) = story.log(1)[0];
    story.ok(Observation::Append { node: 4, index: 1, term: 1, hash: shared });
    let own = story.ok(Observation::Append { node: 4, index: 2, term: 2, hash: 0xbad });
    story.ok(Observation::Append { node: 4, index: 3, term: 2, hash: 0xbad2 });
    let message = format!(
        "node 4 committed an entry of term 2 (hash 0000000000000bad) at index 2, where node 1 had committed one of term 1 (hash {hash:016x}) in term 1"
    );
    story.breaks(Observation::Commit { node: 4, term: 2, index: 3 }, StateMachineSafety, &message, &[committed, own]);
}

#[test]
fn commits_that_agree_in_any_order() {
    let mut story = Story::with_entries(3);
    for _ in 0..2 {
        story.append_durably(1, 1);
    }
    for node in [2, 3] {
        story.follow(node, 1, 1);
    }
    story.commit(3, 1, 4);
    story.commit(1, 1, 5);
    story.commit(2, 1, 5);
}

#[test]
fn states_that_differ_after_one_index() {
    let mut story = Story::with_entries(2);
    for index in [1, 2] {
        story.ok(Observation::Apply { node: 1, index, digest: 0x10 + index });
    }
    let second = story.ok(Observation::Apply { node: 3, index: 1, digest: 0x11 });
    story.breaks(
        Observation::Apply { node: 3, index: 2, digest: 0x99 },
        StateMachineSafety,
        "nodes 1 and 3 are in different states after applying index 2: digest 0000000000000012 and 0000000000000099",
        &[second - 1],
    );
}

#[test]
fn states_that_agree_also_after_a_restart() {
    let mut story = Story::with_entries(2);
    for node in [2, 1, 3] {
        story.ok(Observation::Apply { node, index: 1, digest: 0x11 });
        story.ok(Observation::Apply { node, index: 2, digest: 0x12 });
    }
    story.restart(3, 1, Some(1), 2);
    story.commit(3, 1, 2);
    story.ok(Observation::Apply { node: 3, index: 1, digest: 0x11 });
    story.ok(Observation::Apply { node: 3, index: 2, digest: 0x12 });
}
