//! `squall scenario`: list, lint, new.

use crate::support::{Folder, brief};

#[test]
fn list_tells_every_bundled_story() {
    let folder = Folder::new("list");
    let said = folder.squall(&["scenario", "list"]);
    let lines: Vec<_> = said.out.lines().collect();
    let json = folder.squall(&["scenario", "list", "--json"]);
    let names: Vec<String> = serde_json::from_value(json.json()).unwrap();
    assert_eq!((said.code, json.code, json.out.lines().count()), (0, 0, 1));
    assert!(names.len() >= 12 && names.contains(&"calm".to_owned()) && names.is_sorted());
    assert_eq!(lines.len(), names.len());
    for (line, name) in lines.iter().zip(&names) {
        let (first, story) = line.split_once("  ").unwrap();
        assert_eq!(first, name);
        assert!(story.split_whitespace().count() >= 4, "a story of {name}: {line}");
    }
}

#[test]
fn lint_advises_and_refuses() {
    let folder = Folder::new("lint");
    let fine = folder.squall(&["scenario", "lint", "calm", "swarm"]);
    assert_eq!((fine.code, fine.out.as_str()), (0, "sim/scenarios/calm.ron: fine\nsim/scenarios/swarm.ron: fine\n"));
    folder.write("weak.ron", brief("    sometimes: [\"read_confirmed_by_round\"],\n").replace("count: 4", "count: 1"));
    let weak = folder.squall(&["scenario", "lint", "weak.ron"]);
    assert!(weak.code == 0 && weak.out.contains("weak.ron:5:") && weak.out.contains(": warning: found "), "{weak:?}");
    folder.write("mute.ron", "Scenario(nodes: 3, safety: \"5s\", clients: [Kv()])");
    let mute = folder.squall(&["scenario", "lint", "mute.ron"]);
    assert!(mute.code == 2 && mute.out.contains("expected a comment that tells the story"), "{mute:?}");
}

#[test]
fn a_new_scenario_is_free_of_advice_and_runs() {
    let folder = Folder::new("new");
    let new = folder.squall(&["scenario", "new", "gale"]);
    assert!(new.code == 0 && new.out.contains("squall run gale.ron"), "{new:?}");
    assert!(folder.read("gale.ron").starts_with("// gale: "));
    let lint = folder.squall(&["scenario", "lint", "gale.ron"]);
    assert_eq!((lint.code, lint.out.as_str()), (0, "gale.ron: fine\n"));
    assert_eq!(folder.squall(&["run", "gale.ron", "--seeds", "2"]).code, 0);
    let again = folder.squall(&["scenario", "new", "gale.ron"]);
    assert!(again.code == 2 && again.only_line().starts_with("gale.ron: "), "{again:?}");
}
