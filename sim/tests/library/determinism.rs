//! One seed, one run: for generated scenarios over the whole language, in one process.
//!
//! Not here: other processes and other optimisation levels (`cli/`, `.ci/run`); worlds of toys (`world/`).

use std::sync::Arc;

use squall_sim::campaign::single::{How, judge};
use squall_sim::plan::Plan;
use squall_sim::run::subject::KvSubject;

/// Two clients of each kind and a little of everything that may go wrong.
const SQUALL: &str = r#"Scenario(
    nodes: 3,
    safety: "900ms",
    clients: [Kv(count: 4), Kv(count: 2, load: Rate(per_second: 40), late_duplicates_ppm: 200_000)],
    network: (loss_ppm: 20_000, duplicate_ppm: 20_000, reorder_ppm: 20_000),
    faults: [(when: At("400ms"), lasts: "200ms", what: PowerLoss(Leader))],
)"#;

fn squall(seed: u64) -> Arc<Plan> {
    let scenario = squall_sim::scenario::Scenario::parse("squall.ron", SQUALL).expect("a valid scenario");
    Arc::new(Plan::draw("squall", &scenario, seed))
}

#[cfg(not(feature = "unordered"))]
mod sound {
    use proptest::prelude::*;
    use squall_sim::campaign::verdict::Verdict;
    use squall_sim::plan::{Op, Value};
    use squall_sim::run::Options;
    use squall_sim::run::finish::Outcome;
    use squall_sim::scenario::{
        Clock, Cut, Disk, DiskFailure, Engine, Event, Expect, Fault, Kv, Limits, Load, Mix, Nanos, Network, OpKind, Range,
        Scenario, Target, What, When, Whose,
    };

    use super::{Arc, How, KvSubject, Plan, judge, squall};

    fn run(plan: &Arc<Plan>, how: How) -> Outcome {
        judge(Arc::clone(plan), &KvSubject, how).expect("valid settings").outcome.expect("no panic")
    }

    fn unwatched() -> How {
        How { options: Options { checks: false, ..Options::default() }, ..How::default() }
    }

    #[test]
    fn hashes_are_of_the_seed_alone() {
        let first = run(&squall(1), How::default());
        assert_eq!(first.violation, None);
        let again = run(&squall(1), How { twice: true, ..How::default() });
        assert_eq!((again.hash, again.blocks, again.events), (first.hash, first.blocks, first.events));
        let hashes: std::collections::BTreeSet<u64> = (0..20).map(|seed| run(&squall(seed), unwatched()).hash).collect();
        assert_eq!(hashes.len(), 20);
    }

    /// Replaces the first value that is put by one of the same length that differs in one byte.
    fn with_another_byte(plan: &Plan) -> Plan {
        let mut plan = plan.clone();
        let operations = plan.clients.iter_mut().flat_map(|client| client.operations.iter_mut());
        let value = operations.filter_map(|operation| match &mut operation.op {
            Op::Put(value) => Some(value),
            _ => None,
        });
        let value = value.min_by_key(|value| value.tag().len()).expect("somebody puts something");
        let other = Value::sized(value.tag().replacen('c', "d", 1), value.len());
        let differ = value.to_bytes().iter().zip(other.to_bytes()).filter(|(a, b)| **a != *b).count();
        assert_eq!((differ, value.len()), (1, other.len()));
        *value = other;
        plan
    }

    /// Nothing else changes by it: same events, same messages, same times.
    #[test]
    fn one_byte_of_a_value_changes_the_hash() {
        for seed in 0..5 {
            let plan = squall(seed);
            let other = Arc::new(with_another_byte(&plan));
            let (one, other) = (run(&plan, How::default()), run(&other, How::default()));
            assert_ne!(one.hash, other.hash, "seed {seed}");
            let shape = |run: &Outcome| (run.events, run.messages, run.operations, run.virtual_ns, run.commits);
            assert_eq!(shape(&one), shape(&other), "seed {seed}");
            let same = one.blocks.iter().zip(&other.blocks).take_while(|(one, other)| one == other).count();
            assert!(same < one.blocks.len(), "the first block that differs says where: {same}");
        }
    }

    /// Anything between zero and `max`.
    fn range(max: u64) -> impl Strategy<Value = Range<u64>> + Clone {
        (0..=max, 0..=max).prop_map(|(a, b)| Range { low: a.min(b), high: a.max(b) })
    }

    fn us(min: u64, max: u64) -> impl Strategy<Value = Range<Nanos>> + Clone {
        range(max - min).prop_map(move |Range { low, high }| Range { low: Nanos::us(min + low), high: Nanos::us(min + high) })
    }

    fn ppm(max: u64) -> impl Strategy<Value = Range<u32>> + Clone {
        range(max).prop_map(|Range { low, high }| Range {
            low: u32::try_from(low).unwrap_or_default(),
            high: u32::try_from(high).unwrap_or_default(),
        })
    }

    fn rate_ppm() -> impl Strategy<Value = Range<u32>> + Clone {
        ppm(400_000).prop_map(|Range { low, high }| Range { low: 800_000 + low, high: 800_000 + high })
    }

    fn from_one(max: u64) -> impl Strategy<Value = Range<u64>> + Clone {
        range(max - 1).prop_map(|Range { low, high }| Range { low: low + 1, high: high + 1 })
    }

    fn target() -> impl Strategy<Value = Target> + Clone {
        let role = prop_oneof![
            Just(Target::Leader),
            Just(Target::Follower),
            Just(Target::Candidate),
            (1..=3_u64).prop_map(Target::Node),
        ];
        let inner = role.clone().prop_map(|role| Target::Not(Box::new(role)));
        prop_oneof![4 => role, 1 => Just(Target::Any), 1 => Just(Target::All), 1 => inner]
    }

    fn cut() -> impl Strategy<Value = Cut> {
        prop_oneof![
            target().prop_map(Cut::Isolate),
            (target().prop_filter("sides", |with| *with != Target::All), from_one(2))
                .prop_map(|(with, size)| Cut::Split { with, size }),
            Just(Cut::Groups(vec![vec![1], vec![2, 3]])),
            target().prop_map(|from| Cut::OneWay { from, to: Target::Others }),
            target().prop_map(|to| Cut::OneWay { from: Target::Others, to }),
        ]
    }

    fn what() -> impl Strategy<Value = What> {
        prop_oneof![
            target().prop_map(What::Kill),
            target().prop_map(What::PowerLoss),
            target().prop_map(What::Pause),
            target().prop_map(What::Campaign),
            cut().prop_map(What::Cut),
            (cut(), us(1_000, 90_000), us(1_000, 90_000)).prop_map(|(cut, down, up)| What::Flap { cut, down, up }),
            (target(), us(0, 60_000), ppm(400_000), prop::option::of(ppm(300_000))).prop_map(|(to, latency, loss, rest)| {
                What::Link {
                    from: Target::Any,
                    to,
                    latency: Some(latency),
                    loss_ppm: Some(loss),
                    duplicate_ppm: rest,
                    reorder_ppm: rest,
                }
            }),
            target().prop_map(|from| What::Reset { from, to: Target::Others }),
            (target(), us(0, 400_000)).prop_map(|(who, fsync)| What::SlowFsync { who, fsync }),
            target().prop_map(What::StallDisk),
            (target(), rate_ppm()).prop_map(|(who, rate_ppm)| What::ClockRate { who, rate_ppm }),
            (target(), us(1, 2_000_000)).prop_map(|(who, by)| What::ClockJump { who, by }),
            disk(),
        ]
    }

    fn disk() -> impl Strategy<Value = What> {
        let kinds = vec![OpKind::Write, OpKind::Sync, OpKind::Read, OpKind::Meta];
        let error = prop::sample::select(vec![DiskFailure::Io, DiskFailure::NoSpace]);
        let within_ppm = Range { low: 0, high: 1_000_000 };
        prop_oneof![
            (target(), prop::sample::subsequence(kinds, 0..4), error, prop::option::of(from_one(4)))
                .prop_map(|(who, on, error, times)| What::DiskErrors { who, on, error, times }),
            (target(), from_one(9_000)).prop_map(|(who, free)| What::FullDisk { who, free }),
            target().prop_map(What::LyingFsync),
            (target(), from_one(30)).prop_map(move |(who, bits)| What::BitRot { who, bits, within_ppm }),
            (target(), from_one(3), from_one(3)).prop_map(|(who, reads, writes)| What::Misdirect { who, reads, writes }),
            target().prop_map(What::WipeDisk),
            target().prop_map(What::ReorderDisk),
        ]
    }

    fn when() -> impl Strategy<Value = When> {
        prop_oneof![
            us(0, 500_000).prop_map(|Range { low, high }| When::Between(low, high)),
            (0..500_u64).prop_map(|ms| When::At(Nanos::ms(ms))),
            (prop::sample::select(Event::ALL.to_vec()), target(), from_one(30), us(0, 5_000), 1..4_u64)
                .prop_map(|(event, who, nth, plus, times)| When::On { event, who, nth, after: Nanos::ms(50), plus, times }),
            (target(), from_one(60), prop::option::of(any::<bool>()), 1..4_u64)
                .prop_map(|(who, nth, executed, times)| When::DiskOp { who, nth, after: Nanos::ms(50), executed, times }),
        ]
    }

    prop_compose! {
        fn fault()(
            when in when(),
            what in what(),
            every in prop::option::of(us(100_000, 300_000)),
            lasts in us(1, 200_000),
            permanent in prop::bool::weighted(0.2),
            chance_ppm in prop::option::of(300_000..1_000_000_u32),
        ) -> Fault {
            let every = every.filter(|_| !matches!(when, When::On { .. } | When::DiskOp { .. }));
            let permanent = permanent && !what.is_instant();
            let lasts = (!what.is_instant() && !permanent).then_some(lasts);
            Fault { when, every, until: None, lasts, permanent, chance_ppm, outside_atlas: false, what }
        }
    }

    prop_compose! {
        fn group()(
            (count, keys) in (from_one(4), from_one(3)),
            load in prop_oneof![
                us(0, 30_000).prop_map(|think| Load::Closed { think }),
                from_one(90).prop_map(|per_second| Load::Rate { per_second }),
            ],
            (get, put, append, cas, delete) in (1..5_u64, 0..4_u64, 0..3_u64, 0..3_u64, 0..2_u64),
            value_bytes in from_one(600),
            timeout in us(30_000, 400_000),
            retries in 0..20_u64,
            late in ppm(200_000),
            delay in us(0, 300_000),
        ) -> Kv {
            let mix = Mix { get, put, append, cas, delete };
            Kv { count, keys, load, mix, value_bytes, timeout, retries, late_duplicates_ppm: late, late_duplicate_delay: delay }
        }
    }

    prop_compose! {
        fn engine()(
            (min, more, part) in (40..200_u64, 20..200_u64, 2..9_u64),
            (inflight, bytes, entries) in (from_one(256), from_one(4_096), from_one(64)),
            (reads, sessions, answers) in (from_one(64), from_one(64), from_one(16)),
            (pre_vote, check_quorum, priority) in (any::<bool>(), any::<bool>(), 0..4_u64),
        ) -> Engine {
            let limits = Limits {
                inflight_appends_max: inflight,
                inflight_bytes_max: Range { low: 4_096, high: 8_192 },
                append_bytes_max: bytes,
                append_entries_max: entries,
                command_bytes_max: Range::fixed(1_024),
                uncommitted_bytes_max: Range { low: 1_024, high: 4_096 },
                pending_reads_max: reads,
                sessions_max: Range { low: sessions.low + 16, high: sessions.high + 16 },
                forwards_max: answers,
                session_answers_max: answers,
                log_cache_bytes_max: Range { low: 0, high: 512 * (entries.low - 1) },
            };
            let election_timeout = Range { low: Nanos::ms(min), high: Nanos::ms(min + more) };
            Engine {
                election_timeout,
                heartbeat: Range::fixed(Nanos::ms(min / part)),
                pre_vote: Range::fixed(pre_vote),
                check_quorum: Range { low: false, high: check_quorum },
                priority: Range { low: priority, high: 3 },
                forward_proposals: Range { low: false, high: pre_vote },
                disk_stall: None,
                segment_bytes: Range { low: 2_048, high: 2_048 * min },
                preallocate: Range { low: false, high: check_quorum },
                zero_ahead_bytes: Range { low: 0, high: 1_024 * min },
                limits,
            }
        }
    }

    prop_compose! {
        fn scenario()(
            nodes in (3..=5_u64, 0..=2_u64),
            engine in engine(),
            clients in prop::collection::vec(group(), 1..3),
            network in (us(0, 15_000), ppm(80_000), ppm(80_000), ppm(80_000), us(0, 200_000)),
            disk in (us(0, 100), us(0, 9_000)),
            clock in prop::option::of((us(0, 2_000_000), rate_ppm())),
            faults in prop::collection::vec(fault(), 0..5),
            swarm: bool,
        ) -> Scenario {
            let (latency, loss_ppm, duplicate_ppm, reorder_ppm, reorder_delay) = network;
            Scenario {
                nodes: Range { low: nodes.0, high: nodes.0 + nodes.1 },
                safety: Nanos::ms(700),
                settle_election_timeouts: 400,
                engine,
                clients,
                network: Network { latency, loss_ppm, duplicate_ppm, reorder_ppm, reorder_delay },
                disk: Disk { write: disk.0, fsync: disk.1, ..Disk::default() },
                clocks: clock.map(|(offset, rate_ppm)| Clock { who: Whose::All, offset, rate_ppm }).into_iter().collect(),
                faults,
                swarm,
                sometimes: Vec::new(),
                expect: Expect::Pass,
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, max_shrink_iters: 200, ..ProptestConfig::default() })]

        /// Twice alike, with or without checkers, and unlike another seed; and nothing is violated that must hold in any storm.
        #[test]
        fn generated_scenarios_run_alike(scenario in scenario(), seed in 0..1_000_000_u64) {
            prop_assert_eq!(scenario.validate().map_err(|invalid| invalid.to_string()), Ok(()));
            let plan = Arc::new(Plan::draw("generated", &scenario, seed));
            let judged = judge(Arc::clone(&plan), &KvSubject, How { twice: true, ..How::default() }).expect("valid settings");
            let said = judged.failure.as_ref().map(|failure| format!("{}: {}", failure.property, failure.message));
            prop_assert!(matches!(judged.verdict(), Verdict::Pass | Verdict::Liveness | Verdict::Unavailable), "{:?}", said);
            let outcome = judged.outcome.expect("no panic");
            let again = run(&plan, How::default());
            prop_assert_eq!((again.hash, &again.blocks, again.events), (outcome.hash, &outcome.blocks, outcome.events));
            prop_assert_eq!((again.marks, again.faults), (outcome.marks, outcome.faults));
            if judged.failure.is_none() {
                let unwatched = run(&plan, unwatched());
                prop_assert_eq!((unwatched.hash, unwatched.events), (outcome.hash, outcome.events), "checkers change nothing");
            }
            let other = run(&Arc::new(Plan::draw("generated", &scenario, seed + 1)), unwatched());
            prop_assert_ne!(other.hash, outcome.hash);
        }
    }
}

/// With the feature `unordered` an iteration over a hash set is planted where clients are started.
#[cfg(feature = "unordered")]
mod planted {
    use std::process::Command;

    use squall_checkers::violation::Property;
    use squall_sim::campaign::verdict::Verdict;

    use super::{How, KvSubject, judge, squall};

    #[test]
    fn nondeterminism_is_found_and_its_first_event_is_named() {
        let judged = judge(squall(1), &KvSubject, How { twice: true, ..How::default() }).expect("valid settings");
        assert_eq!((judged.verdict(), judged.verdict().code()), (Verdict::Nondeterminism, 13));
        let failure = judged.failure.expect("a failure");
        assert_eq!(failure.property, Property::Nondeterminism);
        let message = failure.message;
        assert!(message.starts_with("two runs of one seed differ at event ") && message.contains(": first "), "{message}");
        let (first, second) = message.split_once(": first ").and_then(|(_, both)| both.split_once(", then ")).expect("both");
        assert!(first.contains("alarm") && second.contains("alarm") && first != second, "the alarms of clients: {message}");
        assert!(judged.last_events.iter().any(|line| line.contains(first)), "{:?}", judged.last_events);
    }

    #[test]
    fn run_and_replay_end_in_13() {
        for arguments in [&["replay", "calm", "--seed", "1"][..], &["run", "calm", "--seed", "1", "--out", "unordered"]] {
            let mut command = Command::new(env!("CARGO_BIN_EXE_squall"));
            let output = command.current_dir(env!("CARGO_TARGET_TMPDIR")).args(arguments).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(13), "{arguments:?}: {said}");
            assert!(said.contains("nondeterminism is violated: ") || said.contains("nondeterminism is violated"), "{said}");
            assert!(said.contains("two runs of one seed differ at event "), "{said}");
        }
    }
}
