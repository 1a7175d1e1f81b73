//! Disk operations on a folder of the operating system.
//!
//! Not here: who may use the folder (`folder`), which files are open (`open`).

use std::fs::{self, File};
use std::io::{self, ErrorKind};
#[cfg(target_os = "linux")]
use std::num::NonZeroU64;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use rustix::buffer::spare_capacity;
#[cfg(target_os = "linux")]
use rustix::fs::Advice;
use rustix::fs::FallocateFlags;
use rustix::io::Errno;

use super::direct::Direct;
use super::open::{OpenFile, OpenFiles};
use super::{Disk, Failure};
use crate::process::{DiskError, DiskOp, DiskReply, FileName};

/// No offset of a file is larger: the operating system's are signed.
const FILE_LEN_MAX: u64 = i64::MAX.unsigned_abs();

/// A longer write that is to be durable is begun to be written back in pieces of [`WRITE_BACK_BYTES`] while the rest is
/// copied: 16 MiB take 16 ms then instead of 20, of which the copy is 4. Shorter ones gain nothing where a device takes its time
/// for each request, and the shortest go another way (`direct`).
const WRITE_BACK_FROM_BYTES: usize = 8 << 20;
const WRITE_BACK_BYTES: usize = 2 << 20;

/// The files of a locked folder. The lock ends with this value.
#[derive(Debug)]
pub struct Files {
    path: PathBuf,
    folder: File,
    open: OpenFiles,
    /// The kernel forgets what it could not write back, and the next sync would succeed without it.
    has_lost_writes: bool,
    failure: Option<Failure>,
    direct: Direct,
    /// Last, because fields are dropped in this order.
    _lock: File,
}

impl Files {
    /// `path` is absolute and a folder, `folder` is that folder opened.
    pub(super) fn new(path: PathBuf, folder: File, lock: File) -> Self {
        debug_assert!(path.is_absolute(), "another working directory must not lead to other files");
        Self {
            path,
            folder,
            open: OpenFiles::default(),
            has_lost_writes: false,
            failure: None,
            direct: Direct::default(),
            _lock: lock,
        }
    }

    /// What the operating system said when an operation failed last.
    #[must_use]
    pub const fn last_failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    fn carry_out(&mut self, op: &DiskOp) -> io::Result<DiskReply> {
        match op {
            DiskOp::Create { file } => self.create(file)?,
            DiskOp::Write { file, offset, bytes } => self.write(file, *offset, bytes, false)?,
            DiskOp::Read { file, offset, len } => return Ok(DiskReply::Bytes(self.read(file, *offset, *len)?)),
            DiskOp::WriteSync { file, offset, bytes } => {
                if bytes.len() > WRITE_BACK_FROM_BYTES {
                    self.write_in_pieces(file, *offset, bytes)?;
                } else {
                    self.write(file, *offset, bytes, true)?;
                }
                self.sync(file)?;
            }
            DiskOp::Allocate { file, len } => self.allocate(file, *len)?,
            DiskOp::Sync { file } => self.sync(file)?,
            DiskOp::SyncDir => {
                let synced = self.folder.sync_all();
                self.synced(synced)?;
            }
            DiskOp::Rename { from, to } => self.rename(from, to)?,
            DiskOp::Remove { file } => {
                fs::remove_file(self.path_of(file)?)?;
                self.open.remove(file);
            }
            DiskOp::Truncate { file, len } => self.file(file)?.writer().set_len(within_max(Some(*len))?)?,
            DiskOp::List => return Ok(DiskReply::Files(list(&self.path)?)),
        }
        Ok(DiskReply::Done)
    }

    fn create(&mut self, name: &FileName) -> io::Result<()> {
        if !name.is_plain() {
            return Err(ErrorKind::InvalidFilename.into());
        }
        self.open.create(name, &self.path_of(name)?)
    }

    /// Past the page cache if that may and can be.
    fn write(&mut self, name: &FileName, offset: u64, bytes: &[u8], may_be_direct: bool) -> io::Result<()> {
        let path = self.path_of(name)?;
        let file = self.open.file(name, &path)?;
        if bytes.is_empty() {
            return Ok(());
        }
        within_max(offset.checked_add(bytes.len() as u64))?;
        let file = file.writer();
        if may_be_direct && self.direct.write(file, offset, bytes)? { Ok(()) } else { file.write_all_at(bytes, offset) }
    }

    fn write_in_pieces(&mut self, name: &FileName, mut offset: u64, bytes: &[u8]) -> io::Result<()> {
        within_max(offset.checked_add(bytes.len() as u64))?;
        for piece in bytes.chunks(WRITE_BACK_BYTES) {
            self.write(name, offset, piece, false)?;
            begin_write_back(self.file(name)?.writer(), offset, piece.len() as u64);
            offset += piece.len() as u64;
        }
        Ok(())
    }

    fn read(&mut self, name: &FileName, offset: u64, len: u64) -> io::Result<Bytes> {
        let file = self.file(name)?.reader();
        // Whoever asks for more than there is gets no memory for it either.
        let there = file.metadata()?.len().saturating_sub(offset).min(len);
        read_at_most(file, offset, there)
    }

    fn rename(&mut self, from: &FileName, to: &FileName) -> io::Result<()> {
        let path = self.path_of(from)?;
        if !to.is_plain() {
            fs::symlink_metadata(path)?;
            return Err(ErrorKind::InvalidFilename.into());
        }
        fs::rename(path, self.path_of(to)?)?;
        self.open.rename(from, to);
        Ok(())
    }

    fn file(&mut self, name: &FileName) -> io::Result<&mut OpenFile> {
        let path = self.path_of(name)?;
        self.open.file(name, &path)
    }

    /// Names that no file in this folder can have lead to no file.
    fn path_of(&self, name: &FileName) -> io::Result<PathBuf> {
        if name.is_plain() { Ok(self.path.join(&*name.0)) } else { Err(ErrorKind::NotFound.into()) }
    }

    /// Its bytes, and as much about the file as reading them back needs, its length above all (fdatasync).
    fn sync(&mut self, name: &FileName) -> io::Result<()> {
        let synced = self.file(name)?.sync();
        self.synced(synced)
    }

    /// Where a file system cannot reserve, the file only grows: a full device is told later then.
    fn allocate(&mut self, name: &FileName, len: u64) -> io::Result<()> {
        let file = self.file(name)?.writer();
        let len = within_max(Some(len))?;
        if len == 0 {
            return Ok(()); // which the operating system refuses
        }
        // Some systems cut a file off that is longer than what is reserved.
        let len = len.max(file.metadata()?.len());
        match reserve(|| rustix::fs::fallocate(file, FallocateFlags::empty(), 0, len))? {
            Reserved::Yes => Ok(()),
            Reserved::Unsupported => file.set_len(len),
        }
    }

    fn synced(&mut self, result: io::Result<()>) -> io::Result<()> {
        if result.is_ok() && self.has_lost_writes {
            return Err(io::Error::other("a sync failed before, so nobody knows what is durable"));
        }
        self.has_lost_writes |= result.is_err();
        result
    }
}

impl Disk for Files {
    fn execute(&mut self, op: &DiskOp) -> Result<DiskReply, DiskError> {
        self.carry_out(op).map_err(|source| {
            let error = disk_error(op, source.kind());
            let (doing, file) = describe(op);
            let path = file.map_or_else(|| self.path.clone(), |file| self.path.join(&*file.0));
            self.failure = Some(Failure { path, doing, source });
            error
        })
    }
}

/// Everything in a folder, also what is no file: it is for the store to refuse it by name.
pub(super) fn list(folder: &Path) -> io::Result<Vec<(FileName, u64)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = fs::metadata(entry.path()).or_else(|_| entry.metadata())?;
        let len = if metadata.is_dir() { 0 } else { metadata.len() };
        files.push((FileName::from(&*entry.file_name().to_string_lossy()), len));
    }
    files.sort();
    Ok(files)
}

fn within_max(len: Option<u64>) -> io::Result<u64> {
    len.filter(|len| *len <= FILE_LEN_MAX).ok_or_else(|| ErrorKind::FileTooLarge.into())
}

/// Asks for a part of a file to be written back, and does not wait. Pages that are on their way stay in memory. Whoever syncs
/// hears of errors, so what the kernel makes of it does not matter.
#[cfg(target_os = "linux")]
fn begin_write_back(file: &File, offset: u64, len: u64) {
    let _ = rustix::fs::fadvise(file, offset, NonZeroU64::new(len), Advice::DontNeed);
}

/// Elsewhere the sync does it all.
#[cfg(not(target_os = "linux"))]
fn begin_write_back(_: &File, _: u64, _: u64) {}

/// Whether a file system could do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reserved {
    Yes,
    Unsupported,
}

/// A signal may interrupt it, and the standard library does not do it for us.
pub(super) fn reserve(mut attempt: impl FnMut() -> Result<(), Errno>) -> io::Result<Reserved> {
    loop {
        match attempt() {
            Ok(()) => return Ok(Reserved::Yes),
            Err(Errno::INTR) => {}
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => return Ok(Reserved::Unsupported),
            Err(error) => return Err(error.into()),
        }
    }
}

/// What can be read at an offset.
pub(super) trait ReadAt {
    /// Reads behind what the vector holds, no more than it has room for, and says how many bytes that were.
    fn read_behind(&self, bytes: &mut Vec<u8>, offset: u64) -> io::Result<usize>;
}

impl ReadAt for File {
    /// Into memory that nobody has filled with zeros first.
    fn read_behind(&self, bytes: &mut Vec<u8>, offset: u64) -> io::Result<usize> {
        Ok(rustix::io::pread(self, spare_capacity(bytes), offset)?)
    }
}

pub(super) fn read_at_most(file: &impl ReadAt, offset: u64, len: u64) -> io::Result<Bytes> {
    let len = usize::try_from(len).map_err(|_| ErrorKind::OutOfMemory)?;
    let mut bytes = Vec::new();
    // A length that a damaged file system made up must not end the process.
    bytes.try_reserve_exact(len).map_err(|_| ErrorKind::OutOfMemory)?;
    while bytes.len() < len {
        let at = offset + bytes.len() as u64;
        match file.read_behind(&mut bytes, at) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(len); // there may have been room for more
    Ok(bytes.into())
}

pub(super) fn disk_error(op: &DiskOp, kind: ErrorKind) -> DiskError {
    match (kind, op) {
        // What is missing is the folder.
        (ErrorKind::NotFound, DiskOp::Create { .. } | DiskOp::List | DiskOp::SyncDir) => DiskError::Io,
        (ErrorKind::NotFound, _) => DiskError::NotFound,
        (ErrorKind::AlreadyExists, DiskOp::Create { .. }) => DiskError::Exists,
        (ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge, _) => DiskError::NoSpace,
        _ => DiskError::Io,
    }
}

pub(super) fn describe(op: &DiskOp) -> (&'static str, Option<&FileName>) {
    match op {
        DiskOp::Create { file } => ("created", Some(file)),
        DiskOp::Write { file, .. } => ("written", Some(file)),
        DiskOp::WriteSync { file, .. } => ("written and synced", Some(file)),
        DiskOp::Allocate { file, .. } => ("reserved", Some(file)),
        DiskOp::Read { file, .. } => ("read", Some(file)),
        DiskOp::Sync { file } => ("synced", Some(file)),
        DiskOp::SyncDir => ("synced", None),
        DiskOp::Rename { from, .. } => ("renamed", Some(from)),
        DiskOp::Remove { file } => ("removed", Some(file)),
        DiskOp::Truncate { file, .. } => ("truncated", Some(file)),
        DiskOp::List => ("listed", None),
    }
}
