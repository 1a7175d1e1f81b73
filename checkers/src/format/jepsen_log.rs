//! The log of a Jepsen test: what `jepsen.util` prints for each invocation and return.
//!
//! ```text
//! INFO  jepsen.util - 2    :invoke :cas    [3 0]
//! INFO  jepsen.util - 2    :ok     :cas    [3 0]
//! INFO  jepsen.util - 4    :info   :write  :timed-out
//! ```
//!
//! Process, type, operation and value, as in [`super::edn`]. Whatever stands before
//! `jepsen.util` is not looked at; lines without it, and lines of others than numbered
//! processes, are skipped and counted.
//!
//! One thing differs: a compare-and-set that `:fail`s and repeats its value was answered "it is
//! something else", as etcd's clients log it, and that is an observation. With any other value, such
//! as `:timed-out`, it did not happen. Not here: which return belongs to which invocation (`events`).

use super::RecordedOf;
use super::edn::syntax;
use super::error::{Misplaced, Place, Wrong};
use super::events::{Event, Events, Returned};
use super::spelling::Spelling;
use super::value::Value;

/// What stands before the process.
const MARK: &str = "jepsen.util";

/// Reads a whole file.
pub(super) fn read<M: Spelling>(model: &M, text: &str) -> Result<RecordedOf<M>, Misplaced> {
    let mut events = Events::new(model);
    for (number, line) in (1..).zip(text.lines()) {
        match operation(line) {
            Some((process, rest)) => on_line(&mut events, number, process, rest)?,
            None => events.skipped += usize::from(!line.trim().is_empty()),
        }
    }
    is_whole(text)?;
    events.finish()
}

/// The process and the rest of a line that is about a client.
fn operation(line: &str) -> Option<(&str, &str)> {
    let rest = &line[line.find(MARK)? + MARK.len()..];
    let rest = rest.trim_start().strip_prefix(['-', ':']).unwrap_or(rest).trim_start();
    let process = rest.split(char::is_whitespace).next()?;
    let is_number = !process.is_empty() && process.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| (process, &rest[process.len()..]))
}

/// The last line, if nothing ends it and it is no operation, may have become one.
fn is_whole(text: &str) -> Result<(), Misplaced> {
    let last = text.lines().next_back().unwrap_or_default();
    if text.ends_with('\n') || operation(last).is_some() {
        return Ok(());
    }
    let wrong = Wrong::new("a last line without an end", "an operation, or the end of the line: is the file cut off?");
    Err(wrong.at(Place::line(text.lines().count())))
}

fn on_line<M: Spelling>(events: &mut Events<'_, M>, number: usize, process: &str, rest: &str) -> Result<(), Misplaced> {
    let place = Place::line(number);
    let wrong = |found: String, expected: &str| Err(Wrong::new(found, expected).at(place));
    let Ok(process) = process.parse() else {
        return wrong(format!("process {process}"), "a process number of 64 bits");
    };
    // Errors of a place within the rest are those of the line.
    let forms = syntax::line(rest, number).map_err(|misplaced| misplaced.wrong.at(place))?;
    let (kind, f) = match &forms[..] {
        [Value::Keyword(kind), Value::Keyword(f), ..] => (kind, f),
        [first, ..] if !matches!(first, Value::Keyword(_)) => return wrong(first.describe(), ":invoke, :ok, :fail or :info"),
        _ => return wrong("a line without an operation".to_owned(), "process, type, operation and value"),
    };
    let values = &forms[2..];
    let event = Event { process, f, key: None, value: values.first().unwrap_or(&Value::Null), place };
    match Returned::from_name(kind) {
        None if kind != "invoke" => wrong(format!("type :{kind}"), ":invoke, :ok, :fail or :info"),
        None => one(values, place).and_then(|()| events.invoke(&event)),
        Some(Returned::Ok) => one(values, place).and_then(|()| events.ret(Returned::Ok, &event)),
        Some(Returned::Fail) if values.len() == 1 && events.repeats_cas(&event) => events.ret_unmatched(&event),
        Some(returned) => events.ret(returned, &event),
    }
}

/// What was asked or answered is one value; errors may have more to say.
fn one(values: &[Value], place: Place) -> Result<(), Misplaced> {
    match values.len() {
        1 => Ok(()),
        0 => Err(Wrong::new("the end of the line", "a value: is the file cut off?").at(place)),
        more => Err(Wrong::new(format!("{more} values"), "one").at(place)),
    }
}
