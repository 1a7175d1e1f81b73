//! The disk of a real server: a folder that one process at a time has for itself.
//!
//! ```text
//! <folder>/          what the configuration names; made if it is missing
//!     lock           locked as long as a server lives
//!     boot           the number of the last boot: `squall boot <number> crc32c <checksum>`
//!     boot.new       the next one while it is written
//!     log/           where operations act; only the store decides what lies in here
//! ```
//!
//! Not here: what is written and when ([`crate::store`]), and which thread waits for it: operations block.
//! Unix only, for reads and writes at offsets and for syncs of folders.
//!
//! Read next: the modules in the order of their declaration.

mod folder;

mod direct;

mod open;

mod real;

mod recorder;

mod place;

#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

pub use folder::{Folder, OpenError};
pub use place::{Place, ReadOnly};
pub use real::Files;
pub use recorder::{Executed, Recorder};

use crate::process::{DiskError, DiskOp, DiskReply};

/// Whatever carries out a [`Process`](crate::process::Process)'s disk operations.
pub trait Disk {
    /// Carries one operation out, and returns when it has ended.
    ///
    /// # Errors
    ///
    /// Those that [`DiskError`] lists. A write that failed may have left a part of its bytes.
    fn execute(&mut self, op: &DiskOp) -> Result<DiskReply, DiskError>;
}

impl<D: Disk + ?Sized> Disk for &mut D {
    fn execute(&mut self, op: &DiskOp) -> Result<DiskReply, DiskError> {
        (**self).execute(op)
    }
}

/// What the operating system said about a path. [`DiskError`] is made for machines; this is for people.
#[derive(Debug, thiserror::Error)]
#[error("{path}: cannot be {doing}: {source}")]
pub struct Failure {
    /// Where.
    pub path: PathBuf,
    /// What should have been done with it, as a participle.
    pub doing: &'static str,
    /// What was said.
    pub source: io::Error,
}

/// Turns an error of the operating system into a [`Failure`], for `map_err`.
fn failed(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> Failure {
    move |source| Failure { path: path.to_owned(), doing, source }
}
