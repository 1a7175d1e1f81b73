//! What a node told others, its disk has promised.

use squall_checkers::raft::{Observation, RaftChecker};
use squall_checkers::violation::Property::AcknowledgedDurable;

use crate::story::Story;

#[test]
fn an_acknowledgement_leaves_before_the_sync() {
    let mut story = Story::of(3);
    story.append(2, 1);
    let durable = story.sync(2);
    let appended = story.append(2, 1);
    let ack = Observation::AckSent { node: 2, term: 1, index: 2 };
    let message = "node 2 acknowledged index 2 in term 1, but its disk has promised its log up to index 1 only";
    story.clone().breaks(ack, AcknowledgedDurable, message, &[durable, appended]);
    story.ok(Observation::AckSent { node: 2, term: 1, index: 1 });
    story.ok(Observation::AckSent { node: 2, term: 1, index: 0 });
    story.sync(2);
    story.ok(ack);
}

/// The completion of an older append at that index was taken for that of the newer one.
#[test]
fn an_acknowledgement_of_what_replaced_the_durable_entry() {
    let mut story = Story::of(3);
    story.append(2, 1);
    let durable = story.sync(2);
    let promised = story.hash_at(2, 1);
    story.truncate(2, 0);
    story.ok(Observation::Term { node: 2, term: 3 });
    let appended = story.append(2, 3);
    let own = story.hash_at(2, 1);
    let ack = Observation::AckSent { node: 2, term: 3, index: 1 };
    let message = format!(
        "node 2 acknowledged index 1 in term 3, but its log has hash {own:016x} there, and its disk has promised hash {promised:016x}"
    );
    story.clone().breaks(ack, AcknowledgedDurable, &message, &[durable, appended]);
    // One that was on its way to the leader of term 1 speaks of the old entry.
    story.ok(Observation::AckSent { node: 2, term: 1, index: 1 });
    story.sync_cut(2, 0);
    story.sync(2);
    story.ok(ack);
}

/// The entry is durable, and the term in which the node says so is not: back in term 1 it would obey the leader of
/// term 2, who may replace the entry.
#[test]
fn an_acknowledgement_in_a_term_that_a_crash_takes() {
    let mut story = Story::of(3);
    story.append(2, 1);
    story.sync(2);
    let durable = story.ok(Observation::DurableVote { node: 2, term: 1, vote: None });
    story.ok(Observation::Term { node: 2, term: 3 });
    let ack = Observation::AckSent { node: 2, term: 3, index: 1 };
    let message = "node 2 acknowledged index 1 in term 3, but its disk has promised term 1 only";
    story.clone().breaks(ack, AcknowledgedDurable, message, &[durable]);
    story.ok(Observation::AckSent { node: 2, term: 3, index: 0 });
    story.ok(Observation::DurableVote { node: 2, term: 3, vote: None });
    story.ok(ack);
}

#[test]
fn an_acknowledgement_beyond_the_log() {
    let story = Story::of(3);
    let ack = Observation::AckSent { node: 2, term: 1, index: 1 };
    let message = "node 2 acknowledged index 1 in term 1, but its log ends at index 0";
    story.breaks(ack, AcknowledgedDurable, message, &[]);
}

#[test]
fn a_vote_leaves_before_the_sync() {
    let mut story = Story::of(3);
    let durable = story.ok(Observation::DurableVote { node: 2, term: 3, vote: Some(1) });
    let decided = story.ok(Observation::Vote { node: 2, term: 4, candidate: 3 });
    let sent = Observation::VoteSent { node: 2, term: 4, candidate: 3 };
    let message = "the vote of node 2 for node 3 in term 4 left it, but its disk has promised term 3 with a vote for node 1";
    story.clone().breaks(sent, AcknowledgedDurable, message, &[durable, decided]);
    let term_only = story.ok(Observation::DurableVote { node: 2, term: 4, vote: None });
    let message = "the vote of node 2 for node 3 in term 4 left it, but its disk has promised term 4 with no vote";
    story.clone().breaks(sent, AcknowledgedDurable, message, &[decided, term_only]);
    story.ok(Observation::DurableVote { node: 2, term: 4, vote: Some(3) });
    story.ok(sent);
    story.ok(Observation::DurableVote { node: 2, term: 5, vote: None });
    story.ok(sent);
}

#[test]
fn a_commit_without_a_durable_quorum() {
    let mut story = Story::of(5);
    story.elect(1, 1, &[2, 3]);
    let appended = story.append_durably(1, 1);
    let own_vote = appended - 10;
    story.follow(2, 1, 1);
    let (term, hash) = story.log(1)[0];
    story.ok(Observation::Append { node: 3, index: 1, term, hash });
    let commit = Observation::Commit { node: 1, term: 1, index: 1 };
    let message = format!(
        "node 1 committed index 1 (hash {hash:016x}) in term 1, but only the disks of nodes [1, 2] have promised it, not those of [3, 4, 5]"
    );
    // Of those without it, node 3 alone has promised anything yet: its vote.
    story.clone().breaks(commit, AcknowledgedDurable, &message, &[own_vote + 7, appended]);
    story.ok(Observation::DurableAppend { node: 3, index: 1, term, hash });
    story.ok(commit);
    // Later commits of it are not judged again.
    story.commit(2, 1, 1);
}

#[test]
fn a_quorum_is_a_majority_of_an_even_cluster_too() {
    let mut story = Story::of(4);
    story.elect(1, 1, &[2, 3]);
    story.append_durably(1, 1);
    story.follow(2, 1, 1);
    let commit = Observation::Commit { node: 1, term: 1, index: 1 };
    assert!(story.clone().checker.observe(99, 0, &commit).is_err());
    story.follow(3, 1, 1);
    story.ok(commit);
}

#[test]
fn a_disk_promises_an_entry_without_what_is_before_it() {
    let mut story = Story::of(3);
    story.append(2, 1);
    let durable = story.sync(2);
    story.append(2, 1);
    story.append(2, 1);
    let (term, hash) = story.log(2)[2];
    let message = "the disk of node 2 promised index 3 without what is behind index 1";
    story.breaks(Observation::DurableAppend { node: 2, index: 3, term, hash }, AcknowledgedDurable, message, &[durable]);
}

#[test]
fn a_disk_takes_a_promise_back() {
    let mut story = Story::of(3);
    let durable = story.ok(Observation::DurableVote { node: 2, term: 4, vote: Some(3) });
    for (term, vote) in [(3, Some(3)), (4, None), (4, Some(1))] {
        let message =
            format!("the disk of node 2 promised term {term} with vote {vote:?} after it had promised term 4 with vote Some(3)");
        story.clone().breaks(Observation::DurableVote { node: 2, term, vote }, AcknowledgedDurable, &message, &[durable]);
    }
    story.ok(Observation::DurableVote { node: 2, term: 4, vote: Some(3) });
    story.ok(Observation::DurableVote { node: 2, term: 5, vote: None });
}

#[test]
fn streams_that_know_no_disks_are_judged_without_them() {
    let mut checker = RaftChecker::new(&[1, 2, 3]).without_disks();
    let stream = [
        Observation::Append { node: 1, index: 1, term: 1, hash: 5 },
        Observation::AckSent { node: 1, term: 1, index: 1 },
        Observation::VoteSent { node: 1, term: 1, candidate: 1 },
        Observation::Commit { node: 1, term: 1, index: 1 },
        Observation::Stopped { node: 1 },
        Observation::Started { node: 1, boot: 2, term: 0, vote: None, last_index: 0, last_hash: 0 },
    ];
    for (event, observation) in (1..).zip(&stream) {
        assert_eq!(checker.observe(event, 0, observation), Ok(()), "{observation}");
    }
    let second_vote = Observation::Vote { node: 1, term: 1, candidate: 2 };
    assert!(checker.observe(9, 0, &second_vote).is_err(), "what needs no disks is still judged");
}
