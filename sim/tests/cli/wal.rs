//! `squall wal`: what it says of golden logs, whole and damaged, and that it changes nothing that it was not told to.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Folder, Said};

/// Segments of the golden folders, oldest first.
const SEGMENTS: [&str; 3] = [
    "wal-0000000000000008-0000000300000004.log",
    "wal-0000000000000006-0000000300000005.log",
    "wal-0000000000000007-0000000300000006.log",
];

/// A server's folder, `node`, with a golden log in it.
fn node(test: &str, golden: &str) -> Folder {
    let folder = Folder::new(test);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../raft/testdata").join(golden);
    for entry in fs::read_dir(source).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        folder.write(&format!("node/log/{name}"), fs::read(entry.path()).unwrap());
    }
    folder.write("node/lock", "");
    folder.write("node/boot", "not read by this command\n");
    folder
}

/// Everything below a folder: content, length and the time of the last change.
fn all(folder: &Folder) -> BTreeMap<String, (Vec<u8>, String)> {
    let (mut found, mut open) = (BTreeMap::new(), vec![folder.path("node")]);
    while let Some(path) = open.pop() {
        for entry in fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            let changed = format!("{:?}", fs::metadata(&path).unwrap().modified().unwrap());
            if path.is_dir() {
                found.insert(path.display().to_string(), (Vec::new(), changed));
                open.push(path);
            } else {
                found.insert(path.display().to_string(), (fs::read(&path).unwrap(), changed));
            }
        }
    }
    found
}

/// Runs the command, which must change nothing.
fn look(folder: &Folder, arguments: &[&str]) -> Said {
    let before = all(folder);
    let said = folder.squall(&[&["wal"], arguments].concat());
    assert!(all(folder) == before, "{arguments:?} changed something: {said:?}");
    said
}

fn change(folder: &Folder, segment: usize, at: usize, byte: u8) {
    let name = format!("node/log/{}", SEGMENTS[segment]);
    let mut content = fs::read(folder.path(&name)).unwrap();
    content[at] ^= byte;
    folder.write(&name, content);
}

#[test]
fn a_log_in_order_is_shown_segment_by_segment() {
    let folder = node("wal-in-order", "wal-v1-segments");
    for dir in ["node", "node/log"] {
        let said = look(&folder, &["inspect", dir, "--json"]);
        let found = said.json();
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
        assert_eq!(found["identity"], json!({ "cluster": 0x5175_616c_6c00_0007_u64, "node": 2, "incarnation": 1 }));
        assert_eq!(found["running"], json!(false));
        let files: Vec<_> =
            found["segments"].as_array().unwrap().iter().map(|segment| segment["file"].as_str().unwrap()).collect();
        assert_eq!(files, SEGMENTS, "oldest first");
        let middle = &found["segments"][1];
        assert_eq!((&middle["previous"], &middle["sealed_by"]), (&json!("0000000300000004"), &json!("0000000300000006")));
        assert_eq!((&middle["base"], &middle["reserved_bytes"], &middle["pieces"]), (&json!(6), &json!(0), &json!([])));
        let boot = &found["boot"];
        assert_eq!(
            (&boot["outcome"], &boot["term"], &boot["vote"], &boot["does"]),
            (&json!("accepts"), &json!(3), &json!(1), &json!([]))
        );
        assert_eq!((&boot["purged"], &boot["entries"], &boot["last"]), (&json!({ "index": 4, "term": 1 }), &json!(4), &json!(8)));
    }
    let said = look(&folder, &["inspect", "node"]);
    assert_eq!(
        (said.code, said.out.lines().count()),
        (0, 7),
        "a head, a line for each segment and for all, what a boot finds: {said:?}"
    );
    assert!(
        said.out.contains("node 2 (incarnation 1) of cluster 5869704807643611143")
            && said.out.contains("a boot would accept it: term 3")
    );
}

#[test]
fn every_record_is_shown_if_wanted() {
    let folder = node("wal-records", "wal-v1-damaged-payload");
    let said = look(&folder, &["inspect", "node", "--json", "--records"]);
    let lines: Vec<Value> = said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (survey, frames) = lines.split_last().unwrap();
    assert_eq!(survey["totals"]["frames"], json!(frames.len()));
    let numbers: Vec<_> = frames.iter().map(|frame| frame["frame"].as_u64().unwrap()).collect();
    assert!(numbers.is_sorted(), "oldest first: {numbers:?}");
    let records: Vec<_> = frames.iter().flat_map(|frame| frame["records"].as_array().unwrap()).collect();
    assert_eq!(survey["totals"]["records"], json!(records.len()));
    let damaged: Vec<_> = records.iter().filter(|record| record["intact"] == json!(false)).collect();
    assert_eq!(damaged, [&&json!({ "kind": "command", "index": 6, "term": 3, "payload_bytes": 1600, "intact": false })]);
    let text = look(&folder, &["inspect", "node", "--records"]);
    assert_eq!(text.out.lines().filter(|line| line.contains("  frame ")).count(), records.len());
    assert!(text.out.contains("command        index 6  term 3  1600 bytes  DAMAGED"), "{}", text.out);
}

#[test]
fn a_damaged_payload_is_exit_17_and_repair_leaves_it_to_the_peers() {
    let folder = node("wal-payload", "wal-v1-damaged-payload");
    let said = look(&folder, &["inspect", "node"]);
    assert_eq!(said.code, 17, "{said:?}");
    assert!(said.out.contains("1 entries are damaged, and must come from a peer: 6 of term 3"), "{}", said.out);
    let said = look(&folder, &["repair", "node", "--yes"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("there is nothing to do"), "{}", said.out);
}

#[test]
fn a_torn_tail_is_overwritten_as_a_boot_would_and_kept() {
    let folder = node("wal-torn", "wal-v1-torn-tail");
    let newest = format!("node/log/{}", SEGMENTS[2]);
    let torn = fs::read(folder.path(&newest)).unwrap();
    let said = look(&folder, &["inspect", "node", "--json"]);
    assert_eq!((said.code, &said.json()["boot"]["torn_bytes"]), (0, &json!(1536)), "what a power loss leaves is no damage");
    assert_eq!(said.json()["segments"][2]["unwritten_frames"], json!(1));
    let said = look(&folder, &["repair", "node"]);
    assert!(said.code == 0 && said.err.contains("--yes"), "{said:?}");
    let said = folder.squall(&["wal", "repair", "node", "--yes"]);
    assert!(said.code == 0 && said.out.contains("a boot accepts the log now"), "{said:?}");
    assert_eq!(folder.list("node"), ["boot", "cut-1", "lock", "log"]);
    let copy = format!("{}.from-2048", SEGMENTS[2]);
    assert_eq!(folder.list("node/cut-1"), [copy.as_str(), "why.txt"]);
    assert_eq!(fs::read(folder.path(&format!("node/cut-1/{copy}"))).unwrap(), torn[2048..3584]);
    assert!(folder.read("node/cut-1/why.txt").contains("a write that the power failed in"));
    assert!(fs::read(folder.path(&newest)).unwrap()[2048..].iter().all(|byte| *byte == 0));
    let again = look(&folder, &["repair", "node", "--yes"]);
    assert!(again.code == 0 && again.out.contains("there is nothing to do"), "{again:?}");
}

/// A frame before another one, and the header of the newest segment: the log ends before them.
#[test]
fn damage_is_cut_off_only_if_that_is_said_in_full() {
    let newest = SEGMENTS[2];
    let cases = [
        (
            512 + 20,
            "the frame header does not match its checksum; an intact frame follows",
            format!("{newest}.from-512"),
            SEGMENTS.to_vec(),
        ),
        (40, "the file header does not match its checksum", format!("{}.from-3072", SEGMENTS[1]), SEGMENTS[..2].to_vec()),
    ];
    for (at, what, copy, mut left) in cases {
        let folder = node("wal-damage", "wal-v1-preallocated");
        change(&folder, 2, at, 1);
        let damaged = all(&folder);
        let said = look(&folder, &["inspect", "node"]);
        assert!(said.code == 17 && said.out.contains(what), "{}", said.out);
        assert!(said.out.contains("a boot would refuse this log, and change nothing: "), "{}", said.out);
        for arguments in [&["repair", "node"][..], &["repair", "node", "--yes"], &["repair", "node", "--discard-acknowledged"]] {
            let said = look(&folder, arguments);
            assert!(
                said.code == 17 && said.out.contains("WARNING: acknowledged entries and votes may be lost"),
                "{arguments:?}: {said:?}"
            );
            assert!(said.err.starts_with("nothing was changed"), "{said:?}");
        }
        let said = folder.squall(&["wal", "repair", "node", "--yes", "--discard-acknowledged"]);
        assert_eq!(said.code, 0, "{said:?}");
        left.sort_unstable();
        assert_eq!(folder.list("node/log"), left);
        let mut taken = vec![copy.as_str(), "why.txt"];
        taken.extend((left.len() == 2).then_some(newest));
        taken.sort_unstable();
        assert_eq!(folder.list("node/cut-1"), taken);
        // Every byte that is gone lies there.
        let (file, from) = copy.split_once(".from-").unwrap();
        let kept = fs::read(folder.path(&format!("node/cut-1/{copy}"))).unwrap();
        let from: usize = from.parse().unwrap();
        let (before, _) = &damaged[&folder.path(&format!("node/log/{file}")).display().to_string()];
        assert!(before[from..from + kept.len()] == kept && before[from + kept.len()..].iter().all(|byte| *byte == 0));
        assert!(folder.read("node/cut-1/why.txt").contains("does not match its checksum"));
        let said = look(&folder, &["inspect", "node", "--json"]);
        let boot = &said.json()["boot"];
        assert_eq!((said.code, &boot["outcome"], &boot["last"]), (0, &json!("accepts"), &json!(6)));
    }
}

#[test]
fn what_was_never_whole_and_what_is_no_log_is_taken_out_without_loss() {
    let folder = node("wal-leftovers", "wal-v1-segments");
    let unfinished = SEGMENTS[2].replace(".log", ".new");
    folder.write(&format!("node/log/{unfinished}"), "half a header");
    folder.write("node/log/notes.txt", "precious");
    let said = look(&folder, &["inspect", "node", "--json"]);
    assert_eq!((said.code, &said.json()["boot"]["file"]), (17, &json!("notes.txt")));
    let whats: Vec<_> = said.json()["others"].as_array().unwrap().iter().map(|other| other["what"].clone()).collect();
    assert_eq!(whats, ["unknown", "unfinished"]);
    let said = folder.squall(&["wal", "repair", "node/log", "--yes"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(folder.list("node/cut-1"), ["notes.txt", &unfinished, "why.txt"]);
    assert_eq!(folder.read("node/cut-1/notes.txt"), "precious");
    assert_eq!(look(&folder, &["inspect", "node"]).code, 0);
}

#[test]
fn while_a_server_runs_it_is_looked_at_and_not_touched() {
    let folder = node("wal-running", "wal-v1-torn-tail");
    let lock = File::options().write(true).open(folder.path("node/lock")).unwrap();
    lock.try_lock().unwrap();
    let said = look(&folder, &["inspect", "node", "--json"]);
    assert_eq!((said.code, &said.json()["running"]), (0, &json!(true)));
    assert!(look(&folder, &["inspect", "node/log"]).out.contains("a server runs here, so the picture may be moving"));
    for dir in ["node", "node/log"] {
        let said = look(&folder, &["repair", dir, "--yes"]);
        assert_eq!((said.code, said.only_line()), (2, format!("{dir}: found a server running here, expected none").as_str()));
    }
}

#[test]
fn what_cannot_be_read_or_mended_is_named() {
    let folder = node("wal-hopeless", "wal-v1-segments");
    for arguments in [["inspect", "nowhere"], ["repair", "nowhere"], ["inspect", "node/lock"]] {
        let said = look(&folder, &arguments);
        assert!(said.code == 2 && said.only_line().contains(arguments[1]), "{said:?}");
    }
    change(&folder, 0, 40, 1); // the oldest header
    let said = look(&folder, &["repair", "node", "--yes", "--discard-acknowledged"]);
    assert!(said.code == 17 && said.err.contains(SEGMENTS[0]), "{said:?}");
    fs::create_dir_all(folder.path("node/empty")).unwrap();
    let said = look(&folder, &["inspect", "node/empty"]);
    assert!(said.code == 17 && said.out.contains("found no log"), "{said:?}");
}

#[test]
fn no_lock_is_made_by_looking() {
    let folder = node("wal-no-lock", "wal-v1-segments");
    fs::remove_file(folder.path("node/lock")).unwrap();
    assert_eq!(look(&folder, &["inspect", "node"]).code, 0);
    look(&folder, &["repair", "node"]);
    assert_eq!(folder.list("node"), ["boot", "log"]);
}
