//! Tidy: the rules over the tree, and each rule over fixtures that break it.
//!
//! The fixtures are strings and not files, because a file that breaks a rule would be found by the rule.
//! Not here: the rules (`src/rules`).

mod code;

mod documents;

mod manifests;

mod scenarios;

mod tree;

use squall_ci::finding::Finding;
use squall_ci::tree::{File, Tree};

/// No line: the rule is content.
const NONE: [usize; 0] = [];

/// Lines on which a rule finds something in one file.
fn lines(rule: fn(&File) -> Vec<Finding>, path: &str, text: &str) -> Vec<usize> {
    let findings = rule(&File::new(path, text));
    assert!(findings.iter().all(|finding| finding.path == path && !finding.expected.is_empty()));
    findings.into_iter().map(|finding| finding.line).collect()
}

/// Findings in files that are given together, as people read them.
fn messages(rule: fn(&Tree) -> Vec<Finding>, files: &[(&str, &str)]) -> Vec<String> {
    let tree = Tree::new(files.iter().map(|(path, text)| File::new(path, text)).collect());
    rule(&tree).iter().map(ToString::to_string).collect()
}
