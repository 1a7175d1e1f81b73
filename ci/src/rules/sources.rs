//! What holds for every Rust source: how it opens, how long it is, and that nothing in it is left for later.
//!
//! Read next: `determinism` for what depends on the crate.

use crate::finding::Finding;
use crate::tokens::{closing, find, tokens};
use crate::tree::File;

/// Longer files have a missing part in them that wants a name.
pub const LINES_MAX: usize = 900;

/// Other rules see nothing in a source that cannot be split into tokens, so that is a finding.
#[must_use]
pub fn is_rust(file: &File) -> Vec<Finding> {
    if !file.has_extension("rs") {
        return Vec::new();
    }
    match &file.text {
        Ok(text) => tokens(text).err().map(|line| Finding::new(&file.path, line, "no Rust", "tokens")).into_iter().collect(),
        Err(offset) => vec![Finding::new(&file.path, 1, format!("no UTF-8 at byte {offset}"), "UTF-8")],
    }
}

/// The first line says what the file is.
#[must_use]
pub fn opens_with_doc(file: &File) -> Vec<Finding> {
    let first = file.text().lines().next().unwrap_or("");
    if !file.has_extension("rs") || first.strip_prefix("//!").is_some_and(|rest| !rest.trim().is_empty()) {
        return Vec::new();
    }
    let expected = "`//!` and what the file is, what it is not, and what to read next";
    vec![Finding::new(&file.path, 1, format!("`{first}`"), expected)]
}

/// No source is longer than [`LINES_MAX`].
#[must_use]
pub fn is_short(file: &File) -> Vec<Finding> {
    let lines = file.text().lines().count();
    if !file.has_extension("rs") || lines <= LINES_MAX {
        return Vec::new();
    }
    vec![Finding::new(&file.path, lines, format!("{lines} lines"), format!("at most {LINES_MAX}: split it by concern"))]
}

/// A test that does not run, or that passes when something panics, asserts nothing.
#[must_use]
pub fn runs_its_tests(file: &File) -> Vec<Finding> {
    if !file.has_extension("rs") {
        return Vec::new();
    }
    let tokens = tokens(file.text()).unwrap_or_default();
    let expected = "a test that runs and asserts; one for the night looks at SQUALL_NIGHTLY";
    let mut findings = Vec::new();
    for start in find(&tokens, "# [") {
        let attribute = &tokens[start..=closing(&tokens, start + 1)];
        for token in attribute.iter().filter(|token| matches!(token.text.as_str(), "ignore" | "should_panic")) {
            findings.push(Finding::new(&file.path, token.line, format!("`#[{}]`", token.text), expected));
        }
    }
    for start in find(&tokens, "with_ignored_flag") {
        findings.push(Finding::new(&file.path, tokens[start].line, "`with_ignored_flag`", expected));
    }
    findings.extend(ignored_examples(file));
    findings
}

/// Examples in documents are tests as well.
fn ignored_examples(file: &File) -> Vec<Finding> {
    let fences = file.text().lines().enumerate().filter_map(|(number, line)| {
        let doc = line.trim_start().strip_prefix("///").or_else(|| line.trim_start().strip_prefix("//!"))?;
        let words = doc.trim_start().strip_prefix("```")?;
        let bad = words.split(',').map(str::trim).find(|word| matches!(*word, "ignore" | "should_panic"))?;
        Some((number + 1, bad))
    });
    let expected = "an example that runs, or ```text";
    fences.map(|(line, bad)| Finding::new(&file.path, line, format!("```{bad}"), expected)).collect()
}

/// Nothing is called done that is not there.
#[must_use]
pub fn is_finished(file: &File) -> Vec<Finding> {
    if !file.has_extension("rs") {
        return Vec::new();
    }
    let tokens = tokens(file.text()).unwrap_or_default();
    let starts = find(&tokens, "todo|unimplemented|dbg !").into_iter();
    starts.map(|at| Finding::new(&file.path, tokens[at].line, format!("`{}!`", tokens[at].text), "finished code")).collect()
}

/// `select!` without `biased` draws its order from a source that no seed controls.
#[must_use]
pub fn selects_in_order(file: &File) -> Vec<Finding> {
    if !file.has_extension("rs") {
        return Vec::new();
    }
    let tokens = tokens(file.text()).unwrap_or_default();
    let unordered = find(&tokens, "select !").into_iter().filter(|at| {
        let opens = tokens.get(at + 2).is_some_and(|token| matches!(token.text.as_str(), "{" | "(" | "["));
        opens && tokens.get(at + 3).is_none_or(|token| token.text != "biased")
    });
    let expected = "`biased;` first: without it the order is drawn at random";
    unordered.map(|at| Finding::new(&file.path, tokens[at].line, "`select!`", expected)).collect()
}
