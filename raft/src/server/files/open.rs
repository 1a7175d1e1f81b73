//! The files that are open: a bounded number, all that a sync still owes something to among them.
//!
//! A file that was changed stays open until it is synced or removed. That is not only faster: an error of writing back is
//! told to those who had the file open, so a handle that is opened for the sync could miss it. Of the others the one that
//! was used longest ago gives way, because a log may have more segments than a process may have files.
//!
//! Not here: what is done with them (`real`).

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::process::FileName;

/// How many files may be open that need not be. A process has 256 at least, and needs most of them for connections.
const IDLE_MAX: usize = 32;

/// Open files by name.
#[derive(Debug, Default)]
pub(super) struct OpenFiles {
    files: BTreeMap<FileName, OpenFile>,
    uses: u64,
}

/// A file and what a sync owes it.
#[derive(Debug)]
pub(super) struct OpenFile {
    file: File,
    is_changed: bool,
    /// Larger than that of every file that was used before.
    last_use: u64,
}

impl OpenFile {
    /// For what leaves the file as it is.
    pub(super) const fn reader(&self) -> &File {
        &self.file
    }

    /// For what changes the file, even if that fails: it stays open until it is synced.
    pub(super) const fn writer(&mut self) -> &File {
        self.is_changed = true;
        &self.file
    }

    /// Its bytes, and as much about the file as reading them back needs, its length above all (fdatasync).
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()?;
        self.is_changed = false;
        Ok(())
    }
}

impl OpenFiles {
    /// Makes a file that does not exist.
    pub(super) fn create(&mut self, name: &FileName, path: &Path) -> io::Result<()> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
        self.insert(name, file);
        Ok(())
    }

    /// Opens a file unless it is open.
    pub(super) fn file(&mut self, name: &FileName, path: &Path) -> io::Result<&mut OpenFile> {
        if !self.files.contains_key(name) {
            let file = OpenOptions::new().read(true).write(true).open(path)?;
            self.insert(name, file);
        }
        self.uses += 1;
        let file = self.files.get_mut(name).ok_or(ErrorKind::NotFound)?;
        file.last_use = self.uses;
        Ok(file)
    }

    /// The name leads to no file any more.
    pub(super) fn remove(&mut self, name: &FileName) {
        self.files.remove(name);
    }

    /// What had the name `to` is gone, even if `from` was never opened.
    pub(super) fn rename(&mut self, from: &FileName, to: &FileName) {
        if from == to {
            return;
        }
        self.files.remove(to);
        if let Some(file) = self.files.remove(from) {
            self.files.insert(to.clone(), file);
        }
    }

    fn insert(&mut self, name: &FileName, file: File) {
        self.make_room();
        self.uses += 1;
        self.files.insert(name.clone(), OpenFile { file, is_changed: false, last_use: self.uses });
    }

    fn make_room(&mut self) {
        if self.files.len() < IDLE_MAX {
            return;
        }
        let idle = self.files.iter().filter(|(_, file)| !file.is_changed);
        if let Some(name) = idle.min_by_key(|(_, file)| file.last_use).map(|(name, _)| name.clone()) {
            self.files.remove(&name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_many_files_stay_open_and_those_that_were_changed_do() {
        let names: Vec<FileName> = (0..3 * IDLE_MAX).map(|number| FileName::from(&*number.to_string())).collect();
        let mut open = OpenFiles::default();
        let null = Path::new("/dev/null");
        open.file(&names[0], null).unwrap().writer();
        for name in &names {
            open.file(name, null).unwrap();
            // The second one is used all the time.
            open.file(&names[1], null).unwrap();
        }
        assert_eq!(open.files.len(), IDLE_MAX);
        assert!(open.files[&names[0]].is_changed && open.files.contains_key(&names[1]));
        assert!(!open.files.contains_key(&names[2]));
        for name in &names {
            open.file(name, null).unwrap().writer();
        }
        assert_eq!(open.files.len(), names.len(), "each waits for a sync");
    }
}
