//! `squall run`: its one line of JSON, its exit codes, and that a seed's result depends on nothing but the seed.

use serde_json::{Map, Value};

use crate::support::{Folder, Said, brief};

/// The result of a scenario without what may differ from run to run.
fn result(said: &Said, name: &str) -> Value {
    let json = said.json();
    let results = json["results"].as_array().unwrap();
    results.iter().find(|result| result["name"] == name).unwrap_or_else(|| panic!("no {name} in {json}")).clone()
}

fn keys(object: &Map<String, Value>) -> Vec<&str> {
    let mut keys: Vec<_> = object.keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

fn is_hex(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.len() == 16 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)))
}

const TOTALS: [&str; 16] = [
    "bytes",
    "connections",
    "cpu_ns",
    "events",
    "failed",
    "frames",
    "max_in_flight",
    "messages",
    "operations",
    "passed",
    "reconnects",
    "runs",
    "unavailable",
    "unknown",
    "virtual_ns",
    "wall_ns",
];

#[test]
fn one_seed_is_one_line_of_json_with_its_hash() {
    let folder = Folder::new("one-seed");
    let said = folder.squall(&["run", "calm", "--seed", "7", "--json"]);
    assert_eq!((said.code, said.out.lines().count()), (0, 1), "{said:?}");
    assert!(said.out.ends_with("}\n"));
    let json = said.json();
    let object = json.as_object().unwrap();
    let mut expected: Vec<&str> = TOTALS.iter().copied().chain(["checkers", "results", "failures"]).collect();
    expected.sort_unstable();
    assert_eq!(keys(object), expected);
    for total in TOTALS {
        assert!(json[total].is_u64(), "{total}: {}", json[total]);
    }
    assert_eq!((json["runs"].as_u64(), json["passed"].as_u64(), json["failed"].as_u64()), (Some(1), Some(1), Some(0)));
    assert!(json["operations"].as_u64() > Some(200) && json["virtual_ns"].as_u64() > Some(8_000_000_000), "{json}");
    assert_eq!(json["failures"], Value::Array(Vec::new()));
    let result = &json["results"][0];
    assert_eq!(json["results"].as_array().unwrap().len(), 1);
    let mut expected =
        ["arena", "faults", "leaders", "marks", "name", "operations", "runs", "trace_hash", "unavailable", "verdict"].to_vec();
    expected.extend(["bytes", "connections", "frames", "inexpressible", "not_judged", "reconnects"]);
    expected.sort_unstable();
    assert_eq!(keys(result.as_object().unwrap()), expected);
    assert_eq!((&result["name"], &result["arena"], &result["verdict"]), (&"calm".into(), &"world".into(), &"pass".into()));
    assert_eq!(result["operations"], json["operations"]);
    assert!(result["leaders"].is_u64() && result["runs"].is_u64() && is_hex(&result["trace_hash"]), "{result}");
    assert!(result["faults"].as_object().unwrap().values().all(Value::is_u64));
    assert_eq!(json["checkers"]["ran"].as_array().unwrap().len(), 11, "{json}");
    assert_eq!(json["checkers"]["not_run"], serde_json::json!(["transport", "bounded"]), "the world has no streams");
    assert_eq!((&result["not_judged"], &result["inexpressible"]), (&serde_json::json!([]), &serde_json::json!({})));
    assert_eq!((&json["connections"], &result["bytes"]), (&0.into(), &0.into()), "the world has no wires");
    let marks = result["marks"].as_object().unwrap();
    assert!(marks.values().all(Value::is_u64) && marks["read_confirmed_by_round"].as_u64() > Some(0));
}

#[test]
fn seeds_are_drawn_from_a_base_that_is_printed() {
    let folder = Folder::new("base");
    folder.write("brief.ron", brief(""));
    let said = folder.squall(&["run", "brief.ron", "--seeds", "3", "--json"]);
    let json = said.json();
    let base = json["base_seed"].as_u64().unwrap();
    assert_eq!((said.code, json["runs"].as_u64()), (0, Some(3)), "{said:?}");
    assert!(said.err.contains(&format!("base seed {base}:")), "{said:?}");
    assert!(json["results"][0].get("trace_hash").is_none(), "{json}");
    let operations = |seed: u64| {
        folder.squall(&["run", "brief.ron", "--seed", &seed.to_string(), "--json"]).json()["operations"].as_u64().unwrap()
    };
    assert_eq!(json["operations"].as_u64(), Some(operations(base) + operations(base + 1) + operations(base + 2)));
    let other = folder.squall(&["run", "brief.ron", "--seeds", "1", "--json"]).json();
    assert_ne!(other["base_seed"], json["base_seed"], "drawn anew at each start");
    let twenty = folder.squall(&["run", "brief.ron", "--json"]).json();
    assert_eq!(twenty["runs"].as_u64(), Some(20), "20 if nobody says otherwise");
}

#[test]
fn a_seeds_result_depends_on_nothing_else() {
    let folder = Folder::new("jobs");
    folder.write(
        "brief.ron",
        brief("    network: (loss_ppm: 50_000),\n    faults: [(when: At(\"300ms\"), what: Kill(Leader))],\n"),
    );
    let alone = folder.squall(&["run", "brief.ron", "--seed", "7", "--jobs", "1", "--json"]);
    for arguments in [
        &["run", "brief.ron", "--seed", "7", "--jobs", "1", "--json"][..],
        &["run", "brief.ron", "--seed", "7", "--jobs", "4", "--json"],
        &["run", "calm", "brief.ron", "tight-limits", "--seed", "7", "--jobs", "4", "--json"],
    ] {
        let said = folder.squall(arguments);
        assert_eq!(result(&said, "brief"), result(&alone, "brief"), "{arguments:?}");
    }
    let other = folder.squall(&["run", "brief.ron", "--seed", "8", "--json"]);
    assert_ne!(result(&other, "brief")["trace_hash"], result(&alone, "brief")["trace_hash"]);
    let replayed = folder.squall(&["replay", "brief.ron", "--seed", "7", "--json"]).json();
    assert_eq!(replayed["trace_hash"], result(&alone, "brief")["trace_hash"]);
}

#[test]
fn scenarios_are_bundled_names_files_and_folders() {
    let folder = Folder::new("paths");
    folder.write("mine/brief.ron", brief(""));
    folder.write("mine/deep/down.ron", brief(""));
    folder.write("mine/notes.txt", "no scenario");
    let said = folder.squall(&["run", "calm", "mine", "mine/brief.ron", "--seed", "1", "--json"]);
    let json = said.json();
    let names: Vec<_> = json["results"].as_array().unwrap().iter().map(|result| result["name"].as_str().unwrap()).collect();
    assert_eq!((said.code, names), (0, vec!["calm", "brief", "deep/down", "brief"]), "{said:?}");
}

#[test]
fn the_table_and_nothing_else_goes_to_standard_error() {
    let folder = Folder::new("table");
    folder.write("brief.ron", brief(""));
    let said = folder.squall(&["run", "brief.ron", "--seed", "1"]);
    assert_eq!((said.code, said.out.as_str()), (0, ""));
    let lines: Vec<Vec<&str>> = said.err.lines().map(|line| line.split_whitespace().collect()).collect();
    let head = ["scenario", "runs", "virtual", "messages", "operations", "leaders", "faults", "marks", "verdict"];
    assert_eq!(lines[0], head);
    assert_eq!((lines[1][0], lines[1][1], lines[1][8]), ("brief", "1", "pass"));
    assert_eq!((lines[2][0], *lines[2].last().unwrap()), ("all", "pass"));
}

#[test]
fn a_story_that_never_happens_is_vacuous_from_twenty_runs_on() {
    let folder = Folder::new("vacuous");
    folder.write("idle.ron", brief("    sometimes: [\"leader_killed\"],\n"));
    let said = folder.squall(&["run", "idle.ron", "--seeds", "20", "--json"]);
    assert_eq!((said.code, said.json()["results"][0]["verdict"].as_str()), (15, Some("vacuous")), "{said:?}");
    assert!(said.err.contains("idle is vacuous: leader_killed never happened in 20 runs"), "{said:?}");
    assert_eq!(said.json()["results"][0]["marks"]["leader_killed"], 0);
    assert_eq!(folder.squall(&["run", "idle.ron", "--seeds", "19"]).code, 0, "fewer runs show nothing");
}

#[test]
fn expectations_that_are_not_met_have_the_exit_codes_of_the_guide() {
    let folder = Folder::new("expect");
    folder.write("stalls.ron", brief("    expect: Stalls,\n"));
    folder.write("violates.ron", brief("    expect: Violates(\"log-matching\"),\n"));
    folder.write("fine.ron", brief(""));
    for (files, code, verdict) in [
        (&["stalls.ron"][..], 11, "liveness"),
        (&["violates.ron"], 10, "safety"),
        (&["stalls.ron", "violates.ron", "fine.ron"], 10, "liveness"),
        (&["fine.ron", "stalls.ron"], 11, "pass"),
    ] {
        let arguments = [&["run", "--seed", "5", "--json", "--out", "records"], files].concat();
        let said = folder.squall(&arguments);
        assert_eq!((said.code, said.json()["results"][0]["verdict"].as_str()), (code, Some(verdict)), "{said:?}");
        for failure in said.json()["failures"].as_array().unwrap() {
            assert_eq!((&failure["property"], &failure["seed"]), (&"expect".into(), &5.into()));
        }
    }
}
