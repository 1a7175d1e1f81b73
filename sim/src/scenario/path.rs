//! Where in a value something is wrong, and what: errors of meaning before they have a position.
//!
//! Not here: lines and columns; `text.rs` finds them in the text that the value came from.

use std::fmt;

/// One step into a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Into a named field.
    Field(&'static str),
    /// Into a list's item, or an unnamed field, counted from 0.
    Item(usize),
}

/// The way to a part of a value, such as `faults[2].until`.
///
/// ```
/// use squall_sim::scenario::Path;
///
/// assert_eq!(Path::new().field("faults").item(2).field("until").to_string(), "faults[2].until");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path(Vec<Step>);

impl Path {
    /// The whole value.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Into a named field.
    #[must_use]
    pub fn field(&self, name: &'static str) -> Self {
        self.step(Step::Field(name))
    }

    /// Into a list's item or an unnamed field, counted from 0.
    #[must_use]
    pub fn item(&self, n: usize) -> Self {
        self.step(Step::Item(n))
    }

    fn step(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// The steps, outermost first.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// The innermost named field, if there is one.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        self.0.iter().rev().find_map(|step| match step {
            Step::Field(name) => Some(*name),
            Step::Item(_) => None,
        })
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, step) in self.0.iter().enumerate() {
            match step {
                Step::Field(name) if n > 0 => write!(f, ".{name}")?,
                Step::Field(name) => f.write_str(name)?,
                Step::Item(n) => write!(f, "[{n}]")?,
            }
        }
        Ok(())
    }
}

/// A value that cannot be, and what could be in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// Where it stands.
    pub path: Path,
    /// What it is.
    pub found: String,
    /// What it should be.
    pub expected: String,
}

impl Invalid {
    /// The same problem, seen from a value that holds the faulty one in this field.
    ///
    /// ```
    /// use squall_sim::scenario::{Invalid, Path};
    ///
    /// let inner = Invalid { path: Path::new().field("nodes"), found: "9".into(), expected: "from 1 to 7".into() };
    /// assert_eq!(inner.within("plan").to_string(), "plan.nodes: found 9, expected from 1 to 7");
    /// ```
    #[must_use]
    pub fn within(mut self, field: &'static str) -> Self {
        self.path.0.insert(0, Step::Field(field));
        self
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: found {}, expected {}", self.path, self.found, self.expected)
    }
}

impl std::error::Error for Invalid {}

/// Everything that is wrong with a value, in the order in which it was found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Problems(pub(crate) Vec<Invalid>);

impl Problems {
    /// Notes a problem unless the condition holds; returns whether it does.
    pub(crate) fn require(&mut self, holds: bool, path: &Path, found: impl fmt::Display, expected: impl Into<String>) -> bool {
        if !holds {
            self.0.push(Invalid { path: path.clone(), found: found.to_string(), expected: expected.into() });
        }
        holds
    }

    /// The first problem, if there is any.
    pub(crate) fn first(self) -> Result<(), Invalid> {
        self.0.into_iter().next().map_or(Ok(()), Err)
    }
}
