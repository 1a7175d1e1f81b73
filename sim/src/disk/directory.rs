//! The folder: names in ascending order, and the changes that lead from one version to the next.
//!
//! Changes are absolute (they say which file a name leads to), so that any subset of them
//! can be applied to the durable version after a power loss.
//!
//! Not here: the files' bytes. Read next: `power`, which draws the subset.

use std::sync::Arc;

use squall_raft::process::FileName;

use super::device::Field;
use super::file::{Hold, Pending};
use super::{Draw, Stamp};

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

/// The folder's versions. As a file has them: see `file`.
#[derive(Clone, Debug, Default)]
pub(super) struct Folder {
    /// As the process sees it.
    pub(super) live: Directory,
    /// As it is on the medium.
    pub(super) media: Directory,
    /// As it was promised, where that is not what is on the medium.
    pub(super) parted: Option<Directory>,
    /// What lies between, oldest first.
    pub(super) changes: Vec<Pending<Change>>,
    /// The two differ by more than what is pending.
    pub(super) scarred: bool,
}

impl Folder {
    pub(super) fn promised(&self) -> &Directory {
        self.parted.as_ref().unwrap_or(&self.media)
    }

    fn part(&mut self) -> &mut Directory {
        self.parted.get_or_insert_with(|| self.media.clone())
    }

    pub(super) fn change(&mut self, stamp: Stamp, change: Change) {
        self.live.apply(&change);
        self.changes.push(Pending::new(stamp, change));
    }

    /// Whether any version, or what lies between, leads to a file.
    pub(super) fn leads_to(&self, at: usize) -> bool {
        let versions = [Some(&self.live), Some(&self.media), self.parted.as_ref()];
        let named = versions.into_iter().flatten().any(|version| version.iter().any(|(_, id)| id.at() == at));
        named
            || self.changes.iter().any(|pending| {
                let (Change::Link { file, .. } | Change::Rename { file, .. } | Change::Unlink { file, .. }) = pending.what;
                file.at() == at
            })
    }

    pub(super) fn sync(&mut self, boot: u32) {
        if self.changes.iter().any(|change| change.hold.is_for_ever()) {
            self.part();
        }
        for change in &mut self.changes {
            if !change.hold.is_for_ever() && !change.on_media {
                self.media.apply(&change.what);
                (change.hold, change.on_media) = (Hold::Dirty, true);
            }
        }
        self.promise(boot);
    }

    pub(super) fn sync_lying(&mut self, boot: u32, outside_atlas: bool) {
        if self.changes.is_empty() {
            return;
        }
        self.part();
        for change in self.changes.iter_mut().filter(|change| change.hold == Hold::Dirty && !change.on_media) {
            change.hold = Hold::Lied { outside_atlas };
        }
        self.promise(boot);
    }

    /// A drawn part of the changes reaches the medium; the process goes on seeing all of them.
    pub(super) fn sync_failing(&mut self, boot: u32, outside_atlas: bool, draw: &Draw<'_>) {
        if self.changes.is_empty() {
            return;
        }
        self.part();
        for change in self.changes.iter_mut().filter(|change| change.hold == Hold::Dirty && !change.on_media) {
            if draw(change.stamp, 0, Field::SyncFailed) & 1 == 1 {
                self.media.apply(&change.what);
                change.on_media = true;
            } else {
                change.hold = Hold::Forgotten { boot, outside_atlas };
            }
        }
    }

    fn promise(&mut self, boot: u32) {
        for change in self.changes.iter_mut().filter(|change| !change.promised) {
            change.believe(boot);
            change.promised = true;
            if let Some(parted) = &mut self.parted {
                parted.apply(&change.what);
            }
        }
        self.changes.retain(|change| !change.on_media);
        self.agree();
    }

    pub(super) fn agree(&mut self) {
        if self.changes.is_empty() && !self.scarred {
            self.parted = None;
        }
    }
}
