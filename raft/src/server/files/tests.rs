//! Reads and writes through calls that do less than they are asked, and errors that no folder gives on demand.
//!
//! Not here: operations on a real folder (`tests/files/folder.rs`, and in `squall-sim` `disk_conformance`).

use std::cell::Cell;
use std::io;
use std::os::unix::fs::FileExt;

use rustix::io::Errno;

use super::real::{ReadAt, Reserved, disk_error, read_at_most, reserve};
use crate::process::{DiskError, DiskOp};

/// A file that moves at most three bytes per call and is interrupted every other time.
struct Stingy {
    content: Vec<Cell<u8>>,
    calls: Cell<u32>,
}

impl Stingy {
    fn new(content: &[u8]) -> Self {
        Self { content: content.iter().copied().map(Cell::new).collect(), calls: Cell::new(0) }
    }

    /// The bytes that this call moves.
    fn window(&self, offset: u64, len: usize) -> io::Result<&[Cell<u8>]> {
        self.calls.set(self.calls.get() + 1);
        if self.calls.get() % 2 == 1 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let rest = &self.content[usize::try_from(offset).unwrap().min(self.content.len())..];
        Ok(&rest[..rest.len().min(len).min(3)])
    }
}

impl FileExt for Stingy {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let window = self.window(offset, bytes.len())?;
        window.iter().zip(bytes).for_each(|(from, to)| *to = from.get());
        Ok(window.len())
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let window = self.window(offset, bytes.len())?;
        window.iter().zip(bytes).for_each(|(to, from)| to.set(*from));
        Ok(window.len())
    }
}

impl ReadAt for Stingy {
    fn read_behind(&self, bytes: &mut Vec<u8>, offset: u64) -> io::Result<usize> {
        let mut room = vec![0; bytes.capacity() - bytes.len()];
        let count = self.read_at(&mut room, offset)?;
        bytes.extend_from_slice(&room[..count]);
        Ok(count)
    }
}

#[test]
fn reads_go_on_after_part_of_it_and_after_interruptions() {
    let file = Stingy::new(b"0123456789");
    assert_eq!(read_at_most(&file, 1, 8).unwrap(), "12345678");
    assert_eq!(file.calls.get(), 6);
    // The file became shorter after its length was asked.
    assert_eq!(read_at_most(&file, 8, 100).unwrap(), "89");
}

/// `Files` relies on the standard library here; this is what it relies on.
#[test]
fn writes_go_on_after_part_of_it_and_after_interruptions() {
    let file = Stingy::new(&[b'.'; 10]);
    file.write_all_at(b"12345678", 1).unwrap();
    assert_eq!(read_at_most(&file, 0, 10).unwrap(), ".12345678.");
    let full = file.write_all_at(b"abc", 9).unwrap_err();
    assert_eq!(full.kind(), io::ErrorKind::WriteZero);
}

#[test]
fn lengths_that_no_memory_has_are_errors() {
    let file = Stingy::new(b"");
    assert_eq!(read_at_most(&file, 0, u64::MAX).unwrap_err().kind(), io::ErrorKind::OutOfMemory);
}

#[test]
fn space_is_reserved_whoever_interrupts_and_wherever_that_is_possible() {
    let after = |mut interruptions: u32, last: Result<(), Errno>| {
        reserve(move || match interruptions.checked_sub(1) {
            Some(left) => {
                interruptions = left;
                Err(Errno::INTR)
            }
            None => last,
        })
    };
    assert_eq!(after(3, Ok(())).unwrap(), Reserved::Yes);
    assert_eq!(after(1, Err(Errno::OPNOTSUPP)).unwrap(), Reserved::Unsupported);
    assert_eq!(after(0, Err(Errno::NOSYS)).unwrap(), Reserved::Unsupported);
    assert_eq!(after(2, Err(Errno::NOSPC)).unwrap_err().kind(), io::ErrorKind::StorageFull);
}

#[test]
fn what_the_system_says_is_told_as_what_the_process_knows() {
    use io::ErrorKind::{AlreadyExists, FileTooLarge, NotFound, PermissionDenied, QuotaExceeded, StorageFull};
    let file = || "a".into();
    let write = DiskOp::Write { file: file(), offset: 0, bytes: "b".into() };
    let create = DiskOp::Create { file: file() };
    let cases = [
        (&write, NotFound, DiskError::NotFound),
        (&write, StorageFull, DiskError::NoSpace),
        (&write, QuotaExceeded, DiskError::NoSpace),
        (&write, FileTooLarge, DiskError::NoSpace),
        (&write, PermissionDenied, DiskError::Io),
        (&create, AlreadyExists, DiskError::Exists),
        (&create, StorageFull, DiskError::NoSpace),
        // The folder itself is gone; a process that hears `NotFound` would look for its own mistake.
        (&create, NotFound, DiskError::Io),
        (&DiskOp::List, NotFound, DiskError::Io),
    ];
    for (op, kind, expected) in cases {
        assert_eq!(disk_error(op, kind), expected, "{op:?}: {kind:?}");
    }
}
