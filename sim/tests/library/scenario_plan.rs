//! Plans: the same seed draws the same plan, owners draw independently, texts are exact, bad edits are refused.

#![expect(clippy::disallowed_methods, reason = "insta names snapshots after the test that takes them")]

use proptest::prelude::*;
use squall_sim::plan::{Ends, Op, Pace, Plan, Value, When};
use squall_sim::scenario::{Range, Scenario, bundled};

const STORM: &str = r#"Scenario(
    nodes: (3, 5), safety: "6s",
    clients: [
        Kv(count: 3),
        Kv(count: 2, load: Rate(per_second: 20), late_duplicates_ppm: 100_000, value_bytes: (100, 3_000)),
    ],
    clocks: [(who: All, offset: ("0s", "3s")), (who: Node(1), rate_ppm: (900_000, 1_100_000))],
    network: (loss_ppm: (0, 20_000)),
    faults: [
        (when: Between("1s", "2s"), every: "1s", lasts: ("100ms", "400ms"), chance_ppm: 500_000, what: Kill(Any)),
        (when: Between("1s", "2s"), every: "1s", lasts: ("100ms", "400ms"), chance_ppm: 500_000, what: Kill(Any)),
        (when: At("2s"), until: "4s", what: Cut(Split(with: Leader, size: (1, 2)))),
        (
            when: On(event: Append, who: Leader, nth: (20, 40), after: "1s", plus: ("0s", "1ms"), times: 3),
            lasts: "300ms",
            what: PowerLoss(Not(Follower)),
        ),
        (when: At("3s"), what: Flap(cut: OneWay(from: Leader, to: Others), down: ("50ms", "80ms"), up: "50ms")),
        (when: At("3s"), what: Link(from: All, to: Node(2), loss_ppm: (1, 500_000), latency: ("20ms", "50ms"))),
        (when: At("3s"), what: ClockJump(who: Any, by: "1s")),
    ],
    sometimes: ["leader_changed"],
    expect: Violates("log-matching"),
)"#;

fn storm() -> Scenario {
    Scenario::parse("storm.ron", STORM).expect("a valid scenario")
}

#[test]
fn a_seed_draws_the_same_plan_and_another_seed_another() {
    for source in bundled() {
        let scenario = source.scenario().unwrap();
        let plan = Plan::draw(&source.name, &scenario, 7);
        assert_eq!(plan.content_hash(), Plan::draw(&source.name, &scenario, 7).content_hash());
        assert_ne!(plan.clients, Plan::draw(&source.name, &scenario, 8).clients, "{}", source.name);
    }
}

/// These plans are what recorded seeds and printed seeds refer to. A change here makes every seed another run.
#[test]
fn plans_do_not_change_from_build_to_build() {
    let plan = Plan::draw("storm", &storm(), 7);
    let shown: Vec<_> = plan.to_ron().lines().take(42).map(str::to_owned).collect();
    insta::assert_snapshot!(format!("{}\ncontent hash {:016x}\n{}", shown.join("\n"), plan.content_hash(), plan.summary()));
}

#[test]
fn a_removed_fault_leaves_all_else_as_it_was() {
    let whole = storm();
    for seed in 0..20 {
        let plan = Plan::draw("storm", &whole, seed);
        for removed in 2..whole.faults.len() {
            let mut fewer = whole.clone();
            fewer.faults.remove(removed);
            let kind = whole.faults[removed].what.kind();
            let kept: Vec<_> = plan.faults.iter().filter(|fault| fault.what.kind() != kind).cloned().collect();
            let expected = Plan { faults: kept, ..plan.clone() };
            assert_eq!(Plan::draw("storm", &fewer, seed), expected, "seed {seed} without {kind}");
        }
    }
}

#[test]
fn equal_faults_draw_apart() {
    let plan = Plan::draw("storm", &storm(), 3);
    let starts = |suffix: &str| -> Vec<_> {
        let of = |id: &str| id.starts_with("kill") && id.split('.').next().is_some_and(|stem| stem.ends_with(suffix));
        plan.faults.iter().filter(|fault| of(&fault.id)).map(|fault| fault.when.clone()).collect()
    };
    let second = starts("-2");
    assert!(!second.is_empty() && plan.faults.iter().filter(|fault| fault.id.starts_with("kill")).count() > second.len());
    assert!(plan.faults.iter().filter(|fault| second.contains(&fault.when)).all(|fault| fault.id.contains("-2.")));
}

#[test]
fn a_removed_client_leaves_all_else_as_it_was() {
    let whole = storm();
    let plan = Plan::draw("storm", &whole, 7);
    let mut fewer = whole.clone();
    fewer.clients[0].count = Range::fixed(2);
    let mut expected = plan.clone();
    expected.clients.retain(|client| client.id != 3);
    assert_eq!(Plan::draw("storm", &fewer, 7), expected);
}

#[test]
fn a_removed_range_leaves_all_else_as_it_was() {
    let whole = storm();
    let plan = Plan::draw("storm", &whole, 7);
    let mut calm = whole.clone();
    calm.network.loss_ppm = Range::fixed(0);
    let mut expected = plan.clone();
    assert_ne!(expected.network.loss_ppm, 0);
    expected.network.loss_ppm = 0;
    assert_eq!(Plan::draw("storm", &calm, 7), expected);
}

#[test]
fn occurrences_lie_within_the_phase_and_are_drawn_anew() {
    let mut starts = Vec::new();
    for seed in 0..50 {
        let plan = Plan::draw("storm", &storm(), seed);
        for fault in &plan.faults {
            let When::At(at) = fault.when else { continue };
            assert!(at < plan.safety);
            if let Ends::After(span) = fault.ends {
                assert!(at.0 + span.0 <= plan.safety.0);
                starts.push(at.0 % 1_000_000_000);
            }
        }
    }
    let drawn = starts.len();
    starts.sort_unstable();
    starts.dedup();
    assert!(starts.len() > 50 && starts.len() * 10 > drawn * 9, "{} of {drawn} starts differ", starts.len());
}

#[test]
fn counted_triggers_go_on_counting() {
    let plan = Plan::draw("storm", &storm(), 7);
    let counts: Vec<_> =
        plan.faults.iter().filter_map(|fault| if let When::On { nth, .. } = fault.when { Some(nth) } else { None }).collect();
    assert_eq!(counts.len(), 3);
    for (first, second) in counts.iter().zip(&counts[1..]) {
        assert!((20..=40).contains(&(second - first)), "{counts:?}");
    }
}

#[test]
fn clients_have_enough_to_do() {
    let plan = Plan::draw("storm", &storm(), 7);
    for client in &plan.clients {
        let thinking: u64 = client.operations.iter().map(|operation| operation.think.0).sum();
        let beside = if client.pace == Pace::AfterOutcome { 200_000 * client.operations.len() as u64 } else { 0 };
        assert!(thinking + beside >= plan.safety.0, "client {}", client.id);
    }
    let rate = plan.clients.iter().find(|client| client.pace == Pace::AfterDue).unwrap();
    assert!((90..150).contains(&rate.operations.len()), "20 a second for 6 s: {}", rate.operations.len());
}

#[test]
fn written_values_are_unique() {
    let plan = Plan::draw("storm", &storm(), 7);
    let mut tags = std::collections::BTreeSet::new();
    for operation in plan.clients.iter().flat_map(|client| &client.operations) {
        if let Op::Put(value) | Op::Append(value) | Op::Cas { new: value, .. } = &operation.op {
            assert!(tags.insert(value.to_bytes()), "{value} twice");
        }
    }
    assert!(tags.len() > 500);
}

#[test]
fn a_swarm_goes_to_extremes_and_leaves_kinds_out() {
    let swarm = bundled().into_iter().find(|source| source.name == "swarm").unwrap();
    let scenario = swarm.scenario().unwrap();
    let plans: Vec<_> = (0..60).map(|seed| Plan::draw("swarm", &scenario, seed)).collect();
    for nodes in [3, 7] {
        assert!(plans.iter().filter(|plan| plan.nodes == nodes).count() > 10);
    }
    assert!(plans.iter().any(|plan| (4..=6).contains(&plan.nodes)));
    for kind in ["kill", "power_loss", "pause", "isolate", "split", "one_way", "flap", "link", "slow_fsync", "clock_rate"] {
        let with = plans.iter().filter(|plan| plan.faults.iter().any(|fault| fault.what.kind() == kind)).count();
        assert!((5..55).contains(&with), "{kind} in {with} of 60 seeds");
    }
    let writes = |plan: &Plan, wanted: fn(&Op) -> bool| plan.clients.iter().flat_map(|c| &c.operations).any(|o| wanted(&o.op));
    assert!(plans.iter().any(|plan| !writes(plan, |op| matches!(op, Op::Cas { .. }))));
    assert!(plans.iter().all(|plan| writes(plan, |op| !matches!(op, Op::Get))));
}

#[test]
fn an_edit_shows_in_the_hash_and_layout_does_not() {
    let plan = Plan::draw("storm", &storm(), 7);
    let text = plan.to_ron();
    let laid_out = format!("// mine\n{}", text.replace(", ", ",\n    "));
    assert_eq!(Plan::from_ron("plan.ron", &laid_out).unwrap().content_hash(), plan.content_hash());
    let edited = text.replacen("op: Get", "op: Delete", 1);
    assert_ne!(Plan::from_ron("plan.ron", &edited).unwrap().content_hash(), plan.content_hash());
}

#[test]
fn an_operation_can_be_removed_by_its_line() {
    let text = Plan::draw("storm", &storm(), 7).to_ron();
    let mut lines: Vec<_> = text.lines().collect();
    let line = lines.iter().position(|line| line.trim_start().starts_with("(think:")).unwrap();
    lines.remove(line);
    let edited = Plan::from_ron("plan.ron", &lines.join("\n")).unwrap();
    let before = Plan::draw("storm", &storm(), 7);
    assert_eq!(edited.clients[0].operations, before.clients[0].operations[1..]);
}

#[test]
fn an_inconsistent_plan_is_refused_at_its_place() {
    let text = Plan::draw("storm", &storm(), 7).to_ron();
    let mut seen = String::new();
    for (name, from, to) in [
        ("too many nodes", "    nodes: 4", "    nodes: 9"),
        ("a phase that ends before a fault", "safety: \"6s\"", "safety: \"2s\""),
        ("a heartbeat too slow", "heartbeat: \"50ms\"", "heartbeat: \"90ms\""),
        ("a range left to draw", "size: 2", "size: (1, 2)"),
        ("all on one side", "size: 2", "size: 4"),
        ("a node that is not there", "to: Node(2)", "to: Node(5)"),
        ("a clock for all", "who: Node(3), offset", "who: All, offset"),
        ("a clock too fast", "rate_ppm: 1000000", "rate_ppm: 1200001"),
        ("an end before the start", "ends: At(\"4s\")", "ends: At(\"1s\")"),
        ("an end of an instant", "ends: WithPhase, what: ClockJump", "ends: After(\"1s\"), what: ClockJump"),
        ("key 0", "key: 1,", "key: 0,"),
        ("the same client twice", "(id: 2,", "(id: 1,"),
        ("no timeout", "timeout: \"400ms\"", "timeout: \"0s\""),
        ("a field of the future", "    seed: 7,", "    seed: 7,\n    moon: 1,"),
        ("no unit", "ms\", key", "\", key"),
        ("a negative count", "retries: 20", "retries: -1"),
        ("an unknown property", "log-matching", "log-watching"),
    ] {
        let edited = text.replacen(from, to, 1);
        assert_ne!(edited, text, "{name}");
        let error = Plan::from_ron("plan.ron", &edited).expect_err(name);
        seen.push_str(&format!("{name}\n    {error}\n"));
    }
    insta::assert_snapshot!(seen);
}

#[test]
fn names_are_unique_and_values_fit() {
    let whole = Plan::draw("storm", &storm(), 7);
    let mut plan = whole.clone();
    plan.faults[1].id = plan.faults[0].id.clone();
    assert_eq!(plan.validate().unwrap_err().path.to_string(), "faults[1].id");
    let mut plan = whole;
    plan.clients[2].operations[5].op = Op::Put(Value::sized("big", 2_000_000));
    let error = plan.validate().unwrap_err();
    assert_eq!(error.to_string(), "clients[2].operations[5].op: found 2000000 bytes of values, expected at most 1048448");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_plan_is_valid_and_reads_back(which in any::<prop::sample::Index>(), seed: u64) {
        let sources = bundled();
        let source = which.get(&sources);
        let plan = Plan::draw(&source.name, &source.scenario().unwrap(), seed);
        let text = plan.to_ron();
        let back = Plan::from_ron("plan.ron", &text).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(&back, &plan);
        prop_assert_eq!(back.to_ron(), text);
    }
}
