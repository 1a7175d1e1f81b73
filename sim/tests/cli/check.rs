//! `squall check`: verdicts, exit codes, its line of JSON, and histories that `run --history-out` wrote.

use std::collections::BTreeMap;

use serde_json::json;
use squall_checkers::format;
use squall_checkers::history::Outcome;
use squall_checkers::model::Model;
use squall_checkers::model::kv::Kv;

use crate::support::{Folder, brief};

/// A register's history whose only read saw this.
fn register(read: &str) -> String {
    format!(
        "[{{:process 0, :type :invoke, :f :write, :value 1}}
 {{:process 0, :type :ok, :f :write, :value 1}}
 {{:process :nemesis, :type :info, :f :start}}
 {{:process 1, :type :invoke, :f :read, :value nil}}
 {{:process 1, :type :ok, :f :read, :value {read}}}
 {{:process 2, :type :invoke, :f :write, :value 2}}]\n"
    )
}

/// A history that must be searched, because a value is written twice.
fn searched() -> String {
    register("1").replace(":f :write, :value 2", ":f :write, :value 1")
}

#[test]
fn the_exit_code_is_the_worst_verdict() {
    let folder = Folder::new("check-codes");
    folder.write("searched.edn", searched());
    folder.write("good.edn", register("1"));
    folder.write("bad.edn", register("3"));
    folder.write("cut.edn", &register("1")[..150]);
    let check = |arguments: &[&str]| folder.squall(&[&["check", "--model", "register"], arguments].concat());
    assert_eq!(check(&["good.edn"]).code, 0);
    assert_eq!(check(&["bad.edn"]).code, 10);
    assert_eq!(check(&["searched.edn", "--configurations", "0"]).code, 14);
    assert_eq!(check(&["searched.edn", "--time-limit", "0ms"]).code, 14);
    assert_eq!(check(&["searched.edn", "--time-limit", "60s", "--memory-limit", "64"]).code, 0);
    assert_eq!(check(&["searched.edn", "--time-limit", "soon"]).code, 2);
    assert_eq!(check(&["good.edn", "bad.edn", "good.edn"]).code, 10);
    let said = check(&["good.edn", "cut.edn", "none.edn", "bad.edn"]);
    assert_eq!(said.code, 2, "{said:?}");
    for line in [
        "cut.edn:4:2: found the end of the file inside of a map, expected `}`: is the file cut off?",
        "none.edn:1:1: found no such file, expected an existing file",
    ] {
        assert!(said.err.lines().any(|found| found == line), "{said:?}");
    }
    assert_eq!(said.out, "");
}

#[test]
fn a_verdict_is_a_row_and_an_explanation() {
    let folder = Folder::new("check-table");
    folder.write("bad.edn", register("3"));
    let said = folder.squall(&["check", "bad.edn", "--model", "register"]);
    let lines: Vec<Vec<&str>> = said.err.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["file", "model", "operations", "unknown", "failed", "keys", "time", "verdict"]);
    assert_eq!((&lines[1][..6], lines[1][7]), (&["bad.edn", "register", "3", "1", "0", "1"][..], "illegal"));
    assert!(said.err.contains("\nbad.edn:4:1: not linearizable\n") && said.err.contains("read -> \"3\""), "{said:?}");
}

#[test]
fn the_line_of_json_has_all_files() {
    let folder = Folder::new("check-json");
    folder.write("searched.edn", searched());
    folder.write("good.edn", register("1"));
    folder.write("bad.edn", register("3"));
    let said = folder.squall(&["check", "good.edn", "bad.edn", "--model", "cas-register", "--json"]);
    assert_eq!((said.code, said.out.lines().count()), (10, 1), "{said:?}");
    let mut json = said.json();
    assert_eq!((&json["verdict"], json["files"].as_array().unwrap().len()), (&json!("illegal"), 2));
    let good = json["files"][0].as_object_mut().unwrap();
    assert!(good.remove("wall_ns").unwrap().is_u64());
    let expected = json!({
        "file": "good.edn", "format": "edn", "model": "cas-register", "verdict": "ok",
        "operations": 3, "unknown": 1, "failed": 0, "keys": 1, "skipped": 1,
    });
    assert_eq!(json["files"][0], expected);
    let illegal = &json["files"][1]["illegal"];
    assert_eq!((&illegal["operation"], &illegal["line"], &illegal["prefix"]), (&json!(1), &json!(4), &json!([0, 1])));
    assert!(illegal["explanation"].as_str().unwrap().contains("no place for operation 1"), "{illegal}");
    let said = folder.squall(&["check", "searched.edn", "--model", "register", "--configurations", "0", "--json"]);
    assert_eq!((&said.json()["verdict"], said.json()["files"][0]["limit"].is_string()), (&json!("unknown"), true));
}

#[test]
fn json_explains_and_html_draws() {
    let folder = Folder::new("check-html");
    folder.write("good.edn", register("1"));
    folder.write("bad.edn", register("3"));
    let said = folder.squall(&["check", "bad.edn", "--model", "register", "--json", "--html", "bad.html"]);
    assert_eq!(said.code, 10, "{said:?}");
    let illegal = &said.json()["files"][0]["illegal"];
    assert_eq!(illegal["core"], json!({ "operations": [1], "is_minimal": true }));
    assert_eq!((&illegal["order"], &illegal["pending"]), (&json!([0]), &json!([])));
    let answer = json!({ "operation": 1, "fits_initially": false, "sources": [], "is_complete": true });
    assert_eq!(illegal["answers"], json!([answer]));
    assert_eq!((&illegal["states"][0]["state"], &illegal["states"][0]["after"]), (&json!("\"1\""), &json!([0])));
    assert_eq!((&illegal["operations"][0]["line"], &illegal["operations"][0]["call"]), (&json!(4), &json!("read -> \"3\"")));
    let page = folder.read("bad.html");
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("<title>bad.edn: illegal</title>"));
    assert_eq!(folder.squall(&["check", "good.edn", "--model", "register", "--html", "good.html"]).code, 0);
    assert!(folder.read("good.html").contains("\"orders\":{\"0\":[0,1]}"));
    let said = folder.squall(&["check", "good.edn", "bad.edn", "--model", "register", "--html", "both.html"]);
    assert!(said.code == 2 && said.only_line() == "--html: found 2 files, expected one, because a page is about one", "{said:?}");
    let said = folder.squall(&["check", "good.edn", "--model", "register", "--html", "no/such/folder.html"]);
    assert!(said.code == 2 && said.only_line().starts_with("no/such/folder.html: "), "{said:?}");
}

#[test]
fn the_model_must_be_known_and_the_format_is_guessed() {
    let folder = Folder::new("check-model");
    folder.write("good.edn", register("1"));
    folder.write(
        "own.jsonl",
        "{\"meta\":{\"model\":\"queue\"}}\n{\"i\":0,\"c\":0,\"f\":\"dequeue\",\"t0\":0,\"t1\":1,\"out\":null}\n",
    );
    folder.write("log", "INFO  jepsen.util - 0\t:invoke\t:read\tnil\nINFO  jepsen.util - 0\t:ok\t:read\t7\n");
    let said = folder.squall(&["check", "good.edn"]);
    let names = "register, cas-register, kv, append-list, set, counter, queue, lock";
    assert_eq!(said.code, 2);
    assert!(said.only_line().starts_with("good.edn: found no --model") && said.err.contains(names), "{said:?}");
    assert_eq!(folder.squall(&["check", "own.jsonl"]).code, 0, "it names its model itself");
    assert_eq!(folder.squall(&["check", "log", "--model", "cas-register"]).code, 10);
    assert_eq!(folder.squall(&["check", "log", "--model", "cas-register", "--initial", "7"]).code, 0);
    assert_eq!(folder.squall(&["check", "own.jsonl", "--initial", "7"]).code, 2);
    let said = folder.squall(&["check", "log", "--model", "register", "--format", "edn"]);
    assert!(said.code == 2 && said.err.contains("(the file looks like jepsen-log)"), "{said:?}");
    let said = folder.squall(&["check", "log", "--model", "stack"]);
    assert!(said.code == 2 && said.err.contains("[possible values: register,"), "{said:?}");
}

/// Replays a written history in the order of its witness, and compares the order with real time.
fn verify_witness(text: &str) {
    let recorded = format::read(&Kv, "written", text.as_bytes(), None).unwrap();
    let operations = recorded.history.operations();
    let mut order: Vec<_> =
        recorded.witness.iter().zip(operations).filter_map(|(place, one)| place.map(|place| (place, one))).collect();
    order.sort_by_key(|(place, _)| *place);
    let mut states = BTreeMap::new();
    let mut latest_invocation = 0;
    for (place, operation) in &order {
        let state = states.entry(Kv.partition_key(&operation.input).into_owned()).or_insert_with(|| Kv.init());
        *state = Kv.step(state, &operation.input, operation.outcome.output()).unwrap_or_else(|| panic!("{place}: {operation:?}"));
        let returned_at = if operation.outcome == Outcome::Unknown { u64::MAX } else { operation.returned_at };
        assert!(latest_invocation <= returned_at, "{place}: {operation:?} returned before one in front of it began");
        latest_invocation = latest_invocation.max(operation.invoked_at);
    }
    let answered = operations.iter().filter(|operation| matches!(operation.outcome, Outcome::Ok(_))).count();
    assert!(order.len() >= answered, "each answer has its place: {} of {answered}", order.len());
}

#[test]
fn run_writes_histories_that_check_judges_alike() {
    let folder = Folder::new("check-history-out");
    let storm =
        "    network: (loss_ppm: 50_000, duplicate_ppm: 50_000),\n    faults: [(when: At(\"200ms\"), what: Kill(Leader))],\n";
    folder.write("stormy.ron", brief(storm));
    folder.write("deep/down/calm.ron", brief(""));
    folder.write("deep/calm.ron", brief(""));
    let said =
        folder.squall(&["run", "stormy.ron", "deep", "deep/calm.ron", "--seed", "7", "--history-out", "out/histories", "--json"]);
    assert_eq!(said.code, 0, "{said:?}");
    let files = folder.list("out/histories");
    assert_eq!(files, ["calm-4-7.jsonl", "calm-7.jsonl", "down-calm-7.jsonl", "stormy-7.jsonl"]);
    let mut operations = 0;
    for file in &files {
        let path = format!("out/histories/{file}");
        let checked = folder.squall(&["check", &path, "--json"]);
        assert_eq!(checked.code, 0, "{checked:?}");
        let json = &checked.json()["files"][0];
        operations += json["operations"].as_u64().unwrap() - json["unknown"].as_u64().unwrap();
        verify_witness(&folder.read(&path));
    }
    assert_eq!(said.json()["operations"].as_u64(), Some(operations));
    let again = folder.squall(&["run", "stormy.ron", "--seed", "7", "--json"]).json();
    assert_eq!(again["results"][0]["trace_hash"], said.json()["results"][0]["trace_hash"].clone(), "to write changes nothing");
}

#[test]
fn histories_of_the_drivers_arena_have_a_witness_too() {
    let folder = Folder::new("check-history-madsim");
    folder.write("brief.ron", brief(""));
    let said = folder.squall(&["run", "brief.ron", "--seed", "3", "--arena", "madsim", "--history-out", "out"]);
    assert_eq!((said.code, folder.list("out")), (0, vec!["brief-3.jsonl".to_owned()]), "{said:?}");
    assert_eq!(folder.squall(&["check", "out/brief-3.jsonl"]).code, 0);
    verify_witness(&folder.read("out/brief-3.jsonl"));
}

#[test]
fn a_folder_for_histories_that_cannot_be_is_refused() {
    let folder = Folder::new("check-history-unwritable");
    folder.write("file", "not a folder");
    folder.write("brief.ron", brief(""));
    let said = folder.squall(&["run", "brief.ron", "--seed", "1", "--history-out", "file"]);
    assert!(said.code == 2 && said.err.lines().any(|line| line.starts_with("file: ")), "{said:?}");
}
