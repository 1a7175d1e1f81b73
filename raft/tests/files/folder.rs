//! A server's folder on the real file system: opening, locking, counting boots, and a log that outlives them.
//!
//! Not here: single operations (`sim/tests/library/disk_conformance` compares them with the simulated disk).

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use squall_raft::entry::{Entry, HardState, Payload, Persist};
use squall_raft::process::{DiskError, DiskOp, DiskReply, FileName, OpId};
use squall_raft::server::files::{Disk, Files, Folder, OpenError};
use squall_raft::store::wal::Wal;
use squall_raft::store::{Identity, Options, Recovered, StoreEvent};
use squall_raft::types::{BootNumber, ClusterId, Incarnation, IoId, LogId, NodeId, Peer, Term};

use crate::draws::Draws;

/// A path at which nothing is, in a folder that is there.
fn fresh(test: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("folder").join(test);
    if let Err(error) = fs::remove_dir_all(&path) {
        assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{}: {error}", path.display());
    }
    fs::create_dir_all(&path).expect("a folder of tests");
    fs::canonicalize(&path).expect("a folder of tests").join("node")
}

fn open(path: &Path) -> (BootNumber, Files) {
    let Folder { boot, files } = Folder::open(path).expect("a folder that nobody uses");
    (boot, files)
}

fn refusal(path: &Path) -> (OpenError, String) {
    let error = Folder::open(path).expect_err("a folder that must be refused");
    let text = error.to_string();
    (error, text)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("it can be listed").file_name());
    let mut names: Vec<String> = entries.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_missing_folder_is_made_and_boots_are_counted() {
    let path = fresh("counted").join("below/another");
    for expected in 1..=5 {
        let (boot, files) = open(&path);
        assert_eq!(boot, BootNumber(expected));
        assert_eq!(names(&path), ["boot", "lock", "log"]);
        assert_eq!(names(&path.join("log")), [""; 0]);
        assert!(fs::read_to_string(path.join("boot")).unwrap().starts_with(&format!("squall boot {expected} crc32c ")));
        assert!(files.last_failure().is_none());
    }
}

#[test]
fn a_folder_in_use_is_refused_and_its_boot_not_counted() {
    let path = fresh("locked");
    let (boot, files) = open(&path);
    for _ in 0..2 {
        let (error, text) = refusal(&path);
        assert!(matches!(error, OpenError::Locked { path: found } if found == path.join("lock")));
        assert!(text.starts_with(path.to_str().unwrap()) && text.contains("locked by a running server"), "{text}");
    }
    // Another way to the same folder is the same folder.
    let link = path.with_file_name("link");
    symlink(&path, &link).unwrap();
    assert!(matches!(refusal(&link).0, OpenError::Locked { .. }));
    drop(files);
    assert_eq!(open(&link).0, BootNumber(boot.0 + 1));
}

#[test]
fn a_file_in_the_place_of_a_folder_is_named_and_left() {
    let path = fresh("file");
    fs::write(&path, "precious").unwrap();
    for below in [path.clone(), path.join("below"), path.join("below/further")] {
        let (error, text) = refusal(&below);
        assert!(matches!(error, OpenError::NotAFolder { path: found, .. } if found == path));
        assert!(text.ends_with("node: found a file, expected a folder"), "{text}");
    }
    assert_eq!(fs::read(&path).unwrap(), b"precious");
    let path = path.with_file_name("other");
    fs::create_dir(&path).unwrap();
    fs::write(path.join("log"), "precious").unwrap();
    assert!(matches!(refusal(&path).0, OpenError::NotAFolder { path: found, .. } if found == path.join("log")));
    assert_eq!(fs::read(path.join("log")).unwrap(), b"precious");
    let (_, text) = refusal(Path::new("/dev/null"));
    assert_eq!(text, "/dev/null: found what is neither file nor folder, expected a folder");
}

/// Not even the superuser, as whom tests run in containers, may make a folder there.
#[test]
fn a_folder_that_cannot_be_made_is_named_with_the_cause() {
    let path = if cfg!(target_os = "linux") { "/sys/kernel/squall" } else { "/dev/squall" };
    let (error, text) = refusal(Path::new(path));
    assert!(matches!(error, OpenError::Failed(_)));
    assert!(text.starts_with(&format!("{path}: cannot be made: ")) && text.contains("(os error "), "{text}");
}

/// A folder takes the place of each file that must be written, so that it fails for the superuser too.
#[test]
fn what_cannot_be_written_is_named_with_the_cause() {
    for (blocked, doing) in
        [("lock", "opened for writing"), ("boot", "read"), ("boot.new", "written"), ("log/probe.new", "written")]
    {
        let path = fresh(&format!("blocked-{}", blocked.replace('/', "-")));
        fs::create_dir_all(path.join(blocked)).unwrap();
        let (error, text) = refusal(&path);
        assert!(matches!(&error, OpenError::Failed(failure) if failure.path == path.join(blocked) && failure.doing == doing));
        assert!(text.starts_with(&format!("{}: cannot be {doing}: ", path.join(blocked).display())), "{text}");
        assert!(path.join(blocked).is_dir());
    }
}

#[test]
fn a_damaged_boot_file_is_refused_and_kept() {
    let path = fresh("damaged");
    drop(open(&path));
    let file = path.join("boot");
    let good = fs::read(&file).unwrap();
    let mut rotten = good.clone();
    rotten[12] = b'9';
    let longer = [&good[..], b"\n"].concat();
    for bad in [b"", &good[..7], &rotten, &longer, &[0; 31], &[0xff; 4096], b"squall boot 4294967296 crc32c 00000000\n"] {
        fs::write(&file, bad).unwrap();
        let (error, text) = refusal(&path);
        assert!(matches!(error, OpenError::BootDamaged { path: found, .. } if found == file));
        assert!(text.contains("expected `squall boot <number> crc32c <checksum>`") && text.len() < 500, "{text}");
        assert_eq!(fs::read(&file).unwrap(), bad, "nothing is repaired by guessing");
    }
    fs::write(&file, good).unwrap();
    assert_eq!(open(&path).0, BootNumber(2));
}

#[test]
fn a_log_without_its_boot_number_is_refused() {
    let path = fresh("missing");
    let (_, mut files) = open(&path);
    files.execute(&DiskOp::Create { file: "wal".into() }).unwrap();
    drop(files);
    fs::remove_file(path.join("boot")).unwrap();
    let (error, text) = refusal(&path);
    assert!(matches!(error, OpenError::BootMissing { .. }));
    assert!(text.ends_with("boot: found no boot number beside a log that holds `wal`, expected both or neither"), "{text}");
    assert_eq!(names(&path.join("log")), ["wal"]);
}

#[test]
fn the_largest_boot_number_is_the_last() {
    let path = fresh("exhausted");
    drop(open(&path));
    let text = format!("squall boot {}", u32::MAX - 1);
    fs::write(path.join("boot"), format!("{text} crc32c {:08x}\n", crc32c::crc32c(text.as_bytes()))).unwrap();
    assert_eq!(open(&path).0, BootNumber(u32::MAX));
    for _ in 0..2 {
        let (error, text) = refusal(&path);
        assert!(matches!(error, OpenError::BootsExhausted { .. }));
        assert!(text.contains("4294967295"), "{text}");
    }
}

#[test]
fn what_a_killed_start_left_is_cleared_away() {
    let path = fresh("killed");
    fs::create_dir_all(path.join("log")).unwrap();
    fs::write(path.join("lock"), "").unwrap();
    fs::write(path.join("boot.new"), "squall boot 9 and much more that is longer than the file will be").unwrap();
    fs::write(path.join("log/probe.new"), "").unwrap();
    assert_eq!(open(&path).0, BootNumber(1));
    assert_eq!((names(&path), names(&path.join("log"))), (["boot", "lock", "log"].map(String::from).to_vec(), vec![]));
    assert_eq!(open(&path).0, BootNumber(2));
}

/// `/dev/full` writes nothing and cannot be synced.
#[cfg(target_os = "linux")]
#[test]
fn after_a_failed_sync_none_succeeds() {
    let path = fresh("full");
    let (_, mut files) = open(&path);
    symlink("/dev/full", path.join("log/full")).unwrap();
    let [full, other] = ["full", "other"].map(FileName::from);
    let write = DiskOp::Write { file: full.clone(), offset: 0, bytes: "abc".into() };
    assert_eq!(files.execute(&write), Err(DiskError::NoSpace));
    let failure = files.last_failure().unwrap().to_string();
    let expected = format!("{}: cannot be written: No space left on device (os error 28)", path.join("log/full").display());
    assert_eq!(failure, expected);
    files.execute(&DiskOp::Create { file: other.clone() }).unwrap();
    files.execute(&DiskOp::Sync { file: other.clone() }).unwrap();
    assert_eq!(files.execute(&DiskOp::Sync { file: full }), Err(DiskError::Io));
    assert_eq!(files.execute(&DiskOp::Sync { file: other.clone() }), Err(DiskError::Io));
    assert_eq!(files.execute(&DiskOp::SyncDir), Err(DiskError::Io));
    assert!(files.last_failure().unwrap().to_string().contains("a sync failed before"));
    // Reads still tell what is there.
    assert_eq!(files.execute(&DiskOp::Read { file: other, offset: 0, len: 9 }), Ok(DiskReply::Bytes(Bytes::new())));
}

/// Such a write goes to the disk in pieces.
#[test]
fn a_long_durable_write_is_all_there_and_at_its_place() {
    let path = fresh("long");
    let (_, mut files) = open(&path);
    let [file, full] = ["file", "full"].map(FileName::from);
    files.execute(&DiskOp::Create { file: file.clone() }).unwrap();
    let bytes: Bytes = (0..9_500_000_u32).map(|at| at.to_le_bytes()[0] ^ at.to_le_bytes()[2]).collect();
    let write = |file: &FileName, offset| DiskOp::WriteSync { file: file.clone(), offset, bytes: bytes.clone() };
    assert_eq!(files.execute(&write(&file, 77)), Ok(DiskReply::Done));
    let read = DiskOp::Read { file: file.clone(), offset: 0, len: 10_000_000 };
    let Ok(DiskReply::Bytes(found)) = files.execute(&read) else { panic!("not read") };
    assert_eq!((found.len(), &found[..77]), (77 + bytes.len(), &[0; 77][..]));
    assert!(found[77..] == bytes[..]);
    let end = u64::try_from(i64::MAX).unwrap();
    assert_eq!(files.execute(&write(&file, end - 9_000_000)), Err(DiskError::NoSpace));
    assert_eq!(fs::metadata(path.join("log/file")).unwrap().len(), found.len() as u64, "nothing of what does not fit");
    symlink("/dev/full", path.join("log/full")).unwrap();
    assert_eq!(files.execute(&write(&full, 0)), Err(DiskError::NoSpace));
}

#[test]
fn what_is_no_file_is_listed_and_not_touched() {
    let path = fresh("strange");
    let (_, mut files) = open(&path);
    fs::create_dir(path.join("log/folder")).unwrap();
    symlink("nowhere", path.join("log/dangling")).unwrap();
    let Ok(DiskReply::Files(list)) = files.execute(&DiskOp::List) else { panic!("not listed") };
    assert_eq!(list.iter().map(|(name, _)| &*name.0).collect::<Vec<_>>(), ["dangling", "folder"]);
    let folder = FileName::from("folder");
    assert_eq!(files.execute(&DiskOp::Create { file: folder.clone() }), Err(DiskError::Exists));
    assert_eq!(files.execute(&DiskOp::Remove { file: folder.clone() }), Err(DiskError::Io));
    assert_eq!(files.execute(&DiskOp::Read { file: folder, offset: 0, len: 1 }), Err(DiskError::Io));
    let failure = files.last_failure().unwrap().to_string();
    assert!(failure.ends_with("log/folder: cannot be read: Is a directory (os error 21)"), "{failure}");
    let beside = FileName::from("../beside");
    assert_eq!(files.execute(&DiskOp::Create { file: beside }), Err(DiskError::Io));
    assert!(files.last_failure().unwrap().to_string().ends_with("log/../beside: cannot be created: invalid filename"));
    assert_eq!(names(&path.join("log")), ["dangling", "folder"]);
    assert_eq!(names(&path), ["boot", "lock", "log"]);
}

/// A log may have more segments than a process may have files.
#[cfg(target_os = "linux")]
#[test]
fn files_that_need_not_be_open_are_closed() {
    let path = fresh("many");
    let (_, mut files) = open(&path);
    let log = path.join("log");
    let names: Vec<FileName> = (0..200).map(|number| FileName::from(&*format!("segment-{number}"))).collect();
    for file in &names {
        files.execute(&DiskOp::Create { file: file.clone() }).unwrap();
        let bytes = Bytes::copy_from_slice(file.0.as_bytes());
        files.execute(&DiskOp::WriteSync { file: file.clone(), offset: 0, bytes }).unwrap();
    }
    let open_files = || {
        let links = fs::read_dir("/proc/self/fd").unwrap().filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
        links.filter(|link| link.starts_with(&log) && *link != log).count()
    };
    assert!((1..40).contains(&open_files()), "{}", open_files());
    for file in &names {
        let read = DiskOp::Read { file: file.clone(), offset: 0, len: 99 };
        assert_eq!(files.execute(&read), Ok(DiskReply::Bytes(Bytes::copy_from_slice(file.0.as_bytes()))));
    }
    assert!((1..40).contains(&open_files()), "{}", open_files());
}

/// In a boot that has not touched them yet, files are renamed as in the one that made them.
#[test]
fn files_of_an_earlier_boot_are_renamed_over_open_ones() {
    let path = fresh("renamed");
    let (_, mut files) = open(&path);
    let [new, old] = ["new", "old"].map(FileName::from);
    let write =
        |file: &FileName| DiskOp::Write { file: file.clone(), offset: 0, bytes: Bytes::copy_from_slice(file.0.as_bytes()) };
    for file in [&new, &old] {
        files.execute(&DiskOp::Create { file: file.clone() }).unwrap();
        files.execute(&write(file)).unwrap();
    }
    drop(files);
    let (_, mut files) = open(&path);
    let read = DiskOp::Read { file: old.clone(), offset: 0, len: 9 };
    assert_eq!(files.execute(&read), Ok(DiskReply::Bytes("old".into())));
    files.execute(&DiskOp::Rename { from: new, to: old }).unwrap();
    assert_eq!(files.execute(&read), Ok(DiskReply::Bytes("new".into())));
    assert_eq!(names(&path.join("log")), ["old"]);
}

/// A store and its disk, one operation after the other.
struct Store {
    boot: BootNumber,
    files: Files,
    wal: Wal,
    out: Vec<(OpId, DiskOp)>,
    seq: u64,
}

impl Store {
    fn boot(path: &Path) -> (Self, Recovered) {
        let (boot, files) = open(path);
        let me = Peer { node: NodeId(2), incarnation: Incarnation(0) };
        let mut out = Vec::new();
        let wal = Wal::boot(Options::new(Identity { cluster: ClusterId(7), me }), boot, &mut out);
        let mut store = Self { boot, files, wal, out, seq: 0 };
        match store.run() {
            StoreEvent::Recovered(recovered) => (store, recovered),
            other => panic!("found {other:?}, expected a recovered log"),
        }
    }

    fn step(&mut self) -> Option<StoreEvent> {
        let (op, what) = self.out.pop().expect("an operation is under way");
        let result = self.files.execute(&what);
        self.wal.disk_done(op, result, &mut self.out)
    }

    fn run(&mut self) -> StoreEvent {
        loop {
            if let Some(event) = self.step() {
                return event;
            }
        }
    }

    fn start(&mut self, what: impl IntoIterator<Item = Persist>) -> IoId {
        for what in what {
            self.seq += 1;
            self.wal.persist(IoId { boot: self.boot, seq: self.seq }, what);
        }
        self.wal.flush(&mut self.out);
        IoId { boot: self.boot, seq: self.seq }
    }
}

fn entry(index: u64, len: usize) -> Entry {
    let byte = u8::try_from(index % 251).expect("below 256");
    Entry { id: LogId::new(3, index), payload: Payload::Command(Bytes::from(vec![byte; len])) }
}

fn append(entries: &[Entry]) -> Persist {
    Persist::Append(Arc::from(entries))
}

#[test]
fn a_log_is_recovered_by_the_next_boot() {
    let path = fresh("recovered");
    let hard_state = HardState { term: Term(3), vote: Some(NodeId(1)) };
    let mut expected: Vec<Entry> = Vec::new();
    for boot in 0..4 {
        let (mut store, recovered) = Store::boot(&path);
        assert_eq!(recovered.torn_bytes, 0);
        assert_eq!(recovered.hard_state, if boot == 0 { HardState::default() } else { hard_state });
        assert_eq!(recovered.whole_entries().unwrap(), expected);
        for len in [0, 10, 600, 70_000] {
            let new = [entry(expected.len() as u64 + 1, len), entry(expected.len() as u64 + 2, 1)];
            let id = store.start([Persist::HardState(hard_state), append(&new)]);
            assert_eq!(store.run(), StoreEvent::Durable(id));
            expected.extend(new);
        }
    }
    assert_eq!(expected.len(), 32);
}

#[test]
fn a_write_that_was_torn_is_wiped_out_and_what_was_synced_stays() {
    let path = fresh("torn");
    let (mut store, _) = Store::boot(&path);
    let synced = [entry(1, 5000), entry(2, 5000)];
    let id = store.start([append(&synced)]);
    assert_eq!(store.run(), StoreEvent::Durable(id));
    let Ok(DiskReply::Files(list)) = store.files.execute(&DiskOp::List) else { panic!("not listed") };
    let [(file, _)] = &list[..] else { panic!("found {list:?}, expected one segment") };
    let segment = path.join("log").join(&*file.0);
    let end = fs::read(&segment).unwrap().iter().rposition(|byte| *byte != 0).unwrap() + 1;
    store.start([append(&[entry(3, 5000)])]);
    store.run();
    drop(store);
    // As if the power had failed before the sync, and all behind the first 2,000 bytes were not written yet.
    let mut torn = fs::read(&segment).unwrap();
    assert!(torn[end + 5000..].iter().any(|byte| *byte != 0));
    torn[end + 2000..].fill(0);
    fs::write(&segment, &torn).unwrap();
    let (_, recovered) = Store::boot(&path);
    assert_eq!(recovered.torn_bytes, 2000);
    assert_eq!(recovered.whole_entries().unwrap(), synced);
    torn[end..].fill(0);
    assert!(fs::read(&segment).unwrap() == torn);
}

/// Short and long ones, durable and not, at sectors and beside them, over each other and behind the end: whichever way each
/// goes to the disk, what is read is what was written last.
#[test]
fn whatever_is_written_is_read_as_it_was_written_last() {
    const LENGTHS: [usize; 9] = [1, 512, 65_535, 65_536, 70_144, 100_000, 2 << 20, (2 << 20) + 512, 9 << 20];
    for reserves in [false, true] {
        let (_, mut files) = open(&fresh(if reserves { "ways-reserved" } else { "ways" }));
        let file = FileName::from("one");
        let mut execute = |op: DiskOp| files.execute(&op).unwrap_or_else(|error| panic!("{error}"));
        execute(DiskOp::Create { file: file.clone() });
        if reserves {
            execute(DiskOp::Allocate { file: file.clone(), len: 12 << 20 });
        }
        let mut expected = vec![0; if reserves { 12 << 20 } else { 0 }];
        let mut draws = Draws(77);
        for round in 0..120_u32 {
            let bytes = Bytes::from(vec![round.to_le_bytes()[0] + 1; LENGTHS[draws.below(LENGTHS.len())]]);
            let at = draws.below(6_000) * 512 + [0, 0, 0, 7][draws.below(4)];
            let (file, offset) = (file.clone(), at as u64);
            expected.resize(expected.len().max(at + bytes.len()), 0);
            expected[at..at + bytes.len()].copy_from_slice(&bytes);
            let is_durable = draws.below(4) > 0;
            execute(if is_durable { DiskOp::WriteSync { file, offset, bytes } } else { DiskOp::Write { file, offset, bytes } });
            if round % 10 == 9 {
                let read = execute(DiskOp::Read { file: "one".into(), offset: 0, len: expected.len() as u64 });
                assert!(matches!(read, DiskReply::Bytes(found) if found == expected), "round {round}");
            }
        }
    }
}
