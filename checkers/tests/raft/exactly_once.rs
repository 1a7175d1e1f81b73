//! A session's command takes effect at one index.

use squall_checkers::raft::Observation;
use squall_checkers::violation::Property::ExactlyOnce;

use crate::story::Story;

fn effect(node: u64, index: u64, sequence: u64) -> Observation {
    Observation::SessionApply { node, index, session: 40, sequence }
}

#[test]
fn a_command_takes_effect_twice_on_one_node() {
    let mut story = Story::with_entries(5);
    let first = story.ok(effect(1, 3, 8));
    let message = "command 8 of session 40 took effect twice: at index 3 on node 1 and at index 5 on node 1";
    story.breaks(effect(1, 5, 8), ExactlyOnce, message, &[first]);
}

/// Each node sees one effect only; together they see two.
#[test]
fn a_command_takes_effect_at_different_indexes_on_two_nodes() {
    let mut story = Story::with_entries(5);
    let first = story.ok(effect(1, 3, u64::MAX));
    let message = format!("command {} of session 40 took effect twice: at index 3 on node 1 and at index 4 on node 2", u64::MAX);
    story.breaks(effect(2, 4, u64::MAX), ExactlyOnce, &message, &[first]);
}

#[test]
fn other_commands_other_sessions_and_the_same_index_again_are_legal() {
    let mut story = Story::with_entries(5);
    for node in [1, 2, 1] {
        story.ok(effect(node, 3, 8));
        story.ok(effect(node, 4, 9));
        story.ok(Observation::SessionApply { node, index: 5, session: 41, sequence: 8 });
    }
    // Sequence numbers may have gaps, and need not arrive in order.
    story.ok(effect(3, 6, 1_000_000));
    story.ok(effect(3, 7, 2));
    story.ok(effect(2, 7, 2));
}
