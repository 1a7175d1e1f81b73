//! Links between documents lead somewhere: to a file, to a folder, to a heading.
//!
//! Not here: links in doc comments (rustdoc checks them) and to the web (which changes without us).

use std::collections::BTreeMap;

use crate::finding::Finding;
use crate::tree::{File, Tree};

/// Every relative link of every Markdown file resolves.
#[must_use]
pub fn resolve(tree: &Tree) -> Vec<Finding> {
    tree.with_extension("md").flat_map(|file| of_file(tree, file)).collect()
}

fn of_file(tree: &Tree, file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in prose(file.text()) {
        for target in targets(&line) {
            if let Some(expected) = broken(tree, file, &target) {
                findings.push(Finding::new(&file.path, number, format!("a link to `{target}`"), expected));
            }
        }
    }
    findings
}

/// What the link should lead to and does not, if it does not.
fn broken(tree: &Tree, file: &File, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let path = if path.is_empty() { Some(file.path.clone()) } else { join(folder, path) };
    let Some(path) = path else {
        return Some("a relative path inside of the repository".to_owned());
    };
    if !tree.has(&path) {
        return Some(format!("the file or folder `{path}`"));
    }
    let page = tree.file(&path).filter(|page| page.has_extension("md") && !anchor.is_empty())?;
    (!anchors(page.text()).contains(&anchor.to_owned())).then(|| format!("a heading of `{path}` that gives `#{anchor}`"))
}

fn join(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    if path.starts_with('/') {
        return None;
    }
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Lines outside of code blocks, with code spans blanked out.
fn prose(text: &str) -> Vec<(usize, String)> {
    let mut in_code = false;
    let mut lines = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let fence = line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~");
        if !fence && !in_code {
            lines.push((number + 1, without_code(line)));
        }
        in_code ^= fence;
    }
    lines
}

/// Blanks the insides of code spans. A lone backtick is text.
fn without_code(line: &str) -> String {
    let pieces: Vec<&str> = line.split('`').collect();
    let last = pieces.len() - 1;
    let kept = pieces.iter().enumerate().map(|(at, piece)| if at % 2 == 1 && at != last { "" } else { piece });
    kept.collect::<Vec<_>>().join("`")
}

/// Targets of `[text](target)`, `[text](target "title")` and `[name]: target`.
fn targets(line: &str) -> Vec<String> {
    let inline = line.match_indices("](").filter_map(|(at, mark)| {
        let rest = &line[at + mark.len()..];
        Some(&rest[..rest.find(')')?])
    });
    let reference = line.trim_start().strip_prefix('[').and_then(|rest| rest.split_once("]: ")).map(|(_, target)| target);
    let words = inline.chain(reference).filter_map(|target| target.split_whitespace().next());
    words.map(|word| word.trim_matches(['<', '>']).to_owned()).collect()
}

/// The anchors that headings give, as GitHub makes them: a second heading of the same name ends in `-1`.
fn anchors(text: &str) -> Vec<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut anchors = Vec::new();
    let mut in_code = false;
    for line in text.lines() {
        in_code ^= line.trim_start().starts_with("```");
        let title = line.trim_start_matches('#');
        if in_code || title.len() == line.len() || !title.starts_with(' ') {
            continue;
        }
        let slug = slug(title.trim());
        let times = seen.entry(slug.clone()).or_default();
        anchors.push(if *times == 0 { slug } else { format!("{slug}-{times}") });
        *times += 1;
    }
    anchors
}

fn slug(title: &str) -> String {
    let kept = title.to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}
