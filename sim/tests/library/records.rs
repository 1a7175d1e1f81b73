//! Records as files: what is written reads back, what is damaged is refused with its place, what is there stays.
//!
//! Not here: what a record's status demands (`campaign.rs`), the command that replays it (`cli/`).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use squall_checkers::violation::Property;
use squall_sim::arena::ArenaKind;
use squall_sim::plan::Plan;
use squall_sim::run::tape::{Decision, Line, MessageName};
use squall_sim::scenario::{Mark, Nanos, Scenario};
use squall_sim::seeds::record::{FORMAT, Record, Status, hex};
use squall_sim::seeds::replay::files;

const STORM: &str = r#"Scenario(
    nodes: (3, 5), safety: "500ms",
    clients: [Kv(count: 2), Kv(count: 1, load: Rate(per_second: 20), late_duplicates_ppm: 300_000, value_bytes: (1, 300))],
    clocks: [(who: All, offset: ("0s", "3s"), rate_ppm: (900_000, 1_100_000))],
    faults: [
        (when: Between("100ms", "200ms"), every: "100ms", lasts: "50ms", what: Cut(Split(with: Leader, size: (1, 2)))),
        (when: On(event: Append, who: Leader, nth: (1, 9), plus: ("0s", "1ms"), times: 2), lasts: "30ms", what: PowerLoss(Any)),
    ],
    sometimes: ["leader_changed", "busy"],
)"#;

fn plan(seed: u64) -> Plan {
    let scenario = Scenario::parse("storm.ron", STORM).expect("a valid scenario");
    Plan::draw("storm", &scenario, seed)
}

/// What a person or a checker may have said: quotes, lines, comments, brackets, anything.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![r#"[a-z"'\\/*()\[\]\n\r\t,:#ä ]{0,40}"#, ".{0,20}"]
}

fn decision() -> impl Strategy<Value = Decision> {
    let name = (any::<u64>(), 1..8_u64, text(), any::<u64>(), any::<u64>(), any::<u64>());
    let name = name.prop_map(|(from, to, kind, term, last_index, occurrence)| MessageName {
        from,
        to,
        kind,
        term,
        last_index,
        occurrence,
    });
    let message = (name, any::<bool>(), any::<bool>(), prop::option::of(any::<u64>()), any::<u64>());
    prop_oneof![
        message.prop_map(|(message, lost, reordered, copy, delay)| {
            Decision::Message { message, lost, reordered, copy: copy.map(Nanos), delay: Nanos(delay) }
        }),
        (text(), prop::collection::vec(any::<u64>(), 0..4)).prop_map(|(fault, nodes)| Decision::Target { fault, nodes }),
        (any::<u64>(), any::<u64>(), any::<u64>(), any::<u64>())
            .prop_map(|(node, lost_bytes, writes, kept)| Decision::PowerLoss { node, lost_bytes, writes, kept }),
    ]
}

fn status() -> impl Strategy<Value = Status> {
    prop_oneof![Just(Status::New), Just(Status::Fixed), text().prop_map(Status::Open)]
}

prop_compose! {
    fn record()(
        status in status(),
        bug in prop::option::of(text()),
        property in prop::sample::select(Property::ALL.to_vec()),
        message in text(),
        (trace_hash, plan_hash, fingerprint, tape_dropped) in (any::<u64>(), any::<u64>(), text(), any::<u64>()),
        marks in prop::sample::subsequence(Mark::ALL.to_vec(), 0..5),
        seed: u64,
        arena in prop::sample::select(ArenaKind::ALL.to_vec()),
        tape in prop::collection::vec((any::<u64>(), decision()), 0..12),
    ) -> Record {
        Record {
            format: FORMAT,
            status,
            arena: arena.name().to_owned(),
            bug,
            property: property.name().to_owned(),
            message,
            trace_hash: hex(trace_hash),
            fingerprint,
            plan_hash: hex(plan_hash),
            marks,
            tape_dropped,
            plan: plan(seed),
            tape: tape.into_iter().map(|(at, what)| Line { at: Nanos(at), what }).collect(),
        }
    }
}

/// One record, good for many tests.
fn sample() -> Record {
    let what = Decision::Target { fault: "kill-1".to_owned(), nodes: vec![2] };
    Record {
        format: FORMAT,
        status: Status::New,
        arena: ArenaKind::default().name().to_owned(),
        bug: None,
        property: "log-matching".to_owned(),
        message: "two logs".to_owned(),
        trace_hash: hex(1),
        fingerprint: hex(2),
        plan_hash: hex(plan(7).content_hash()),
        marks: vec![Mark::Busy],
        tape_dropped: 0,
        plan: plan(7),
        tape: vec![Line { at: Nanos::ms(3), what }],
    }
}

/// An edit that a person, an editor or a disk may make.
#[derive(Clone, Debug)]
enum Edit {
    Cut(prop::sample::Index),
    Remove(prop::sample::Index),
    Insert(prop::sample::Index, char),
    Replace(prop::sample::Index, char),
    RemoveLine(prop::sample::Index),
    RepeatLine(prop::sample::Index),
}

fn edit() -> impl Strategy<Value = Edit> {
    let at = any::<prop::sample::Index>;
    let symbol = || prop::sample::select(r#"09a-"(),:[]/*\. ä"#.chars().collect::<Vec<_>>());
    prop_oneof![
        1 => at().prop_map(Edit::Cut),
        3 => at().prop_map(Edit::Remove),
        3 => (at(), symbol()).prop_map(|(at, with)| Edit::Insert(at, with)),
        3 => (at(), symbol()).prop_map(|(at, with)| Edit::Replace(at, with)),
        2 => at().prop_map(Edit::RemoveLine),
        2 => at().prop_map(Edit::RepeatLine),
    ]
}

fn edited(text: &str, edits: &[Edit]) -> String {
    let mut text = text.to_owned();
    for edit in edits {
        let mut symbols: Vec<char> = text.chars().collect();
        let mut lines: Vec<&str> = text.lines().collect();
        if symbols.is_empty() {
            break;
        }
        text = match edit {
            Edit::RemoveLine(at) => {
                lines.remove(at.index(lines.len()));
                lines.join("\n")
            }
            Edit::RepeatLine(at) => {
                let line = at.index(lines.len());
                lines.insert(line, lines[line]);
                lines.join("\n")
            }
            Edit::Cut(at) => symbols[..at.index(symbols.len())].iter().collect(),
            Edit::Remove(at) => {
                symbols.remove(at.index(symbols.len()));
                symbols.into_iter().collect()
            }
            Edit::Insert(at, with) => {
                symbols.insert(at.index(symbols.len()), *with);
                symbols.into_iter().collect()
            }
            Edit::Replace(at, with) => {
                symbols[at.index(text.chars().count())] = *with;
                symbols.into_iter().collect()
            }
        };
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_back(record in record()) {
        let text = record.to_ron();
        let back = Record::parse("record.ron", &text).map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        prop_assert_eq!(back.to_ron(), text, "the text is canonical");
        prop_assert_eq!(back, record);
    }

    /// A damaged record is refused with a place within the text, or it is another good one; it is never a panic.
    #[test]
    fn a_damaged_record_is_refused_or_good(edits in prop::collection::vec(edit(), 1..4)) {
        let text = edited(&sample().to_ron(), &edits);
        match Record::parse("record.ron", &text) {
            Ok(record) => prop_assert_eq!(Record::parse("record.ron", &record.to_ron()), Ok(record)),
            Err(error) => {
                let line = text.split('\n').nth(error.line - 1);
                let width = line.map(|line| line.chars().count());
                prop_assert!(width.is_some_and(|width| (1..=width + 1).contains(&error.column)), "{} {:?}", error, line);
                prop_assert!(!error.found.is_empty() && !error.expected.is_empty(), "{}", error);
            }
        }
    }
}

#[test]
fn a_record_cut_anywhere_is_refused() {
    let text = sample().to_ron();
    let end = text.trim_end().len();
    for at in (0..end).filter(|at| text.is_char_boundary(*at)).step_by(7).chain([end - 1]) {
        let error = Record::parse("record.ron", &text[..at]).expect_err("a part of a record");
        assert!(error.line <= text[..at].lines().count() + 1, "{at}: {error}");
    }
}

#[test]
fn only_the_formats_that_are_known_are_read() {
    let text = sample().to_ron();
    for (format, good) in [("0", false), ("1", true), ("2", false), ("4294967295", false)] {
        let read = Record::parse("record.ron", &text.replacen("format: 1,", &format!("format: {format},"), 1));
        assert_eq!(read.is_ok(), good, "{format}: {read:?}");
        if let Err(error) = read {
            assert_eq!((error.line, error.column), (3, 13), "{error}");
            assert!(error.expected.starts_with(&format!("a format from 1 to {FORMAT}")));
        }
    }
    assert!(Record::parse("record.ron", &text.replacen("format: 1,", "format: -1,", 1)).is_err());
    assert!(Record::parse("record.ron", &text.replacen("    format: 1,\n", "", 1)).is_err());
}

fn folder(test: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("records").join(test);
    if path.exists() {
        fs::remove_dir_all(&path).unwrap();
    }
    path
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_file_is_there_whole_and_nothing_beside_it() {
    let folder = folder("whole").join("made/on/the/way");
    let path = sample().write(&folder).unwrap();
    assert_eq!(Record::read(&path), Ok(sample()));
    assert_eq!(names(&folder), [sample().file_name()], "no part of it is left behind");
    assert!(sample().file_name().starts_with("storm-") && sample().file_name().ends_with(".ron"));
}

/// A writer that died left a part behind: whoever looks for records does not see it, and the next writer is not disturbed.
#[test]
fn what_a_dead_writer_left_is_no_record() {
    let folder = folder("dead-writer");
    let path = sample().write(&folder).unwrap();
    fs::remove_file(&path).unwrap();
    let partial = format!(".{}.partial-{}", sample().file_name(), hex(sample().plan.seed));
    fs::write(folder.join(&partial), "(format: 1, sta").unwrap();
    assert_eq!(files(&folder).unwrap(), Vec::<PathBuf>::new());
    assert_eq!(sample().write(&folder).unwrap(), path);
    assert_eq!(Record::read(&path), Ok(sample()));
    assert_eq!(files(&folder).unwrap(), [path]);
    assert_eq!(names(&folder), [sample().file_name()], "the part was replaced and renamed, not left");
}

#[test]
fn what_a_person_wrote_survives_the_same_failure() {
    let folder = folder("edited");
    let path = sample().write(&folder).unwrap();
    let edited = format!("// mine\n{}", fs::read_to_string(&path).unwrap().replacen("New", "Open(\"known\")", 1));
    fs::write(&path, &edited).unwrap();
    let again = Record { message: "said otherwise".to_owned(), trace_hash: hex(9), ..sample() };
    assert_eq!(again.write(&folder).unwrap(), path, "the same plan violates the same property: the same file");
    assert_eq!(fs::read_to_string(&path).unwrap(), edited);
    assert_eq!(Record::read(&path).unwrap().status, Status::Open("known".to_owned()));
}

#[test]
fn other_failures_are_other_files() {
    let folder = folder("others");
    let other_plan = Record { plan: plan(8), ..sample() };
    let other_property = Record { property: "liveness".to_owned(), ..sample() };
    let other_bug = Record { bug: Some("X01".to_owned()), ..sample() };
    let mut odd = sample();
    odd.plan.scenario = "../Straße/x".to_owned();
    let mut paths: Vec<_> =
        [sample(), other_plan, other_property, other_bug, odd].map(|record| record.write(&folder).unwrap()).into();
    paths.sort();
    paths.dedup();
    assert_eq!((paths.len(), files(&folder).unwrap()), (5, paths), "all in this folder, whatever their names");
}

#[test]
fn where_no_folder_can_be_nothing_is_written() {
    let folder = folder("blocked");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("file"), "in the way").unwrap();
    assert!(sample().write(&folder.join("file")).is_err());
    assert_eq!(names(&folder), ["file"]);
    assert_eq!(files(&folder.join("none")).unwrap(), Vec::<PathBuf>::new());
}
