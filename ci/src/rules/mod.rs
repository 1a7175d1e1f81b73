//! The rules, and the list of them.
//!
//! A new rule is a function here and a fixture in `tests/tidy` that it refuses. Not here: rules that clippy and
//! rustc have already (`clippy.toml`, the workspace's lints); where both look, it is because an `expect` can
//! silence the one and only a change of this crate the other.

use crate::finding::Finding;
use crate::tree::{File, Tree};

pub mod sources;

pub mod determinism;

pub mod directions;

pub mod manifests;

pub mod modules;

pub mod scenarios;

pub mod text;

pub mod links;

pub mod workflows;

/// Looks at one file, whatever it is; of no interest to the rule means no finding.
type FileRule = fn(&File) -> Vec<Finding>;

/// Looks at the files together.
type TreeRule = fn(&Tree) -> Vec<Finding>;

const FILE_RULES: &[FileRule] = &[
    sources::is_rust,
    sources::opens_with_doc,
    sources::is_short,
    sources::runs_its_tests,
    sources::is_finished,
    sources::selects_in_order,
    determinism::is_deterministic,
    determinism::has_no_floats,
    directions::uses_allowed_crates,
    directions::depends_on_allowed_crates,
    manifests::inherits_lints,
    manifests::checks_overflow,
    manifests::keeps_default_members,
    manifests::keeps_mutants_apart,
    manifests::draws_from_seeds_only,
    manifests::names_no_registry,
    scenarios::opens_with_story,
    text::has_no_machine_path,
    text::has_no_registry_host,
    text::builds_no_bare_workspace,
    workflows::only_calls_the_script,
];

const TREE_RULES: &[TreeRule] = &[
    determinism::has_no_stale_edges,
    manifests::dependencies_are_explained,
    modules::have_one_form,
    scenarios::are_not_listed_in_code,
    scenarios::are_found_by_the_build,
    links::resolve,
];

/// Every finding of every rule, by path and line.
#[must_use]
pub fn check(tree: &Tree) -> Vec<Finding> {
    let of_files = tree.files.iter().flat_map(|file| FILE_RULES.iter().flat_map(move |rule| rule(file)));
    let mut findings: Vec<_> = of_files.chain(TREE_RULES.iter().flat_map(|rule| rule(tree))).collect();
    findings.sort();
    findings
}
