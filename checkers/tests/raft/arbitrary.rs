//! No stream makes the checker panic, however absurd, and it says the same of it twice.

use proptest::prelude::*;
use squall_checkers::raft::{Observation, RaftChecker, Role};

/// Mostly small numbers, so that streams meet themselves, and the edges.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![6 => 0u64..6, 1 => Just(u64::MAX), 1 => Just(u64::MAX - 1), 1 => 0u64..200, 1 => any::<u64>()]
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Follower), Just(Role::Candidate), Just(Role::Leader)]
}

fn observation() -> impl Strategy<Value = Observation> {
    let (n, v) = (number, || proptest::option::of(number()));
    prop_oneof![
        (n(), n(), n(), v(), n(), n()).prop_map(|(node, boot, term, vote, last_index, last_hash)| Observation::Started {
            node,
            boot,
            term,
            vote,
            last_index,
            last_hash
        }),
        n().prop_map(|node| Observation::Stopped { node }),
        (n(), n()).prop_map(|(node, term)| Observation::Term { node, term }),
        (n(), n(), role()).prop_map(|(node, term, role)| Observation::Role { node, term, role }),
        (n(), n(), n()).prop_map(|(node, term, candidate)| Observation::Vote { node, term, candidate }),
        (n(), n(), n(), n()).prop_map(|(node, index, term, hash)| Observation::Append { node, index, term, hash }),
        (n(), n()).prop_map(|(node, last_index)| Observation::Truncate { node, last_index }),
        (n(), n(), n()).prop_map(|(node, term, index)| Observation::Commit { node, term, index }),
        (n(), n(), n()).prop_map(|(node, index, digest)| Observation::Apply { node, index, digest }),
        (n(), n(), n(), n()).prop_map(|(node, index, session, sequence)| Observation::SessionApply {
            node,
            index,
            session,
            sequence
        }),
        (n(), n(), n(), n()).prop_map(|(node, index, term, hash)| Observation::DurableAppend { node, index, term, hash }),
        (n(), n()).prop_map(|(node, last_index)| Observation::DurableTruncate { node, last_index }),
        (n(), n(), v()).prop_map(|(node, term, vote)| Observation::DurableVote { node, term, vote }),
        (n(), n(), n()).prop_map(|(node, term, candidate)| Observation::VoteSent { node, term, candidate }),
        (n(), n(), n()).prop_map(|(node, term, index)| Observation::AckSent { node, term, index }),
    ]
}

/// Appends that fit, so that the stream also gets somewhere.
fn fitting(last: &mut [u64; 3], node: u64, term: u64) -> Observation {
    let last = &mut last[crate::story::position(node % 3)];
    *last += 1;
    Observation::Append { node: node % 3, index: *last, term, hash: *last * 1_000 + term }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics_and_the_last_evidence_is_the_event(stream in proptest::collection::vec(observation(), 0..200)) {
        let mut checker = RaftChecker::new(&[0, 1, 2]);
        let mut twin = RaftChecker::new(&[2, 1, 0, 0]);
        let mut last = [0; 3];
        for (event, observation) in (0u64..).zip(stream) {
            let helped = if event % 4 == 0 { fitting(&mut last, observation.node(), 1) } else { observation };
            let verdict = checker.observe(event, event, &helped);
            prop_assert_eq!(&verdict, &twin.observe(event, event, &helped));
            twin = if event % 16 == 0 { checker.clone() } else { twin };
            if let Err(violation) = verdict {
                let last = violation.evidence.last().unwrap();
                prop_assert_eq!((last.event, last.node), (event, helped.node()));
                prop_assert!(violation.evidence.is_sorted_by_key(|evidence| evidence.event));
            }
        }
    }
}
