//! A scenario to start from: `squall scenario new NAME`.
//!
//! It is valid, passes the lint, and says in comments what most writers change first.

/// The text of a new scenario of this name.
///
/// ```
/// use squall_sim::scenario::{lint::lint, template::new_template};
///
/// assert_eq!(lint("storm.ron", &new_template("storm")), []);
/// ```
#[must_use]
pub fn new_template(name: &str) -> String {
    let name: String = name.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect();
    TEMPLATE.replace("NAME", &name)
}

const TEMPLATE: &str = r#"// NAME: the leader is cut off from all other nodes while clients write. They elect another
// one; when the links are back, the old leader steps down and its unfinished entries give way.
// (Tell your own story here: what happens, and what must not come of it.)
Scenario(
    nodes: 5,
    safety: "10s",
    clients: [
        Kv(
            count: 4,
            keys: 2,
            load: Closed(think: ("2ms", "20ms")),
            mix: (get: 4, put: 3, append: 1, cas: 1, delete: 1),
        ),
    ],
    network: (latency: ("1ms", "10ms"), loss_ppm: 1_000),
    faults: [
        // Drawn anew for each seed. Other triggers: At("3s"), On(event: Append, who: Leader, nth: 50).
        (when: Between("2s", "4s"), lasts: ("1s", "3s"), what: Cut(Isolate(Leader))),
    ],
    // At least once in a campaign, else the story was not told.
    sometimes: ["leader_changed", "leader_cut_while_clients_wrote"],
)
"#;
