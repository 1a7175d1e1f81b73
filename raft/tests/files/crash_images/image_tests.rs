//! The images of small records, by hand.

use squall_raft::process::{DiskError, DiskOp, DiskReply, FileName};
use squall_raft::server::files::Executed;

use super::image::{Image, Images, Point, images, points};
use crate::draws::Draws;

fn create(file: &str) -> DiskOp {
    DiskOp::Create { file: file.into() }
}

fn write(file: &str, bytes: &'static str) -> DiskOp {
    DiskOp::Write { file: file.into(), offset: 0, bytes: bytes.into() }
}

fn write_sync(file: &str, bytes: &'static str) -> DiskOp {
    DiskOp::WriteSync { file: file.into(), offset: 0, bytes: bytes.into() }
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

fn done(ops: &[DiskOp]) -> Vec<Executed> {
    ops.iter().map(|op| Executed { op: op.clone(), result: Ok(DiskReply::Done) }).collect()
}

fn image(files: &[(&str, &str)]) -> Image {
    files.iter().map(|(name, content)| (FileName::from(*name), content.as_bytes().to_vec())).collect()
}

/// Everything that the end of these operations can leave of an empty folder.
fn left(ops: &[DiskOp]) -> Vec<Image> {
    left_of(&Image::new(), &done(ops))
}

fn left_of(start: &Image, record: &[Executed]) -> Vec<Image> {
    let end = Point { ended: record.len(), begun: false };
    let Images { list, exhaustive } = images(start, record, end, &mut Draws(3), 1_000);
    assert!(exhaustive);
    list
}

#[test]
fn what_is_synced_is_all_that_there_is() {
    let ops = [create("a"), write("a", "one"), sync("a"), DiskOp::SyncDir];
    assert_eq!(left(&ops), [image(&[("a", "one")])]);
    let ops = [create("a"), DiskOp::SyncDir, write_sync("a", "one")];
    assert_eq!(left(&ops), [image(&[("a", "one")])]);
}

#[test]
fn a_name_is_durable_by_the_sync_of_the_folder_only() {
    assert_eq!(left(&[create("a"), write_sync("a", "one")]), [image(&[]), image(&[("a", "one")])]);
    let start = image(&[("a", "one"), ("b", "two")]);
    assert_eq!(left_of(&start, &done(&[remove("a")])), [image(&[("a", "one"), ("b", "two")]), image(&[("b", "two")])]);
    assert_eq!(left_of(&start, &done(&[rename("a", "b")])), [start.clone(), image(&[("b", "one")])]);
    assert_eq!(left_of(&start, &done(&[rename("a", "b"), DiskOp::SyncDir])), [image(&[("b", "one")])]);
}

#[test]
fn changes_of_the_folder_are_lost_one_by_one() {
    let ops = [create("new"), write_sync("new", "x"), rename("new", "a"), create("other")];
    let expected = [
        image(&[]),
        image(&[("a", "x")]),
        image(&[("a", "x"), ("other", "")]),
        image(&[("new", "x")]),
        image(&[("new", "x"), ("other", "")]),
        image(&[("other", "")]),
    ];
    assert_eq!(left(&ops), expected);
}

#[test]
fn a_file_keeps_what_was_synced_under_another_name() {
    let ops = [create("new"), write("new", "one"), rename("new", "a"), sync("a"), DiskOp::SyncDir, remove("a"), create("a")];
    let expected = [image(&[]), image(&[("a", "")]), image(&[("a", "one")])];
    assert_eq!(left(&ops), expected);
}

#[test]
fn writes_and_lengths_are_lost_one_by_one() {
    let start = image(&[("a", "....")]);
    let cut = DiskOp::Truncate { file: "a".into(), len: 2 };
    let longer = DiskOp::Allocate { file: "a".into(), len: 3 };
    assert_eq!(left_of(&start, &done(std::slice::from_ref(&cut))), [image(&[("a", "..")]), start.clone()]);
    let contents = left_of(&start, &done(&[cut, longer.clone()]));
    assert_eq!(contents, ["..", "..\0", "...", "...."].map(|content| image(&[("a", content)])));
    assert_eq!(left_of(&start, &done(&[longer])), std::slice::from_ref(&start), "it is longer already");
    let written = left_of(&start, &done(&[write("a", "ab")]));
    for content in ["....", "ab.."] {
        assert!(written.contains(&image(&[("a", content)])), "{written:?}");
    }
    let synced = left_of(&start, &done(&[write("a", "ab"), sync("a"), write("a", "cd")]));
    assert!(synced.contains(&image(&[("a", "ab..")])) && !synced.contains(&start), "{synced:?}");
}

#[test]
fn what_failed_or_has_only_begun_makes_nothing_durable() {
    let start = image(&[("a", "....")]);
    let failed = |op: DiskOp| vec![Executed { op, result: Err(DiskError::Io) }];
    assert!(left_of(&start, &failed(write_sync("a", "ab"))).len() > 2);
    assert_eq!(left_of(&start, &failed(create("a"))), std::slice::from_ref(&start));
    let record = done(&[write_sync("a", "ab")]);
    let at = |begun| images(&start, &record, Point { ended: 0, begun }, &mut Draws(4), 1_000).list;
    assert_eq!(at(false), std::slice::from_ref(&start));
    assert!(at(true).contains(&start) && at(true).contains(&image(&[("a", "ab..")])));
}

#[test]
fn what_a_failed_sync_has_forgotten_no_later_one_makes_durable() {
    let start = image(&[("a", "....")]);
    let failed = Executed { op: sync("a"), result: Err(DiskError::Io) };
    let mut record = done(&[write("a", "abcd")]);
    record.push(failed);
    record.extend(done(&[sync("a")]));
    let found = left_of(&start, &record);
    assert!(found.contains(&start) && found.contains(&image(&[("a", "abcd")])), "{found:?}");
    // What is written over it and synced is there whatever became of what is below.
    record.extend(done(&[write_sync("a", "XY")]));
    let found = left_of(&start, &record);
    assert!(found.contains(&image(&[("a", "XY..")])) && found.contains(&image(&[("a", "XYcd")])), "{found:?}");
    assert!(found.iter().all(|image| image.values().all(|content| content.starts_with(b"XY"))), "{found:?}");
}

#[test]
fn moments_that_change_nothing_are_left_out() {
    let read = DiskOp::Read { file: "a".into(), offset: 0, len: 1 };
    let found = points(&done(&[DiskOp::List, create("a"), read, sync("a")]));
    let expected = [(1, false), (1, true), (3, false), (3, true), (4, false)];
    assert_eq!(found, expected.map(|(ended, begun)| Point { ended, begun }));
}

#[test]
fn of_many_combinations_some_are_drawn_nothing_and_all_among_them() {
    let names = ["a", "b", "c", "d", "e", "f", "g"];
    let record = done(&names.map(create));
    let end = Point { ended: names.len(), begun: false };
    let Images { list, exhaustive } = images(&Image::new(), &record, end, &mut Draws(5), 20);
    assert!(!exhaustive && (5..=20).contains(&list.len()), "{}", list.len());
    assert!(list.contains(&Image::new()) && list.contains(&image(&names.map(|name| (name, "")))));
    assert!(images(&Image::new(), &record, end, &mut Draws(5), 128).exhaustive);
}
