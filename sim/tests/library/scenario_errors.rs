//! Bad scenarios: each is refused with its line and column, what is there, and what should be.

#![expect(clippy::disallowed_methods, reason = "insta names snapshots after the test that takes them")]

use proptest::prelude::*;
use squall_sim::plan::Plan;
use squall_sim::scenario::lint::lint;
use squall_sim::scenario::{Scenario, bundled};

const HEAD: &str = "Scenario(\n    nodes: 5,\n    safety: \"12s\",\n    clients: [Kv(count: 4)],\n";

fn cases() -> Vec<(&'static str, String)> {
    let with = |line: &str| format!("{HEAD}    {line}\n)\n");
    let fault = |fault: &str| with(&format!("faults: [({fault})],"));
    let at = |what: &str| fault(&format!("when: At(\"4s\"), what: {what}"));
    let kv = |kv: &str| format!("Scenario(\n    nodes: 5,\n    safety: \"12s\",\n    clients: [Kv({kv})],\n)\n");
    let top =
        |nodes: &str, safety: &str| format!("Scenario(\n    nodes: {nodes},\n    safety: {safety},\n    clients: [Kv()],\n)\n");
    vec![
        // Not a scenario at all.
        ("empty", String::new()),
        ("only comments", "// nothing\n\n".into()),
        ("cut off", "Scenario(\n    nodes: 5,\n    safety: \"12s\"".into()),
        ("open string", "Scenario(\n    nodes: 5,\n    safety: \"12s,\n)".into()),
        ("open comment", "Scenario( /* nodes: 5,\n)".into()),
        ("more text behind", format!("{HEAD})\nmore")),
        ("another struct", "Story(nodes: 5)".into()),
        ("a list", "[5]".into()),
        ("braces", "Scenario{nodes: 5}".into()),
        ("equals sign", "Scenario(\n    nodes = 5,\n)".into()),
        ("no comma", "Scenario(\n    nodes: 5\n    safety: \"12s\",\n)".into()),
        ("nested too deep", at(&format!("Kill({}Leader{})", "Not(".repeat(200), ")".repeat(200)))),
        // Names.
        ("missing field", "Scenario(\n    nodes: 5,\n    safety: \"12s\",\n)".into()),
        ("missing field in a fault", fault("when: At(\"4s\")")),
        ("field twice", with("nodes: 4,")),
        ("unknown field", with("color: 4,")),
        ("misspelt field", with("fautls: [],")),
        ("misspelt field in a fault", fault("when: At(\"4s\"), untill: \"5s\", what: Kill(Leader)")),
        ("unknown kind of fault", at("Explode(Leader)")),
        ("misspelt kind of fault", at("Killl(Leader)")),
        ("misspelt target", at("Kill(leader)")),
        ("unknown event", fault("when: On(event: Apend), what: Kill(Leader)")),
        ("unknown trigger", fault("when: After(\"4s\"), what: Kill(Leader)")),
        ("unknown operation", kv("mix: (get: 1, incr: 1)")),
        ("unknown mark", with("sometimes: [\"leader_change\"],")),
        ("no mark at all like it", with("sometimes: [\"sunshine\"],")),
        ("unknown property", with("expect: Violates(\"election-safty\"),")),
        ("unknown verdict", with("expect: Fail,")),
        ("client without name", with("clocks: [(node: 1)],")),
        // Kinds of values.
        ("no unit", top("5", "\"12\"")),
        ("wrong unit", top("5", "\"12h\"")),
        ("space before the unit", top("5", "\"12 s\"")),
        ("number for a duration", top("5", "12")),
        ("duration without quotes", top("5", "12s")),
        ("too many decimals", top("5", "\"1.5ns\"")),
        ("duration that overflows", top("5", "\"99999999999999999999s\"")),
        ("negative", top("-5", "\"12s\"")),
        ("decimal for a count", with("settle_election_timeouts: 4.5,")),
        ("unit on a count", with("settle_election_timeouts: 4s,")),
        ("decimal", top("5.5", "\"12s\"")),
        ("text for a number", top("\"five\"", "\"12s\"")),
        ("number too large", top("99999999999999999999", "\"12s\"")),
        ("range of one", top("(5)", "\"12s\"")),
        ("range of three", top("(3, 5, 7)", "\"12s\"")),
        ("list for a struct", with("network: [],")),
        ("struct for a list", with("faults: (),")),
        ("yes", with("swarm: yes,")),
        ("range for At", fault("when: At((\"4s\", \"5s\")), what: Kill(Leader)")),
        ("one end for Between", fault("when: Between(\"4s\"), what: Kill(Leader)")),
        ("target without brackets", at("Kill Leader")),
        ("target missing", at("Kill")),
        ("named target where none is", at("Kill(who: Leader)")),
        ("unnamed target where one is", at("SlowFsync(Leader, \"5ms\")")),
        ("percent", with("network: (loss_ppm: \"5%\"),")),
        // Meaning: the cluster.
        ("no nodes", top("0", "\"12s\"")),
        ("too many nodes", top("(3, 9)", "\"12s\"")),
        ("range the wrong way", top("(5, 3)", "\"12s\"")),
        ("phase too long", top("5", "\"11m\"")),
        ("phase of nothing", top("5", "\"0s\"")),
        ("heartbeat too slow", with("engine: (election_timeout: (\"80ms\", \"150ms\")),")),
        ("equal timeouts", with("engine: (election_timeout: \"300ms\"),")),
        ("timeouts the wrong way", with("engine: (election_timeout: (\"300ms\", \"150ms\")),")),
        ("limit of nothing", with("engine: (limits: (append_entries_max: 0)),")),
        ("limits that contradict", with("engine: (limits: (uncommitted_bytes_max: 1_000)),")),
        ("rate of more than all", with("network: (loss_ppm: 1_000_001),")),
        ("clock too fast", with("clocks: [(who: Node(1), rate_ppm: 1_300_000)],")),
        ("clock of nobody", with("clocks: [(who: Node(6))],")),
        ("clock twice", with("clocks: [(who: All), (who: All)],")),
        ("mark twice", with("sometimes: [\"busy\", \"busy\"],")),
        // Meaning: clients.
        ("no clients", "Scenario(\n    nodes: 5,\n    safety: \"12s\",\n    clients: [],\n)".into()),
        ("group of none", kv("count: 0")),
        ("no keys", kv("keys: (0, 2)")),
        ("no operations", kv("mix: (get: 0)")),
        ("values too large", kv("value_bytes: (8, 2_000_000)")),
        ("thinking too long", kv("load: Closed(think: \"20s\")")),
        ("rate too high", kv("load: Rate(per_second: 5_000)")),
        ("too much to write", kv("count: 60, value_bytes: 1_000_000")),
        // Meaning: faults.
        ("begins after the phase", fault("when: At(\"13s\"), what: Kill(Leader)")),
        ("may begin after the phase", fault("when: Between(\"4s\", \"13s\"), what: Kill(Leader)")),
        ("times the wrong way", fault("when: Between(\"5s\", \"4s\"), what: Kill(Leader)")),
        ("ends before it begins", fault("when: At(\"4s\"), until: \"3s\", what: Kill(Leader)")),
        ("ends when it begins", fault("when: At(\"4s\"), until: \"4s\", what: Kill(Leader)")),
        ("ends after the phase", fault("when: At(\"4s\"), until: \"13s\", what: Kill(Leader)")),
        ("lasts beyond the phase", fault("when: At(\"4s\"), lasts: (\"1s\", \"9s\"), what: Kill(Leader)")),
        ("lasts no time", fault("when: At(\"4s\"), lasts: \"0s\", what: Kill(Leader)")),
        ("two ends", fault("when: At(\"4s\"), until: \"5s\", lasts: \"1s\", what: Kill(Leader)")),
        ("every with until", fault("when: At(\"4s\"), every: \"1s\", until: \"5s\", what: Kill(Leader)")),
        ("every with On", fault("when: On(event: Append), every: \"1s\", what: Kill(Leader)")),
        ("every instant", fault("when: At(\"4s\"), every: \"0s\", what: Kill(Leader)")),
        ("the zeroth time", fault("when: On(event: Append, nth: 0), what: Kill(Leader)")),
        ("never", fault("when: On(event: Append, times: 0), what: Kill(Leader)")),
        ("counts too late", fault("when: On(event: Append, after: \"12s\"), what: Kill(Leader)")),
        ("more than certain", fault("when: At(\"4s\"), chance_ppm: 2_000_000, what: Kill(Leader)")),
        ("end of a permanent fault", fault("when: At(\"4s\"), permanent: true, lasts: \"1s\", what: Kill(Leader)")),
        ("until and permanent", fault("when: At(\"4s\"), until: \"5s\", permanent: true, what: Kill(Leader)")),
        ("permanent campaign", fault("when: At(\"4s\"), permanent: true, what: Campaign(Follower)")),
        ("permanent as a word", fault("when: At(\"4s\"), permanent: yes, what: Kill(Leader)")),
        ("end of a jump", fault("when: At(\"4s\"), lasts: \"1s\", what: ClockJump(who: Leader, by: \"1s\")")),
        ("end of a reset", fault("when: At(\"4s\"), until: \"5s\", what: Reset(from: Leader, to: Others)")),
        ("reset of oneself", at("Reset(from: Leader, to: Leader)")),
        ("no such node", at("Kill(Node(6))")),
        ("node 0", at("Kill(Node(0))")),
        ("node that a seed may not have", "Scenario(\n    nodes: (3, 5), safety: \"12s\", clients: [Kv()],\n    faults: [(when: At(\"4s\"), what: Kill(Node(4)))],\n)".into()),
        ("not all", at("Kill(Not(All))")),
        ("not any", at("Kill(Not(Any))")),
        ("not not", at("Kill(Not(Not(Leader)))")),
        ("others alone", at("Kill(Others)")),
        ("counts others", fault("when: On(event: Append, who: Others), what: Kill(Leader)")),
        ("link to itself", at("Cut(OneWay(from: Node(1), to: Node(1)))")),
        ("leader to leader", at("Link(from: Leader, to: Leader, loss_ppm: 5)")),
        ("others to others", at("Cut(OneWay(from: Others, to: Others))")),
        ("7 of 5 nodes cut", at("Cut(Split(with: Leader, size: 7))")),
        ("all on one side", at("Cut(Split(with: Leader, size: 5))")),
        ("nobody on one side", at("Cut(Split(with: Leader, size: 0))")),
        ("split with all", at("Cut(Split(with: All, size: 2))")),
        ("node in two groups", at("Cut(Groups([[1, 2], [2, 3]]))")),
        ("node outside in a group", at("Cut(Groups([[1, 2], [3, 6]]))")),
        ("one group", at("Cut(Groups([[1, 2]]))")),
        ("empty group", at("Cut(Groups([[1, 2], []]))")),
        ("flap with a bad cut", at("Flap(cut: Isolate(Node(9)), down: \"1s\", up: \"1s\")")),
        ("flap without time", at("Flap(cut: Isolate(Leader), down: \"0s\", up: \"1s\")")),
        ("link as before", at("Link(from: Leader, to: Others)")),
        ("rate beyond a fifth", at("ClockRate(who: Leader, rate_ppm: 799_999)")),
        ("bits of a crash", fault("when: At(\"4s\"), lasts: \"1s\", what: BitRot(who: Leader, bits: 1)")),
        ("no bits", at("BitRot(who: Leader, bits: 0)")),
        ("rot in no part", at("BitRot(who: Leader, bits: 1, within_ppm: 500_000)")),
        ("no such kind of operation", at("DiskErrors(who: Leader, on: [Fsync])")),
        ("a kind of operation twice", at("DiskErrors(who: Leader, on: [Write, Sync, Write])")),
        ("no such disk error", at("DiskErrors(who: Leader, error: Eio)")),
        ("errors that never come", at("DiskErrors(who: Leader, times: 0)")),
        ("nothing astray", at("Misdirect(who: Leader)")),
        ("more than a disk", at("FullDisk(who: Leader, free: 2_000_000_000)")),
        ("nobody was met", at("Kill(Met)")),
        ("counts who is met", fault("when: DiskOp(who: Met, nth: 3), what: Kill(Leader)")),
        ("operation 0", fault("when: DiskOp(nth: 0), what: Kill(Met)")),
        ("operations in time", fault("when: DiskOp(nth: 3), every: \"1s\", what: Kill(Met)")),
        ("outside the atlas and passing", fault("when: At(\"4s\"), outside_atlas: true, what: LyingFsync(All)")),
        (
            "a kill outside the atlas",
            "Scenario(\n    nodes: 3, safety: \"12s\", clients: [Kv()], expect: Stalls,\n    faults: [(when: At(\"4s\"), outside_atlas: true, what: Kill(All))],\n)".into(),
        ),
        ("cut of one node", "Scenario(\n    nodes: 1, safety: \"12s\", clients: [Kv()],\n    faults: [(when: At(\"4s\"), what: Cut(Isolate(Leader)))],\n)".into()),
        ("error in the second fault", with("faults: [\n        (when: At(\"1s\"), what: Kill(Leader)),\n        // until comes too early\n        (when: At(\"4s\"), until: \"3s\", what: Kill(Leader)),\n    ],")),
    ]
}

#[test]
fn every_bad_scenario_is_refused_at_its_place() {
    let mut seen = String::new();
    for (name, text) in cases() {
        let error = Scenario::parse("storm.ron", &text).expect_err(name);
        seen.push_str(&format!("{name}\n    {error}\n"));
    }
    insta::assert_snapshot!(seen);
}

#[test]
fn files_that_are_no_text_are_refused() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let bad = folder.join("scenario-files");
    std::fs::create_dir_all(bad.join("empty")).unwrap();
    std::fs::write(bad.join("latin1.ron"), b"// \xc3\xa4\n// Unwetter \xfcber\n").unwrap();
    let shown = |path: &std::path::Path| squall_sim::scenario::load(&path.display().to_string()).unwrap_err().to_string();
    let place = bad.display();
    assert_eq!(shown(&bad), format!("{place}/latin1.ron:2:13: found byte 0xfc at byte offset 18, expected text in UTF-8"));
    assert_eq!(shown(&bad.join("latin1.ron")), shown(&bad));
    assert_eq!(
        shown(&bad.join("empty")),
        format!("{place}/empty:1:1: found a folder without scenarios, expected at least one .ron file in it")
    );
    assert_eq!(
        shown(&bad.join("none.ron")),
        format!(
            "{place}/none.ron:1:1: found nothing of this name, expected a bundled scenario (see `squall scenario list`), \
             a file or a folder"
        )
    );
    let directory = squall_sim::scenario::error::read_file(&bad).unwrap_err();
    assert_eq!(directory.to_string(), format!("{place}:1:1: found a directory, expected a file"));
}

#[test]
fn a_misspelt_name_gets_the_nearest_one() {
    let error = squall_sim::scenario::load("leader-crsh").unwrap_err();
    assert_eq!(
        error.to_string(),
        "leader-crsh:1:1: found nothing of this name, expected a bundled scenario (see `squall scenario list`), \
         a file or a folder; did you mean \"leader-crash\"?"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics(text in r#"(Scenario\()?[a-zA-Z0-9"'#!/*(){}\[\],:.\\ \n_äß-]{0,200}"#) {
        let _ = Scenario::parse("any.ron", &text);
        let _ = lint("any.ron", &text);
        let _ = Plan::from_ron("any.ron", &text);
    }

    /// A byte more, less or changed in a good file gives another good file or an error with a place in it.
    #[test]
    fn no_damaged_file_panics(which in any::<prop::sample::Index>(), edits in prop::collection::vec((any::<prop::sample::Index>(), 0..4_u8, "[a-z0-9\"(),:\\[\\]/*-]"), 1..6)) {
        let files = bundled();
        let mut text: Vec<char> = which.get(&files).text.chars().collect();
        for (at, kind, with) in edits {
            let at = at.index(text.len().max(1)).min(text.len().saturating_sub(1));
            let with = with.chars().next().unwrap();
            match kind {
                0 | 2 if text.is_empty() => {}
                0 => { text.remove(at); }
                1 => text.insert(at, with),
                2 => text[at] = with,
                _ => text.truncate(at.max(1)),
            }
        }
        let text: String = text.into_iter().collect();
        if let Err(error) = Scenario::parse("damaged.ron", &text) {
            prop_assert!(error.line <= text.lines().count() + 1, "{error}");
            prop_assert!(!error.found.is_empty() && !error.expected.is_empty());
        }
        let _ = lint("damaged.ron", &text);
    }
}
