//! A node's disk: files and a folder, each with what is on the medium and what is only in the page cache.
//!
//! The medium changes when a sync succeeds, and when the power fails: then a drawn part of
//! the unsynced writes and folder changes joins it and the rest is gone (`power`). A killed
//! process loses nothing, because the page cache belongs to the machine.
//!
//! What is *promised* is everything that a sync answered Ok for, and what turned out to have survived a power loss. As
//! long as the device does what it says, that is what is on the medium. [`Disk::promised`] goes on saying what was
//! promised when the medium no longer has it; [`Disk::is_intact`] tells whether it does.
//!
//! Not here: when operations run and how long they take (`device`), what goes wrong with them (`fault`), how pages are
//! shared between clones (`content`). Read next: `file`.

mod content;
mod damage;
pub(crate) mod device;
mod directory;
mod fault;
mod file;
mod order;
mod power;
#[cfg(test)]
mod tests;

use squall_raft::process::{DiskError, DiskOp, DiskReply, FileName};

pub use content::Content;
pub use device::{Crash, DiskWeather};
pub use fault::{Dealt, DiskFault, Kinds, Touch};
pub use power::{PowerLoss, WriteFate};

use device::Field;
use directory::{Change, FileId, Folder};
use file::File;

/// Which operation: the boot that issued it and its ordinal within that boot. Draws depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// The boot's number.
    pub boot: u32,
    /// Counts the boot's disk operations from 0.
    pub ordinal: u64,
}

/// What chance says about an operation: its stamp, a sector or another number, and what is drawn.
type Draw<'a> = dyn Fn(Stamp, u64, Field) -> u64 + 'a;

/// A disk that holds one folder.
///
/// ```
/// use squall_raft::process::{DiskOp, FileName};
/// use squall_sim::disk::{Disk, Stamp};
///
/// let mut disk = Disk::default();
/// let file = FileName::from("log");
/// let at = |ordinal| Stamp { boot: 1, ordinal };
/// disk.execute(&DiskOp::Create { file: file.clone() }, at(0)).unwrap();
/// disk.execute(&DiskOp::SyncDir, at(1)).unwrap();
/// disk.execute(&DiskOp::Write { file: file.clone(), offset: 0, bytes: "abc".into() }, at(2)).unwrap();
/// assert_eq!(disk.promised(&file).unwrap().len(), 0);
/// disk.execute(&DiskOp::Sync { file: file.clone() }, at(3)).unwrap();
/// assert_eq!(disk.promised(&file).unwrap().len(), 3);
/// assert!(disk.is_intact());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Disk {
    files: Vec<Option<File>>,
    folder: Folder,
    /// What all files may take together, if that is limited.
    capacity_bytes: Option<u64>,
    /// From which byte on the last sync changed its file.
    synced_from: u64,
}

impl Disk {
    /// Carries an operation out, now and completely.
    ///
    /// # Errors
    ///
    /// When a file that is needed is not there or one that must not be there is, when a name is not plain, and when a
    /// file would grow past 1 GiB or beyond the room that is left.
    pub fn execute(&mut self, op: &DiskOp, stamp: Stamp) -> Result<DiskReply, DiskError> {
        self.execute_taking(&mut op.clone(), stamp)
    }

    /// As [`Self::execute`], but the bytes of a write are taken out of it: the first clone of bytes allocates
    /// what counts the references, and there is a write for each entry on each node.
    fn execute_taking(&mut self, op: &mut DiskOp, stamp: Stamp) -> Result<DiskReply, DiskError> {
        if self.capacity_bytes.is_some() {
            self.check_room_for(op)?;
        }
        match op {
            DiskOp::Write { file, offset, bytes } => self.file_mut(file)?.write(stamp, *offset, std::mem::take(bytes))?,
            DiskOp::WriteSync { file, offset, bytes } => {
                self.synced_from = self.file_mut(file)?.write_sync(stamp, *offset, std::mem::take(bytes))?;
            }
            DiskOp::Allocate { file, len } => self.file_mut(file)?.allocate(stamp, *len)?,
            DiskOp::Sync { file } => self.synced_from = self.file_mut(file)?.sync(stamp.boot),
            DiskOp::Read { file, offset, len } => return Ok(DiskReply::Bytes(self.file(file)?.read(*offset, *len))),
            DiskOp::Create { file } => self.create(file, stamp)?,
            DiskOp::SyncDir => {
                self.folder.sync(stamp.boot);
                self.collect();
            }
            DiskOp::Rename { from, to } => self.rename(from, to, stamp)?,
            DiskOp::Remove { file } => self.remove(file, stamp)?,
            DiskOp::Truncate { file, len } => self.file_mut(file)?.truncate(stamp, *len)?,
            DiskOp::List => return Ok(DiskReply::Files(self.list())),
        }
        Ok(DiskReply::Done)
    }

    fn check_room_for(&self, op: &DiskOp) -> Result<(), DiskError> {
        match op {
            DiskOp::Write { file, offset, bytes } | DiskOp::WriteSync { file, offset, bytes } if !bytes.is_empty() => {
                self.check_room(file, offset.saturating_add(bytes.len() as u64))
            }
            DiskOp::Allocate { file, len } | DiskOp::Truncate { file, len } => self.check_room(file, *len),
            _ => Ok(()),
        }
    }

    /// The promised content of a file; `None` if its name is not promised.
    #[must_use]
    pub fn promised(&self, file: &FileName) -> Option<&Content> {
        self.folder.promised().get(file).and_then(|id| self.files[id.at()].as_ref()).map(File::promised)
    }

    /// Every promised file in ascending order of names.
    pub fn promised_files(&self) -> impl Iterator<Item = (&FileName, &Content)> {
        self.folder.promised().iter().filter_map(|(name, id)| Some((name, self.files[id.at()].as_ref()?.promised())))
    }

    /// What is on the medium of a file, whatever was promised; `None` if its name is not there.
    #[must_use]
    pub fn media(&self, file: &FileName) -> Option<&Content> {
        self.folder.media.get(file).and_then(|id| self.files[id.at()].as_ref()).map(|file| &file.media)
    }

    /// How many changes of files and of the folder a power loss could take back.
    #[must_use]
    pub fn unsynced(&self) -> usize {
        self.folder.changes.len() + self.files.iter().flatten().map(|file| file.edits.len()).sum::<usize>()
    }

    /// The first byte that the last [`DiskOp::Sync`] or [`DiskOp::WriteSync`] changed in its file's promised image;
    /// `u64::MAX` if it changed none. Whoever follows a file need not read what lies before.
    #[must_use]
    pub fn synced_from(&self) -> u64 {
        self.synced_from
    }

    fn file(&self, name: &FileName) -> Result<&File, DiskError> {
        let id = self.folder.live.get(name).ok_or(DiskError::NotFound)?;
        self.files[id.at()].as_ref().ok_or(DiskError::NotFound)
    }

    #[inline]
    fn file_mut(&mut self, name: &FileName) -> Result<&mut File, DiskError> {
        let id = self.folder.live.get(name).ok_or(DiskError::NotFound)?;
        self.files[id.at()].as_mut().ok_or(DiskError::NotFound)
    }

    fn create(&mut self, name: &FileName, stamp: Stamp) -> Result<(), DiskError> {
        if self.folder.live.get(name).is_some() {
            return Err(DiskError::Exists);
        }
        if !name.is_plain() {
            return Err(DiskError::Io);
        }
        let free = self.files.iter().position(Option::is_none).unwrap_or(self.files.len());
        if free == self.files.len() {
            self.files.push(None);
        }
        self.files[free] = Some(File::default());
        self.folder.change(stamp, Change::Link { name: name.clone(), file: FileId::new(free) });
        Ok(())
    }

    fn rename(&mut self, from: &FileName, to: &FileName, stamp: Stamp) -> Result<(), DiskError> {
        let file = self.folder.live.get(from).ok_or(DiskError::NotFound)?;
        if !to.is_plain() {
            return Err(DiskError::Io);
        }
        if from != to {
            self.folder.change(stamp, Change::Rename { from: from.clone(), to: to.clone(), file });
        }
        Ok(())
    }

    fn remove(&mut self, name: &FileName, stamp: Stamp) -> Result<(), DiskError> {
        let file = self.folder.live.get(name).ok_or(DiskError::NotFound)?;
        self.folder.change(stamp, Change::Unlink { name: name.clone(), file });
        Ok(())
    }

    /// Frees the files that nothing leads to any more.
    fn collect(&mut self) {
        for at in 0..self.files.len() {
            if self.files[at].is_some() && !self.folder.leads_to(at) {
                self.files[at] = None;
            }
        }
    }

    fn list(&self) -> Vec<(FileName, u64)> {
        let len = |id: FileId| self.files[id.at()].as_ref().map_or(0, |file| file.len);
        self.folder.live.iter().map(|(name, id)| (name.clone(), len(id))).collect()
    }
}
