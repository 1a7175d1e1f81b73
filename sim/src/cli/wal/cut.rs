//! `cut-<n>` beside the log's folder: a copy of everything that a repair takes out of it, and a text that says why.
//!
//! A copy is durable before its original is changed, and a file that goes as a whole is only renamed. So whoever is interrupted has
//! each byte in one place at least; the next repair begins a folder of its own.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use squall_raft::process::FileName;

use super::super::Refused;

/// What is copied at a time.
const COPY_BYTES: usize = 1 << 20;

/// More repairs of one log than this are somebody's mistake.
const CUTS_MAX: u32 = 10_000;

const WHY: &str = "why.txt";

/// A folder for what is taken out.
#[derive(Debug)]
pub(super) struct Cut {
    log: PathBuf,
    path: PathBuf,
    why: String,
}

impl Cut {
    /// Makes the folder, with the first number that is free.
    pub fn make(log: &Path) -> Result<Self, Refused> {
        let above = log.parent().unwrap_or(log);
        for number in 1..=CUTS_MAX {
            let path = above.join(format!("cut-{number}"));
            match fs::create_dir(&path) {
                Ok(()) => {
                    at(above, sync_folder(above))?;
                    let why = format!("Taken out of {} by `squall wal repair`.\n", log.display());
                    return Ok(Self { log: log.to_owned(), path, why });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return at(&path, Err(error)),
            }
        }
        Err(Refused(format!("{}: found cut-1 to cut-{CUTS_MAX}, expected a number that is free", above.display())))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps a file's bytes from an offset on, but for the zeros at its end.
    pub fn copy(&mut self, file: &FileName, from: u64, why: &str) -> Result<(), Refused> {
        let (source, target) = (self.log.join(&*file.0), self.path.join(format!("{file}.from-{from}")));
        let copied = at(&target, copy(&source, &target, from))?;
        self.why +=
            &format!("\n{file}.from-{from}: {copied} bytes of {file} from byte {from} on, overwritten with zeros\n  {why}\n");
        Ok(())
    }

    /// Says of a file that it will be taken.
    pub fn announce(&mut self, file: &FileName, why: &str) {
        self.why += &format!("\n{file}: the whole file\n  {why}\n");
    }

    /// Makes copies and reasons durable. Nothing may be changed before.
    pub fn seal(&self) -> Result<(), Refused> {
        let path = self.path.join(WHY);
        let written = File::create(&path).and_then(|mut file| {
            file.write_all(self.why.as_bytes())?;
            file.sync_all()
        });
        at(&path, written)?;
        at(&self.path, sync_folder(&self.path))
    }

    /// Moves a file here. The log's folder has still to be synced.
    pub fn take(&self, file: &FileName) -> Result<(), Refused> {
        let source = self.log.join(&*file.0);
        at(&source, fs::rename(&source, self.path.join(&*file.0)))?;
        at(&self.path, sync_folder(&self.path))
    }
}

fn at<T>(path: &Path, result: io::Result<T>) -> Result<T, Refused> {
    result.map_err(|error| Refused(format!("{}: {error}", path.display())))
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// How many bytes were copied.
fn copy(source: &Path, target: &Path, from: u64) -> io::Result<u64> {
    let mut source = File::open(source)?;
    source.seek(SeekFrom::Start(from))?;
    let mut target = OpenOptions::new().write(true).create_new(true).open(target)?;
    let (mut buffer, mut done, mut end) = (vec![0; COPY_BYTES], 0, 0);
    loop {
        let count = match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        target.write_all(&buffer[..count])?;
        if let Some(last) = buffer[..count].iter().rposition(|byte| *byte != 0) {
            end = done + last as u64 + 1;
        }
        done += count as u64;
    }
    target.set_len(end)?;
    target.sync_all()?;
    Ok(end)
}
