//! `squall bugs hunt`: where a bug is hunted, what is recorded of it, and that another process sees the same.
//!
//! Not here: whether every bug is found; its reproducer below `seeds/mutants` says so (`seeds.rs`).

use crate::support::Folder;

/// Hunts a bug that a few runs find, and replays the record.
fn hunted(id: &str, arena: &str, code: i32, property: &str) {
    let folder = Folder::new(&format!("hunt-{id}"));
    let said = folder.squall(&["bugs", "hunt", id, "--seed", "1", "--executions", "20", "--out", "found", "--json"]);
    let json = said.json();
    assert_eq!((said.code, &json["found"], &json["arena"]), (0, &true.into(), &arena.into()), "{said:?}");
    assert_eq!(json["checker"], property, "{json}");
    assert!(json["cpu_ns"].as_u64() > Some(0), "{json}");
    let file = json["seed_file"].as_str().unwrap();
    let text = folder.read(file);
    assert!([format!("arena: \"{arena}\","), format!("bug: Some(\"{id}\"),")].iter().all(|part| text.contains(part)), "{text}");
    let replayed = folder.squall(&["replay", file, "--json"]);
    let json = replayed.json();
    assert_eq!((replayed.code, &json["same_hash"], &json["edited"]), (code, &true.into(), &false.into()), "{replayed:?}");
    assert_eq!((&json["arena"], &json["property"], &json["bug"]), (&arena.into(), &property.into(), &id.into()), "{json}");
}

#[test]
fn a_bug_of_the_engine_is_hunted_in_the_world() {
    hunted("D02", "world", 10, "acknowledged-durable");
}

#[test]
fn a_bug_of_the_driver_is_hunted_where_the_driver_runs() {
    hunted("T02", "madsim", 10, "acknowledged-durable");
    hunted("T05", "madsim", 11, "liveness");
}

#[test]
fn a_bug_of_the_driver_is_not_looked_for_where_it_cannot_be() {
    let said = Folder::new("hunt-elsewhere").squall(&["bugs", "hunt", "t01", "--arena", "world", "--executions", "1"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.only_line().contains("found --arena world for T01, which is in the driver"), "{said:?}");
}

#[test]
fn the_control_finds_nothing_in_any_arena() {
    for arena in ["world", "madsim"] {
        let folder = Folder::new(&format!("hunt-none-{arena}"));
        let said = folder.squall(&["bugs", "hunt", "none", "--arena", arena, "--executions", "4", "--json"]);
        let json = said.json();
        assert_eq!((said.code, &json["found"], &json["arena"]), (0, &false.into(), &arena.into()), "{said:?}");
        assert_eq!((json["executions"].as_u64(), json["virtual_ns"].as_u64() > Some(0)), (Some(4), true), "{json}");
    }
}
