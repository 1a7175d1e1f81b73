//! The first line, if it says something about the file.

use super::super::error::{Misplaced, Place, Wrong};
use super::super::value::Value;

/// What the file says about itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Meta {
    /// How many operations there are.
    pub ops: Option<u64>,
    /// Whether an empty string is a value like any other.
    pub empty_is_present: bool,
    /// The model's name.
    pub model: Option<String>,
}

impl Meta {
    /// What this line says; `None` if it is an operation, or wrong as one.
    pub fn parse(line: &str, number: usize) -> Result<Option<Self>, Misplaced> {
        let Ok(Value::Map(pairs)) = serde_json::from_str(line) else { return Ok(None) };
        let [(key, Value::Map(fields))] = &pairs[..] else { return Ok(None) };
        if *key != Value::text("meta") {
            return Ok(None);
        }
        let field = |name: &str| fields.iter().find(|(key, _)| *key == Value::text(name)).map(|(_, value)| value);
        let wrong = |value: &Value, expected: &str| Err(Wrong::value(value, expected).at(Place::line(number)));
        let ops = match field("ops") {
            None => None,
            Some(value) => match value {
                Value::Int(ops) if u64::try_from(*ops).is_ok() => u64::try_from(*ops).ok(),
                value => return wrong(value, "`ops`, a number of operations"),
            },
        };
        let empty_is_present = match field("absent") {
            None => false,
            Some(value) if *value == Value::text("null") => true,
            Some(value) => return wrong(value, "`absent`, which is \"null\" or left out"),
        };
        let model = match field("model") {
            None => None,
            Some(Value::Text(name)) => Some(String::from_utf8_lossy(name).into_owned()),
            Some(value) => return wrong(value, "`model`, a name"),
        };
        Ok(Some(Self { ops, empty_is_present, model }))
    }
}
