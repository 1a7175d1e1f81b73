//! What every `Cargo.toml`, the lock file and cargo's configuration must say, or must not.
//!
//! Not here: which crate may depend on which (`directions`).

use std::collections::BTreeSet;

use crate::finding::Finding;
use crate::manifest::Manifest;
use crate::tree::{File, Tree};

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

fn is_manifest(file: &File) -> bool {
    file.name() == "Cargo.toml"
}

/// Every crate takes the lints of the workspace, else a new one starts without any.
#[must_use]
pub fn inherits_lints(file: &File) -> Vec<Finding> {
    let Some(manifest) = parse(file) else { return Vec::new() };
    let inherits = manifest.get(&["lints", "workspace"]).and_then(|(_, value)| value.as_bool()) == Some(true);
    if manifest.get(&["package"]).is_none() || inherits {
        return Vec::new();
    }
    vec![Finding::new(&file.path, 1, "no lints of the workspace", "`[lints]` with `workspace = true`")]
}

/// Every profile checks integers for overflow, because a wrapped index is a wrong verdict in silence.
#[must_use]
pub fn checks_overflow(file: &File) -> Vec<Finding> {
    let Some(manifest) = parse(file) else { return Vec::new() };
    let expected = "`overflow-checks = true`";
    let profiles = manifest.keys(&["profile"]);
    let mut findings = Vec::new();
    for (line, profile) in &profiles {
        let checks = manifest.get(&["profile", profile, "overflow-checks"]);
        let inherits = manifest.get(&["profile", profile, "inherits"]).is_some();
        match checks.map(|(line, value)| (line, value.as_bool())) {
            Some((_, Some(true))) => {}
            Some((line, _)) => findings.push(Finding::new(&file.path, line, "no overflow checks", expected)),
            None if inherits => {}
            None => findings.push(Finding::new(&file.path, *line, format!("[profile.{profile}] without them"), expected)),
        }
    }
    let required = ["dev", "release", "bench"].into_iter().filter(|_| manifest.get(&["workspace"]).is_some());
    let missing = required.filter(|name| profiles.iter().all(|(_, profile)| profile != name));
    findings.extend(missing.map(|name| Finding::new(&file.path, 1, format!("no [profile.{name}]"), expected)));
    findings
}

/// `cargo test` at the root runs the three crates of the product, and automation stays apart. A workspace elsewhere
/// has no members but itself.
#[must_use]
pub fn keeps_default_members(file: &File) -> Vec<Finding> {
    let Some(manifest) = parse(file).filter(|manifest| manifest.get(&["workspace"]).is_some()) else { return Vec::new() };
    if file.path != "Cargo.toml" {
        let members = manifest.get(&["workspace", "members"]).into_iter();
        let expected = "one in the workspace of the root, or none but the package itself";
        return members.map(|(line, _)| Finding::new(&file.path, line, "members of another workspace", expected)).collect();
    }
    let found: BTreeSet<_> = manifest.strings(&["workspace", "default-members"]).into_iter().collect();
    if found == BTreeSet::from(["raft", "sim", "checkers"]) {
        return Vec::new();
    }
    let line = manifest.get(&["workspace", "default-members"]).map_or(1, |(line, _)| line);
    vec![Finding::new(&file.path, line, format!("default-members {found:?}"), "raft, sim and checkers")]
}

/// Features that change what a run does are switched on by hand only, and never by a test's dependency: cargo
/// unifies features, so one such line would put planted bugs into everything that is built beside it.
#[must_use]
pub fn keeps_mutants_apart(file: &File) -> Vec<Finding> {
    const APART: [&str; 2] = ["mutants", "unordered"];
    let Some(manifest) = parse(file) else { return Vec::new() };
    let expected = "that only `--features` on the command line switches it on";
    let apart = |feature: &str| APART.iter().any(|name| feature == *name || feature.ends_with(&format!("/{name}")));
    let mut findings = Vec::new();
    for dependency in manifest.dependencies() {
        for feature in dependency.features.iter().filter(|feature| apart(feature)) {
            let found = format!("feature `{feature}` of `{}` in [{}]", dependency.package, dependency.table);
            findings.push(Finding::new(&file.path, dependency.line, found, expected));
        }
    }
    for (line, feature) in manifest.keys(&["features"]).into_iter().filter(|(_, feature)| !apart(feature)) {
        for enabled in manifest.strings(&["features", feature]).into_iter().filter(|enabled| apart(enabled)) {
            findings.push(Finding::new(&file.path, line, format!("`{enabled}` behind the feature `{feature}`"), expected));
        }
    }
    findings
}

/// No crate of ours draws from generators that no seed controls, or hashes with one: two runs of a seed would differ.
/// What others depend on is theirs; the comparison of two runs tells whether it shows.
#[must_use]
pub fn draws_from_seeds_only(file: &File) -> Vec<Finding> {
    const UNSEEDED: [&str; 4] = ["ahash", "fastrand", "getrandom", "rand"];
    let Some(manifest) = parse(file) else { return Vec::new() };
    let unseeded = manifest.dependencies().into_iter().filter(|dependency| UNSEEDED.contains(&dependency.package.as_str()));
    let found = |package: &str, table: &str| format!("`{package}` in [{table}]");
    let expected = "draws of `entropy`, or `rand_chacha` with a seed";
    unseeded.map(|one| Finding::new(&file.path, one.line, found(&one.package, &one.table), expected)).collect()
}

/// Packages come from crates.io, wherever they are fetched from: a mirror is the machine's business.
#[must_use]
pub fn names_no_registry(file: &File) -> Vec<Finding> {
    let expected = "packages of crates.io, and mirrors outside of the repository";
    let found: Vec<(usize, String)> = match file.name() {
        "Cargo.toml" => elsewhere(file),
        "Cargo.lock" => foreign_sources(file.text()),
        _ if file.path.contains(".cargo/") => replaced_sources(file),
        _ => Vec::new(),
    };
    found.into_iter().map(|(line, found)| Finding::new(&file.path, line, found, expected)).collect()
}

fn elsewhere(file: &File) -> Vec<(usize, String)> {
    let dependencies = parse(file).map(|manifest| manifest.dependencies()).unwrap_or_default();
    let elsewhere = dependencies.into_iter().filter(|dependency| dependency.elsewhere);
    elsewhere.map(|dependency| (dependency.line, format!("`{}` from elsewhere", dependency.package))).collect()
}

fn foreign_sources(lock: &str) -> Vec<(usize, String)> {
    let sources = lock.lines().enumerate().filter_map(|(number, line)| {
        let source = line.strip_prefix("source = ")?.trim_matches('"');
        Some((number + 1, source)).filter(|_| source != CRATES_IO)
    });
    sources.map(|(line, source)| (line, format!("the source `{source}`"))).collect()
}

fn replaced_sources(file: &File) -> Vec<(usize, String)> {
    let Ok(config) = Manifest::parse(file.text()) else { return vec![(1, "no TOML".to_owned())] };
    let replaced = config.keys(&[]).into_iter().filter(|(_, key)| matches!(*key, "source" | "registries" | "registry"));
    replaced.map(|(line, key)| (line, format!("[{key}]"))).collect()
}

/// Every dependency is named, with its reason, in `ARCHITECTURE.md`.
#[must_use]
pub fn dependencies_are_explained(tree: &Tree) -> Vec<Finding> {
    let Some(architecture) = tree.file("ARCHITECTURE.md") else {
        return vec![Finding::new("ARCHITECTURE.md", 1, "no such file", "the map of the code, with every dependency's reason")];
    };
    let mut seen = BTreeSet::new();
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| is_manifest(file)) {
        for dependency in parse(file).map(|manifest| manifest.dependencies()).unwrap_or_default() {
            let ours = dependency.package.starts_with("squall");
            if !ours && seen.insert(dependency.package.clone()) && !names(architecture.text(), &dependency.package) {
                let found = format!("`{}`, of which ARCHITECTURE.md says nothing", dependency.package);
                findings.push(Finding::new(&file.path, dependency.line, found, "its reason there, or no dependency"));
            }
        }
    }
    findings
}

/// Whether the text has the name as a word of its own: `ron` is not named by `environment`.
fn names(text: &str, package: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_').any(|word| word == package)
}

fn parse(file: &File) -> Option<Manifest<'_>> {
    is_manifest(file).then(|| Manifest::parse(file.text()).ok()).flatten()
}
