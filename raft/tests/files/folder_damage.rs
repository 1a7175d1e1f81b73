//! A log of several segments on the real file system, in which something else has taken the place of a file.
//!
//! Not here: other bytes in a file (`store/folders`, on a disk in memory).

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use squall_raft::entry::{Entry, Payload, Persist};
use squall_raft::process::{DiskOp, OpId};
use squall_raft::server::files::{Disk, Files, Folder};
use squall_raft::store::wal::Wal;
use squall_raft::store::{Fault, Identity, Options, StoreError, StoreEvent};
use squall_raft::types::{BootNumber, IoId, LogId};

/// Far more operations than any boot of these folders takes.
const OPS_MAX: usize = 500;

/// A path at which nothing is, in a folder that is there.
fn fresh(test: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("folder_damage").join(test);
    if let Err(error) = fs::remove_dir_all(&path) {
        assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{}: {error}", path.display());
    }
    fs::create_dir_all(&path).expect("a folder of tests");
    path.join("node")
}

struct Store {
    boot: BootNumber,
    files: Files,
    wal: Wal,
    out: Vec<(OpId, DiskOp)>,
}

impl Store {
    fn boot(path: &Path) -> (Self, StoreEvent) {
        let Folder { boot, files } = Folder::open(path).expect("a folder that nobody uses");
        let mut out = Vec::new();
        let options = Options { segment_bytes: 2048, initialize: boot == BootNumber(1), ..Options::new(Identity::default()) };
        let wal = Wal::boot(options, boot, &mut out);
        let mut store = Self { boot, files, wal, out };
        let event = store.run();
        (store, event)
    }

    fn run(&mut self) -> StoreEvent {
        for _ in 0..OPS_MAX {
            let (op, what) = self.out.pop().expect("an operation is under way");
            let result = self.files.execute(&what);
            if let Some(event) = self.wal.disk_done(op, result, &mut self.out) {
                return event;
            }
        }
        panic!("the store does not come to an end");
    }
}

/// A folder with at least three segments, and their names, oldest first.
fn written(test: &str) -> (PathBuf, Vec<String>) {
    let path = fresh(test);
    let (mut store, event) = Store::boot(&path);
    assert!(matches!(event, StoreEvent::Recovered(_)), "{event:?}");
    for index in 1..=6 {
        let entry = Entry { id: LogId::new(1, index), payload: Payload::Command(Bytes::from(vec![7; 500])) };
        let id = IoId { boot: store.boot, seq: index };
        store.wal.persist(id, Persist::Append([entry].into()));
        store.wal.flush(&mut store.out);
        assert_eq!(store.run(), StoreEvent::Durable(id));
    }
    let names = names(&path.join("log"));
    assert!(names.len() >= 3, "{names:?}");
    (path, names)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("it can be listed").file_name());
    let mut names: Vec<String> = entries.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Boots, is refused, and leaves everything where it was.
fn refusal(path: &Path) -> (StoreError, Store) {
    let before = names(&path.join("log"));
    let (store, event) = Store::boot(path);
    let StoreEvent::Failed(error) = event else { panic!("found {event:?}, expected a refusal") };
    assert_eq!(names(&path.join("log")), before);
    (error, store)
}

#[test]
fn what_is_no_file_in_the_place_of_a_segment_is_refused_by_its_name() {
    let (path, segments) = written("no-file");
    for name in &segments {
        let (place, aside) = (path.join("log").join(name), path.join("aside"));
        fs::rename(&place, &aside).unwrap();
        for kind in ["folder", "dangling link", "link to a folder", "link to a device"] {
            match kind {
                "folder" => fs::create_dir(&place).unwrap(),
                "dangling link" => symlink("nowhere", &place).unwrap(),
                "link to a folder" => symlink("..", &place).unwrap(),
                _ => symlink("/dev/zero", &place).unwrap(),
            }
            let expected = StoreError::Damaged { file: name.as_str().into(), offset: 0, fault: Fault::FileHeader };
            assert_eq!(refusal(&path).0, expected, "{kind}");
            if kind == "folder" { fs::remove_dir(&place).unwrap() } else { fs::remove_file(&place).unwrap() }
        }
        fs::rename(&aside, &place).unwrap();
    }
    assert!(matches!(Store::boot(&path).1, StoreEvent::Recovered(found) if found.log.len() == 6));
}

#[test]
fn a_folder_that_cannot_be_removed_stops_the_boot_and_is_named() {
    let (path, segments) = written("not-removable");
    let unfinished = path.join("log").join(segments[0].replace(".log", ".new"));
    fs::create_dir(&unfinished).unwrap();
    let (error, store) = refusal(&path);
    assert!(matches!(error, StoreError::Disk { doing: "putting the folder in order", .. }), "{error}");
    let failure = store.files.last_failure().expect("it failed").to_string();
    assert!(failure.contains(".new: cannot be removed: "), "{failure}");
}

#[test]
fn a_file_that_may_be_opened_by_nobody_is_named() {
    let (path, segments) = written("looped");
    let place = path.join("log").join(&segments[1]);
    fs::remove_file(&place).unwrap();
    symlink(&segments[1], &place).unwrap(); // to itself
    let (error, _) = refusal(&path);
    assert_eq!(error.file().map(ToString::to_string).as_ref(), Some(&segments[1]), "{error}");
}
