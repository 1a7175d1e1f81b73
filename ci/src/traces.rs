//! What a run of one seed reported in `--json`, and the first difference between two such reports.
//!
//! Not here: starting the runs (`src/bin/compare.rs`). A trace hash folds every event of a run, so two builds whose
//! hashes are equal did the same, byte for byte.

use std::collections::BTreeMap;

use serde_json::Value;

/// What one scenario did under one seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// The hash over all events, in hex.
    pub hash: String,
    /// How the run was judged.
    pub verdict: String,
}

/// Traces by the name of the scenario.
pub type Traces = BTreeMap<String, Trace>;

/// Reads the last line of a run's output.
///
/// # Errors
///
/// What is missing or wrong in it.
pub fn parse(stdout: &str) -> Result<Traces, String> {
    let line = stdout.lines().next_back().unwrap_or("");
    let report: Value =
        serde_json::from_str(line).map_err(|error| format!("found `{line}` as the last line, expected JSON: {error}"))?;
    let results = report["results"].as_array().ok_or("found no `results`, expected an array of them")?;
    let mut traces = Traces::new();
    for result in results {
        let field = |name: &str| {
            let text = result[name].as_str().filter(|text| !text.is_empty());
            text.map(str::to_owned).ok_or_else(|| format!("found no text `{name}` in {result}, expected one"))
        };
        let name = field("name")?;
        let trace = Trace { hash: field("trace_hash")?, verdict: field("verdict")? };
        if traces.insert(name.clone(), trace).is_some() {
            return Err(format!("found `{name}` twice in `results`, expected it once"));
        }
    }
    if traces.is_empty() {
        return Err("found empty `results`, expected every bundled scenario".to_owned());
    }
    Ok(traces)
}

/// The first scenario, by name, in which two reports differ.
#[must_use]
pub fn first_difference(left: &Traces, right: &Traces) -> Option<String> {
    let mut names: Vec<&String> = left.keys().chain(right.keys()).collect();
    names.sort();
    names.dedup();
    names.into_iter().find_map(|name| match (left.get(name), right.get(name)) {
        (Some(left), Some(right)) if left == right => None,
        (Some(left), Some(right)) => {
            Some(format!("{name}: trace {} ({}) against {} ({})", left.hash, left.verdict, right.hash, right.verdict))
        }
        (Some(_), None) => Some(format!("{name}: only the first program ran it")),
        (None, _) => Some(format!("{name}: only the second program ran it")),
    })
}
