//! Finds scenarios: bundled ones by name, others by path or folder.
//!
//! Not here: what is in them, see [`super::schema`].

use std::path::Path;

use super::error::{self, ScenarioError};
use super::schema::Scenario;

/// Name and text of every scenario under `sim/scenarios`, embedded by `build.rs`, sorted by name.
pub const BUNDLED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/bundled.rs"));

/// Folders deeper than this are taken for a loop of links.
const DEPTH_MAX: usize = 32;

/// A scenario's text, with its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name in summaries and records: the path without folder and extension.
    pub name: String,
    /// Its name in errors.
    pub file: String,
    /// What it says.
    pub text: String,
}

impl Source {
    /// Parses and checks it.
    ///
    /// # Errors
    /// As [`Scenario::parse`].
    pub fn scenario(&self) -> Result<Scenario, ScenarioError> {
        Scenario::parse(&self.file, &self.text)
    }
}

/// All bundled scenarios, sorted by name.
#[must_use]
pub fn bundled() -> Vec<Source> {
    BUNDLED.iter().map(|(name, text)| embedded(name, text)).collect()
}

fn embedded(name: &str, text: &str) -> Source {
    Source { name: name.into(), file: format!("sim/scenarios/{name}.ron"), text: text.into() }
}

/// The scenarios that an argument means: a bundled name, a file, or all `.ron` files of a folder and its folders.
///
/// # Errors
/// If there is no such thing, nothing in it, or if it is no text. Parsing is left to [`Source::scenario`].
///
/// ```
/// use squall_sim::scenario::load;
///
/// assert_eq!(load("calm").unwrap()[0].file, "sim/scenarios/calm.ron");
/// assert!(load("clam").unwrap_err().to_string().contains("did you mean \"calm\"?"));
/// ```
pub fn load(argument: &str) -> Result<Vec<Source>, ScenarioError> {
    if let Some((name, text)) = BUNDLED.iter().find(|(name, _)| *name == argument) {
        return Ok(vec![embedded(name, text)]);
    }
    let path = Path::new(argument);
    if path.is_dir() {
        return folder(path);
    }
    if path.exists() {
        return Ok(vec![file(path, stem(path))?]);
    }
    let hint = error::suggest(argument, BUNDLED.iter().map(|(name, _)| *name));
    let expected = format!("a bundled scenario (see `squall scenario list`), a file or a folder{hint}");
    Err(ScenarioError::of_file(argument, "nothing of this name", expected))
}

fn file(path: &Path, name: String) -> Result<Source, ScenarioError> {
    Ok(Source { name, file: path.display().to_string(), text: error::read_file(path)? })
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

fn folder(root: &Path) -> Result<Vec<Source>, ScenarioError> {
    let mut sources = Vec::new();
    walk(root, "", 0, &mut sources)?;
    if sources.is_empty() {
        return Err(ScenarioError::of_file(
            root.display().to_string(),
            "a folder without scenarios",
            "at least one .ron file in it",
        ));
    }
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(sources)
}

fn walk(folder: &Path, prefix: &str, depth: usize, sources: &mut Vec<Source>) -> Result<(), ScenarioError> {
    let shown = folder.display().to_string();
    let unreadable = |error: std::io::Error| {
        ScenarioError::of_file(&*shown, format!("an error when reading it ({error})"), "a readable folder")
    };
    if depth > DEPTH_MAX {
        return Err(ScenarioError::of_file(&*shown, "folders too deep", format!("at most {DEPTH_MAX} levels")));
    }
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = format!("{prefix}{}", stem(&path));
        if path.is_dir() {
            walk(&path, &format!("{name}/"), depth + 1, sources)?;
        } else if path.extension().is_some_and(|extension| extension == "ron") {
            sources.push(file(&path, name)?);
        }
    }
    Ok(())
}
