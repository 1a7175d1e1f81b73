//! A line as JSON, and serde's complaints in our words.

use super::super::error::{Misplaced, Place, Wrong};
use super::super::value::Value;
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;

/// An operation as it stands in its line.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line<'a> {
    pub i: u64,
    pub c: u64,
    #[serde(borrow)]
    pub f: Cow<'a, str>,
    #[serde(default)]
    pub k: Option<Value>,
    #[serde(default)]
    pub a: Value,
    #[serde(default)]
    pub b: Value,
    pub t0: u64,
    /// Must be there even if it is null: a missing return is not the same as a forgotten one.
    #[serde(deserialize_with = "Option::deserialize")]
    pub t1: Option<u64>,
    #[serde(default, deserialize_with = "given")]
    pub out: Option<Value>,
    #[serde(default)]
    pub fail: bool,
    #[serde(default)]
    pub w: Option<u64>,
}

/// A field that is there, null or not.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// What serde says of a line, as found and expected.
pub(super) fn reword(number: usize, error: &serde_json::Error) -> Misplaced {
    use serde_json::error::Category;
    let said = error.to_string();
    // serde_json ends its messages with a place, which is that within the line.
    let said = said.rsplit_once(" at line ").map_or(&*said, |(said, _)| said);
    let wrong = match error.classify() {
        Category::Eof => Wrong::new("the end of the line inside of an object", "a whole object: is the file cut off?"),
        Category::Syntax | Category::Io => Wrong::new(format!("no JSON ({said})"), "an operation as a JSON object"),
        Category::Data => data(said),
    };
    wrong.at(Place { line: number, column: error.column().max(1) })
}

fn data(said: &str) -> Wrong {
    let of = |prefix: &str| said.strip_prefix(prefix);
    if let Some((found, expected)) =
        of("invalid type: ").or(of("invalid value: ")).and_then(|rest| rest.split_once(", expected "))
    {
        return Wrong::new(found, expected);
    }
    if let Some(field) = of("missing field ") {
        return Wrong::new(format!("no field {field}"), "i, c, f, t0 and t1 in each operation");
    }
    if let Some((field, names)) = of("unknown field ").and_then(|rest| rest.split_once(", expected ")) {
        return Wrong::new(format!("unknown field {field}"), names);
    }
    match of("duplicate field ") {
        Some(field) => Wrong::new(format!("field {field} twice"), "it once"),
        None => Wrong::new(said, "an operation"),
    }
}
