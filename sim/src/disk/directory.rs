//! The folder: names in ascending order, and the changes that lead from one version to the next.
//!
//! Changes are absolute (they say which file a name leads to), so that any subset of them
//! can be applied to the durable version after a power loss.
//!
//! Not here: the files' bytes. Read next: `power`, which draws the subset.

use std::sync::Arc;

use squall_raft::process::FileName;

/// A file apart from its name (an inode number).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileId(usize);

impl FileId {
    pub(super) const fn new(at: usize) -> Self {
        Self(at)
    }

    pub(super) const fn at(self) -> usize {
        self.0
    }
}

#[derive(Clone, Debug)]
pub(super) enum Change {
    Link { name: FileName, file: FileId },
    Rename { from: FileName, to: FileName, file: FileId },
    Unlink { name: FileName, file: FileId },
}

#[derive(Clone, Debug, Default)]
pub(super) struct Directory {
    entries: Vec<(FileName, FileId)>,
}

impl Directory {
    #[inline]
    pub(super) fn get(&self, name: &FileName) -> Option<FileId> {
        // A process names a file by clones of one name, so comparing pointers finds it nearly always.
        let same = self.entries.iter().find(|(known, _)| Arc::ptr_eq(&known.0, &name.0));
        let found = same.or_else(|| self.entries.get(self.position(name).ok()?));
        found.map(|(_, file)| *file)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&FileName, FileId)> {
        self.entries.iter().map(|(name, file)| (name, *file))
    }

    pub(super) fn apply(&mut self, change: &Change) {
        match change {
            Change::Link { name, file } => self.link(name, *file),
            Change::Unlink { name, file } => self.unlink(name, *file),
            Change::Rename { from, to, file } => {
                self.unlink(from, *file);
                self.link(to, *file);
            }
        }
    }

    fn position(&self, name: &FileName) -> Result<usize, usize> {
        self.entries.binary_search_by(|(known, _)| known.cmp(name))
    }

    fn link(&mut self, name: &FileName, file: FileId) {
        match self.position(name) {
            Ok(at) => self.entries[at].1 = file,
            Err(at) => self.entries.insert(at, (name.clone(), file)),
        }
    }

    /// Removes a name if it still leads to this file; an earlier change that was lost may leave another there.
    fn unlink(&mut self, name: &FileName, file: FileId) {
        if let Ok(at) = self.position(name)
            && self.entries[at].1 == file
        {
            self.entries.remove(at);
        }
    }
}
