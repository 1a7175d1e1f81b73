//! How models put values into words.

use super::Value;
use bytes::Bytes;

/// A value that may be missing.
pub(super) fn optional(value: Option<&Bytes>) -> String {
    value.map_or_else(|| "absent".to_owned(), quoted)
}

/// A value in quotes, with what is not printable escaped.
pub(super) fn quoted(value: &Bytes) -> String {
    format!("\"{}\"", value.escape_ascii())
}

/// Several values in an order.
pub(super) fn list<'a>(values: impl IntoIterator<Item = &'a Bytes>) -> String {
    let values: Vec<_> = values.into_iter().map(quoted).collect();
    format!("[{}]", values.join(", "))
}

/// A call and its answer; the answer may be no news, as that of a write is.
pub(super) fn call(asked: &str, answer: Option<Option<String>>) -> String {
    match answer {
        None => format!("{asked} -> unknown"),
        Some(None) => asked.to_owned(),
        Some(Some(answer)) => format!("{asked} -> {answer}"),
    }
}

/// A value that may be absent, as the checker compares it.
pub(super) fn seen(value: &Option<Bytes>) -> Value<'_> {
    value.as_ref().map_or(Value::Absent, |value| Value::Bytes(value))
}
