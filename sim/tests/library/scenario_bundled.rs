//! The bundled scenarios: embedded, valid, free of advice, and worth their run.

#![expect(clippy::disallowed_methods, reason = "insta names snapshots after the test that takes them")]

use std::path::Path;

use proptest::prelude::*;
use squall_sim::plan::{Plan, When};
use squall_sim::scenario::lint::{Severity, lint};
use squall_sim::scenario::{
    Cut, DiskFailure, Event, Expect, Fault, Kv, Load, Mark, Nanos, OpKind, Property, Range, Scenario, Target, What,
    When as Trigger, bundled, load,
};

#[test]
fn every_file_of_the_folder_is_bundled() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let from_folder = load(&folder.display().to_string()).unwrap();
    let embedded = bundled();
    let pairs = |sources: &[squall_sim::scenario::Source]| -> Vec<_> {
        sources.iter().map(|source| (source.name.clone(), source.text.clone())).collect()
    };
    assert_eq!(pairs(&embedded), pairs(&from_folder));
    assert!(embedded.len() >= 12);
}

#[test]
fn no_advice_is_left_for_any_of_them() {
    for source in bundled() {
        let findings: Vec<_> = lint(&source.file, &source.text).iter().map(ToString::to_string).collect();
        assert_eq!(findings, Vec::<String>::new());
    }
}

#[test]
fn each_loads_by_its_name_and_passes_unless_it_is_about_a_limit() {
    for source in bundled() {
        assert_eq!(load(&source.name).unwrap(), std::slice::from_ref(&source));
        let expect = match source.name.as_str() {
            "constrained-election" => Expect::Stalls,
            "quorum-loss" => Expect::Progresses,
            "lost-majority" => Expect::Unavailable,
            "disks/lost-promises" => Expect::Violates(Property::from_name("acknowledged-durable").unwrap()),
            _ => Expect::Pass,
        };
        assert_eq!(source.scenario().unwrap().expect, expect, "{}", source.name);
    }
}

#[test]
fn each_has_time_for_clients_around_its_faults() {
    for source in bundled() {
        let scenario = source.scenario().unwrap();
        for seed in 0..20 {
            let plan = Plan::draw(&source.name, &scenario, seed);
            assert!(plan.clients.len() >= 4, "{}", source.name);
            for fault in &plan.faults {
                let start = match fault.when {
                    When::At(at) => at,
                    When::On { after, .. } | When::DiskOp { after, .. } => after,
                };
                assert!(start >= Nanos::ms(1_000), "{} seed {seed}: {fault:?}", source.name);
            }
            if !["calm", "disks/any", "lossy-network", "swarm"].contains(&source.name.as_str()) {
                assert!(!plan.faults.is_empty(), "{} seed {seed}", source.name);
            }
        }
    }
}

#[test]
fn all_kinds_of_faults_and_all_marks_are_in_use() {
    let scenarios: Vec<_> = bundled().iter().map(|source| source.scenario().unwrap()).collect();
    for kind in What::KINDS {
        assert!(scenarios.iter().any(|scenario| scenario.faults.iter().any(|fault| fault.what.kind() == kind)), "{kind}");
    }
    let unused: Vec<_> =
        Mark::ALL.iter().filter(|mark| !scenarios.iter().any(|s| s.sometimes.contains(mark))).map(|mark| mark.name()).collect();
    assert_eq!(unused, Vec::<&str>::new());
}

#[test]
fn advice_names_what_is_unwise_and_where() {
    let text = "// Short.\nScenario(\n    nodes: 3,\n    safety: \"1s\",\n    clients: [Kv(count: 2, keys: 1, mix: (put: 1))],\n    \
                faults: [(when: At(\"10ms\"), until: \"1s\", what: Kill(Leader))],\n)\n";
    let findings: Vec<_> = lint("weak.ron", text).iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(findings.join("\n"));
    assert!(lint("weak.ron", text).iter().any(|finding| finding.severity == Severity::Error));
}

#[test]
fn a_bundled_scenario_with_one_bad_edit_is_refused() {
    let source = &load("one-way-cut").unwrap()[0];
    let edited = source.text.replacen("to: Others", "to: Leader", 1);
    let error = Scenario::parse("mine.ron", &edited).unwrap_err();
    assert!(error.to_string().contains("found `to` a link to itself"), "{error}");
}

fn nanos() -> impl Strategy<Value = Nanos> + Clone {
    prop_oneof![(0..20_000_u64).prop_map(Nanos::ms), any::<u64>().prop_map(Nanos)]
}

fn range<T: Copy + std::fmt::Debug>(of: impl Strategy<Value = T> + Clone) -> impl Strategy<Value = Range<T>> {
    (of.clone(), of).prop_map(|(low, high)| Range { low, high })
}

fn target() -> impl Strategy<Value = Target> {
    let leaf = prop_oneof![
        (0..9_u64).prop_map(Target::Node),
        prop::sample::select(vec![
            Target::Leader,
            Target::Candidate,
            Target::Follower,
            Target::Any,
            Target::All,
            Target::Others,
            Target::Met
        ]),
    ];
    leaf.prop_recursive(3, 3, 1, |inner| inner.prop_map(|target| Target::Not(Box::new(target))))
}

fn cut() -> impl Strategy<Value = Cut> {
    prop_oneof![
        target().prop_map(Cut::Isolate),
        (target(), range(0..9_u64)).prop_map(|(with, size)| Cut::Split { with, size }),
        prop::collection::vec(prop::collection::vec(0..9_u64, 0..4), 0..4).prop_map(Cut::Groups),
        (target(), target()).prop_map(|(from, to)| Cut::OneWay { from, to }),
    ]
}

fn what() -> impl Strategy<Value = What> {
    prop_oneof![
        target().prop_map(What::Kill),
        target().prop_map(What::PowerLoss),
        target().prop_map(What::Pause),
        target().prop_map(What::Campaign),
        cut().prop_map(What::Cut),
        (cut(), range(nanos()), range(nanos())).prop_map(|(cut, down, up)| What::Flap { cut, down, up }),
        (target(), target(), prop::option::of(range(nanos())), prop::option::of(range(any::<u32>()))).prop_map(
            |(from, to, latency, loss_ppm)| What::Link {
                from,
                to,
                latency,
                loss_ppm,
                duplicate_ppm: None,
                reorder_ppm: loss_ppm
            }
        ),
        (target(), target()).prop_map(|(from, to)| What::Reset { from, to }),
        (target(), range(nanos())).prop_map(|(who, fsync)| What::SlowFsync { who, fsync }),
        target().prop_map(What::StallDisk),
        (target(), range(any::<u32>())).prop_map(|(who, rate_ppm)| What::ClockRate { who, rate_ppm }),
        (target(), range(nanos())).prop_map(|(who, by)| What::ClockJump { who, by }),
        disk(),
    ]
}

fn disk() -> impl Strategy<Value = What> {
    let kinds = vec![OpKind::Write, OpKind::Sync, OpKind::Read, OpKind::Meta];
    let error = prop::sample::select(vec![DiskFailure::Io, DiskFailure::NoSpace]);
    prop_oneof![
        (target(), prop::sample::subsequence(kinds, 0..4), error, prop::option::of(range(0..9_u64)))
            .prop_map(|(who, on, error, times)| What::DiskErrors { who, on, error, times }),
        (target(), range(any::<u64>())).prop_map(|(who, free)| What::FullDisk { who, free }),
        target().prop_map(What::LyingFsync),
        (target(), range(0..9_u64), range(0..1_100_000_u32)).prop_map(|(who, bits, within_ppm)| What::BitRot {
            who,
            bits,
            within_ppm
        }),
        (target(), range(0..9_u64), range(0..9_u64)).prop_map(|(who, reads, writes)| What::Misdirect { who, reads, writes }),
        target().prop_map(What::WipeDisk),
        target().prop_map(What::ReorderDisk),
    ]
}

fn trigger() -> impl Strategy<Value = Trigger> {
    prop_oneof![
        nanos().prop_map(Trigger::At),
        (nanos(), nanos()).prop_map(|(low, high)| Trigger::Between(low, high)),
        (prop::sample::select(Event::ALL.to_vec()), target(), range(any::<u64>()), nanos(), range(nanos()), any::<u64>())
            .prop_map(|(event, who, nth, after, plus, times)| Trigger::On { event, who, nth, after, plus, times }),
        (target(), range(any::<u64>()), nanos(), prop::option::of(any::<bool>()), any::<u64>())
            .prop_map(|(who, nth, after, executed, times)| Trigger::DiskOp { who, nth, after, executed, times }),
    ]
}

prop_compose! {
    fn fault()(
        when in trigger(),
        every in prop::option::of(range(nanos())),
        until in prop::option::of(nanos()),
        lasts in prop::option::of(range(nanos())),
        permanent: bool,
        chance_ppm in prop::option::of(any::<u32>()),
        outside_atlas: bool,
        what in what(),
    ) -> Fault {
        Fault { when, every, until, lasts, permanent, chance_ppm, outside_atlas, what }
    }
}

prop_compose! {
    fn scenario()(
        nodes in range(0..9_u64),
        safety in nanos(),
        keys in range(any::<u64>()),
        rate in prop::option::of(range(any::<u64>())),
        faults in prop::collection::vec(fault(), 0..6),
        swarm: bool,
        sometimes in prop::sample::subsequence(Mark::ALL.to_vec(), 0..4),
        stalls: bool,
    ) -> Scenario {
        let load = rate.map_or_else(Load::default, |per_second| Load::Rate { per_second });
        Scenario {
            nodes, safety, settle_election_timeouts: 40, engine: Default::default(),
            clients: vec![Kv { keys, load, ..Kv::default() }], network: Default::default(), disk: Default::default(),
            clocks: Vec::new(), faults, swarm, sometimes, expect: if stalls { Expect::Stalls } else { Expect::Pass },
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_back(scenario in scenario()) {
        let text = ron::to_string(&scenario).unwrap();
        let back: Scenario = ron::from_str(&text).map_err(|error| TestCaseError::fail(format!("{error}: {text}")))?;
        prop_assert_eq!(back, scenario);
    }

    /// Whatever a scenario says: it is refused with a place, or every seed draws a plan that is valid.
    #[test]
    fn a_scenario_is_refused_or_draws_valid_plans(scenario in scenario(), seed: u64) {
        match scenario.validate() {
            Err(invalid) => prop_assert!(!invalid.expected.is_empty()),
            Ok(()) => {
                let plan = Plan::draw("any", &scenario, seed);
                prop_assert_eq!(plan.validate().map_err(|invalid| invalid.to_string()), Ok(()));
            }
        }
    }

    /// As above, with faults that are likely to be valid, one at a time.
    #[test]
    fn a_valid_fault_draws_valid_plans(fault in fault(), ms in 0..9_000_u64, span in 1..900_u64, seed: u64, swarm: bool) {
        let mut scenario = load("calm").unwrap()[0].scenario().unwrap();
        let when = match fault.when {
            Trigger::On { event, .. } => {
                let (nth, plus) = (Range { low: 1, high: span }, Range { low: Nanos(0), high: Nanos::ms(span) });
                Trigger::On { event, who: Target::Any, nth, after: Nanos::ms(ms / 2), plus, times: span % 9 + 1 }
            }
            Trigger::DiskOp { executed, .. } => {
                let nth = Range { low: 1, high: span };
                Trigger::DiskOp { who: Target::Any, nth, after: Nanos::ms(ms / 2), executed, times: span % 9 + 1 }
            }
            _ => Trigger::Between(Nanos::ms(ms / 2), Nanos::ms(ms / 2 + span)),
        };
        let permanent = fault.permanent && !fault.what.is_instant();
        let lasts = (!fault.what.is_instant() && !permanent).then_some(Range { low: Nanos::ms(1), high: Nanos::ms(span) });
        let every = fault.every.filter(|_| matches!(when, Trigger::Between(..))).map(|_| Range::fixed(Nanos::ms(span)));
        scenario.swarm = swarm;
        scenario.faults = vec![Fault { when, every, until: None, lasts, permanent, ..fault }];
        if scenario.validate().is_ok() {
            let plan = Plan::draw("any", &scenario, seed);
            prop_assert_eq!(plan.validate().map_err(|invalid| invalid.to_string()), Ok(()));
        }
    }
}
