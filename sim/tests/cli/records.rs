//! Recorded failures: written, replayed, edited, refused.

use serde_json::Value;

use crate::support::{Folder, Said, brief};

/// A scenario with a fault that holds against what is expected of it, and the record of that.
fn recorded(test: &str) -> (Folder, String, Said) {
    let folder = Folder::new(test);
    let more =
        "    faults: [(when: At(\"300ms\"), lasts: \"100ms\", what: Kill(Leader))],\n    expect: Violates(\"log-matching\"),\n";
    folder.write("doubtful.ron", brief(more));
    let said = folder.squall(&["run", "doubtful.ron", "--seed", "3", "--json", "--out", "deep/records"]);
    let files = folder.list("deep/records");
    assert_eq!((said.code, files.len()), (10, 1), "{said:?}");
    (folder, format!("deep/records/{}", files[0]), said)
}

#[test]
fn a_failure_is_recorded_and_replayed() {
    let (folder, file, said) = recorded("recorded");
    let failures = said.json()["failures"].clone();
    assert_eq!(failures.as_array().unwrap().len(), 1);
    let failure = failures[0].as_object().unwrap();
    let mut keys: Vec<_> = failure.keys().collect();
    keys.sort_unstable();
    assert_eq!(keys, ["name", "property", "replay", "seed", "seed_file"]);
    assert_eq!((failure["name"].as_str(), failure["property"].as_str()), (Some("doubtful"), Some("expect")));
    assert_eq!(failure["seed_file"].as_str(), Some(file.as_str()));
    assert_eq!(failure["replay"].as_str(), Some(format!("squall replay {file}").as_str()));
    let text = folder.read(&file);
    for part in ["format: 1,", "status: New,", "arena: \"world\",", "property: \"expect\",", "plan_hash: ", "seed: 3,"] {
        assert!(text.contains(part), "no {part} in {text}");
    }
    let replayed = folder.squall(&["replay", &file, "--json"]);
    let json = replayed.json();
    let hash = said.json()["results"][0]["trace_hash"].clone();
    assert_eq!((replayed.code, replayed.out.lines().count()), (said.code, 1), "{replayed:?}");
    assert_eq!((&json["trace_hash"], &json["edited"], &json["same_hash"]), (&hash, &false.into(), &true.into()), "{json}");
    assert_eq!((&json["verdict"], &json["property"]), (&"safety".into(), &"expect".into()));
    assert!(replayed.err.contains("expect is violated: found a run that passed, expected a violation of log-matching"));
}

/// The paste-able command of a failure that was not recorded any more names the seed.
#[test]
fn a_few_failures_of_a_kind_are_recorded_and_all_are_told() {
    let folder = Folder::new("many-failures");
    folder.write("stalls.ron", brief("    expect: Stalls,\n"));
    let said = folder.squall(&["run", "stalls.ron", "--seeds", "8", "--json", "--out", "records"]);
    let json = said.json();
    let failures = json["failures"].as_array().unwrap();
    assert_eq!((said.code, failures.len(), folder.list("records").len()), (11, 8, 5), "{said:?}");
    let base = json["base_seed"].as_u64().unwrap();
    assert_eq!(failures[7]["seed_file"], Value::Null);
    assert_eq!(failures[7]["replay"].as_str(), Some(format!("squall replay stalls --seed {}", base + 7).as_str()));
}

#[test]
fn in_ci_the_plan_is_printed_whole() {
    let (folder, file, quiet) = recorded("in-ci");
    let output =
        folder.command(&["run", "doubtful.ron", "--seed", "3", "--out", "elsewhere"]).env("CI", "true").output().unwrap();
    let said = Said::new(&output);
    let record = folder.read(&file);
    assert!(record.lines().count() > 50 && said.err.contains(&record), "{}", said.err);
    assert!(!quiet.err.contains("plan_hash"), "and nowhere else");
}

#[test]
fn what_a_person_wrote_into_a_record_stays() {
    let (folder, file, _) = recorded("status");
    let edited = folder.read(&file).replacen("status: New", "status: Open(\"known\")", 1);
    folder.write(&file, &edited);
    let again = folder.squall(&["run", "doubtful.ron", "--seed", "3", "--out", "deep/records"]);
    assert_eq!((again.code, folder.read(&file)), (10, edited));
    assert_eq!(folder.list("deep/records").len(), 1);
}

#[test]
fn an_edited_plan_is_replayed_as_such_and_said_so() {
    let (folder, file, said) = recorded("edited");
    let text = folder.read(&file);
    let without = |wanted: &str| {
        let line = text.lines().position(|line| line.trim_start().starts_with(wanted)).unwrap();
        let rest: Vec<_> = text.lines().enumerate().filter(|(i, _)| *i != line).map(|(_, line)| line).collect();
        rest.join("\n")
    };
    for (name, edited) in [("fault", without("(id: \"kill")), ("operation", without("(think:"))] {
        folder.write("edited.ron", edited);
        let replayed = folder.squall(&["replay", "edited.ron", "--json"]);
        let json = replayed.json();
        assert_eq!(
            (&json["edited"], &json["same_hash"], replayed.code),
            (&true.into(), &Value::Null, 10),
            "{name}: {replayed:?}"
        );
        assert!(replayed.err.starts_with("the plan is not the one that was recorded"), "{name}: {replayed:?}");
        assert_ne!(json["trace_hash"], said.json()["results"][0]["trace_hash"], "{name}");
    }
    folder.write("layout.ron", format!("// mine\n{}", text.replace("clients: [", "clients:\n\n[")));
    let replayed = folder.squall(&["replay", "layout.ron", "--json"]).json();
    assert_eq!((&replayed["edited"], &replayed["same_hash"]), (&false.into(), &true.into()), "layout is no edit");
}

/// Same sources, same plan, another hash: that is nondeterminism, and outranks what the run itself did.
#[test]
fn another_hash_than_the_recorded_one_is_nondeterminism() {
    let (folder, file, _) = recorded("hash");
    let text = folder.read(&file);
    let at = text.find("trace_hash: \"").unwrap() + "trace_hash: \"".len();
    let other = if &text[at..=at] == "0" { "1" } else { "0" };
    folder.write(&file, format!("{}{other}{}", &text[..at], &text[at + 1..]));
    let replayed = folder.squall(&["replay", &file, "--json"]);
    assert_eq!((replayed.code, &replayed.json()["same_hash"]), (13, &false.into()), "{replayed:?}");
    assert!(replayed.err.contains("NOT the recorded one"));
}

#[test]
fn a_record_that_is_damaged_newer_or_inconsistent_is_refused() {
    let (folder, file, _) = recorded("refused");
    let text = folder.read(&file);
    let replaced = |from: &str, to: &str| {
        assert!(text.contains(from), "{from} in {text}");
        text.replacen(from, to, 1)
    };
    let cases = [
        ("truncated", text[..text.len() / 2].to_owned(), ", expected "),
        ("truncated early", text[..text.find("property").unwrap()].to_owned(), "found the end of the file, expected"),
        ("newer", replaced("format: 1,", "format: 2,"), "found `format` 2, expected a format from 1 to 1"),
        ("newer and richer", replaced("format: 1,", "format: 7,\n    weather: Foggy([1, 2]),"), "found `format` 7, expected"),
        ("field", replaced("arena:", "area:"), "found unknown field `area`, expected `arena`"),
        ("arena", replaced("\"world\"", "\"moon\""), "found `arena` \"moon\", expected \"world\" or \"madsim\""),
        ("property", replaced("property: \"expect\"", "property: \"luck\""), "found `property` \"luck\", expected the name"),
        ("nodes", replaced("nodes: 3", "nodes: 8"), "found `nodes` 8, expected from 1 to 7"),
        ("target", replaced("Kill(Leader)", "Kill(Node(4))"), "found `what` node 4, expected a node from 1 to 3"),
        (
            "phase",
            replaced("safety: \"600ms\"", "safety: \"200ms\""),
            "expected a time before the end of the safety phase, 200ms",
        ),
        (
            "end",
            replaced("ends: After(\"100ms\")", "ends: At(\"200ms\")"),
            "before the fault begins, expected a time after 300ms",
        ),
        ("key", replaced("key: 1,", "key: 0,"), "found `key` 0, expected a key from 1 on"),
        ("client", replaced("(id: 2,", "(id: 1,"), "found `id` 1 twice"),
    ];
    for (name, edited, message) in cases {
        folder.write("bad.ron", edited);
        let said = folder.squall(&["replay", "bad.ron"]);
        let line = said.only_line();
        let place: Vec<_> = line.splitn(4, ':').collect();
        assert_eq!((said.code, place[0], said.out.as_str()), (2, "bad.ron", ""), "{name}: {said:?}");
        assert!(place[1].parse::<u32>().is_ok() && place[2].parse::<u32>().is_ok(), "{name}: {line}");
        assert!(place[3].starts_with(" found ") && line.contains(message), "{name}: {line}");
        assert_eq!(folder.squall(&["diff", "bad.ron", "calm@1"]).code, 2, "{name}");
    }
}
