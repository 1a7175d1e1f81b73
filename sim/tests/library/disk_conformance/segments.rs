//! What a log in segments does with its files: made under another name, reserved, filled, removed, and many of them.

use squall_raft::process::{DiskError, DiskOp};

use super::{Answer, Case, DONE, allocate, bytes, create, files, read, remove, rename, sync, truncate, write, write_sync};

/// In the order in which a log does it.
pub fn cases() -> Vec<Case> {
    vec![
        (
            "made under another name, filled, read over what was never written, removed",
            vec![
                (create("a.new"), DONE),
                (allocate("a.new", 5_000), DONE),
                (write_sync("a.new", 0, "header"), DONE),
                (rename("a.new", "a"), DONE),
                (DiskOp::SyncDir, DONE),
                (write_sync("a.new", 6, "x"), Err(DiskError::NotFound)),
                (write_sync("a", 4_990, "0123456789"), DONE),
                (DiskOp::List, files(&[("a", 5_000)])),
                (write_sync("a", 4_995, "longer than was reserved"), DONE),
                (read("a", 4_980, 99), bytes(b"\0\0\0\0\0\0\0\0\0\x0001234longer than was reserved")),
                (read("a", 0, 9), bytes(b"header\0\0\0")),
                (allocate("a", 5_000), DONE),
                (DiskOp::List, files(&[("a", 5_019)])),
                (truncate("a", 3), DONE),
                (allocate("a", 8), DONE),
                (read("a", 0, 99), bytes(b"hea\0\0\0\0\0")),
                (remove("a"), DONE),
                (write_sync("a", 0, "x"), Err(DiskError::NotFound)),
                (allocate("a", 8), Err(DiskError::NotFound)),
                (DiskOp::SyncDir, DONE),
                (DiskOp::List, files(&[])),
            ],
        ),
        (
            "one in the place of another that was reserved and not synced",
            vec![
                (create("a"), DONE),
                (allocate("a", 900), DONE),
                (write("a", 0, "old"), DONE),
                (create("b"), DONE),
                (write_sync("b", 1, "new"), DONE),
                (rename("b", "a"), DONE),
                (sync("a"), DONE),
                (write_sync("a", 5, "!"), DONE),
                (read("a", 0, 99), bytes(b"\0new\0!")),
                (sync("b"), Err(DiskError::NotFound)),
                (create("b"), DONE),
                (read("b", 0, 99), bytes(b"")),
            ],
        ),
        ("more files than stay open", many_files()),
    ]
}

/// The real arm closes files that were synced when there are many, and opens them again.
fn many_files() -> Vec<(DiskOp, Answer)> {
    let names = |prefix: &'static str| (100..200).map(move |number| format!("{prefix}{number}"));
    let made = names("a").flat_map(|name| [(create(&name), DONE), (write(&name, 0, "abc"), DONE)]);
    let synced = names("a").step_by(2).map(|name| (sync(&name), DONE));
    let written = names("a").flat_map(|name| [(write_sync(&name, 3, "d"), DONE), (read(&name, 0, 9), bytes(b"abcd"))]);
    let renamed = names("a").zip(names("b")).map(|(from, to)| (rename(&from, &to), DONE));
    let again =
        names("b").flat_map(|name| [(write(&name, 0, "A"), DONE), (sync(&name), DONE), (read(&name, 0, 9), bytes(b"Abcd"))]);
    let gone = names("a").map(|name| (read(&name, 0, 9), Err(DiskError::NotFound)));
    made.chain(synced).chain(written).chain(renamed).chain(again).chain(gone).collect()
}
