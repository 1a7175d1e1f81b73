//! A node's disk: files and a folder, each with what is durable and what is only in the page cache.
//!
//! The durable image changes when a sync succeeds, and when the power fails: then a drawn part of
//! the unsynced writes and folder changes joins it and the rest is gone (`power`). A killed
//! process loses nothing, because the page cache belongs to the machine.
//!
//! The durable image is also what is *promised*: everything that a sync answered Ok for, and what
//! turned out to have survived a power loss. [`Disk::promised`] reads it.
//!
//! Not here: when operations run and how long they take (`device`), how pages are shared between
//! clones (`content`), what survives a power loss (`power`).

mod content;
pub(crate) mod device;
mod directory;
mod power;

use bytes::Bytes;
use squall_raft::process::{DiskError, DiskOp, DiskReply, FileName};

pub use content::Content;
pub use device::{Crash, DiskWeather};
pub use power::{PowerLoss, WriteFate};

use content::FILE_LEN_MAX;
use directory::{Change, Directory, FileId};

/// Which operation: the boot that issued it and its ordinal within that boot. Draws depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// The boot's number.
    pub boot: u32,
    /// Counts the boot's disk operations from 0.
    pub ordinal: u64,
}

/// One file's bytes.
#[derive(Clone, Debug, Default)]
struct File {
    durable: Content,
    /// What was done since the last sync, oldest first.
    dirty: Vec<Dirty>,
    /// How long it looks to the process.
    len: u64,
}

/// A change of a file that is not durable yet.
#[derive(Clone, Debug)]
struct Dirty {
    stamp: Stamp,
    what: Edit,
}

#[derive(Clone, Debug)]
enum Edit {
    Write { offset: u64, bytes: Bytes },
    Truncate { len: u64 },
}

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
/// ```
#[derive(Clone, Debug, Default)]
pub struct Disk {
    files: Vec<Option<File>>,
    /// The folder as the process sees it ..
    live: Directory,
    /// .. as it is on the medium ..
    durable: Directory,
    /// .. and what lies between, oldest first.
    changes: Vec<(Stamp, Change)>,
    /// From which byte on the last sync changed its file.
    synced_from: u64,
}

impl Disk {
    /// Carries an operation out, now and completely.
    ///
    /// # Errors
    ///
    /// When a file that is needed is not there or one that must not be there is, when a name is not plain, and when a
    /// file would grow past 1 GiB.
    pub fn execute(&mut self, op: &DiskOp, stamp: Stamp) -> Result<DiskReply, DiskError> {
        self.execute_taking(&mut op.clone(), stamp)
    }

    /// As [`Self::execute`], but the bytes of a write are taken out of it: the first clone of bytes allocates
    /// what counts the references, and there is a write for each entry on each node.
    fn execute_taking(&mut self, op: &mut DiskOp, stamp: Stamp) -> Result<DiskReply, DiskError> {
        match op {
            DiskOp::Write { file, offset, bytes } => self.file_mut(file)?.write(stamp, *offset, std::mem::take(bytes))?,
            DiskOp::WriteSync { file, offset, bytes } => {
                let file = self.file_mut(file)?;
                file.write(stamp, *offset, std::mem::take(bytes))?;
                self.synced_from = file.sync();
            }
            DiskOp::Allocate { file, len } => self.file_mut(file)?.allocate(stamp, *len)?,
            DiskOp::Sync { file } => self.synced_from = self.file_mut(file)?.sync(),
            DiskOp::Read { file, offset, len } => return Ok(DiskReply::Bytes(self.file(file)?.read(*offset, *len))),
            DiskOp::Create { file } => self.create(file, stamp)?,
            DiskOp::SyncDir => self.sync_dir(),
            DiskOp::Rename { from, to } => self.rename(from, to, stamp)?,
            DiskOp::Remove { file } => self.remove(file, stamp)?,
            DiskOp::Truncate { file, len } => self.file_mut(file)?.truncate(stamp, *len)?,
            DiskOp::List => return Ok(DiskReply::Files(self.list())),
        }
        Ok(DiskReply::Done)
    }

    /// The promised content of a file; `None` if its name is not durable.
    #[must_use]
    pub fn promised(&self, file: &FileName) -> Option<&Content> {
        self.durable.get(file).and_then(|id| self.files[id.at()].as_ref()).map(|file| &file.durable)
    }

    /// Every promised file in ascending order of names.
    pub fn promised_files(&self) -> impl Iterator<Item = (&FileName, &Content)> {
        self.durable.iter().filter_map(|(name, id)| Some((name, &self.files[id.at()].as_ref()?.durable)))
    }

    /// How many changes of files and of the folder a power loss could take back.
    #[must_use]
    pub fn unsynced(&self) -> usize {
        self.changes.len() + self.files.iter().flatten().map(|file| file.dirty.len()).sum::<usize>()
    }

    /// The first byte that the last [`DiskOp::Sync`] or [`DiskOp::WriteSync`] changed in its file's durable image;
    /// `u64::MAX` if it changed none. Whoever follows a file need not read what lies before.
    #[must_use]
    pub fn synced_from(&self) -> u64 {
        self.synced_from
    }

    fn file(&self, name: &FileName) -> Result<&File, DiskError> {
        let id = self.live.get(name).ok_or(DiskError::NotFound)?;
        self.files[id.at()].as_ref().ok_or(DiskError::NotFound)
    }

    #[inline]
    fn file_mut(&mut self, name: &FileName) -> Result<&mut File, DiskError> {
        let id = self.live.get(name).ok_or(DiskError::NotFound)?;
        self.files[id.at()].as_mut().ok_or(DiskError::NotFound)
    }

    fn create(&mut self, name: &FileName, stamp: Stamp) -> Result<(), DiskError> {
        if self.live.get(name).is_some() {
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
        self.change(stamp, Change::Link { name: name.clone(), file: FileId::new(free) });
        Ok(())
    }

    fn rename(&mut self, from: &FileName, to: &FileName, stamp: Stamp) -> Result<(), DiskError> {
        let file = self.live.get(from).ok_or(DiskError::NotFound)?;
        if !to.is_plain() {
            return Err(DiskError::Io);
        }
        if from != to {
            self.change(stamp, Change::Rename { from: from.clone(), to: to.clone(), file });
        }
        Ok(())
    }

    fn remove(&mut self, name: &FileName, stamp: Stamp) -> Result<(), DiskError> {
        let file = self.live.get(name).ok_or(DiskError::NotFound)?;
        self.change(stamp, Change::Unlink { name: name.clone(), file });
        Ok(())
    }

    fn change(&mut self, stamp: Stamp, change: Change) {
        self.live.apply(&change);
        self.changes.push((stamp, change));
    }

    fn sync_dir(&mut self) {
        if !self.changes.is_empty() {
            self.durable = self.live.clone();
            self.changes.clear();
            self.collect();
        }
    }

    /// Frees the files that no name leads to. Called when `live` and `durable` are equal.
    fn collect(&mut self) {
        for at in 0..self.files.len() {
            if !self.live.iter().any(|(_, id)| id.at() == at) {
                self.files[at] = None;
            }
        }
    }

    fn list(&self) -> Vec<(FileName, u64)> {
        let len = |id: FileId| self.files[id.at()].as_ref().map_or(0, |file| file.len);
        self.live.iter().map(|(name, id)| (name.clone(), len(id))).collect()
    }
}

impl File {
    fn write(&mut self, stamp: Stamp, offset: u64, bytes: Bytes) -> Result<(), DiskError> {
        // Nothing is written nowhere, however far away (POSIX leaves the file and its length alone).
        if bytes.is_empty() {
            return Ok(());
        }
        let end = offset.checked_add(bytes.len() as u64).filter(|end| *end <= FILE_LEN_MAX).ok_or(DiskError::NoSpace)?;
        self.len = self.len.max(end);
        self.dirty.push(Dirty { stamp, what: Edit::Write { offset, bytes } });
        Ok(())
    }

    fn truncate(&mut self, stamp: Stamp, len: u64) -> Result<(), DiskError> {
        if len > FILE_LEN_MAX {
            return Err(DiskError::NoSpace);
        }
        self.len = len;
        self.dirty.push(Dirty { stamp, what: Edit::Truncate { len } });
        Ok(())
    }

    /// Space is not counted, so that only the length changes.
    fn allocate(&mut self, stamp: Stamp, len: u64) -> Result<(), DiskError> {
        if len > self.len { self.truncate(stamp, len) } else { Ok(()) }
    }

    /// Makes everything durable; returns the first byte that changed.
    fn sync(&mut self) -> u64 {
        let mut from = u64::MAX;
        for dirty in self.dirty.drain(..) {
            from = from.min(match &dirty.what {
                // Growing to a length changes what lies behind the old end.
                Edit::Truncate { len } => (*len).min(self.durable.len()),
                Edit::Write { offset, .. } => (*offset).min(self.durable.len()),
            });
            dirty.what.apply(&mut self.durable);
        }
        debug_assert_eq!(self.durable.len(), self.len);
        from
    }

    /// Lays what is dirty over what is durable.
    fn read(&self, offset: u64, len: u64) -> Bytes {
        let len = len.min(self.len.saturating_sub(offset));
        let mut buffer = vec![0; usize::try_from(len).expect("files are shorter than 1 GiB")];
        self.durable.read(offset, &mut buffer);
        for dirty in &self.dirty {
            dirty.what.overlay(offset, &mut buffer);
        }
        buffer.into()
    }
}

impl Edit {
    fn apply(&self, content: &mut Content) {
        match self {
            Self::Write { offset, bytes } => content.write(*offset, bytes),
            Self::Truncate { len } => content.truncate(*len),
        }
    }

    /// Shows the edit in a window of the file that begins at `start`.
    fn overlay(&self, start: u64, window: &mut [u8]) {
        let within = |position: u64| usize::try_from(position.saturating_sub(start)).unwrap_or(usize::MAX).min(window.len());
        match self {
            Self::Truncate { len } => {
                let cut = within(*len);
                window[cut..].fill(0);
            }
            Self::Write { offset, bytes } => {
                let (first, end) = (within(*offset), within(offset + bytes.len() as u64));
                if first < end {
                    let skipped = usize::try_from(start.saturating_sub(*offset)).unwrap_or(usize::MAX);
                    window[first..end].copy_from_slice(&bytes[skipped..skipped + (end - first)]);
                }
            }
        }
    }
}
