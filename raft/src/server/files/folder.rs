//! Opening a server's folder: make it, lock it, count the boot.
//!
//! When [`Folder::open`] returns, everything that it made is durable, the boot's number above all: a number that is used
//! twice would let two boots take each other's completions for their own.
//!
//! Not here: what happens in the folder afterwards (`real`).

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::{Failure, Files, failed};
use crate::checksum::crc32c;
use crate::types::BootNumber;

pub(super) const LOCK: &str = "lock";
pub(super) const BOOT: &str = "boot";
const BOOT_NEXT: &str = "boot.new";
pub(super) const LOG: &str = "log";

/// Made and removed at each start, to see now and not at the first vote that `log` belongs to somebody else.
const PROBE: &str = "probe.new";

/// Longer than any boot file.
const BOOT_BYTES_MAX: u64 = 64;

/// A server's folder for the length of one boot.
///
/// ```
/// use squall_raft::process::{DiskOp, DiskReply};
/// use squall_raft::server::files::{Disk, Folder, OpenError};
///
/// let path = std::env::temp_dir().join(format!("squall-example-{}", std::process::id()));
/// # let _ = std::fs::remove_dir_all(&path);
/// let Folder { boot, mut files } = Folder::open(&path)?;
/// assert_eq!(boot.0, 1);
/// assert_eq!(files.execute(&DiskOp::List), Ok(DiskReply::Files(Vec::new())));
/// assert!(matches!(Folder::open(&path), Err(OpenError::Locked { .. })));
/// drop(files); // and with it the lock
/// assert_eq!(Folder::open(&path)?.boot.0, 2);
/// # std::fs::remove_dir_all(&path).unwrap();
/// # Ok::<(), OpenError>(())
/// ```
#[derive(Debug)]
pub struct Folder {
    /// Larger than that of every earlier boot in this folder, and durable.
    pub boot: BootNumber,
    /// The disk of this boot. The folder is locked until it is dropped.
    pub files: Files,
}

/// Why a folder cannot be used. Nothing that was in it has changed, except that a boot number may have been used up.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Something else has the folder's name, or that of one above it.
    #[error("{path}: found {found}, expected a folder")]
    NotAFolder {
        /// Where.
        path: PathBuf,
        /// What it is.
        found: &'static str,
    },
    /// A server lives in it, perhaps in this process.
    #[error("{path}: found it locked by a running server, expected a folder that no server uses")]
    Locked {
        /// The lock.
        path: PathBuf,
    },
    /// What is there was not written by a server, or not kept by the disk.
    #[error("{path}: found `{found}`, expected `squall boot <number> crc32c <checksum>`")]
    BootDamaged {
        /// The boot file.
        path: PathBuf,
        /// Its beginning, made printable.
        found: String,
    },
    /// Somebody removed the number; a new count could repeat numbers that the log was written with.
    #[error("{path}: found no boot number beside a log that holds `{log}`, expected both or neither")]
    BootMissing {
        /// The boot file.
        path: PathBuf,
        /// A file of the log.
        log: String,
    },
    /// There is no larger number.
    #[error("{path}: found boot number {}, expected a smaller one: no other can follow", u32::MAX)]
    BootsExhausted {
        /// The boot file.
        path: PathBuf,
    },
    /// The operating system refused something.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl Folder {
    /// Opens a folder for one boot; makes it first if it is missing.
    ///
    /// # Errors
    ///
    /// When it cannot be made, written or locked, and when the boot number in it is not what a server wrote.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        make(path)?;
        // The working directory may change later.
        let path = fs::canonicalize(path).map_err(failed(path, "found"))?;
        let lock = lock(&path)?;
        let log = path.join(LOG);
        make(&log)?;
        check_writable(&log)?;
        let (folder, log_folder) = (open_folder(&path)?, open_folder(&log)?);
        let boot = match read_boot(&path)? {
            Some(last) => last.0.checked_add(1).ok_or_else(|| OpenError::BootsExhausted { path: path.join(BOOT) })?,
            None => {
                check_unused(&path, &log)?;
                sync_above(&path)?;
                1
            }
        };
        log_folder.sync_all().map_err(failed(&log, "synced"))?;
        write_boot(&path, &folder, BootNumber(boot))?;
        Ok(Self { boot: BootNumber(boot), files: Files::new(log, log_folder, lock) })
    }
}

fn make(path: &Path) -> Result<(), OpenError> {
    let Err(source) = fs::create_dir_all(path) else { return Ok(()) };
    let other = |above: &&Path| fs::metadata(above).is_ok_and(|metadata| !metadata.is_dir());
    let Some(blocked) = path.ancestors().find(other) else {
        return Err(failed(path, "made")(source).into());
    };
    let is_file = fs::metadata(blocked).is_ok_and(|metadata| metadata.is_file());
    let found = if is_file { "a file" } else { "what is neither file nor folder" };
    Err(OpenError::NotAFolder { path: blocked.to_owned(), found })
}

pub(super) fn open_folder(path: &Path) -> Result<File, Failure> {
    File::open(path).map_err(failed(path, "opened"))
}

pub(super) fn lock(folder: &Path) -> Result<File, OpenError> {
    let path = folder.join(LOCK);
    // Not truncated: whoever does not get the lock must not change anything.
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
    let file = opened.map_err(failed(&path, "opened for writing"))?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => return Err(OpenError::Locked { path }),
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Interrupted => {}
            Err(TryLockError::Error(error)) => return Err(failed(&path, "locked")(error).into()),
        }
    }
}

/// Also removes what a start that was killed has left.
fn check_writable(folder: &Path) -> Result<(), Failure> {
    let probe = folder.join(PROBE);
    File::create(&probe).map_err(failed(&probe, "written"))?;
    fs::remove_file(&probe).map_err(failed(&probe, "removed"))
}

/// The number of the last boot; `None` if there was none.
fn read_boot(folder: &Path) -> Result<Option<BootNumber>, OpenError> {
    let path = folder.join(BOOT);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(&path, "opened")(error).into()),
    };
    let mut found = Vec::new();
    file.take(BOOT_BYTES_MAX).read_to_end(&mut found).map_err(failed(&path, "read"))?;
    match parse(&found) {
        Some(boot) => Ok(Some(boot)),
        None => Err(OpenError::BootDamaged { path, found: found.escape_ascii().to_string() }),
    }
}

fn text(boot: BootNumber) -> String {
    let text = format!("squall boot {boot}");
    format!("{text} crc32c {:08x}\n", crc32c(text.as_bytes()))
}

/// Accepts only what [`text`] makes.
fn parse(found: &[u8]) -> Option<BootNumber> {
    let number = std::str::from_utf8(found).ok()?.split(' ').nth(2)?.parse().ok()?;
    (text(BootNumber(number)).as_bytes() == found).then_some(BootNumber(number))
}

/// A first boot has an empty log.
fn check_unused(folder: &Path, log: &Path) -> Result<(), OpenError> {
    let first = fs::read_dir(log).map_err(failed(log, "listed"))?.next();
    let Some(entry) = first else { return Ok(()) };
    let entry = entry.map_err(failed(log, "listed"))?;
    let log = entry.file_name().to_string_lossy().into_owned();
    Err(OpenError::BootMissing { path: folder.join(BOOT), log })
}

/// Makes the folders durable that lead to this one. Some may be new, by this start or one that was killed.
fn sync_above(folder: &Path) -> Result<(), Failure> {
    for above in folder.ancestors().skip(1) {
        match File::open(above).and_then(|above| above.sync_all()) {
            Ok(()) => {}
            // What we may not read was not made by us.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {}
            Err(error) => return Err(failed(above, "synced")(error)),
        }
    }
    Ok(())
}

/// Replaces the boot file as a whole: after a power loss it is the old one or the new one.
fn write_boot(path: &Path, folder: &File, boot: BootNumber) -> Result<(), Failure> {
    let (next, last) = (path.join(BOOT_NEXT), path.join(BOOT));
    write_and_sync(&next, &text(boot)).map_err(failed(&next, "written"))?;
    fs::rename(&next, &last).map_err(failed(&last, "replaced"))?;
    folder.sync_all().map_err(failed(path, "synced"))
}

fn write_and_sync(path: &Path, text: &str) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_boot_file_stays_readable_for_later_releases() {
        assert_eq!(text(BootNumber(7)), "squall boot 7 crc32c e3f3b806\n");
        assert!(text(BootNumber(u32::MAX)).len() as u64 <= BOOT_BYTES_MAX);
    }

    proptest! {
        #[test]
        fn reads_what_it_wrote_and_nothing_else(boot in any::<u32>(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let written = text(BootNumber(boot)).into_bytes();
            prop_assert_eq!(parse(&written), Some(BootNumber(boot)));
            let mut other = written.clone();
            other[at.index(written.len())] = byte;
            prop_assert_eq!(parse(&other).is_some(), other == written);
            prop_assert_eq!(parse(&written[..at.index(written.len())]), None);
        }
    }
}
