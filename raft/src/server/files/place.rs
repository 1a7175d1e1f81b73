//! Where a log lies, for tools that look at it or put it in order while no server runs.
//!
//! Not here: opening it as a server does, which counts a boot (`folder`).

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::folder::{BOOT, LOCK, LOG, lock, open_folder};
use super::real::{describe, disk_error, list, read_at_most};
use super::{Disk, Failure, Files, OpenError, failed};
use crate::process::{DiskError, DiskOp, DiskReply, FileName};

/// A folder with a log in it.
///
/// ```
/// use squall_raft::server::files::{Folder, Place};
///
/// let path = std::env::temp_dir().join(format!("squall-place-{}", std::process::id()));
/// # let _ = std::fs::remove_dir_all(&path);
/// let server = Folder::open(&path)?;
/// let place = Place::find(&path)?;
/// assert_eq!(place, Place::find(&path.join("log"))?);
/// assert!(place.is_locked()? && place.lock().is_err());
/// drop(server);
/// assert!(!place.is_locked()? && place.lock().is_ok());
/// # std::fs::remove_dir_all(&path).unwrap();
/// # Ok::<(), squall_raft::server::files::OpenError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The folder in which the log's files lie.
    pub log: PathBuf,
    /// The server's folder around it; `None` for a copy that no server can use.
    pub server: Option<PathBuf>,
}

impl Place {
    /// Finds the log of a server's folder, or takes a folder for a log itself. Nothing is made.
    ///
    /// # Errors
    /// If there is no such folder.
    pub fn find(path: &Path) -> Result<Self, OpenError> {
        let path = fs::canonicalize(path).map_err(failed(path, "found"))?;
        if !path.is_dir() {
            return Err(OpenError::NotAFolder { path, found: "a file" });
        }
        let is_server = |path: &Path| path.join(LOCK).exists() || path.join(BOOT).exists();
        if path.join(LOG).is_dir() || is_server(&path) {
            return Ok(Self { log: path.join(LOG), server: Some(path) });
        }
        let above = path.parent().filter(|above| path.ends_with(LOG) && is_server(above));
        Ok(Self { server: above.map(Path::to_owned), log: path })
    }

    /// Whether a server has the folder. Makes no file; it holds a shared lock for a moment if there is none.
    ///
    /// # Errors
    /// If the lock is there and cannot be tried.
    pub fn is_locked(&self) -> Result<bool, Failure> {
        let Some(path) = self.server.as_ref().map(|server| server.join(LOCK)) else { return Ok(false) };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(failed(&path, "opened")(error)),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(failed(&path, "tried")(error)),
        }
    }

    /// The log's files, to be read.
    #[must_use]
    pub fn read_only(&self) -> ReadOnly {
        ReadOnly { log: self.log.clone(), failure: None }
    }

    /// The log's files, to be changed, with the server's lock for as long. No boot is counted.
    ///
    /// # Errors
    /// If a server runs, or the lock cannot be taken.
    pub fn lock(&self) -> Result<Files, OpenError> {
        let folder = open_folder(&self.log)?;
        let lock = match &self.server {
            Some(server) => lock(server)?,
            None => folder.try_clone().map_err(failed(&self.log, "opened"))?,
        };
        Ok(Files::new(self.log.clone(), folder, lock))
    }
}

/// A log's folder for those who only look: whatever else is asked fails. No file stays open.
#[derive(Debug)]
pub struct ReadOnly {
    log: PathBuf,
    failure: Option<Failure>,
}

impl ReadOnly {
    /// What the operating system said when an operation failed last.
    #[must_use]
    pub const fn last_failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    fn carry_out(&self, op: &DiskOp) -> io::Result<DiskReply> {
        match op {
            DiskOp::List => Ok(DiskReply::Files(list(&self.log)?)),
            DiskOp::Read { file, offset, len } => {
                let file = File::open(self.path_of(file)?)?;
                let there = file.metadata()?.len().saturating_sub(*offset).min(*len);
                Ok(DiskReply::Bytes(read_at_most(&file, *offset, there)?))
            }
            _ => Err(ErrorKind::ReadOnlyFilesystem.into()),
        }
    }

    fn path_of(&self, name: &FileName) -> io::Result<PathBuf> {
        if name.is_plain() { Ok(self.log.join(&*name.0)) } else { Err(ErrorKind::NotFound.into()) }
    }
}

impl Disk for ReadOnly {
    fn execute(&mut self, op: &DiskOp) -> Result<DiskReply, DiskError> {
        self.carry_out(op).map_err(|source| {
            let error = disk_error(op, source.kind());
            let (doing, file) = describe(op);
            let path = file.map_or_else(|| self.log.clone(), |file| self.log.join(&*file.0));
            self.failure = Some(Failure { path, doing, source });
            error
        })
    }
}
