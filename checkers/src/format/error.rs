//! What is wrong with a history's file, in one form: `FILE:LINE:COLUMN: found X, expected Y`.

use super::value::Value;

/// Where something stands in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl Place {
    /// The beginning of a line.
    pub(super) const fn line(line: usize) -> Self {
        Self { line, column: 1 }
    }
}

/// Why a file is no history.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{}:{}: found {found}, expected {expected}", .place.line, .place.column)]
pub struct FormatError {
    /// The file's name, as it was given.
    pub file: String,
    /// Where in it.
    pub place: Place,
    /// What is there.
    pub found: String,
    /// What should be there.
    pub expected: String,
}

/// What is wrong, before it is known where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// What is there.
    pub found: String,
    /// What should be there.
    pub expected: String,
}

impl Wrong {
    /// What is there, and what should be.
    pub fn new(found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { found: found.into(), expected: expected.into() }
    }

    /// A value of the wrong kind.
    pub fn value(found: &Value, expected: impl Into<String>) -> Self {
        Self::new(found.describe(), expected)
    }

    /// The same, at a place.
    pub(super) fn at(self, place: Place) -> Misplaced {
        Misplaced { place, wrong: self }
    }
}

/// What is wrong and where, before the file has a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Misplaced {
    pub place: Place,
    pub wrong: Wrong,
}

impl Misplaced {
    pub(super) fn in_file(self, file: &str) -> FormatError {
        let Self { place, wrong: Wrong { found, expected } } = self;
        FormatError { file: file.to_owned(), place, found, expected }
    }
}
