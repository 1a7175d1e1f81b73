//! Scenarios are data: a file is embedded and tested because it is there, and no code lists it.
//!
//! Read next: `sim/build.rs`, which embeds them, and `sim/tests/scenarios.rs`, which runs them.

use std::collections::BTreeSet;

use crate::finding::Finding;
use crate::tokens::{Kind, closing, tokens};
use crate::tree::{File, Tree};

const FOLDER: &str = "sim/scenarios/";

/// So many names in one list of the product, or more than half of all in any file, are a registry by hand. A test
/// may take a sample.
const NAMES_IN_LIST: usize = 4;

/// A RON file begins with its story, because nobody understands a list of faults a year later.
#[must_use]
pub fn opens_with_story(file: &File) -> Vec<Finding> {
    if !file.has_extension("ron") {
        return Vec::new();
    }
    let first = file.text().lines().next().unwrap_or("");
    if first.strip_prefix("//").is_some_and(|story| !story.trim().is_empty()) {
        return Vec::new();
    }
    let found = match &file.text {
        Ok(_) => format!("`{}`", first.chars().take(60).collect::<String>()),
        Err(offset) => format!("no UTF-8 at byte {offset}"),
    };
    vec![Finding::new(&file.path, 1, found, "`//` and the story of the file")]
}

/// The names of the bundled scenarios: paths below the folder, without the extension.
#[must_use]
pub fn names(tree: &Tree) -> BTreeSet<&str> {
    tree.with_extension("ron").filter_map(|file| file.path.strip_prefix(FOLDER)?.strip_suffix(".ron")).collect()
}

/// No code lists scenarios: it would have to be edited for each new file, and silently skip the one that was not.
#[must_use]
pub fn are_not_listed_in_code(tree: &Tree) -> Vec<Finding> {
    let names = names(tree);
    let sources = tree.with_extension("rs").filter(|file| file.top() == "sim");
    sources.flat_map(|file| lists(file, &names)).collect()
}

fn lists(file: &File, names: &BTreeSet<&str>) -> Vec<Finding> {
    let tokens = tokens(file.text()).unwrap_or_default();
    let named = |from: usize, to: usize| -> BTreeSet<&str> {
        tokens[from..to].iter().filter_map(|token| token.string()).filter(|text| names.contains(text)).collect()
    };
    let expected = "the bundled scenarios as `sim/build.rs` finds them";
    let opens = tokens.iter().enumerate().filter(|(_, token)| token.kind == Kind::Mark && token.text == "[");
    let lists = opens.map(|(at, token)| (token.line, named(at, closing(&tokens, at)).len()));
    let is_product = file.path.starts_with("sim/src/");
    let is_registry = |count: usize| count >= NAMES_IN_LIST && (is_product || count * 2 > names.len());
    let listed = lists.filter(|(_, count)| is_registry(*count));
    let found = |count: usize| format!("a list of {count} scenarios");
    let mut findings: Vec<_> = listed.map(|(line, count)| Finding::new(&file.path, line, found(count), expected)).collect();
    let all = named(0, tokens.len()).len();
    if findings.is_empty() && all >= NAMES_IN_LIST && all * 2 > names.len() {
        findings.push(Finding::new(&file.path, 1, format!("the names of {all} scenarios"), expected));
    }
    findings
}

/// Everything in the folder is something that the build embeds, or the guide.
#[must_use]
pub fn are_found_by_the_build(tree: &Tree) -> Vec<Finding> {
    let strangers =
        tree.files.iter().filter(|file| file.path.starts_with(FOLDER) && !file.has_extension("ron") && !file.has_extension("md"));
    let expected = "scenarios (`.ron`) and their guide (`.md`): the build skips everything else";
    strangers.map(|file| Finding::new(&file.path, 1, format!("`{}`", file.name()), expected)).collect()
}

/// The table that `sim/build.rs` wrote names every scenario once, and includes the file of that name.
#[must_use]
pub fn are_embedded(tree: &Tree, table: &str) -> Vec<Finding> {
    let tokens = tokens(table).unwrap_or_default();
    let strings: Vec<&str> = tokens.iter().filter_map(|token| token.string()).collect();
    let embedded: Vec<(&str, &str)> = strings.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
    let mut findings = Vec::new();
    for name in names(tree) {
        let path = format!("{FOLDER}{name}.ron");
        let times = embedded.iter().filter(|(found, file)| *found == name && file.ends_with(&path)).count();
        if times != 1 {
            findings.push(Finding::new(&path, 1, format!("a scenario embedded {times} times"), "once, by `sim/build.rs`"));
        }
    }
    findings
}
