//! Which operations a device may complete before others that were issued earlier.
//!
//! Only those that do not depend on each other: reads, and writes to different places. A sync waits for what was
//! issued before it and touches what it makes durable; what names a file waits for what the folder is doing with it.
//! A write behind a sync need not wait: if it comes first, it is made durable, too.

use squall_raft::process::{DiskOp, FileName};

/// Whether `later` must not complete before `earlier`, which was issued before it.
pub(super) fn depends(later: &DiskOp, earlier: &DiskOp) -> bool {
    let (one, two) = (Use::of(later), Use::of(earlier));
    if one.folder && two.folder || one.all || two.all {
        return true;
    }
    let shared = one.files.iter().flatten().any(|file| two.files.iter().flatten().any(|other| file == other));
    if !shared {
        return false;
    }
    match (&one.range, &two.range) {
        (Some(_), _) if two.is_sync => false,
        (Some(a), Some(b)) => !(one.is_read && two.is_read) && a.0 < b.1 && b.0 < a.1,
        _ => true,
    }
}

/// What an operation touches.
#[derive(Default)]
struct Use<'a> {
    files: [Option<&'a FileName>; 2],
    /// Of the file's bytes: from, to.
    range: Option<(u64, u64)>,
    is_read: bool,
    is_sync: bool,
    /// Names, not bytes.
    folder: bool,
    all: bool,
}

impl<'a> Use<'a> {
    fn of(op: &'a DiskOp) -> Self {
        let end = |offset: u64, len: u64| offset.saturating_add(len);
        match op {
            DiskOp::Write { file, offset, bytes } => {
                Self { files: [Some(file), None], range: Some((*offset, end(*offset, bytes.len() as u64))), ..Self::default() }
            }
            DiskOp::Read { file, offset, len } => {
                Self { files: [Some(file), None], range: Some((*offset, end(*offset, *len))), is_read: true, ..Self::default() }
            }
            DiskOp::Sync { file } => Self { files: [Some(file), None], is_sync: true, ..Self::default() },
            DiskOp::WriteSync { file, .. } | DiskOp::Allocate { file, .. } | DiskOp::Truncate { file, .. } => {
                Self { files: [Some(file), None], ..Self::default() }
            }
            DiskOp::Create { file } | DiskOp::Remove { file } => {
                Self { files: [Some(file), None], folder: true, ..Self::default() }
            }
            DiskOp::Rename { from, to } => Self { files: [Some(from), Some(to)], folder: true, ..Self::default() },
            DiskOp::SyncDir => Self { folder: true, ..Self::default() },
            DiskOp::List => Self { all: true, ..Self::default() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(file: &str, offset: u64) -> DiskOp {
        DiskOp::Write { file: file.into(), offset, bytes: vec![1; 10].into() }
    }

    fn read(file: &str, offset: u64) -> DiskOp {
        DiskOp::Read { file: file.into(), offset, len: 10 }
    }

    fn sync(file: &str) -> DiskOp {
        DiskOp::Sync { file: file.into() }
    }

    #[test]
    fn a_sync_waits_for_what_it_makes_durable_and_nothing_waits_for_what_it_does_not_touch() {
        let cases = [
            (sync("a"), write("a", 0), true),
            (sync("a"), write("b", 0), false),
            (sync("a"), read("a", 0), true),
            (write("a", 0), sync("a"), false),
            (write("a", 0), write("a", 10), false),
            (write("a", 0), write("a", 9), true),
            (read("a", 0), read("a", 5), false),
            (read("a", 0), write("a", 5), true),
            (read("a", 0), write("a", 10), false),
            (DiskOp::WriteSync { file: "a".into(), offset: 0, bytes: "x".into() }, write("a", 90), true),
            (write("a", 0), DiskOp::Create { file: "a".into() }, true),
            (write("b", 0), DiskOp::Create { file: "a".into() }, false),
            (DiskOp::SyncDir, DiskOp::Create { file: "a".into() }, true),
            (DiskOp::SyncDir, write("a", 0), false),
            (DiskOp::Rename { from: "a".into(), to: "b".into() }, sync("b"), true),
            (DiskOp::Truncate { file: "a".into(), len: 0 }, write("a", 0), true),
            (DiskOp::List, write("a", 0), true),
            (write("a", 0), DiskOp::List, true),
        ];
        for (later, earlier, wanted) in cases {
            assert_eq!(depends(&later, &earlier), wanted, "{later:?} behind {earlier:?}");
        }
    }
}
