//! What people and programs are shown of judged histories.

use std::fmt::Write as _;

use serde::Serialize;

use super::illegal::IllegalJson;
use crate::campaign::verdict;
use crate::run::text::Seconds;

/// More lines of an explanation than this are for `--json`.
const LINES_MAX: usize = 40;

/// What is known of a history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    /// There is an order that explains it.
    #[default]
    Ok,
    /// A limit was reached before it was known.
    Unknown,
    /// There is no such order.
    Illegal,
}

impl Verdict {
    /// The worst of several.
    pub fn worst(all: impl Iterator<Item = Self>) -> Self {
        all.max().unwrap_or_default()
    }

    /// The exit code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Ok => verdict::Verdict::Pass.code(),
            Self::Unknown => verdict::Verdict::GaveUp.code(),
            Self::Illegal => verdict::Verdict::Safety.code(),
        }
    }

    /// As in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unknown => "unknown",
            Self::Illegal => "illegal",
        }
    }
}

/// The one JSON line: the worst verdict, and all files that could be judged.
#[derive(Debug, Serialize)]
pub(super) struct CheckJson<'a> {
    verdict: Verdict,
    files: &'a [&'a FileJson],
}

impl<'a> CheckJson<'a> {
    pub fn new(files: &'a [&'a FileJson]) -> Self {
        Self { verdict: Verdict::worst(files.iter().map(|file| file.verdict)), files }
    }
}

/// One file.
#[derive(Debug, Default, Serialize)]
pub(super) struct FileJson {
    pub file: String,
    pub format: &'static str,
    pub model: String,
    pub verdict: Verdict,
    pub operations: usize,
    /// Operations of unknown outcome.
    pub unknown: usize,
    /// Operations that surely had no effect.
    pub failed: usize,
    pub keys: usize,
    /// Lines that are no operations of clients.
    pub skipped: usize,
    /// How long it took to judge it, without reading it.
    pub wall_ns: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub illegal: Option<IllegalJson>,
    /// Where and why the search gave up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
}

/// One row per file.
pub(super) fn table(files: &[&FileJson]) -> String {
    let head = ["file", "model", "operations", "unknown", "failed", "keys", "time", "verdict"];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(files.iter().map(|file| row(file)));
    let mut widths = [0; 8];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut out = String::new();
    for row in &rows {
        let mut line = String::new();
        for (i, (width, cell)) in widths.iter().zip(row).enumerate() {
            let left = matches!(i, 0 | 1 | 7);
            // Writing into a string cannot fail.
            let _ = if left { write!(line, "{cell:<width$}  ") } else { write!(line, "{cell:>width$}  ") };
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

fn row(file: &FileJson) -> [String; 8] {
    [
        file.file.clone(),
        file.model.clone(),
        file.operations.to_string(),
        file.unknown.to_string(),
        file.failed.to_string(),
        file.keys.to_string(),
        Seconds(file.wall_ns).to_string(),
        file.verdict.name().to_owned(),
    ]
}

/// Why a file has no order, or why nobody knows.
pub(super) fn explanation(file: &FileJson) -> String {
    let mut out = String::new();
    if let Some(illegal) = &file.illegal {
        let at = illegal.line.map(|line| format!(":{line}:1")).unwrap_or_default();
        out += &format!("\n{}{at}: not linearizable\n", file.file);
        let lines: Vec<_> = illegal.explanation.lines().collect();
        for line in lines.iter().take(LINES_MAX) {
            out += &format!("  {line}\n");
        }
        if lines.len() > LINES_MAX {
            out += &format!("  and {} more lines, which --json has\n", lines.len() - LINES_MAX);
        }
    }
    if let Some(limit) = &file.limit {
        out += &format!("\n{}: nobody knows, because a limit was reached: {limit}\n", file.file);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_verdict_decides() {
        assert_eq!(Verdict::worst([Verdict::Ok, Verdict::Illegal, Verdict::Unknown].into_iter()).code(), 10);
        assert_eq!(Verdict::worst([Verdict::Unknown, Verdict::Ok].into_iter()).code(), 14);
        assert_eq!(Verdict::worst([Verdict::Ok].into_iter()).code(), 0);
    }

    #[test]
    fn a_long_explanation_is_cut_to_a_screen() {
        let explanation = (0..100).map(|line| format!("line {line}\n")).collect();
        let illegal = IllegalJson { operation: 7, line: Some(3), explanation, ..IllegalJson::default() };
        let file = FileJson { file: "f".to_owned(), illegal: Some(illegal), ..FileJson::default() };
        let said = super::explanation(&file);
        assert!(said.starts_with("\nf:3:1: not linearizable\n  line 0\n"), "{said}");
        assert!(said.ends_with("  line 39\n  and 60 more lines, which --json has\n"), "{said}");
    }
}
