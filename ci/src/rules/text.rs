//! What no text of the repository may contain, whatever its language: traces of one machine.

use crate::finding::Finding;
use crate::tree::File;

/// Folders at the root of somebody's machine. Without slashes, so that this file passes its own rule.
const MACHINE: &[&str] = &["work", "root", "home", "tmp", "Users", "workspace", "builds"];

/// Words in a host's name that make it a mirror or a registry.
const REGISTRY: &[&str] = &["registry", "artifact", "nexus", "mirror", "proxy", "index.", "jfrog", "goproxy"];

/// No path that exists on one machine only.
#[must_use]
pub fn has_no_machine_path(file: &File) -> Vec<Finding> {
    let expected = "a path below the repository, or a folder that the program is given";
    let hits = |line: &str| MACHINE.iter().find(|folder| has_absolute(line, folder)).map(|folder| format!("`/{folder}/..`"));
    lines(file, expected, hits)
}

fn has_absolute(line: &str, folder: &str) -> bool {
    let pattern = format!("/{folder}/");
    line.match_indices(&pattern).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '.' | '_' | '-' | '}' | '*' | '~' | ')'))
    })
}

/// No host from which packages are fetched: that is configured on the machine.
#[must_use]
pub fn has_no_registry_host(file: &File) -> Vec<Finding> {
    let expected = "no address of a registry or a mirror, which is the machine's business";
    let hits = |line: &str| hosts(line).find(|host| is_registry(host)).map(|host| format!("the host `{host}`"));
    lines(file, expected, hits)
}

fn hosts(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("://").map(|(at, mark)| {
        let rest = &line[at + mark.len()..];
        &rest[..rest.find(|c: char| c.is_whitespace() || "/\"'`<>)]}".contains(c)).unwrap_or(rest.len())]
    })
}

fn is_registry(host: &str) -> bool {
    let name = host.rsplit('@').next().unwrap_or(host);
    let credentials = name != host;
    let address = name.starts_with(|c: char| c.is_ascii_digit()) && name.contains('.');
    credentials || address || name == "localhost" || REGISTRY.iter().any(|word| name.contains(word))
}

/// Commands say which packages they mean: a bare `--workspace` would grow with every crate of automation.
#[must_use]
pub fn builds_no_bare_workspace(file: &File) -> Vec<Finding> {
    let is_command = file.path.starts_with(".ci/") || file.path.starts_with(".github/") || file.path.starts_with(".cargo/");
    if !is_command && file.path != "README.md" {
        return Vec::new();
    }
    let hits = |line: &str| line.contains("--workspace").then(|| "`--workspace`".to_owned());
    lines(file, "the default members, or packages by name", hits)
}

fn lines(file: &File, expected: &str, hits: impl Fn(&str) -> Option<String>) -> Vec<Finding> {
    let lines = file.text().lines().enumerate();
    lines.filter_map(|(number, line)| Some(Finding::new(&file.path, number + 1, hits(line)?, expected))).collect()
}
