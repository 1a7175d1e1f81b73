//! Continuous integration is a script that runs on any desk; the workflow only calls it.

use crate::finding::Finding;
use crate::tree::File;

/// The workflow of every push.
const WORKFLOW: &str = ".github/workflows/ci.yml";

/// What the workflow runs.
const SCRIPT: &str = ".ci/run";

/// No step of the workflow does what the script does not.
#[must_use]
pub fn only_calls_the_script(file: &File) -> Vec<Finding> {
    if file.path != WORKFLOW {
        return Vec::new();
    }
    let commands: Vec<(usize, &str)> = file.text().lines().enumerate().filter_map(command).collect();
    let other = commands.iter().filter(|(_, command)| *command != SCRIPT);
    let expected = format!("`{SCRIPT}` and nothing else, so that a desk can do what the workflow does");
    let mut findings: Vec<_> =
        other.map(|(line, command)| Finding::new(&file.path, *line, format!("`{command}`"), expected.as_str())).collect();
    if commands.is_empty() {
        findings.push(Finding::new(&file.path, 1, "no step that runs anything", expected));
    }
    findings
}

fn command((number, line): (usize, &str)) -> Option<(usize, &str)> {
    let line = line.trim_start();
    let command = line.strip_prefix("- ").unwrap_or(line).strip_prefix("run:")?;
    Some((number + 1, command.trim()))
}
