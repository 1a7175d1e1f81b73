//! Which crate may know which: the arrows of the design, read from manifests and from sources.
//!
//! Sources are read as well as manifests because a doc link or a fully qualified path shows what a manifest will
//! have to allow next.

use crate::finding::Finding;
use crate::manifest::Manifest;
use crate::tokens::{Kind, tokens};
use crate::tree::File;

/// Each crate, by its folder, and the crates of the workspace that it may depend on.
const ALLOWED: &[(&str, &[&str])] = &[
    ("checkers", &[]),
    // Before `raft`, in whose folder it lies: a workspace of its own, so that only a fuzzer builds it.
    ("raft/fuzz", &["squall-raft"]),
    ("raft", &[]),
    ("sim", &["squall-raft", "squall-checkers"]),
    // Before `ci`, in whose folder it lies: it measures what the product does.
    ("ci/peers", &["squall-raft", "squall-sim"]),
    ("ci", &[]),
];

/// Simulators that override libc in every binary that links them. `ci/peers` links them with `sim`, and measures a peer on one.
const ONLY_IN_SIM: &[&str] = &["madsim", "madsim-tokio", "turmoil"];

/// A manifest depends, in no table, on a crate of the workspace that it may not know.
#[must_use]
pub fn depends_on_allowed_crates(file: &File) -> Vec<Finding> {
    let Some(folder) = file.path.strip_suffix("/Cargo.toml") else { return Vec::new() };
    let manifest = match Manifest::parse(file.text()) {
        Ok(manifest) => manifest,
        Err((line, message)) => return vec![Finding::new(&file.path, line, message, "TOML")],
    };
    let Some(allowed) = allowed(folder) else {
        let expected = "a crate that the directions of `ci/src/rules/directions.rs` name";
        return vec![Finding::new(&file.path, 1, format!("the unknown crate `{folder}`"), expected)];
    };
    let forbidden = manifest.dependencies().into_iter().filter(|dependency| {
        let ours = dependency.package.starts_with("squall") || dependency.path.is_some();
        (ours && !allowed.contains(&dependency.package.as_str())) || bound_to_sim(folder, &dependency.package)
    });
    let found = |dependency: &crate::manifest::Dependency| format!("`{}` in [{}]", dependency.package, dependency.table);
    forbidden.map(|dependency| Finding::new(&file.path, dependency.line, found(&dependency), expected(folder, allowed))).collect()
}

/// A source names no crate of the workspace that its own may not know.
#[must_use]
pub fn uses_allowed_crates(file: &File) -> Vec<Finding> {
    let Some(folder) = folder(&file.path).filter(|_| file.has_extension("rs")) else { return Vec::new() };
    let Some(allowed) = allowed(folder) else { return Vec::new() };
    let own = format!("squall-{}", folder.rsplit('/').next().unwrap_or(folder));
    let tokens = tokens(file.text()).unwrap_or_default();
    let forbidden = tokens.iter().enumerate().filter(|(at, token)| {
        let package = token.text.replace('_', "-");
        let is_path = tokens.get(at + 1).is_some_and(|next| next.text == ":" || next.text == ";");
        let ours = package.starts_with("squall-") && package != own && !allowed.contains(&package.as_str());
        token.kind == Kind::Word && is_path && (ours || bound_to_sim(folder, &package))
    });
    let finding = |token: &crate::tokens::Token| {
        Finding::new(&file.path, token.line, format!("`{}`", token.text), expected(folder, allowed))
    };
    forbidden.map(|(_, token)| finding(token)).collect()
}

/// The crate that a file belongs to.
fn folder(path: &str) -> Option<&'static str> {
    let holds = |folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    ALLOWED.iter().map(|(folder, _)| *folder).find(|folder| holds(folder))
}

fn allowed(folder: &str) -> Option<&'static [&'static str]> {
    ALLOWED.iter().find(|(name, _)| *name == folder).map(|(_, allowed)| *allowed)
}

fn bound_to_sim(folder: &str, package: &str) -> bool {
    !["sim", "ci/peers"].contains(&folder) && ONLY_IN_SIM.contains(&package)
}

fn expected(folder: &str, allowed: &[&str]) -> String {
    match allowed {
        [] => format!("that `{folder}` depends on nothing in the workspace and on no simulator, tests included"),
        _ => format!("that `{folder}` depends, in the workspace, on {} only", allowed.join(" and ")),
    }
}
