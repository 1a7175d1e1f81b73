//! `squall run --history-out`: a file for the clients' history of each run.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::Refused;
use crate::campaign::single::Judged;
use crate::campaign::sweep::{Job, Named};

/// Writes histories, from any worker; the first error is kept until the end.
pub(super) struct Histories<'a> {
    folder: &'a Path,
    scenarios: &'a [Named],
    failed: Mutex<Option<String>>,
}

impl<'a> Histories<'a> {
    /// Makes the folder.
    pub fn new(folder: &'a Path, scenarios: &'a [Named]) -> Result<Self, Refused> {
        std::fs::create_dir_all(folder).map_err(|error| Refused(format!("{}: {error}", folder.display())))?;
        Ok(Self { folder, scenarios, failed: Mutex::new(None) })
    }

    /// Writes that of a run, if it came to an end.
    pub fn write(&self, job: &Job, judged: &Judged) {
        let Some(text) = judged.outcome.as_ref().and_then(|outcome| outcome.history.as_ref()) else { return };
        let path = self.path(job);
        if let Err(error) = std::fs::write(&path, text) {
            let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
            failed.get_or_insert_with(|| format!("{}: {error}", path.display()));
        }
    }

    /// `NAME-SEED.jsonl`; where two scenarios have one name, the second's place in the list comes between.
    fn path(&self, job: &Job) -> PathBuf {
        let name = &self.scenarios[job.scenario].name;
        let is_first = self.scenarios[..job.scenario].iter().all(|other| other.name != *name);
        let which = if is_first { String::new() } else { format!("-{}", job.scenario + 1) };
        self.folder.join(format!("{}{which}-{}.jsonl", name.replace(['/', '\\'], "-"), job.seed))
    }

    /// Whether all could be written.
    pub fn finish(self) -> Result<(), Refused> {
        match self.failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            None => Ok(()),
            Some(why) => Err(Refused(why)),
        }
    }
}
