//! Histories as files: read, written, and refused where they are none.
//!
//! Three formats, told apart by their content ([`Format::guess`]):
//!
//! - **JSONL**, one operation a line, read and written ([`jsonl`]);
//! - **EDN**, as Jepsen's `history.edn`: one map per invocation and return ([`edn`]);
//! - **Jepsen's log**, the lines that `jepsen.util` prints ([`jepsen_log`]).
//!
//! How a model's operations are called in all of them: [`spelling`]. The guide in `README.md`
//! beside this file has an example of each.
//!
//! What is refused, with file, line and column, what was found and what was expected: files
//! that are empty, cut off or not UTF-8, lines that are no operation, operations of another
//! model, values of the wrong type, returns without an invocation, a second invocation of a
//! process whose first is open, ids used twice, lines out of order, times that run backwards.
//! An invocation that never returns is no mistake but an unknown outcome.
//!
//! Nothing here opens a file: bytes come in, text goes out. Read next: [`read`], `events`.

pub mod edn;
mod error;
mod events;
pub mod jepsen_log;
pub mod jsonl;
mod names;
pub mod spelling;
mod value;

pub use error::{FormatError, Place, Wrong};
pub use names::{Judge, NAMES, UnknownModel, with_model};
pub use value::Value;

use crate::history::{History, Operation};
use error::Misplaced;
use spelling::Spelling;
use std::fmt;

/// How a history is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object per operation and line, see [`jsonl`].
    Jsonl,
    /// Maps of invocations and returns, see [`edn`].
    Edn,
    /// The log of a Jepsen test, see [`jepsen_log`].
    JepsenLog,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 3] = [Self::Jsonl, Self::Edn, Self::JepsenLog];

    /// The name, as on a command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Edn => "edn",
            Self::JepsenLog => "jepsen-log",
        }
    }

    /// The format of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// The format that a text looks like, `None` if like none.
    ///
    /// ```
    /// use squall_checkers::format::Format;
    ///
    /// assert_eq!(Format::guess("{\"i\":0,\"c\":0,\"f\":\"get\"}"), Some(Format::Jsonl));
    /// assert_eq!(Format::guess("; a comment\n[{:process 0, :type :invoke"), Some(Format::Edn));
    /// assert_eq!(Format::guess("INFO  jepsen.util - 0 :invoke :read nil"), Some(Format::JepsenLog));
    /// assert_eq!(Format::guess("Dear reader,"), None);
    /// ```
    pub fn guess(text: &str) -> Option<Self> {
        let is_beside_the_point = |line: &&str| line.is_empty() || line.starts_with(';');
        let first = text.lines().map(str::trim).find(|line| !is_beside_the_point(line))?;
        let after = |bracket: char| first.strip_prefix(bracket).map(str::trim_start);
        match after('{') {
            Some(rest) if rest.starts_with('"') => return Some(Self::Jsonl),
            Some(rest) if rest.starts_with(':') => return Some(Self::Edn),
            _ => {}
        }
        let is_edn = |rest: &str| rest.is_empty() || rest.starts_with(['{', '#', ']', ')', ';']);
        if after('[').or(after('(')).is_some_and(is_edn) || first.starts_with("#jepsen") || first.starts_with("#knossos") {
            return Some(Self::Edn);
        }
        text.contains("jepsen.util").then_some(Self::JepsenLog)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A history with what its file says beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded<I, O> {
    /// The operations, in the order of their invocations.
    pub history: History<I, O>,
    /// For each of them, its place in the order in which the system says that they took effect, if it says so.
    pub witness: Vec<Option<u64>>,
    /// For each of them, the line of its invocation.
    pub lines: Vec<usize>,
    /// How many lines or maps are no operations of clients, such as those of the nemesis.
    pub skipped: usize,
}

/// A history of a model.
pub type RecordedOf<M> = Recorded<<M as crate::model::Model>::Input, <M as crate::model::Model>::Output>;

/// Reads a history. `file` is for messages; without a format, it is guessed.
///
/// # Errors
///
/// [`FormatError`] names the first place where the file is no history of the model.
///
/// # Example: a register that forgot
///
/// ```
/// use squall_checkers::format;
/// use squall_checkers::linearizability::{Limits, Verdict, check};
/// use squall_checkers::model::register::Register;
///
/// let file = b"[{:process 0, :type :invoke, :f :write, :value 7}
///               {:process 0, :type :ok,     :f :write, :value 7}
///               {:process 1, :type :invoke, :f :read,  :value nil}
///               {:process 1, :type :ok,     :f :read,  :value nil}]";
/// let model = Register::default();
/// let recorded = format::read(&model, "history.edn", file, None)?;
/// assert!(matches!(check(&model, &recorded.history, Limits::default()), Verdict::Illegal(_)));
///
/// let error = format::read(&model, "history.edn", &file[..140], None).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "history.edn:3:15: found the end of the file inside of a map, expected `}`: is the file cut off?",
/// );
/// # Ok::<(), squall_checkers::format::FormatError>(())
/// ```
pub fn read<M: Spelling>(model: &M, file: &str, bytes: &[u8], format: Option<Format>) -> Result<RecordedOf<M>, FormatError> {
    read_text(model, bytes, format).map_err(|misplaced| misplaced.in_file(file))
}

fn read_text<M: Spelling>(model: &M, bytes: &[u8], asked_for: Option<Format>) -> Result<RecordedOf<M>, Misplaced> {
    let text = utf8(bytes)?;
    if text.trim().is_empty() {
        let found = if text.is_empty() { "an empty file" } else { "nothing but white space" };
        return Err(Wrong::new(found, "a history").at(Place::line(1)));
    }
    let guessed = Format::guess(text);
    let format = asked_for.or(guessed).ok_or_else(|| {
        Wrong::new("none of the known formats", "JSONL, EDN or Jepsen's log; a format can be asked for").at(Place::line(1))
    })?;
    let read = match format {
        Format::Jsonl => jsonl::read(model, text),
        Format::Edn => edn::read(model, text),
        Format::JepsenLog => jepsen_log::read(model, text),
    };
    read.map_err(|mut misplaced| {
        if let Some(other) = guessed.filter(|guessed| *guessed != format) {
            misplaced.wrong.found += &format!(" (the file looks like {other})");
        }
        misplaced
    })
}

/// The text, or where it is none.
fn utf8(bytes: &[u8]) -> Result<&str, Misplaced> {
    std::str::from_utf8(bytes).map_err(|error| {
        let offset = error.valid_up_to();
        let valid = String::from_utf8_lossy(&bytes[..offset]);
        let line = 1 + valid.matches('\n').count();
        let column = 1 + valid.rsplit('\n').next().map_or(0, |last| last.chars().count());
        let byte = bytes.get(offset).copied().unwrap_or_default();
        Wrong::new(format!("byte 0x{byte:02x} at byte offset {offset}"), "text in UTF-8").at(Place { line, column })
    })
}

impl<I, O> Recorded<I, O> {
    /// Checks what holds for any history, and that there is one.
    fn new(
        operations: Vec<Operation<I, O>>,
        witness: Vec<Option<u64>>,
        lines: Vec<usize>,
        skipped: usize,
    ) -> Result<Self, Misplaced> {
        use crate::history::HistoryError;
        if operations.is_empty() {
            return Err(Wrong::new("no operation", "at least one").at(Place::line(1)));
        }
        match History::new(operations) {
            Ok(history) => Ok(Self { history, witness, lines, skipped }),
            Err(HistoryError::DuplicateId { id, first_at, found_at }) => {
                let first = lines.get(first_at).copied().unwrap_or_default();
                let wrong = Wrong::new(format!("operation id {id} again"), format!("unique ids; line {first} has it"));
                Err(wrong.at(Place::line(lines.get(found_at).copied().unwrap_or_default())))
            }
            Err(HistoryError::ReturnBeforeInvocation { id, invoked_at, returned_at, .. }) => {
                let wrong = Wrong::new(format!("operation {id} returning at {returned_at}"), format!("{invoked_at} or later"));
                Err(wrong.at(Place::line(1)))
            }
        }
    }
}
