//! Faults as they begin, stay and end, without a world.
//!
//! Not here: what they do to a disk (`crate::disk`), or to a whole run (`tests/library/world`).

use super::*;
use crate::plan::Plan;
use crate::scenario::Scenario;

/// Three nodes with these faults, none of which has begun.
fn planned(faults: &str) -> (Faults, Orders) {
    let text = format!(r#"Scenario(nodes: 3, safety: "2s", clients: [Kv()], faults: [{faults}])"#);
    let plan = Plan::draw("brief", &Scenario::parse("brief.ron", &text).expect("a valid scenario"), 7);
    let calm = Calm { network: plan.network, fsync: plan.disk.fsync, rates_ppm: BTreeMap::new() };
    let mut orders = Orders::default();
    (Faults::new(Arc::new(plan.faults), Entropy::new(7), calm, plan.safety.0, &mut orders), orders)
}

/// The same where all have begun.
fn begun(faults: &str) -> Faults {
    let (mut faults, orders) = planned(faults);
    for alarm in orders.alarms {
        faults.on_alarm(1_000_000_000, alarm.what, &Cluster::new(3), &mut Orders::default());
    }
    faults
}

#[test]
fn what_is_permanent_stays_in_force_and_holds_down_whom_something_else_lets_go() {
    let mut faults = begun(
        r#"(when: At("1s"), permanent: true, what: Kill(Node(1))), (when: At("1s"), what: PowerLoss(Node(1))),
        (when: At("1s"), what: Pause(Node(2))), (when: At("1s"), what: Cut(Isolate(Node(3)))),
        (when: At("1s"), permanent: true, what: Cut(OneWay(from: Node(3), to: Node(2))))"#,
    );
    let mut orders = Orders::default();
    faults.heal(&mut orders);
    assert!(faults.any_in_force() && !orders.actions.contains(&Action::Start(1)) && orders.actions.contains(&Action::Resume(2)));
    assert_eq!([1, 2, 3].map(|node| faults.is_well(node)), [false, true, true]);
    assert_eq!([(1, 2), (1, 3), (2, 3), (3, 2)].map(|(a, b)| faults.are_linked(a, b)), [true, true, false, false]);
}

#[test]
fn a_slow_disk_is_not_well_and_a_flapping_link_is_no_link() {
    let mut faults = begun(
        r#"(when: At("1s"), permanent: true, what: SlowFsync(who: Node(1), fsync: "60s")),
        (when: At("1s"), permanent: true, what: Flap(cut: OneWay(from: Node(3), to: Node(2)), down: "1s", up: "1s")),
        (when: At("1s"), permanent: true, what: Link(from: Node(2), to: Node(1), loss_ppm: 500_000))"#,
    );
    faults.heal(&mut Orders::default());
    faults.on_alarm(2_000_000_000, AlarmKind::Flap(1), &Cluster::new(3), &mut Orders::default());
    assert!(!faults.is_well(1) && !faults.are_linked(2, 3), "between two cuts, too");
    assert!(faults.is_well(2) && faults.are_linked(1, 2), "weather is healed where it matters");
    assert_eq!((faults.link_weather(2, 1).loss_ppm, faults.link_weather(1, 2).loss_ppm), (500_000, 0));
}

#[test]
fn what_the_arena_cannot_do_is_counted_and_not_tried() {
    let faults = r#"(when: At("1s"), what: Kill(All)), (when: At("1s"), what: Pause(All)),
        (when: At("1s"), what: Link(from: All, to: All, loss_ppm: 9)),
        (when: At("1s"), what: Link(from: All, to: All, loss_ppm: 9, latency: "1ms"))"#;
    let (faults, _) = planned(faults);
    let mut faults = faults.without(&[Means::Kill, Means::Loss]);
    let mut orders = Orders::default();
    for i in 0..4 {
        faults.on_alarm(1_000_000_000, AlarmKind::Begin(i), &Cluster::new(3), &mut orders);
    }
    assert_eq!(faults.took_effect(), &BTreeMap::from([("link", 1), ("pause", 1)]), "some of the second link's can be done");
    assert_eq!(faults.inexpressible(), &BTreeMap::from([("kill", 1), ("link", 1)]));
    assert!(!orders.actions.iter().any(|action| matches!(action, Action::Kill(_))));
}

/// Two faults wait for the same operation of a node. The first ends the process, so the second hits the next one.
#[test]
fn of_two_that_wait_for_an_operation_the_second_waits_for_the_next_boot() {
    let (mut faults, _) = planned(r#"(when: DiskOp(who: Node(2), nth: (4, 4), times: 2), lasts: "100ms", what: PowerLoss(Met))"#);
    let cluster = Cluster::new(3);
    let mut hit = |now_ns, count| {
        assert_eq!(faults.next_disk_op(count - 1), Some(4));
        let mut orders = Orders::default();
        faults.on_disk_op(now_ns, 2, count, &cluster, &mut orders);
        let ends = |alarm: &Alarm| matches!(alarm.what, AlarmKind::End(_));
        let end = orders.alarms.iter().find(|alarm| ends(alarm)).map(|alarm| alarm.what);
        let losses = orders.actions.iter().filter(|action| matches!(action, Action::PowerLoss(2))).count();
        if let Some(end) = end {
            faults.on_alarm(now_ns + 100_000_000, end, &cluster, &mut Orders::default());
        }
        losses
    };
    assert_eq!([hit(1_000_000_000, 3), hit(1_000_000_000, 4)], [0, 1], "one at a time");
    assert_eq!([hit(1_200_000_000, 3), hit(1_200_000_000, 4)], [0, 1], "the other one, of the next boot");
    assert_eq!(faults.next_disk_op(0), None);
}
