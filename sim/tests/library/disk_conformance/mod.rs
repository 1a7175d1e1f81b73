//! One program, two arms: what the simulated disk answers is what a real one answers.
//!
//! A simulation is worth as much as its disk resembles the real one, so neither arm is the reference: where they differ
//! POSIX decides. One difference is meant: simulated files end at 1 GiB, so cases stay below that or beyond what any
//! file system has.
//! Not here: what a power loss leaves (`world/disks.rs`), how a folder is opened (`raft/tests/files/folder.rs`).

mod segments;

use std::path::Path;

use bytes::Bytes;
use proptest::prelude::*;
use squall_raft::process::{DiskError, DiskOp, DiskReply, FileName};
use squall_raft::server::files::{Disk, Executed, Files, Folder, Recorder};
use squall_sim::disk::{self, Stamp};

/// The simulated arm. It wants to know which operation it is.
#[derive(Default)]
struct Simulated {
    disk: disk::Disk,
    next: Stamp,
}

impl Disk for Simulated {
    fn execute(&mut self, op: &DiskOp) -> Result<DiskReply, DiskError> {
        let stamp = self.next;
        self.next.ordinal += 1;
        self.disk.execute(op, stamp)
    }
}

/// The real arm, in an empty folder of this test.
fn real(test: &str) -> Files {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("disk_conformance").join(test);
    let _ = std::fs::remove_dir_all(&path);
    Folder::open(&path).expect("a folder of tests").files
}

fn create(file: &str) -> DiskOp {
    DiskOp::Create { file: file.into() }
}

fn write(file: &str, offset: u64, bytes: &'static str) -> DiskOp {
    DiskOp::Write { file: file.into(), offset, bytes: bytes.into() }
}

fn read(file: &str, offset: u64, len: u64) -> DiskOp {
    DiskOp::Read { file: file.into(), offset, len }
}

fn sync(file: &str) -> DiskOp {
    DiskOp::Sync { file: file.into() }
}

fn rename(from: &str, to: &str) -> DiskOp {
    DiskOp::Rename { from: from.into(), to: to.into() }
}

fn remove(file: &str) -> DiskOp {
    DiskOp::Remove { file: file.into() }
}

fn write_sync(file: &str, offset: u64, bytes: &'static str) -> DiskOp {
    DiskOp::WriteSync { file: file.into(), offset, bytes: bytes.into() }
}

fn allocate(file: &str, len: u64) -> DiskOp {
    DiskOp::Allocate { file: file.into(), len }
}

fn truncate(file: &str, len: u64) -> DiskOp {
    DiskOp::Truncate { file: file.into(), len }
}

type Answer = Result<DiskReply, DiskError>;

const DONE: Answer = Ok(DiskReply::Done);

fn bytes(bytes: &'static [u8]) -> Answer {
    Ok(DiskReply::Bytes(Bytes::from_static(bytes)))
}

fn files(files: &[(&str, u64)]) -> Answer {
    Ok(DiskReply::Files(files.iter().map(|(name, len)| (FileName::from(*name), *len)).collect()))
}

/// Larger than any offset: the operating system's are signed.
const NOWHERE: u64 = i64::MAX.unsigned_abs() + 1;

/// A name, and what to do with what has to come of it. Each begins in an empty folder.
type Case = (&'static str, Vec<(DiskOp, Answer)>);

fn names() -> Case {
    let long = "n".repeat(255);
    let refused = ["", ".", "..", "/", "a/b", "../a", "/a", "a/", "nul\0", &"n".repeat(256)];
    let kept = ["a b", "-", "...", ".hidden", "ä\u{1F980}", "line\nbreak", "back\\slash", "*", &long];
    let mut steps = vec![(create("old"), DONE)];
    for name in refused {
        steps.push((create(name), Err(DiskError::Io)));
        steps.push((rename("old", name), Err(DiskError::Io)));
        steps.push((rename("missing", name), Err(DiskError::NotFound)));
        let others = [write(name, 0, "a"), read(name, 0, 1), sync(name), rename(name, "old"), remove(name), truncate(name, 1)];
        steps.extend(others.map(|op| (op, Err(DiskError::NotFound))));
    }
    steps.push((DiskOp::List, files(&[("old", 0)])));
    for name in kept {
        let ops = [create(name), write(name, 0, "abc"), sync(name), rename(name, "other"), rename("other", name)];
        steps.extend(ops.map(|op| (op, DONE)));
        steps.push((read(name, 0, 9), bytes(b"abc")));
    }
    let mut list: Vec<(&str, u64)> = kept.iter().map(|name| (*name, 3)).chain([("old", 0)]).collect();
    list.sort_unstable();
    steps.push((DiskOp::List, files(&list)));
    ("names", steps)
}

fn files_come_and_go() -> Vec<Case> {
    let missing = Err(DiskError::NotFound);
    let absent = [write("a", 0, "x"), write("a", 0, ""), write("a", NOWHERE, "x"), read("a", 0, 1), sync("a"), remove("a")];
    let absent = absent.into_iter().chain([rename("a", "b"), rename("a", "a"), truncate("a", 0), truncate("a", NOWHERE)]);
    let absent = absent.chain([write_sync("a", 0, "x"), write_sync("a", NOWHERE, ""), allocate("a", 0), allocate("a", NOWHERE)]);
    vec![
        ("nothing is there", absent.map(|op| (op, missing.clone())).chain([(DiskOp::List, files(&[]))]).collect()),
        ("an empty folder is synced", vec![(DiskOp::SyncDir, DONE), (DiskOp::SyncDir, DONE), (DiskOp::List, files(&[]))]),
        (
            "created twice",
            vec![
                (create("a"), DONE),
                (write("a", 0, "abc"), DONE),
                (create("a"), Err(DiskError::Exists)),
                (read("a", 0, 9), bytes(b"abc")),
            ],
        ),
        (
            "removed, and made again",
            vec![
                (create("a"), DONE),
                (write("a", 0, "abc"), DONE),
                (sync("a"), DONE),
                (remove("a"), DONE),
                (remove("a"), missing.clone()),
                (read("a", 0, 9), missing.clone()),
                (sync("a"), missing.clone()),
                (create("a"), DONE),
                (read("a", 0, 9), bytes(b"")),
                (DiskOp::SyncDir, DONE),
                (DiskOp::List, files(&[("a", 0)])),
            ],
        ),
        (
            "renamed",
            vec![
                (create("a"), DONE),
                (write("a", 0, "abc"), DONE),
                (rename("a", "b"), DONE),
                (read("a", 0, 9), missing.clone()),
                (write("b", 3, "d"), DONE),
                (read("b", 0, 9), bytes(b"abcd")),
                (rename("a", "b"), missing),
                (create("a"), DONE),
                (read("a", 0, 9), bytes(b"")),
                (DiskOp::List, files(&[("a", 0), ("b", 4)])),
            ],
        ),
        (
            "renamed over another",
            vec![
                (create("a"), DONE),
                (create("b"), DONE),
                (write("a", 0, "new"), DONE),
                (write("b", 0, "older"), DONE),
                (rename("a", "b"), DONE),
                (DiskOp::List, files(&[("b", 3)])),
                (read("b", 0, 9), bytes(b"new")),
                (write("b", 0, "N"), DONE),
                (sync("b"), DONE),
                (DiskOp::SyncDir, DONE),
                (read("b", 0, 9), bytes(b"New")),
            ],
        ),
        (
            "renamed to itself",
            vec![
                (create("a"), DONE),
                (write("a", 0, "abc"), DONE),
                (rename("a", "a"), DONE),
                (write("a", 3, "d"), DONE),
                (read("a", 0, 9), bytes(b"abcd")),
            ],
        ),
        (
            "listed in order of bytes",
            ["b", "a", "B", "ä", "a0", "a.", "10", "9"]
                .map(|name| (create(name), DONE))
                .into_iter()
                .chain([
                    (write("9", 7, "x"), DONE),
                    (truncate("B", 100_000), DONE),
                    (
                        DiskOp::List,
                        files(&[("10", 0), ("9", 8), ("B", 100_000), ("a", 0), ("a.", 0), ("a0", 0), ("b", 0), ("ä", 0)]),
                    ),
                ])
                .collect(),
        ),
        names(),
    ]
}

fn bytes_come_and_go() -> Vec<Case> {
    let full = Err(DiskError::NoSpace);
    vec![
        (
            "read up to and beyond the end",
            vec![
                (create("a"), DONE),
                (read("a", 0, 1), bytes(b"")),
                (write("a", 0, "abc"), DONE),
                (read("a", 0, 0), bytes(b"")),
                (read("a", 0, 2), bytes(b"ab")),
                (read("a", 1, 2), bytes(b"bc")),
                (read("a", 2, 2), bytes(b"c")),
                (read("a", 3, 1), bytes(b"")),
                (read("a", 4, 1), bytes(b"")),
                (read("a", 1, u64::MAX), bytes(b"bc")),
                (read("a", NOWHERE - 1, u64::MAX), bytes(b"")),
                (read("a", NOWHERE, 1), bytes(b"")),
                (read("a", u64::MAX, u64::MAX), bytes(b"")),
            ],
        ),
        (
            "a gap reads as zeros",
            vec![
                (create("a"), DONE),
                (write("a", 4, "x"), DONE),
                (read("a", 0, 9), bytes(b"\0\0\0\0x")),
                (sync("a"), DONE),
                (write("a", 6, "y"), DONE),
                (read("a", 3, 9), bytes(b"\0x\0y")),
                (DiskOp::List, files(&[("a", 7)])),
            ],
        ),
        (
            "written over",
            vec![
                (create("a"), DONE),
                (write("a", 0, "abcdef"), DONE),
                (write("a", 2, "CD"), DONE),
                (read("a", 0, 9), bytes(b"abCDef")),
                (sync("a"), DONE),
                (write("a", 5, "FG"), DONE),
                (read("a", 0, 9), bytes(b"abCDeFG")),
            ],
        ),
        (
            "truncated, and grown by zeros",
            vec![
                (create("a"), DONE),
                (write("a", 0, "abcdef"), DONE),
                (truncate("a", 2), DONE),
                (read("a", 0, 9), bytes(b"ab")),
                (truncate("a", 2), DONE),
                (truncate("a", 4), DONE),
                (read("a", 0, 9), bytes(b"ab\0\0")),
                (sync("a"), DONE),
                (write("a", 6, "x"), DONE),
                (truncate("a", 0), DONE),
                (read("a", 0, 9), bytes(b"")),
                (truncate("a", 3), DONE),
                (sync("a"), DONE),
                (read("a", 0, 9), bytes(b"\0\0\0")),
                (DiskOp::List, files(&[("a", 3)])),
            ],
        ),
        (
            "allocated: never shorter, and what is new reads as zeros",
            vec![
                (create("a"), DONE),
                (write("a", 0, "abc"), DONE),
                (allocate("a", 0), DONE),
                (allocate("a", 2), DONE),
                (read("a", 0, 9), bytes(b"abc")),
                (allocate("a", 5), DONE),
                (read("a", 0, 9), bytes(b"abc\0\0")),
                (write_sync("a", 4, "xyz"), DONE),
                (read("a", 0, 9), bytes(b"abc\0xyz")),
                (write_sync("a", 1 << 20, ""), DONE),
                (allocate("a", 70_000), DONE),
                (DiskOp::List, files(&[("a", 70_000)])),
            ],
        ),
        (
            "empty writes change nothing, wherever they are",
            vec![
                (create("a"), DONE),
                (write("a", 0, ""), DONE),
                (write("a", 1 << 20, ""), DONE),
                (write("a", 1 << 40, ""), DONE),
                (write("a", NOWHERE, ""), DONE),
                (write("a", u64::MAX, ""), DONE),
                (DiskOp::List, files(&[("a", 0)])),
            ],
        ),
        (
            "no file reaches the end of all numbers",
            vec![
                (create("a"), DONE),
                (write("a", 0, "abc"), DONE),
                (write("a", NOWHERE - 1, "xy"), full.clone()),
                (write("a", NOWHERE, "x"), full.clone()),
                (write("a", u64::MAX - 1, "x"), full.clone()),
                (write("a", u64::MAX, "xy"), full.clone()),
                (truncate("a", NOWHERE), full.clone()),
                (write_sync("a", NOWHERE - 1, "xy"), full.clone()),
                (allocate("a", NOWHERE), full.clone()),
                (truncate("a", u64::MAX), full),
                (read("a", 0, 9), bytes(b"abc")),
                (DiskOp::List, files(&[("a", 3)])),
            ],
        ),
    ]
}

fn clear(disk: &mut impl Disk) {
    let Ok(DiskReply::Files(list)) = disk.execute(&DiskOp::List) else { panic!("not listed") };
    for (file, _) in list {
        assert_eq!(disk.execute(&DiskOp::Remove { file }), DONE);
    }
}

fn conforms(arm: &str, disk: &mut impl Disk) {
    for (name, steps) in files_come_and_go().into_iter().chain(bytes_come_and_go()).chain(segments::cases()) {
        clear(disk);
        for (at, (op, expected)) in steps.iter().enumerate() {
            let found = disk.execute(op);
            assert_eq!(&found, expected, "{arm}: {name}: step {at}: {op:?}");
        }
    }
}

#[test]
fn the_simulated_disk_conforms() {
    conforms("simulated", &mut Simulated::default());
}

#[test]
fn the_real_disk_conforms() {
    conforms("real", &mut real("fixed"));
}

#[test]
fn recorded_disks_conform() {
    let (mut simulated, mut real) = (Recorder::new(Simulated::default()), Recorder::new(real("recorded")));
    conforms("simulated, recorded", &mut simulated);
    conforms("real, recorded", &mut real);
    assert!(simulated.executed().len() > 200);
    let (_, executed) = real.into_parts();
    assert_eq!(executed, simulated.executed());
}

fn op() -> impl Strategy<Value = DiskOp> {
    // `../a` is no name; without the check it would be a file beside the folder.
    let file = || prop::sample::select(vec!["a", "b", "c", "a", "b", "c", "../a"]).prop_map(FileName::from);
    let bytes = prop::collection::vec(any::<u8>(), 0..1500).prop_map(Bytes::from);
    let offset = || prop_oneof![6 => 0..3000u64, 2 => 15_000..18_000u64, 1 => u64::MAX - 2000..=u64::MAX];
    let len = prop_oneof![4 => 0..20_000u64, 1 => Just(u64::MAX)];
    prop_oneof![
        4 => file().prop_map(|file| DiskOp::Create { file }),
        8 => (file(), offset(), bytes.clone()).prop_map(|(file, offset, bytes)| DiskOp::Write { file, offset, bytes }),
        2 => (file(), offset(), bytes).prop_map(|(file, offset, bytes)| DiskOp::WriteSync { file, offset, bytes }),
        1 => (file(), offset()).prop_map(|(file, len)| DiskOp::Allocate { file, len }),
        4 => (file(), offset(), len).prop_map(|(file, offset, len)| DiskOp::Read { file, offset, len }),
        1 => file().prop_map(|file| DiskOp::Sync { file }),
        1 => Just(DiskOp::SyncDir),
        2 => (file(), file()).prop_map(|(from, to)| DiskOp::Rename { from, to }),
        1 => file().prop_map(|file| DiskOp::Remove { file }),
        2 => (file(), offset()).prop_map(|(file, len)| DiskOp::Truncate { file, len }),
        1 => Just(DiskOp::List),
    ]
}

/// The whole folder, as operations show it.
fn contents(disk: &mut impl Disk) -> Vec<(FileName, Answer)> {
    let Ok(DiskReply::Files(list)) = disk.execute(&DiskOp::List) else { panic!("not listed") };
    list.into_iter().map(|(file, len)| (file.clone(), disk.execute(&DiskOp::Read { file, offset: 0, len }))).collect()
}

#[test]
fn both_answer_alike_whatever_is_asked() {
    let mut real = real("random");
    let config = ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let real = std::cell::RefCell::new(&mut real);
    let outcome = runner.run(&prop::collection::vec(op(), 1..40), |ops| {
        let mut real = real.borrow_mut();
        clear(&mut **real);
        let (mut real, mut simulated) = (Recorder::new(&mut **real), Recorder::new(Simulated::default()));
        let mut expected = Vec::new();
        for op in &ops {
            let (found, simulated) = (real.execute(op), simulated.execute(op));
            prop_assert_eq!(&found, &simulated, "real and simulated, {:?}", op);
            expected.push(Executed { op: op.clone(), result: found });
        }
        prop_assert_eq!(real.executed(), &expected[..]);
        prop_assert_eq!(simulated.executed(), &expected[..]);
        prop_assert_eq!(contents(&mut real), contents(&mut simulated));
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}
