//! Running a record again, and what that says about it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::record::{Record, Status, hex};
use crate::campaign::single::{How, Judged, judge};
use crate::run::settings::SettingsError;
use crate::run::subject::KvSubject;
use crate::scenario::Mark;

/// A record that was run again.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// What came of it this time.
    pub judged: Judged,
    /// The plan is not the one that was recorded.
    pub edited: bool,
    /// Whether the trace hash is the recorded one; `None` if it cannot be compared.
    pub same_hash: Option<bool>,
    /// Marks that were reached then and not now: the record shows something else by now.
    pub stale: Vec<Mark>,
    /// The planted bug that was active.
    pub bug: Option<String>,
}

/// Runs a record's plan, twice, and compares.
///
/// # Errors
/// If the engine refuses the plan's settings.
pub fn replay(record: &Record) -> Result<Replayed, SettingsError> {
    let how = how_of(record);
    let judged = judge(Arc::new(record.plan.clone()), &KvSubject, how)?;
    let reached = judged.outcome.as_ref().map(|outcome| &outcome.marks);
    let stale = record.marks.iter().copied().filter(|mark| !reached.is_some_and(|marks| marks.contains_key(mark))).collect();
    let comparable = record.hash_is_comparable() && bug_is_active(record);
    let hash = judged.outcome.as_ref().map(|outcome| hex(outcome.hash));
    let same_hash = hash.filter(|_| comparable).map(|hash| hash == record.trace_hash);
    let bug = record.bug.clone().filter(|_| bug_is_active(record));
    Ok(Replayed { judged, edited: record.is_edited(), same_hash, stale, bug })
}

/// How a record is run by this build.
#[must_use]
pub fn how_of(record: &Record) -> How {
    How {
        arena: record.arena(),
        twice: true,
        #[cfg(feature = "mutants")]
        bug: record.bug.as_deref().and_then(squall_raft::mutants::Bug::from_id),
        ..How::default()
    }
}

/// Whether this build runs the record as it was recorded.
fn bug_is_active(record: &Record) -> bool {
    record.bug.is_none() || cfg!(feature = "mutants")
}

/// Holds a record against what its status demands.
///
/// # Errors
/// What a person must do about it.
pub fn check(record: &Record) -> Result<(), String> {
    let replayed = replay(record).map_err(|error| format!("cannot be run: {error}"))?;
    let found = replayed.judged.failure.as_ref().map(|failure| failure.property.name());
    let wanted = wanted(record);
    if let Some(wanted) = wanted
        && found != wanted
    {
        let say =
            |property: Option<&str>| property.map_or("a run that passes".to_owned(), |name| format!("a violation of {name}"));
        return Err(format!("found {}, expected {} ({:?})", say(found), say(wanted), record.status));
    }
    if wanted.is_none() {
        return Err(format!("is new ({}): look at it, then set its status to Open(\"why\") or Fixed", record.message));
    }
    if replayed.same_hash == Some(false) {
        return Err("found another trace hash than the recorded one, by the same sources: a run is not deterministic".to_owned());
    }
    if !replayed.stale.is_empty() && record.bug.is_none() {
        let names: Vec<_> = replayed.stale.iter().map(|mark| mark.name()).collect();
        return Err(format!("is stale: it no longer reaches {}", names.join(", ")));
    }
    Ok(())
}

/// What a record's status demands: `None` for a new one, else the property that must be violated, if any.
fn wanted(record: &Record) -> Option<Option<&str>> {
    match (&record.status, &record.bug) {
        (Status::New, _) => None,
        (Status::Open(_), _) => Some(Some(&record.property)),
        (Status::Fixed, Some(_)) if cfg!(feature = "mutants") => Some(Some(&record.property)),
        (Status::Fixed, _) => Some(None),
    }
}

/// Every record below a folder, sorted by path.
///
/// # Errors
/// If a folder cannot be read.
pub fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    if !folder.exists() {
        return Ok(found);
    }
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if !hidden && path.extension().is_some_and(|extension| extension == "ron") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
