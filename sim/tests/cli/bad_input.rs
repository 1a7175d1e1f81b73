//! Bad input: exit code 2, and a message that says where, what was found and what was expected.

use crate::support::{Folder, brief};

/// The form of every error about a file: `FILE:LINE:COL: found X, expected Y`.
fn is_located(line: &str, file: &str) -> bool {
    let Some(rest) = line.strip_prefix(file).and_then(|rest| rest.strip_prefix(':')) else {
        return false;
    };
    let mut parts = rest.splitn(3, ':');
    let number = |part: Option<&str>| part.is_some_and(|part| part.parse::<u32>().is_ok_and(|number| number > 0));
    let place = number(parts.next()) && number(parts.next());
    let message = parts.next().unwrap_or_default();
    place && message.starts_with(" found ") && message.contains(", expected ")
}

/// Every file that `run`, `replay` and `lint` must refuse, with the message behind its name.
#[test]
fn a_bad_scenario_is_refused_with_its_place() {
    let folder = Folder::new("bad-scenarios");
    let fault = |what: &str| brief(&format!("    faults: [(when: At(\"200ms\"), what: {what})],\n"));
    let cases: [(&str, String, &str); 9] = [
        ("field", brief("    color: 4,\n"), ":6:5: found unknown field `color`, expected a field of `Scenario`: `nodes`"),
        ("unit", brief("").replace("600ms", "600h"), ":4:13: found `\"600h\"`, expected a duration with a unit"),
        ("cut", fault("Cut(Split(with: Leader, size: 7))"), ": found `size` 7 of 3 nodes, expected 1 to 2 nodes on this side"),
        ("itself", fault("Cut(OneWay(from: Node(1), to: Node(1)))"), ": found `to` a link to itself, expected another target"),
        (
            "leader",
            fault("Link(from: Leader, to: Leader, loss_ppm: 1)"),
            ": found `to` a link to itself, expected another target",
        ),
        (
            "end",
            brief("    faults: [(when: At(\"200ms\"), until: \"100ms\", what: Kill(Leader))],\n"),
            ":6:41: found `until` 100ms, before the fault begins, expected a time after 200ms",
        ),
        ("nodes", brief("").replace("nodes: 3", "nodes: 9"), ":3:12: found `nodes` 9, expected from 1 to 7"),
        ("empty", String::new(), ":1:1: found an empty file, expected a scenario"),
        ("mark", brief("    sometimes: [\"sunshine\"],\n"), ":6:17: found `\"sunshine\"`, expected the name of a mark"),
    ];
    for (name, text, message) in cases {
        let file = format!("{name}.ron");
        folder.write(&file, text);
        for arguments in [&["run", &file, "--seed", "1"][..], &["replay", &file, "--seed", "1"], &["run", &file, "--json"]] {
            let said = folder.squall(arguments);
            let line = said.only_line();
            assert_eq!((said.code, said.out.as_str()), (2, ""), "{arguments:?}: {said:?}");
            assert!(is_located(line, &file) && line[file.len()..].contains(message), "{arguments:?}: {line}");
        }
        let lint = folder.squall(&["scenario", "lint", &file]);
        assert!(lint.code == 2 && lint.out.lines().any(|line| is_located(line, &file) && line.contains(message)), "{lint:?}");
    }
}

#[test]
fn what_is_no_text_is_refused_with_the_bytes_offset() {
    let folder = Folder::new("bad-bytes");
    folder.write("latin1.ron", b"// \xc3\xa4\n// Unwetter \xfcber\n");
    let message = "latin1.ron:2:13: found byte 0xfc at byte offset 18, expected text in UTF-8";
    for arguments in [&["run", "latin1.ron"][..], &["replay", "latin1.ron"], &["diff", "latin1.ron", "latin1.ron"]] {
        let said = folder.squall(arguments);
        assert_eq!((said.code, said.only_line()), (2, message), "{arguments:?}");
    }
    folder.write("trace", b"1\n\xff");
    let said = folder.squall(&["diff", "trace", "trace"]);
    assert_eq!((said.code, said.only_line()), (2, "trace:2:1: found byte 0xff at byte offset 2, expected text in UTF-8"));
}

#[test]
fn all_bad_files_are_named_before_anything_runs() {
    let folder = Folder::new("bad-many");
    folder.write("one.ron", "");
    folder.write("two.ron", brief("    color: 4,\n"));
    folder.write("good.ron", brief(""));
    let said = folder.squall(&["run", "one.ron", "good.ron", "two.ron", "clam", "--json"]);
    let lines: Vec<_> = said.err.lines().collect();
    assert_eq!((said.code, said.out.as_str(), lines.len()), (2, "", 3), "{said:?}");
    for file in ["one.ron", "two.ron", "clam"] {
        assert!(lines.iter().any(|line| is_located(line, file)), "{file}: {said:?}");
    }
}

#[test]
fn an_unknown_name_is_refused_with_the_nearest_one() {
    let folder = Folder::new("bad-names");
    let expected = "expected a bundled scenario (see `squall scenario list`), a file or a folder; did you mean \"calm\"?";
    for arguments in [
        &["run", "clam"][..],
        &["run", "clam", "--json"],
        &["replay", "clam"],
        &["replay", "clam", "--seed", "1"],
        &["scenario", "lint", "clam"],
        &["diff", "clam@1", "calm@1"],
    ] {
        let said = folder.squall(arguments);
        assert_eq!(said.only_line(), format!("clam:1:1: found nothing of this name, {expected}"), "{arguments:?}");
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{arguments:?}");
    }
    for (what, found) in [("calm", "no such file"), ("calm@x", "seed \"x\"")] {
        let said = folder.squall(&["diff", what, "calm@1"]);
        assert!(said.code == 2 && is_located(said.only_line(), what) && said.err.contains(found), "{said:?}");
    }
}

#[test]
fn a_folder_without_scenarios_is_refused() {
    let folder = Folder::new("bad-folder");
    folder.write("notes/readme.md", "nothing to run\n");
    for arguments in [&["run", "notes"][..], &["scenario", "lint", "notes"], &["replay", "notes"]] {
        let said = folder.squall(arguments);
        let message = "notes:1:1: found a folder without scenarios, expected at least one .ron file in it";
        assert_eq!((said.code, said.only_line()), (2, message), "{arguments:?}");
    }
    folder.write("notes/a.ron", brief(""));
    folder.write("notes/b.ron", brief(""));
    let said = folder.squall(&["replay", "notes", "--seed", "1"]);
    assert!(said.code == 2 && is_located(said.only_line(), "notes"), "one at a time: {said:?}");
}

#[test]
fn wrong_usage_is_refused_with_what_would_be_right() {
    let folder = Folder::new("usage");
    let cases: [(&[&str], &str); 16] = [
        (&["run", "calm", "--seeds", "3", "--seed", "4"], "cannot be used with"),
        (&["run", "calm", "--arena", "process"], "possible values: world, madsim"),
        (&["replay", "calm", "--arena", "moon"], "possible values: world, madsim"),
        (&["run", "calm", "--seeds", "0"], "0 is not in 1..=10000000"),
        (&["run", "calm", "--seeds", "many"], "invalid digit"),
        (&["run", "calm", "--seed", "-1"], "unexpected argument"),
        (&["run", "calm", "--jobs", "0"], "0 is not in 1..=1024"),
        (&["run", "calm", "--sedes", "3"], "unexpected argument '--sedes'"),
        (&["run", "calm", "--json", "--trace"], "unexpected argument '--trace'"),
        (&["run", "calm", "--json=yes"], "unexpected value 'yes' for '--json'"),
        (&["diff", "calm@1", "calm@2", "--json"], "unexpected argument '--json'"),
        (&["scenario", "lint", "calm", "--json"], "unexpected argument '--json'"),
        (&["scenario", "lint"], "required arguments were not provided"),
        (&["replay", "calm", "--from", "5"], "expected a time with a unit, such as 1.5s"),
        (&["replay", "calm", "--until", "later"], "expected a time with a unit, such as 1.5s"),
        (&["sail"], "unrecognized subcommand 'sail'"),
    ];
    for (arguments, message) in cases {
        let said = folder.squall(arguments);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{arguments:?}: {said:?}");
        assert!(said.err.contains(message), "{arguments:?}: {said:?}");
    }
    assert_eq!(folder.squall(&[]).code, 2);
    let help = folder.squall(&["--help"]);
    assert!(help.code == 0 && help.out.contains("replay") && help.err.is_empty());
}

#[test]
fn what_cannot_be_written_is_said() {
    let folder = Folder::new("unwritable");
    folder.write("file", "not a folder");
    folder.write("stalls.ron", brief("    expect: Stalls,\n"));
    let said = folder.squall(&["run", "stalls.ron", "--seed", "1", "--out", "file"]);
    assert!(said.code == 2 && said.err.lines().any(|line| line.starts_with("file: ")), "{said:?}");
    let said = folder.squall(&["replay", "stalls.ron", "--seed", "1", "--trace-out", "none/trace"]);
    assert!(said.code == 2 && said.only_line().starts_with("none/trace: "), "{said:?}");
    assert_eq!(folder.squall(&["scenario", "new", "stalls"]).code, 2, "a file that is there is not overwritten");
    assert!(folder.read("stalls.ron").contains("expect: Stalls"));
}
