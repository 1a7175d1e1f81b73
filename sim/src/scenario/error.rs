//! What is wrong with a file, in the one form that all errors about files have: `FILE:LINE:COL: found X, expected Y`.
//!
//! ron's errors are reworded here, and errors of meaning ([`super::path::Invalid`]) get their position here.
//! Not here: the position scanner, see `text.rs`.

use std::fmt;
use std::path::Path as FilePath;

use serde::de::DeserializeOwned;

use super::path::Invalid;
use super::text::{Kind, Place, Text, Token};

/// An error in a file that a person wrote or edited.
///
/// ```
/// use squall_sim::scenario::Scenario;
///
/// let text = "Scenario(\n    nodes: 5,\n    safty: \"9s\",\n)";
/// let error = Scenario::parse("storm.ron", text).unwrap_err();
/// assert_eq!((error.line, error.column), (3, 5));
/// assert!(error.to_string().starts_with("storm.ron:3:5: found unknown field `safty`, expected `safety`"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioError {
    /// The file's name, as it was given.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is there.
    pub found: String,
    /// What should be there.
    pub expected: String,
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: found {}, expected {}", self.file, self.line, self.column, self.found, self.expected)
    }
}

impl std::error::Error for ScenarioError {}

impl ScenarioError {
    /// An error about a file as a whole.
    #[must_use]
    pub fn of_file(file: impl Into<String>, found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { file: file.into(), line: 1, column: 1, found: found.into(), expected: expected.into() }
    }

    /// Gives an error of meaning its position in the text that the value was parsed from.
    ///
    /// For a value that is a field of the file's value, step into that field first: see [`Invalid::within`].
    #[must_use]
    pub fn locate(file: &str, text: &str, invalid: &Invalid) -> Self {
        let scanned = Text::new(text);
        let place = scanned.place(scanned.locate(&invalid.path));
        let found = match invalid.path.name() {
            Some(name) => format!("`{name}` {}", invalid.found),
            None => invalid.found.clone(),
        };
        Self { file: file.into(), line: place.line, column: place.column, found, expected: invalid.expected.clone() }
    }
}

/// Reads a text file.
///
/// # Errors
/// If it is missing, a directory, not readable, or not UTF-8 (with the byte's offset).
pub fn read_file(path: &FilePath) -> Result<String, ScenarioError> {
    let file = path.display().to_string();
    if path.is_dir() {
        return Err(ScenarioError::of_file(file, "a directory", "a file"));
    }
    let bytes = std::fs::read(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => ScenarioError::of_file(&*file, "no such file", "an existing file"),
        _ => ScenarioError::of_file(&*file, format!("an error when reading it ({error})"), "a readable file"),
    })?;
    utf8(&file, bytes)
}

/// Takes bytes for text.
///
/// # Errors
/// If they are not UTF-8, with the offset of the first byte that is not.
pub fn utf8(file: &str, bytes: Vec<u8>) -> Result<String, ScenarioError> {
    String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        let byte = error.as_bytes().get(offset).copied().unwrap_or_default();
        let valid = String::from_utf8_lossy(&error.as_bytes()[..offset]).into_owned();
        let Place { line, column } = Text::new(&valid).place(offset);
        let found = format!("byte 0x{byte:02x} at byte offset {offset}");
        ScenarioError { file: file.into(), line, column, found, expected: "text in UTF-8".into() }
    })
}

/// Parses a RON text into a value; `what` says in errors what the file is, for example "a scenario".
///
/// # Errors
/// With the position, what is there and what should be.
pub fn parse_ron<T: DeserializeOwned>(file: &str, text: &str, what: &str) -> Result<T, ScenarioError> {
    let scanned = Text::new(text);
    if scanned.is_empty() {
        let found = if text.is_empty() { "an empty file" } else { "nothing but white space and comments" };
        return Err(ScenarioError::of_file(file, found, what));
    }
    ron::from_str(text).map_err(|error| reword(file, &scanned, &error, what))
}

/// Where ron stopped, what is there, and what it expected.
struct Reworded {
    offset: usize,
    found: String,
    expected: String,
}

fn reword(file: &str, text: &Text<'_>, error: &ron::error::SpannedError, what: &str) -> ScenarioError {
    let spot = Spot::new(text, error);
    let Reworded { offset, found, expected } =
        spot.name(error).or_else(|| spot.value(error)).unwrap_or_else(|| spot.syntax(error, what));
    let Place { line, column } = text.place(offset);
    ScenarioError { file: file.into(), line, column, found, expected }
}

/// The surroundings of an error: ron's span, as tokens.
struct Spot<'t, 'a> {
    text: &'t Text<'a>,
    start: usize,
    end: usize,
}

impl<'t, 'a> Spot<'t, 'a> {
    fn new(text: &'t Text<'a>, error: &ron::error::SpannedError) -> Self {
        let place = |p: ron::error::Position| Place { line: p.line, column: p.col };
        Self { text, start: text.offset(place(error.span.start)), end: text.offset(place(error.span.end)) }
    }

    /// Errors about names of fields and variants.
    fn name(&self, error: &ron::error::SpannedError) -> Option<Reworded> {
        use ron::Error as E;
        let (found, expected) = match &error.code {
            E::NoSuchStructField { expected, found, outer } => {
                let of = outer.as_ref().map(|outer| format!(" of `{outer}`")).unwrap_or_default();
                (format!("unknown field `{found}`"), one_of(found, expected, &format!("a field{of}")))
            }
            E::NoSuchEnumVariant { expected, found, outer } => {
                let of = outer.as_ref().map(|outer| format!("a kind of {}", words(outer))).unwrap_or_default();
                (format!("`{found}`"), one_of(found, expected, &of))
            }
            E::DuplicateStructField { field, .. } => (format!("field `{field}` twice"), format!("one `{field}`")),
            E::MissingStructField { field, outer } => {
                let of = outer.as_ref().map(|outer| format!(" of `{outer}`")).unwrap_or_default();
                (format!("the end{of}"), format!("its field `{field}`"))
            }
            E::ExpectedDifferentStructName { expected, found } => (format!("`{found}`"), format!("`{expected}`")),
            _ => return None,
        };
        let offset = self.text.token(self.start).map_or(self.end, |token| token.start);
        Some(Reworded { offset, found, expected })
    }

    /// Errors about a single value of the wrong kind.
    fn value(&self, error: &ron::error::SpannedError) -> Option<Reworded> {
        use ron::Error as E;
        let expected = match &error.code {
            E::InvalidValueForType { expected, .. } => expected.clone(),
            E::Message(message) => message.clone(),
            E::IntegerOutOfBounds => "an integer from 0 on that is not that large".to_owned(),
            E::ExpectedDifferentLength { expected, found } => {
                let found = if *found == 1 { "one value".to_owned() } else { format!("{found} values") };
                return Some(Reworded { offset: self.start, found, expected: lengths(expected) });
            }
            _ => return None,
        };
        // ron is past a bare name when it finds that a name will not do.
        let token = if self.start == self.end { self.text.token_before(self.end) } else { self.text.token(self.start) };
        Some(self.at_token(token, expected))
    }

    /// Errors about punctuation.
    fn syntax(&self, error: &ron::error::SpannedError, what: &str) -> Reworded {
        use ron::Error as E;
        let expected = match &error.code {
            E::ExpectedArray => "`[`, the start of a list",
            E::ExpectedArrayEnd => "`]`",
            E::ExpectedBoolean => "`true` or `false`",
            E::ExpectedComma if self.in_number() => "an integer",
            E::ExpectedComma => "`,` or a closing bracket",
            E::ExpectedInteger | E::InvalidIntegerDigit { .. } | E::UnderscoreAtBeginning => "an integer",
            E::ExpectedMapColon => "`:`",
            E::ExpectedStructLike => "`(`",
            E::ExpectedNamedStructLike(name) => &format!("`{}(`", if name.is_empty() { what } else { name }),
            E::ExpectedStructLikeEnd | E::ExpectedOptionEnd => "`)`",
            E::ExpectedString => "a string in quotes",
            E::ExpectedStringEnd => return self.open_string(),
            E::ExpectedIdentifier | E::InvalidIdentifier(_) => "a name",
            E::UnclosedBlockComment | E::UnclosedLineComment => "the end of the comment `*/`",
            E::TrailingCharacters => &format!("the end of {what}"),
            E::Eof => "more text",
            E::UnexpectedChar(_) => "a value",
            E::ExceededRecursionLimit => "less nesting",
            E::InvalidEscape(_) => "a valid escape such as \\\" or \\\\",
            E::NoSuchExtension(_) => "an extension of ron",
            E::SuggestRawIdentifier(name) => &format!("the raw name `r#{name}`"),
            other => &other.to_string(),
        };
        self.at_token(self.text.token(self.end), expected.to_owned())
    }

    /// Whether ron stopped within a number: it read an integer, and the rest of a decimal or a unit follows.
    fn in_number(&self) -> bool {
        self.text.token(self.end).is_some_and(|token| token.kind == Kind::Number && token.start < self.end)
    }

    fn open_string(&self) -> Reworded {
        let offset = self.text.token(self.start.saturating_sub(1)).map_or(self.start, |token| token.start);
        Reworded { offset, found: "a string without end".into(), expected: "a closing quote".into() }
    }

    fn at_token(&self, token: Option<Token>, expected: String) -> Reworded {
        match token {
            Some(token) => Reworded { offset: token.start, found: format!("`{}`", self.text.show(token)), expected },
            None => Reworded { offset: self.text.end(), found: "the end of the file".into(), expected },
        }
    }
}

/// The nearest name if one is close, else all of them.
fn one_of(found: &str, names: &[&str], what: &str) -> String {
    let list: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    let space = if what.is_empty() { "" } else { ": " };
    match nearest(found, names.iter().copied()) {
        Some(near) => format!("`{near}` ({what}{space}{})", list.join(", ")),
        None if list.is_empty() => "no fields at all".to_owned(),
        None => format!("{what}{space}{}", list.join(", ")),
    }
}

/// What people call the variants of a type.
fn words(name: &str) -> String {
    match name {
        "What" => "fault".into(),
        "When" => "trigger".into(),
        "Op" => "operation".into(),
        "Ends" => "end".into(),
        "Expect" => "verdict".into(),
        "Expected" => "expectation".into(),
        _ => name.to_lowercase(),
    }
}

/// "tuple variant When::Between with 2 elements", without the words of Rust.
fn lengths(expected: &str) -> String {
    let text = expected.replace("tuple variant ", "").replace("elements", "values");
    text.split_once("::").map_or(text.clone(), |(_, variant)| variant.to_owned())
}

/// ", did you mean ..?" if a known name is close to what was written; else nothing.
pub(crate) fn suggest<'n>(found: &str, names: impl Iterator<Item = &'n str>) -> String {
    nearest(found, names).map(|near| format!("; did you mean \"{near}\"?")).unwrap_or_default()
}

/// The known name that is fewest edits away, if those are few for its length.
pub(crate) fn nearest<'n>(found: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let found: String = found.chars().take(64).flat_map(char::to_lowercase).collect();
    names
        .map(|name| (edits(&found, &name.to_lowercase()), name))
        .filter(|(edits, name)| *edits <= name.len().div_ceil(3).min(3))
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, name)| name)
}

/// Levenshtein distance.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
