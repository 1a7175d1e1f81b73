//! A leader holds what was committed in lower terms.

use squall_checkers::raft::Observation;
use squall_checkers::violation::Property::LeaderCompleteness;

use crate::story::{Story, leader};

/// Node 1 of 5 committed two entries in term 1, which nodes 2 and 3 have as well.
fn committed_by_three_of_five() -> (Story, u64) {
    let mut story = Story::of(5);
    story.elect(1, 1, &[2, 3]);
    story.append_durably(1, 1);
    story.append_durably(1, 1);
    for node in [2, 3] {
        story.follow(node, 1, 1);
    }
    let committed = story.commit(1, 1, 2);
    (story, committed)
}

#[test]
fn a_leader_without_a_committed_entry() {
    let (mut story, committed) = committed_by_three_of_five();
    let hash = story.hash_at(1, 1);
    story.campaign(4, 2, &[5, 3]);
    let message = format!(
        "node 4 leads term 2 without the entry of term 1 (hash {hash:016x}) at index 1, which node 1 committed in term 1: its log ends at index 0"
    );
    story.breaks(leader(4, 2), LeaderCompleteness, &message, &[committed]);
}

#[test]
fn a_leader_with_another_entry_there() {
    let (mut story, committed) = committed_by_three_of_five();
    let hash = story.hash_at(1, 2);
    let first = Observation::Append { node: 5, index: 1, term: 1, hash: story.hash_at(1, 1) };
    story.ok(first);
    let own = story.ok(Observation::Append { node: 5, index: 2, term: 3, hash: 0xbad });
    story.campaign(5, 4, &[4, 3]);
    let message = format!(
        "node 5 leads term 4 without the entry of term 1 (hash {hash:016x}) at index 2, which node 1 committed in term 1: its log has one of term 3 (hash 0000000000000bad) there"
    );
    story.breaks(leader(5, 4), LeaderCompleteness, &message, &[committed, own]);
}

#[test]
fn a_leader_that_holds_everything_and_more() {
    let (mut story, _) = committed_by_three_of_five();
    story.append(3, 1);
    story.elect(3, 2, &[4, 5]);
}

/// Term 1 is won late, through votes that were long under way; by then term 2 has committed.
#[test]
fn a_stale_candidate_may_win_an_old_term_late() {
    let mut story = Story::of(5);
    story.campaign(5, 1, &[3, 4]);
    story.elect(1, 2, &[2, 3]);
    story.append_durably(1, 2);
    for node in [2, 3] {
        story.follow(node, 1, 2);
    }
    story.commit(1, 2, 1);
    story.ok(leader(5, 1));
}

#[test]
fn a_late_commit_in_an_old_term_binds_who_leads_already() {
    let mut story = Story::of(3);
    story.elect(1, 1, &[2]);
    story.append_durably(1, 1);
    story.ok(Observation::Term { node: 2, term: 1 });
    let (term, hash) = story.log(1)[0];
    story.ok(Observation::Append { node: 2, index: 1, term, hash });
    story.ok(Observation::DurableAppend { node: 2, index: 1, term, hash });
    let elected = story.elect(3, 2, &[2]);
    // The quorum of term 1 and the votes of term 2 met in node 2, which let both happen.
    let committed = Observation::Commit { node: 1, term: 1, index: 1 };
    let message = format!(
        "node 3 leads term 2 without the entry of term 1 (hash {hash:016x}) at index 1, which node 1 committed in term 1: its log ends at index 0"
    );
    story.breaks(committed, LeaderCompleteness, &message, &[elected]);
}
