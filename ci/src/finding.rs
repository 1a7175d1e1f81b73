//! What a rule says about a line: where it is, what stands there, and what should.
//!
//! Read next: `tree` for what rules look at.

use std::fmt;

/// One place that breaks one rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Path below the root of the repository, with `/` on every platform.
    pub path: String,
    /// Line, counted from 1.
    pub line: usize,
    /// What was found.
    pub found: String,
    /// What was expected in its place, and why.
    pub expected: String,
}

impl Finding {
    /// A finding at a line of a file.
    pub fn new(path: &str, line: usize, found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, found: found.into(), expected: expected.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: found {}, expected {}", self.path, self.line, self.found, self.expected)
    }
}
