//! Plans: the same seed draws the same plan, owners draw independently, and texts are exact.
use squall_sim::plan::Plan;
use squall_sim::scenario::Scenario;

const STORM: &str = r#"Scenario(
    nodes: (3, 5), safety: "6s",
    clients: [Kv(count: 3), Kv(count: 2, load: Rate(per_second: 20), late_duplicates_ppm: 100_000)],
    clocks: [(who: All, offset: ("0s", "3s")), (who: Node(1), rate_ppm: (900_000, 1_100_000))],
    network: (loss_ppm: (0, 20_000)),
    faults: [
        (when: Between("1s", "2s"), every: "1s", lasts: ("100ms", "400ms"), chance_ppm: 500_000, what: Kill(Any)),
        (when: At("2s"), until: "4s", what: Cut(Split(with: Leader, size: (1, 2)))),
        (when: On(event: Append, who: Leader, nth: (20, 40), plus: ("0s", "1ms"), times: 3), lasts: "300ms", what: PowerLoss(Not(Follower))),
        (when: At("3s"), what: Flap(cut: OneWay(from: Leader, to: Others), down: ("50ms", "80ms"), up: "50ms")),
        (when: At("3s"), what: Link(from: All, to: Node(2), loss_ppm: (1, 500_000), latency: ("20ms", "50ms"))),
        (when: At("3s"), what: ClockJump(who: Any, by: "1s")),
    ],
    sometimes: ["leader_changed"],
    expect: Violates("log-matching"),
)"#;

#[test]
fn a_plan_reads_back() {
    let scenario = Scenario::parse("storm.ron", STORM).unwrap();
    let plan = Plan::draw("storm", &scenario, 7);
    let text = plan.to_ron();
    println!("{}", text.lines().take(60).collect::<Vec<_>>().join("\n"));
    assert_eq!(Plan::from_ron("plan.ron", &text).map_err(|e| e.to_string()), Ok(plan));
}
