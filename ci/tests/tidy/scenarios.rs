//! Rules for scenarios, with what breaks them.

use squall_ci::rules::scenarios;
use squall_ci::tree::{File, Tree};

use crate::{NONE, lines, messages};

const FOUR: [(&str, &str); 4] = [
    ("sim/scenarios/calm.ron", "// Fair weather.\n"),
    ("sim/scenarios/deep/storm.ron", "// Foul weather.\n"),
    ("sim/scenarios/cut.ron", "// A cut.\n"),
    ("sim/scenarios/pause.ron", "// A pause.\n"),
];

#[test]
fn a_file_of_data_opens_with_its_story() {
    assert_eq!(lines(scenarios::opens_with_story, "sim/scenarios/calm.ron", "Scenario(\n)\n"), [1]);
    assert_eq!(lines(scenarios::opens_with_story, "sim/scenarios/calm.ron", "//\nScenario()\n"), [1]);
    assert_eq!(lines(scenarios::opens_with_story, "sim/scenarios/calm.ron", ""), [1]);
    assert_eq!(lines(scenarios::opens_with_story, "sim/scenarios/calm.ron", "// Fair weather.\nScenario()\n"), NONE);
    let broken = File { path: "seeds/x.ron".to_owned(), text: Err(3) };
    assert!(scenarios::opens_with_story(&broken)[0].found.contains("byte 3"));
}

#[test]
fn no_code_is_a_list_of_scenarios() {
    let rule = scenarios::are_not_listed_in_code;
    let with = |path, text| messages(rule, &[&FOUR[..], &[(path, text)]].concat());
    let list = "const ALL: [&str; 4] =\n    [\"calm\", \"deep/storm\", \"cut\", \"pause\"];\n";
    let found = with("sim/src/campaign/mod.rs", list);
    assert_eq!(
        found,
        ["sim/src/campaign/mod.rs:2: found a list of 4 scenarios, expected the bundled scenarios as `sim/build.rs` finds them"]
    );
    let pairs = "const ALL: &[(&str, u8)] = &[(\"calm\", 1), (\"deep/storm\", 2), (\"cut\", 3), (\"pause\", 4)];\n";
    assert_eq!(with("sim/tests/scenarios.rs", pairs).len(), 1);
    let tests = "fn a() { run(\"calm\") }\nfn b() { run(\"cut\") }\nfn c() { run(\"pause\") }\nfn d() { run(\"deep/storm\") }\n";
    assert_eq!(with("sim/tests/scenarios.rs", tests).len(), 1, "a test for each by hand is a registry as well");
    let more = ["e", "f", "g", "h"].map(|name| format!("sim/scenarios/{name}.ron"));
    let more: Vec<_> = more.iter().map(|path| (path.as_str(), "// More.\n")).collect();
    let of_eight = |path| messages(rule, &[&FOUR[..], &more, &[(path, list)]].concat()).len();
    assert_eq!((of_eight("sim/src/campaign/mod.rs"), of_eight("sim/tests/library/clone.rs")), (1, 0), "a test may take a sample");
}

#[test]
fn nothing_lies_among_the_scenarios_that_the_build_skips() {
    let strange = [&FOUR[..], &[("sim/scenarios/README.md", "# Guide\n"), ("sim/scenarios/storm.RON", "// Skipped.\n")]].concat();
    let found = messages(scenarios::are_found_by_the_build, &strange);
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("sim/scenarios/storm.RON:1: found `storm.RON`"), "{found:?}");
}

#[test]
fn every_scenario_is_in_the_table_once() {
    let tree = Tree::new(FOUR.iter().map(|(path, text)| File::new(path, text)).collect());
    let entry = |name: &str| format!("(\"{name}\", include_str!(\"/some/where/sim/scenarios/{name}.ron\")),\n");
    let table = |names: &[&str]| format!("&[\n{}]\n", names.iter().map(|name| entry(name)).collect::<String>());
    assert!(scenarios::are_embedded(&tree, &table(&["calm", "cut", "deep/storm", "pause"])).is_empty());
    let missing = scenarios::are_embedded(&tree, &table(&["calm", "cut", "pause", "pause"]));
    let found: Vec<_> = missing.iter().map(|finding| (finding.path.as_str(), finding.found.as_str())).collect();
    let expected = [
        ("sim/scenarios/deep/storm.ron", "a scenario embedded 0 times"),
        ("sim/scenarios/pause.ron", "a scenario embedded 2 times"),
    ];
    assert_eq!(found, expected);
    let swapped = table(&["calm", "cut", "deep/storm", "pause"]).replace("scenarios/cut.ron", "scenarios/calm.ron");
    assert_eq!(scenarios::are_embedded(&tree, &swapped).len(), 1, "the name of one, the text of another");
}
