//! What a disk returns after a crash: everything that it had promised, and of the rest
//! whatever survived.

use squall_checkers::raft::{Observation, RaftChecker};
use squall_checkers::violation::Property::AcknowledgedDurable;

use crate::story::Story;

/// Node 2 has promised and acknowledged two entries, and appended two more.
fn two_of_four_promised() -> (Story, u64, u64) {
    let mut story = Story::of(3);
    story.ok(Observation::Term { node: 2, term: 1 });
    story.append(2, 1);
    story.append(2, 1);
    let durable = story.sync(2);
    let acked = story.ok(Observation::AckSent { node: 2, term: 1, index: 2 });
    story.append(2, 1);
    story.append(2, 1);
    story.ok(Observation::Stopped { node: 2 });
    (story, durable, acked)
}

#[test]
fn promised_entries_are_lost() {
    let (mut story, durable, acked) = two_of_four_promised();
    let started = story.started(2, 1, None, 1);
    let message = "node 2 recovered a log up to index 1, its disk had promised it up to index 2 of term 1";
    story.breaks(started, AcknowledgedDurable, message, &[durable, acked]);
}

#[test]
fn anything_from_what_was_promised_to_what_was_written_may_return() {
    let (story, ..) = two_of_four_promised();
    for last_index in 2..=4 {
        let mut story = story.clone();
        let started = story.started(2, 1, None, last_index);
        story.ok(started);
        // It goes on from what it recovered, and the next sync promises all of that.
        story.log(2).truncate(usize::try_from(last_index).unwrap());
        let next = story.next_append(2, 2, 9);
        story.ok(next);
        let Observation::Append { node, index, term, hash } = next else { unreachable!() };
        story.ok(Observation::DurableAppend { node, index, term, hash });
        story.ok(Observation::AckSent { node, term, index });
    }
}

/// A process was killed, not its machine: the page cache returned entries that no sync had
/// promised. They must not be acknowledged as they are.
#[test]
fn recovered_entries_are_acknowledged_before_a_sync() {
    let (mut story, durable, _) = two_of_four_promised();
    let fourth = durable + 3;
    let started = story.started(2, 1, None, 4);
    story.ok(started);
    let ack = Observation::AckSent { node: 2, term: 1, index: 4 };
    let message = "node 2 acknowledged index 4 in term 1, but its disk has promised its log up to index 2 only";
    story.clone().breaks(ack, AcknowledgedDurable, message, &[durable, fourth]);
    // A sync of anything covers them: they stand before it.
    story.ok(Observation::DurableVote { node: 2, term: 1, vote: None });
    story.ok(ack);
}

/// The page cache returned them, then the power failed: nobody had promised them.
#[test]
fn recovered_entries_are_lost_in_a_second_crash() {
    let (mut story, _, acked) = two_of_four_promised();
    let started = story.started(2, 1, None, 4);
    story.ok(started);
    story.ok(Observation::Stopped { node: 2 });
    // A sync of the next recovery, which found only what was promised.
    let synced = story.ok(Observation::DurableVote { node: 2, term: 1, vote: None });
    let lost = story.started(2, 1, None, 1);
    let message = "node 2 recovered a log up to index 1, its disk had promised it up to index 2 of term 1";
    story.clone().breaks(lost, AcknowledgedDurable, message, &[acked, synced]);
    let kept = story.started(2, 1, None, 2);
    story.ok(kept);
}

/// The same for a vote that the page cache returned: a sync of the log covers it.
#[test]
fn a_recovered_vote_is_sent_before_a_sync() {
    let mut story = Story::of(3);
    let decided = story.ok(Observation::Vote { node: 2, term: 4, candidate: 3 });
    let started = story.started(2, 4, Some(3), 0);
    story.ok(Observation::Append { node: 2, index: 1, term: 2, hash: 5 });
    story.ok(Observation::Stopped { node: 2 });
    let recovered = story.ok(started);
    assert!(decided < recovered);
    let sent = Observation::VoteSent { node: 2, term: 4, candidate: 3 };
    let message = "the vote of node 2 for node 3 in term 4 left it, but its disk has promised term 0 with no vote";
    story.clone().breaks(sent, AcknowledgedDurable, message, &[recovered]);
    story.ok(Observation::Append { node: 2, index: 1, term: 4, hash: 6 });
    story.ok(Observation::DurableAppend { node: 2, index: 1, term: 4, hash: 6 });
    story.ok(sent);
}

#[test]
fn a_promised_vote_is_lost() {
    let mut story = Story::of(3);
    let sent = story.vote(2, 4, 3) + 2;
    story.ok(Observation::Stopped { node: 2 });
    for vote in [None, Some(1)] {
        let mut story = story.clone();
        let started = story.started(2, 4, vote, 0);
        let message = format!("node 2 recovered term 4 with vote {vote:?}, and its disk had promised vote Some(3)");
        story.breaks(started, AcknowledgedDurable, &message, &[sent - 1]);
    }
    for (term, vote) in [(4, Some(3)), (5, None), (5, Some(1))] {
        let mut story = story.clone();
        let started = story.started(2, term, vote, 0);
        story.ok(started);
    }
}

/// The cut and the new entries were under way: each point between the old log and the new
/// one may return, also the new log's beginning without its end.
#[test]
fn a_crash_amid_a_conflict() {
    let mut story = Story::of(3);
    for _ in 0..4 {
        story.append(2, 1);
    }
    let durable = story.sync(2);
    let old = story.log(2).clone();
    story.ok(Observation::Term { node: 2, term: 2 });
    story.truncate(2, 2);
    story.append(2, 2);
    story.append(2, 2);
    let middle = story.log(2).clone();
    story.truncate(2, 3);
    story.append(2, 3);
    let new = story.log(2).clone();
    story.ok(Observation::Stopped { node: 2 });
    let started = |log: &[(u64, u64)]| Observation::Started {
        node: 2,
        boot: 2,
        term: 2,
        vote: None,
        last_index: log.len() as u64,
        last_hash: log.last().map_or(0, |last| last.1),
    };
    for log in [&old[..], &old[..2], &middle[..3], &middle[..], &new[..]] {
        story.clone().ok(started(log));
    }
    story.breaks(
        started(&old[..1]),
        AcknowledgedDurable,
        "node 2 recovered a log up to index 1, its disk had promised it up to index 2 of term 1",
        &[durable],
    );
}

#[test]
fn a_cut_that_is_durable_makes_what_follows_certain() {
    let mut story = Story::of(3);
    for _ in 0..3 {
        story.append(2, 1);
    }
    story.sync(2);
    let old = story.hash_at(2, 3);
    story.truncate(2, 1);
    story.sync_cut(2, 1);
    story.append(2, 2);
    story.append(2, 2);
    let durable = story.sync(2);
    let new = story.hash_at(2, 3);
    story.ok(Observation::Stopped { node: 2 });
    let lost = story.started(2, 0, None, 2);
    let message = "node 2 recovered a log up to index 2, its disk had promised it up to index 3 of term 2";
    story.clone().breaks(lost, AcknowledgedDurable, message, &[durable]);
    // The old tail came back behind the cut.
    let resurrected = Observation::Started { node: 2, boot: 2, term: 0, vote: None, last_index: 3, last_hash: old };
    let message = format!(
        "node 2 recovered a log up to index 3, which has hash {old:016x} at index 3, and its disk had promised hash {new:016x}"
    );
    story.clone().breaks(resurrected, AcknowledgedDurable, &message, &[durable]);
    let kept = story.started(2, 0, None, 3);
    story.ok(kept);
}

#[test]
fn a_log_that_nobody_ever_wrote() {
    let (mut story, durable, acked) = two_of_four_promised();
    let rot = Observation::Started { node: 2, boot: 2, term: 1, vote: None, last_index: 3, last_hash: 0xbad };
    let message = "node 2 recovered a log up to index 3, and with hash 0000000000000bad there, which no node ever had; its disk had promised index 2";
    story.breaks(rot, AcknowledgedDurable, message, &[durable, acked]);
    story = Story::of(3);
    story.restart(2, 0, None, 0);
}

/// A cluster that has lived before the checker came: what it brings is taken to be right,
/// from there on it is judged.
#[test]
fn logs_from_before_the_first_observation() {
    let mut checker = RaftChecker::new(&[1, 2, 3]);
    let mut event = 0;
    let mut observe = |observation: Observation| {
        event += 1;
        checker.observe(event, 0, &observation)
    };
    for node in 1..=3 {
        let started = Observation::Started { node, boot: 9, term: 6, vote: Some(1), last_index: 100, last_hash: 0xaa };
        assert_eq!(observe(started), Ok(()));
    }
    let hash = 0xbb;
    for node in 1..=3 {
        assert_eq!(observe(Observation::Append { node, index: 101, term: 7, hash }), Ok(()));
        assert_eq!(observe(Observation::DurableAppend { node, index: 101, term: 7, hash }), Ok(()));
        assert_eq!(observe(Observation::AckSent { node, term: 7, index: 101 }), Ok(()));
        assert_eq!(observe(Observation::AckSent { node, term: 7, index: 50 }), Ok(()));
    }
    for node in 1..=3 {
        assert_eq!(observe(Observation::Commit { node, term: 7, index: 99 }), Ok(()));
        assert_eq!(observe(Observation::Commit { node, term: 7, index: 101 }), Ok(()));
    }
    let stopped = Observation::Started { node: 2, boot: 10, term: 6, vote: Some(1), last_index: 100, last_hash: 0xaa };
    let violation = observe(stopped).unwrap_err();
    assert_eq!(violation.property, AcknowledgedDurable, "{violation}");
}
