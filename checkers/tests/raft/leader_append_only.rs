//! A leader never overwrites or deletes its entries.

use squall_checkers::raft::{Observation, Role};
use squall_checkers::violation::Property::LeaderAppendOnly;

use crate::story::Story;

#[test]
fn a_leader_cuts_its_log() {
    let mut story = Story::of(3);
    let elected = story.elect(1, 2, &[2]);
    story.append(1, 2);
    let lost = story.append(1, 2);
    story.append(1, 2);
    story.breaks(
        Observation::Truncate { node: 1, last_index: 1 },
        LeaderAppendOnly,
        "node 1 leads term 2, and cut its log behind index 1, which reached up to index 3",
        &[elected, lost],
    );
}

#[test]
fn a_leader_overwrites_an_entry_without_a_word() {
    let mut story = Story::of(3);
    let elected = story.elect(1, 2, &[2]);
    let lost = story.append(1, 2);
    let hash = story.hash_at(1, 1);
    story.breaks(
        Observation::Append { node: 1, index: 1, term: 2, hash },
        LeaderAppendOnly,
        "node 1 leads term 2, and cut its log behind index 0, which reached up to index 1",
        &[elected, lost],
    );
}

#[test]
fn who_no_longer_leads_may_cut() {
    let mut story = Story::of(3);
    story.elect(1, 2, &[2]);
    story.append(1, 2);
    // A cut that takes nothing away is none.
    story.ok(Observation::Truncate { node: 1, last_index: 1 });
    story.ok(Observation::Term { node: 1, term: 3 });
    story.truncate(1, 0);
    // The others: who stepped down within its term, and who crashed.
    story.elect(2, 4, &[3]);
    story.append(2, 4);
    story.ok(Observation::Role { node: 2, term: 4, role: Role::Follower });
    story.truncate(2, 0);
    story.elect(3, 5, &[1]);
    story.append_durably(3, 5);
    story.restart(3, 5, Some(3), 1);
    story.truncate(3, 0);
}
